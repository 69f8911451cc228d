import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CALLS, TASKS_PER_CALL } from '../../src/chain/evidence/answers.js'
import type { VerifyTask } from '../../src/evidence/tasks.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { Engine } from '../../src/engine/engine.js'
import { BODY_BYTES, answerOf } from '../evidence/answer.js'
import type { Suite } from '../harness.js'
import type { BareAnswers } from '../threads/answers.js'
import type { Tasks } from '../../workers/tasks.js'

/** k of an hourly walk. */
const STEPS = 9
/** Different challenges: together more than any cache holds. */
const ANSWERS = 256
const RUN_ANSWERS = 16_384

/** Checking answers to storage challenges on worker threads, beside the primitives that it cannot do without. */
export const answers: Suite = async ({ cores, compare }) => {
  const threads = Math.min(2, cores)
  const { tasks, evidences } = await answersOfCopy()
  const engine = new Engine<Tasks>({ threads })
  const next = new Int32Array(new SharedArrayBuffer(4))
  const workerData: BareAnswers = { evidences, steps: STEPS, next }
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('../threads/answers.js', import.meta.url), { workerData })
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))

  // As the chain has them checked: so many answers a call, so many calls at a time.
  const subject = async (): Promise<void> => {
    let from = 0
    const calls = async (): Promise<void> => {
      while (from < RUN_ANSWERS) {
        const batch = Array.from({ length: TASKS_PER_CALL }, (_, i) => tasks[(from + i) % ANSWERS]!)
        from += TASKS_PER_CALL
        for (const verdict of await engine.call('verify-evidence', batch)) {
          if (!verdict.ok) throw new Error(verdict.code)
        }
      }
    }
    await Promise.all(Array.from({ length: CALLS }, calls))
  }
  const bare = async (): Promise<void> => {
    Atomics.store(next, 0, 0)
    const done = workers.map((worker) => once(worker, 'message'))
    for (const worker of workers) worker.postMessage(RUN_ANSWERS)
    await Promise.all(done)
  }
  const work = { chunks: RUN_ANSWERS * STEPS, operations: RUN_ANSWERS }
  await compare({
    suite: 'chain',
    chunkBytes: BODY_BYTES,
    threads,
    contenders: [
      { name: `verify storage answer, k = ${STEPS}`, role: 'subject', run: subject, ...work },
      { name: 'bare primitives', role: 'ceiling', run: bare, ...work }
    ]
  })
  await engine.close()
  await Promise.all(workers.map((worker) => worker.terminate()))
}

/** Real answers to challenges of a copy of 1.1 TB, in shared memory as the chain receives them. */
async function answersOfCopy(): Promise<{ tasks: VerifyTask[]; evidences: Uint8Array[] }> {
  const body = randomBytes(BODY_BYTES)
  const tasks: VerifyTask[] = []
  for (let n = 0; n < ANSWERS; n++) {
    const { challenge, evidence, lastState } = await answerOf(body, STEPS)
    const memory = new Uint8Array(new SharedArrayBuffer(evidence.byteLength))
    memory.set(evidence)
    // Of memory of its own, like what the ledger reads: threads are sent all of the memory that a view is of.
    const own = { ...challenge, seed: new Uint8Array(challenge.seed) }
    tasks.push({ challenge: own, lastState: new Uint8Array(lastState), evidence: { memory } })
  }
  return { tasks, evidences: tasks.map(({ evidence }) => ('memory' in evidence ? evidence.memory : body)) }
}
