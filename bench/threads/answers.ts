import { parentPort, workerData } from 'node:worker_threads'
import { primitives } from '../evidence/answer.js'

/** Evidences of walks of `steps` steps. */
export interface BareAnswers {
  evidences: Uint8Array[]
  steps: number
  next: Int32Array
}

// What checking an answer needs of primitives, and nothing else.
const { evidences, steps, next } = workerData as BareAnswers
const runs = evidences.map((evidence) => primitives(evidence, steps))

parentPort!.on('message', (total: number) => {
  for (let i = Atomics.add(next, 0, 1); i < total; i = Atomics.add(next, 0, 1)) {
    runs[i % runs.length]!()
  }
  parentPort!.postMessage('done')
})
parentPort!.postMessage('ready')
