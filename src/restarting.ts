import type { Clock } from './clock.js'
import { Resource } from './lifecycle.js'
import type { Logger } from './log.js'
import { pause } from './wait.js'

/** Pause before a part that could not be opened again is tried once more, doubled up to the second. */
const AGAIN_MS = { first: 500, last: 30_000 }

export interface RestartingOptions<T extends Resource> {
  /** Makes the part, not open yet. It calls `broken` once it can go on only if it is opened anew. */
  make: (broken: (error: Error) => void) => T
  /** Is given each part that was opened in place of one that had broken. */
  again?: (part: T) => Promise<void>
  clock: Clock
  log: Logger
}

/** A part that is closed when it says that it is broken, and opened anew, as often and for as long as that takes. */
export class Restarting<T extends Resource> extends Resource {
  readonly #options: RestartingOptions<T>
  #part: T | undefined
  #trouble: Error | null = null
  #replacing: Promise<void> = Promise.resolve()

  constructor(options: RestartingOptions<T>) {
    super()
    this.#options = options
  }

  /** Throws as opening the first part does. */
  protected async start(): Promise<void> {
    this.owe('opening it again', () => this.#replacing)
    await this.#open()
  }

  /** The part that is open, or was last. */
  get part(): T {
    return this.#part!
  }

  /** Why it is not open; null while it is. */
  get trouble(): Error | null {
    return this.#trouble
  }

  async #open(): Promise<T> {
    const part: T = this.#options.make((error) => this.#broken(part, error))
    try {
      await this.acquire('part', part)
    } catch (error) {
      await this.#drop(part)
      throw error
    }
    this.#part = part
    return part
  }

  #broken(part: T, error: Error): void {
    if (part !== this.#part || this.#trouble || this.signal.aborted) return
    this.#trouble = error
    this.#replacing = this.#replace(part, error)
  }

  async #replace(old: T, error: Error): Promise<void> {
    const { clock, log, again } = this.#options
    log('role.reopening', { error })
    await this.#drop(old)
    for (let againMs = AGAIN_MS.first; !this.signal.aborted; againMs = Math.min(2 * againMs, AGAIN_MS.last)) {
      try {
        const part = await this.#open()
        this.#trouble = null
        log('role.reopened')
        // Not waited for: it may take long, and this one may break as well.
        again?.(part).catch((failure: unknown) => {
          if (!part.signal.aborted) log('role.failed', { job: 'reopened', error: failure as Error })
        })
        return
      } catch (failure) {
        if (this.signal.aborted) return
        this.#trouble = failure as Error
        log('role.reopening-failed', { error: failure as Error, againMs })
        await pause(clock, againMs, this.signal)
      }
    }
  }

  /** Closes a part, however that ends: what it leaves behind, opening another one finds. */
  async #drop(part: T): Promise<void> {
    await this.release(part).catch((error: unknown) =>
      this.#options.log('role.close-failed', { error: error as Error })
    )
  }
}
