import type { Clock } from '../clock.js'

/** Bytes that the other side must send, or take, within one idle time: 1.1 kB a second with 60 seconds. */
export const LEAST_BYTES = 64 << 10

export interface PaceOptions {
  /** Time that may be waited until `LEAST_BYTES` have come. */
  idleMs: number
  clock: Clock
  /** Made when the time is used up. */
  error: () => Error
}

/**
 * The other side's time: waiting for it uses the time up, and only enough bytes give it back, so that a trickle holds
 * nothing for longer than silence would. What is spent on work of one's own costs the other side nothing.
 */
export class Pace {
  readonly #options: PaceOptions
  #leftMs: number
  #bytes = 0

  constructor(options: PaceOptions) {
    this.#options = options
    this.#leftMs = options.idleMs
  }

  /**
   * Calls `take` with the milliseconds that it may still wait.
   *
   * @throws the error of the options if no time is left; what `take` throws
   */
  async wait<T>(take: (ms: number) => Promise<T>): Promise<T> {
    const { clock, error } = this.#options
    if (this.#leftMs <= 0) throw error()
    const since = clock.now()
    try {
      return await take(this.#leftMs)
    } finally {
      this.#leftMs -= clock.now() - since
    }
  }

  /** To be told of all bytes that came. */
  progress(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < LEAST_BYTES) return
    this.#bytes = 0
    this.#leftMs = this.#options.idleMs
  }
}
