import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { OverdueDraws } from '../../src/roles/overdue-draws.js'

const GRACE_MS = 1_000

interface Watch {
  stopped: number[]
  look: (open: number[], working: number[]) => void
}

function watch(t: TestContext): Watch {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const draws = new OverdueDraws(GRACE_MS)
  const stopped: number[] = []
  return {
    stopped,
    look: (open, working) => draws.look(new Set(open), new Set(working), (draw) => stopped.push(draw))
  }
}

test('work on a draw that is over is ended once it had time to end by itself', (t) => {
  const { look, stopped } = watch(t)
  look([1], [1, 2])
  mock.timers.tick(GRACE_MS - 1)
  assert.deepEqual(stopped, [])
  mock.timers.tick(1)
  assert.deepEqual(stopped, [2])
})

test('looking again does not give it more time', (t) => {
  const { look, stopped } = watch(t)
  look([], [2])
  mock.timers.tick(GRACE_MS / 2)
  look([], [2])
  mock.timers.tick(GRACE_MS / 2)
  assert.deepEqual(stopped, [2])
})

test('a draw that turns out to be open, or whose work has ended, is left alone', (t) => {
  const { look, stopped } = watch(t)
  look([], [1, 2])
  look([1], [1])
  mock.timers.tick(2 * GRACE_MS)
  assert.deepEqual(stopped, [])
})
