import type { Clock } from '../../clock.js'

/** Time between an iterator and who goes through it. */
export interface Laps {
  /** Waiting for its items. */
  itemsMs: number
  /** What was done with them, until the next was asked for. */
  useMs: number
}

/** The same items; `turns` is told how long each took to come, and how long until the next was asked for. */
export async function* timedItems<T>(
  items: AsyncIterable<T>,
  clock: Clock,
  turns: Laps
): AsyncGenerator<T, void, void> {
  let at = clock.now()
  const lap = (): number => {
    const before = at
    at = clock.now()
    return at - before
  }
  for await (const item of items) {
    turns.itemsMs += lap()
    yield item
    turns.useMs += lap()
  }
  turns.itemsMs += lap()
}

/** Time in which at least one of some calls was under way. */
export class Busy {
  readonly #clock: Clock
  #ms = 0
  #calls = 0
  #since = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** So far, and from here on anew. */
  take(): number {
    const now = this.#clock.now()
    const ms = this.#ms + (this.#calls > 0 ? now - this.#since : 0)
    this.#ms = 0
    this.#since = now
    return ms
  }

  /** Runs something, which may take its time. */
  during<T>(run: () => T): T {
    if (this.#calls++ === 0) this.#since = this.#clock.now()
    const end = (): void => {
      if (--this.#calls === 0) this.#ms += this.#clock.now() - this.#since
    }
    let result: T
    try {
      result = run()
    } catch (error) {
      end()
      throw error
    }
    if (result instanceof Promise) return result.finally(end) as T
    end()
    return result
  }
}
