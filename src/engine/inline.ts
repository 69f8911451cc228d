import { EngineError } from '../errors.js'
import { closedError, type Executor } from './executor.js'
import {
  fromPlainError,
  type InputOf,
  type OutputOf,
  type TaskFunction,
  type TaskOutcome,
  type TaskRequest
} from './messages.js'
import { Slab } from './slab.js'

/** Tasks by name, as workers/inline.ts has them. Each takes an input of its own type. */
export type TaskTable = Record<string, TaskFunction<never, unknown>>

/**
 * Does tasks in this thread, one after the other in the order of asking; with the results and errors that worker
 * threads give, since all that crosses is copied as it is there. Nothing here waits for anything but the tasks:
 * for tests on a virtual clock, and for simulations that must come out the same each time.
 */
export class InlineExecutor implements Executor {
  readonly threads = 1
  readonly #tasks: TaskTable
  readonly #memory: readonly SharedArrayBuffer[]
  readonly #slabs: Slab[] = []
  readonly #signal: AbortSignal | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  /**
   * @param memory of the slabs that tasks are about
   * @param signal its owner's: nothing begins once the owner closes, which is sooner than its turn to close this
   */
  constructor(tasks: TaskTable, memory: readonly SharedArrayBuffer[], signal?: AbortSignal) {
    this.#tasks = tasks
    this.#memory = memory
    this.#signal = signal
  }

  async call<N extends string>(name: N, input: InputOf<N>): Promise<OutputOf<N>> {
    this.#throwIfClosed()
    // Copied at once, as for a thread: the caller may use its memory again.
    const request = structuredClone({ input, stage: new Int32Array(1) })
    const done = this.#last.then(() => this.#run(name, request))
    this.#last = done.catch(() => {})
    const outcome = await done
    if ('error' in outcome) throw fromPlainError(outcome.error)
    return outcome.value as OutputOf<N>
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last
  }

  async #run(name: string, request: TaskRequest<unknown>): Promise<TaskOutcome<unknown>> {
    this.#throwIfClosed()
    const task = this.#tasks[name]
    if (!task) throw new EngineError('ENGINE_WORKERS', `there is no ${name} task in this thread`)
    return structuredClone(await task(request as TaskRequest<never>, (number) => this.#slabOf(number)))
  }

  #throwIfClosed(): void {
    if (this.#closed || this.#signal?.aborted) throw closedError()
  }

  #slabOf(number: number): Slab {
    return (this.#slabs[number] ??= new Slab(this.#memory[number]!, number))
  }
}
