import { threadId } from 'node:worker_threads'
import { begunOn, type SlabResult, type SlabTask, type TaskRequest } from '../../../src/engine/messages.js'
import slab from '../../../workers/slab.js'
import { slabOf } from '../../../workers/task.js'

/**
 * The real task, on workers that die: the first byte of the seed says how often, the second how. A slab's last
 * word, which no test's chunks reach, counts the tries.
 */
export default async function faulty(
  request: TaskRequest<SlabTask>
): Promise<{ value: SlabResult } | object> {
  const { seed, slab: number } = request.input
  const { data, stage } = slabOf(number)
  const { buffer } = data
  const tries = new Int32Array(buffer, buffer.byteLength - 4, 1)
  if (Atomics.add(tries, 0, 1) < (seed[0] ?? 0)) {
    Atomics.store(stage, 0, begunOn(threadId))
    new Uint8Array(buffer, Math.floor(buffer.byteLength / 3), 100_000).fill(0xee)
    if (seed[1] === 1) process.exit(7)
    process.nextTick(() => {
      throw new Error('a fault made by the test')
    })
    await new Promise(() => {})
  }
  Atomics.store(tries, 0, 0)
  return slab(request)
}
