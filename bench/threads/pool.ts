import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { chunkAt, type Chunks } from '../data.js'
import type { Work } from './work.js'

const BLOCK_BYTES = 1024 * 1024
/** Chunks under way to each thread of `singles`: enough that it never waits. */
const WINDOW = 8

/** Threads without anything around them. */
export interface Threads {
  /** Does `total` chunks. */
  run: (total: number) => Promise<void>
  close: () => Promise<void>
}

/** Threads that go through `work` in a bare loop. */
export async function loops(threads: number, work: Work): Promise<Threads> {
  const next = new Int32Array(new SharedArrayBuffer(4))
  const blockChunks = Math.max(1, Math.floor(BLOCK_BYTES / work.chunkBytes))
  const workers = await start(threads, './loop.js', { work, next, blockChunks })
  return {
    async run(total) {
      Atomics.store(next, 0, 0)
      const done = workers.map((worker) => once(worker, 'message'))
      for (const worker of workers) worker.postMessage(total)
      await Promise.all(done)
    },
    close: () => close(workers)
  }
}

/** Threads that get and give one chunk a message. */
export async function singles(
  threads: number,
  job: 'encode' | 'decode',
  segment: SegmentSecret,
  chunks: Chunks
): Promise<Threads> {
  const workers = await start(threads, './single.js', { segment, job })
  return {
    run: (total) =>
      new Promise((resolve) => {
        let sent = 0
        let done = 0
        const send = (worker: Worker) => {
          if (sent === total) return
          const bytes = new Uint8Array(chunkAt(chunks, sent))
          worker.postMessage({ index: sent++ % chunks.count, bytes }, [bytes.buffer])
        }
        for (const worker of workers) {
          worker.removeAllListeners('message')
          worker.on('message', () => {
            send(worker)
            if (++done === total) resolve()
          })
          for (let i = 0; i < WINDOW; i++) send(worker)
        }
      }),
    close: () => close(workers)
  }
}

async function start(threads: number, file: string, workerData: object): Promise<Worker[]> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(file, import.meta.url), { workerData })
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  return workers
}

async function close(workers: Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.terminate()))
}
