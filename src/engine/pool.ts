import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { systemClock } from '../clock.js'
import { EngineError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { closedError, type Executor, type TaskOptions } from './executor.js'
import {
  WAITING,
  fromPlainError,
  threadOf,
  type InputOf,
  type OutputOf,
  type TaskOutcome,
  type TaskRequest
} from './messages.js'

/** Tasks that may wait in a worker's own queue, so that it never idles for the length of a message. */
const TASKS_PER_WORKER = 2
/** What makes a thread the last that the system runs. */
const LEAST_NICE = 19
/** How often a task may have begun on a worker that then crashed, before it is given up. */
const MOST_CRASHES = 2
/** How often a task is handed out at all: it may wait, or have ended unheard, where another one crashes. */
const MOST_TRIES = 8
/** Far longer than any task takes, on any machine. */
const TASK_MS = 600_000
/** How often it is looked at what threads are at. A machine that stood still has not looked, and holds it against nobody. */
const LOOK_MS = 250

/** A task that is handed out. */
interface Watched {
  readonly stage: Int32Array
  readonly timeoutMs: number
  /** How long it was seen in hand. */
  seenMs: number
  overdue: boolean
}

type Pool = Piscina<TaskRequest<unknown>, TaskOutcome<unknown>>

/**
 * Worker threads that do tasks of workers/. A worker that crashes is replaced, and what it was doing is done
 * once more on another; tasks that only waited there are not counted as tried. A worker that does not come to the end of a task in
 * its time is replaced too, and the task given up.
 */
export class WorkerPool extends Resource implements Executor {
  readonly threads: number
  readonly #folder: URL
  readonly #memory: readonly SharedArrayBuffer[]
  readonly #files = new Map<string, string>()
  #pool: Pool | undefined
  /** One thread, for tasks that nobody waits for. */
  #idle: Pool | undefined
  readonly #waiting = new Set<(error: EngineError) => void>()
  readonly #watched = new Set<Watched>()
  #looking = false

  /**
   * @param folder where the tasks' files are
   * @param memory of the slabs that tasks are about
   */
  constructor(threads: number, folder: URL, memory: readonly SharedArrayBuffer[]) {
    super()
    this.threads = threads
    this.#memory = memory
    this.#folder = folder
    this.owe('threads', async () => {
      await Promise.all([this.#pool?.destroy(), this.#idle?.destroy()])
      this.#failAll(closedError())
    })
  }

  /** Threads are started by the first task. */
  protected start(): Promise<void> {
    return Promise.resolve()
  }

  /** Begins with the first workers, and goes on whoever replaces them. */
  #lookAtThreads(): void {
    if (this.#looking) return
    this.#looking = true
    // Threads run in the machine's time, whatever the time of those who use them.
    const looking = systemClock.every(LOOK_MS, () => this.#look()).unref()
    this.owe('looks at threads', () => looking.cancel())
  }

  /** Ends threads that have been at one task for too long. The pool replaces them, as it does when they crash. */
  #look(): void {
    for (const task of this.#watched) {
      const thread = threadOf(Atomics.load(task.stage, 0))
      if (thread === null) continue
      task.seenMs += LOOK_MS
      if (task.seenMs < task.timeoutMs || task.overdue) continue
      task.overdue = true
      void this.#pool?.threads.find(({ threadId }) => threadId === thread)?.terminate()
    }
  }

  /** Tasks that are not done when it closes fail with it. */
  protected override closedError(): EngineError {
    return closedError()
  }

  /**
   * Does one task.
   *
   * @throws the error that the task threw; EngineError `ENGINE_CRASH` if the worker crashed on it twice, with
   *   the crash as cause; `ENGINE_TIMEOUT`; `ENGINE_CLOSED`; `ENGINE_WORKERS` if workers cannot be started
   */
  async call<N extends string>(
    name: N,
    input: InputOf<N>,
    { again, slab, idle = false, timeoutMs = idle ? Infinity : TASK_MS }: TaskOptions = {}
  ): Promise<OutputOf<N>> {
    const stage = slab?.stage ?? new Int32Array(new SharedArrayBuffer(4))
    for (let tries = 1, crashes = 0; ; tries++) {
      Atomics.store(stage, 0, WAITING)
      const watched: Watched = { stage, timeoutMs, seenMs: 0, overdue: false }
      this.#watched.add(watched)
      const request = { input, stage: slab?.number ?? stage }
      const outcome = await this.#run(name, request, idle).finally(() => this.#watched.delete(watched))
      if (!('crash' in outcome)) {
        if ('error' in outcome) throw fromPlainError(outcome.error)
        return outcome.value as OutputOf<N>
      }
      this.signal.throwIfAborted()
      const { crash: cause } = outcome
      if (watched.overdue) {
        throw new EngineError(
          'ENGINE_TIMEOUT',
          `a ${name} task did not come to its end within ${timeoutMs} ms`
        )
      }
      if (threadOf(Atomics.load(stage, 0)) !== null) crashes++
      if (crashes === MOST_CRASHES) {
        throw new EngineError('ENGINE_CRASH', `a worker crashed twice on a ${name} task`, { cause })
      }
      if (tries === MOST_TRIES) {
        throw new EngineError('ENGINE_WORKERS', `no worker could do a ${name} task`, { cause })
      }
      again?.()
    }
  }

  async #run(
    name: string,
    request: TaskRequest<unknown>,
    idle: boolean
  ): Promise<TaskOutcome<unknown> | { crash: unknown }> {
    this.signal.throwIfAborted()
    const pool = idle ? (this.#idle ??= this.#startIdle()) : (this.#pool ??= this.#start())
    const filename = this.#fileOf(name)
    let fail: ((error: EngineError) => void) | undefined
    try {
      return await new Promise((resolve, reject) => {
        fail = reject
        this.#waiting.add(reject)
        pool.run(request, { filename }).then(
          (outcome) => resolve(outcome),
          (crash: unknown) => resolve({ crash })
        )
      })
    } finally {
      this.#waiting.delete(fail!)
    }
  }

  /** A task's file; made out once, since tasks are many. */
  #fileOf(name: string): string {
    let file = this.#files.get(name)
    if (file === undefined) {
      file = fileURLToPath(new URL(`${name}.js`, this.#folder))
      this.#files.set(name, file)
    }
    return file
  }

  #start(): Pool {
    const pool: Pool = new Piscina({
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: TASKS_PER_WORKER,
      workerData: this.#memory,
      recordTiming: false,
      workerHistogram: false
    })
    this.#lookAtThreads()
    // A worker that dies without a task is reported here. The pool gives up starting workers once one fails
    // while it starts, and would then keep tasks waiting for ever.
    pool.on('error', (cause) => {
      if (pool.threads.length > 0) return
      this.#pool = undefined
      void pool.destroy()
      this.#failAll(new EngineError('ENGINE_WORKERS', 'the worker threads cannot be started', { cause }))
    })
    return pool
  }

  #startIdle(): Pool {
    const pool: Pool = new Piscina({
      minThreads: 1,
      maxThreads: 1,
      niceIncrement: LEAST_NICE,
      workerData: this.#memory,
      recordTiming: false,
      workerHistogram: false
    })
    // Who asked hears of a crash by its task; where no thread can be started, the next task tries it again.
    pool.on('error', () => {
      if (pool.threads.length > 0) return
      this.#idle = undefined
      void pool.destroy()
    })
    return pool
  }

  #failAll(error: EngineError): void {
    for (const fail of this.#waiting) fail(error)
    this.#waiting.clear()
  }
}
