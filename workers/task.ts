import { threadId, workerData } from 'node:worker_threads'
import { ENDED, begunOn, toPlainError, type TaskFunction } from '../src/engine/messages.js'
import { Slab } from '../src/engine/slab.js'
import type { Tasks } from './tasks.js'

/** The memory of the engine's slabs, which this worker was started with. */
const memory = workerData as readonly SharedArrayBuffer[]
const slabs: Slab[] = []

/** The slab of that number. Made once: making views of shared memory costs more than a small task. */
export function slabOf(number: number): Slab {
  return (slabs[number] ??= new Slab(memory[number]!, number))
}

/**
 * Makes the default export of a file in workers/. The wrapped function may throw: the caller of `Engine.call`
 * gets the same error. It takes its input and a function that finds the slab of a number.
 */
export function workerTask<N extends keyof Tasks>(
  run: (
    input: Tasks[N]['input'],
    slabs: (number: number) => Slab
  ) => Tasks[N]['output'] | Promise<Tasks[N]['output']>
): TaskFunction<Tasks[N]['input'], Tasks[N]['output']> {
  return async ({ input, stage }, slabs = slabOf) => {
    const word = typeof stage === 'number' ? slabs(stage).stage : stage
    Atomics.store(word, 0, begunOn(threadId))
    try {
      const value = run(input, slabs)
      // Without an await where there is nothing to wait for: another task's fault must not fall in between.
      return { value: value instanceof Promise ? await value : value }
    } catch (error) {
      return { error: toPlainError(error) }
    } finally {
      Atomics.store(word, 0, ENDED)
    }
  }
}
