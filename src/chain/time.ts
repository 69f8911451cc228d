import type { Clock } from '../clock.js'
import type { Parameters } from '../protocol/parameters.js'
import type { ChainView } from '../protocol/views.js'

/** Chain time between two ticks, without asking the ledger. */
export class ChainTime {
  readonly #clock: Clock
  #at = 0
  #time = 0
  #maxTickGapMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** To be called with the chain as it is after a tick, which alone moves its time. */
  set({ at, clock }: ChainView, { maxTickGapMs }: Parameters): void {
    this.#at = at
    this.#time = clock
    this.#maxTickGapMs = maxTickGapMs
  }

  /** Chain time now, in ms: that of the last tick, and what has gone by since, as a tick now would count it. */
  now(): number {
    const since = Math.max(0, this.#clock.wall() - this.#at)
    return this.#time + Math.min(since, this.#maxTickGapMs)
  }
}
