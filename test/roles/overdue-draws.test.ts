import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OverdueDraws } from '../../src/roles/overdue-draws.js'
import { VirtualClock } from '../helpers/virtual-clock.js'

const GRACE_MS = 1_000

interface Watch {
  stopped: number[]
  clock: VirtualClock
  close: () => void
  look: (open: number[], working: number[]) => void
}

function watch(): Watch {
  const clock = new VirtualClock()
  const draws = new OverdueDraws(clock, GRACE_MS)
  const stopped: number[] = []
  return {
    stopped,
    clock,
    close: () => draws.close(),
    look: (open, working) => draws.look(new Set(open), new Set(working), (draw) => stopped.push(draw))
  }
}

test('work on a draw that is over is ended once it had time to end by itself', async () => {
  const { clock, look, stopped } = watch()
  look([1], [1, 2])
  await clock.advance(GRACE_MS - 1)
  assert.deepEqual(stopped, [])
  await clock.advance(1)
  assert.deepEqual(stopped, [2])
})

test('looking again does not give it more time', async () => {
  const { clock, look, stopped } = watch()
  look([], [2])
  await clock.advance(GRACE_MS / 2)
  look([], [2])
  await clock.advance(GRACE_MS / 2)
  assert.deepEqual(stopped, [2])
})

test('a draw that turns out to be open, or whose work has ended, is left alone', async () => {
  const { clock, look, stopped } = watch()
  look([], [1, 2])
  look([1], [1])
  await clock.advance(2 * GRACE_MS)
  assert.deepEqual(stopped, [])
})

test('once it is closed nothing is ended, and no timer waits', async () => {
  const { clock, close, look, stopped } = watch()
  look([], [1, 2])
  assert.equal(clock.pending, 2)
  close()
  assert.equal(clock.pending, 0)
  await clock.advance(2 * GRACE_MS)
  assert.deepEqual(stopped, [])
})
