import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Engine } from '../../src/engine/engine.js'
import { EngineError } from '../../src/errors.js'
import { judgesOnWorkers } from '../../src/evidence/on-workers.js'
import type { VerifyAnswers, VerifyTask } from '../../src/evidence/tasks.js'
import type { Tasks } from '../../workers/tasks.js'
import { closeAfter } from '../helpers/close-after.js'

const ENDLESS = 0xee
const DEADLY = 0xdd

/** Real threads, of which some evidence gets no end. */
function endlessEngine(t: TestContext, threads = 1): Engine<Tasks> {
  const engine = new Engine<Tasks>({ threads, workers: new URL('../engine/endless/', import.meta.url) })
  closeAfter(t, () => engine.close())
  return engine
}

function verifyOn(engine: Engine<Tasks>): VerifyAnswers {
  const never = (): Promise<never> => Promise.reject(new Error('not asked for here'))
  const verify = (tasks: VerifyTask[], limits: { timeoutMs: number }) =>
    engine.call('verify-evidence', tasks, limits)
  return judgesOnWorkers({ verify, judge: never, judgeOpening: never }, 1_000).verify
}

function taskOf(first: number): VerifyTask {
  const memory = new Uint8Array(new SharedArrayBuffer(1))
  memory[0] = first
  return {
    challenge: { seed: Buffer.alloc(32), steps: 1, segments: [] },
    lastState: Buffer.alloc(32),
    evidence: { memory }
  }
}

const said = (verdicts: Awaited<ReturnType<VerifyAnswers>>): unknown[] =>
  verdicts.map((verdict) => (verdict instanceof EngineError ? verdict.code : [...verdict.hash]))

test('a task that never ends is given up after its time, and its thread replaced', async (t) => {
  const engine = endlessEngine(t)
  const tasks = [taskOf(ENDLESS)]
  await assert.rejects(engine.call('verify-evidence', tasks, { timeoutMs: 500 }), { code: 'ENGINE_TIMEOUT' })
  assert.equal((await engine.call('verify-evidence', [taskOf(1)])).length, 1)
  await assert.rejects(engine.call('verify-evidence', tasks, { timeoutMs: 500 }), { code: 'ENGINE_TIMEOUT' })
})

test('what waited behind a task that never ends is done by the thread that comes after', async (t) => {
  const engine = endlessEngine(t)
  const endless = engine.call('verify-evidence', [taskOf(ENDLESS)], { timeoutMs: 500 })
  const behind = [1, 2, 3, 4].map((first) =>
    engine.call('verify-evidence', [taskOf(first)], { timeoutMs: 60_000 })
  )
  await assert.rejects(endless, { code: 'ENGINE_TIMEOUT' })
  assert.deepEqual(said((await Promise.all(behind)).flat()), [[1], [2], [3], [4]])
})

test('an evidence that gets no end, or kills its thread, has no verdict, and those beside it have theirs', async (t) => {
  const verify = verifyOn(endlessEngine(t, 2))
  assert.deepEqual(said(await verify([taskOf(1), taskOf(ENDLESS), taskOf(2)])), [[1], 'ENGINE_TIMEOUT', [2]])
  assert.deepEqual(said(await verify([taskOf(DEADLY), taskOf(3)])), ['ENGINE_CRASH', [3]])
  assert.deepEqual(said(await verify([taskOf(ENDLESS)])), ['ENGINE_TIMEOUT'])
})

test('an engine is closed while a task never ends', async () => {
  const engine = new Engine<Tasks>({ threads: 1, workers: new URL('../engine/endless/', import.meta.url) })
  const endless = assert.rejects(engine.call('verify-evidence', [taskOf(ENDLESS)]), { code: 'ENGINE_CLOSED' })
  await engine.ready()
  await engine.close()
  await endless
})
