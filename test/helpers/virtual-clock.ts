import type { Clock, Timer } from '../../src/clock.js'

interface Due {
  at: number
  order: number
  call: () => void
  everyMs: number | undefined
}

/** Turns of the event loop in which what a timer set off gets to its next wait, as long as it waits for nothing outside. */
const TURNS = 8

/** Time that stands still until it is told to go on. Timers fire in order, those of one moment as they were set. */
export class VirtualClock implements Clock {
  #now = 0
  #wallOffset: number
  #order = 0
  readonly #due = new Set<Due>()

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wallOffset = wall
  }

  wall(): number {
    return this.#wallOffset + this.#now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, call: () => void): Timer {
    return this.#add(ms, call, undefined)
  }

  every(ms: number, call: () => void): Timer {
    return this.#add(ms, call, Math.max(1, ms))
  }

  /** The machine's clock is set: the wall clock jumps, time goes on as before. */
  jump(ms: number): void {
    this.#wallOffset += ms
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#due.size
  }

  /** Lets `ms` go by, firing what becomes due, and waits after each for what that sets off. */
  async advance(ms: number, settle: () => Promise<void> = turns): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.at)
      if (next.everyMs === undefined) this.#due.delete(next)
      else next.at += next.everyMs
      next.call()
      await settle()
    }
    this.#now = until
  }

  #add(ms: number, call: () => void, everyMs: number | undefined): Timer {
    const due: Due = { at: this.#now + Math.max(0, ms), order: this.#order++, call, everyMs }
    this.#due.add(due)
    const timer: Timer = { cancel: () => void this.#due.delete(due), unref: () => timer, ref: () => timer }
    return timer
  }

  #next(until: number): Due | undefined {
    let first: Due | undefined
    for (const due of this.#due) {
      if (due.at > until) continue
      if (!first || due.at < first.at || (due.at === first.at && due.order < first.order)) first = due
    }
    return first
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
}
