import type { Clock } from '../clock.js'

/** How often a process looks whether it stood still, and the gap between two looks that says so. */
export interface Beat {
  everyMs: number
  stallMs: number
}

/**
 * Chain time as the process that makes it counts it: it goes on with the time of the process from where the ledger had it, so that no
 * jump of a wall clock moves it and none of it goes by while the chain is down. Nor does it while the process stands still: who is owed to
 * could not be heard.
 */
export class ChainTime {
  readonly #clock: Pick<Clock, 'now'>
  readonly #beat: Beat | null
  #time = 0
  #seen: number
  #stalled = 0
  #heldUntil = -Infinity

  /** @param beat `look` is called this often; without it nothing counts as a standstill */
  constructor(clock: Pick<Clock, 'now'>, beat: Beat | null = null) {
    this.#clock = clock
    this.#beat = beat
    this.#seen = clock.now()
  }

  /** Chain time now, in ms. */
  now(): number {
    this.look()
    return Math.floor(this.#time)
  }

  /** Ms that have not counted since the last tick that said so. */
  get stalledMs(): number {
    this.look()
    return Math.floor(this.#stalled)
  }

  /** A tick has said that the chain stood still for this long. */
  told(stalledMs: number): void {
    this.#stalled -= stalledMs
  }

  /** Goes on from here at the least. */
  raise(time: number): void {
    this.look()
    this.#time = Math.max(this.#time, time)
  }

  /** Stands still from now on, for as long. */
  hold(ms: number): void {
    this.look()
    this.#heldUntil = Math.max(this.#heldUntil, this.#seen + ms)
  }

  /** Counts what has gone by since the last look. */
  look(): void {
    const now = this.#clock.now()
    const before = this.#seen
    if (now <= before) return
    this.#seen = now
    const free = now - Math.min(now, Math.max(before, this.#heldUntil))
    const still = this.#beat !== null && now - before > this.#beat.stallMs
    const counted = still ? Math.min(free, this.#beat.everyMs) : free
    this.#time += counted
    this.#stalled += now - before - counted
  }
}
