import { EngineError } from '../errors.js'
import type { InputOf, OutputOf } from './messages.js'
import type { Slab } from './slab.js'

export interface TaskOptions {
  /** Called before a second try, to restore input that the first may have changed. */
  again?: () => void
  /** The slab that the task works on: it has a word that tells how far the task is. */
  slab?: Slab
  /** How long a thread may be at it; ten minutes unless it says otherwise, or nobody waits for it. */
  timeoutMs?: number
  /** Whether nobody waits for it: it is done when there is nothing else to do. */
  idle?: boolean
}

/** What does tasks: worker threads, or this thread. */
export interface Executor {
  /** How many tasks it does at a time. */
  readonly threads: number
  /**
   * Does one task.
   *
   * @throws the error that the task threw; EngineError `ENGINE_CLOSED`, `ENGINE_TIMEOUT`, and what else can happen to a thread
   */
  call<N extends string>(name: N, input: InputOf<N>, options?: TaskOptions): Promise<OutputOf<N>>
  /** Tasks that are not done fail with `ENGINE_CLOSED`. */
  close(): Promise<void>
}

export function closedError(): EngineError {
  return new EngineError('ENGINE_CLOSED', 'the engine is closed')
}
