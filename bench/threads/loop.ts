import { parentPort, workerData } from 'node:worker_threads'
import { workOf, type Work } from './work.js'

// A thread that goes through its work in a loop, sharing the chunks with its siblings block by block.
const { work, next, blockChunks } = workerData as { work: Work; next: Int32Array; blockChunks: number }
const run = workOf(work)

parentPort!.on('message', (total: number) => {
  for (;;) {
    const from = Atomics.add(next, 0, blockChunks)
    if (from >= total) break
    run(from, Math.min(total, from + blockChunks))
  }
  parentPort!.postMessage('done')
})
parentPort!.postMessage('ready')
