import type { Slab, SlabPool } from './slab.js'

/** One stream's share of the slabs: no stream may starve the others. */
export class SlabLease {
  readonly #pool: SlabPool
  readonly #most: number
  readonly #signal: AbortSignal
  #held = 0
  #wake: (() => void) | undefined

  /** @param most slabs that this stream may hold at a time */
  constructor(pool: SlabPool, most: number, signal: AbortSignal) {
    this.#pool = pool
    this.#most = most
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  /** A slab as soon as this stream may have one; rejects with the signal's reason. */
  async acquire(): Promise<Slab> {
    while (this.#held >= this.#most) {
      this.#signal.throwIfAborted()
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#held++
    try {
      return await this.#pool.acquire(this.#signal)
    } catch (error) {
      this.#held--
      throw error
    }
  }

  release(slab: Slab): void {
    this.#held--
    this.#pool.release(slab)
    this.#wake?.()
  }
}
