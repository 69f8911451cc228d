import type { Clock, Timer } from '../../src/clock.js'

interface Due {
  at: number
  order: number
  call: () => void
  everyMs: number | undefined
}

/**
 * Turns of the event loop without a stir after which all is at rest: more than pass between two things that stir, as long as
 * nothing is waited for that is not of this process's memory.
 */
const QUIET_TURNS = 4

/**
 * Time that stands still until it is told to go on. Timers fire in order, those of one moment as they were set; between two of
 * them everything that the first set off comes to rest.
 *
 * What comes to rest by itself is work in memory. Two kinds of work need a word, or a run would depend on the machine:
 *
 * - Messages between parties in one process may go to and fro for long. Whatever carries them calls `stir`, as setting a timer
 *   does: time goes on when nothing has stirred for some turns of the event loop.
 * - Disks, threads and the real network take real time. Where others wait for such work, its promise goes through `outside`. Its
 *   outcome is told only when all else is at rest, one at a time in the order in which the work was begun: so what happens
 *   next does not depend on how long it took. Work that nobody waits for, such as publishing a log, needs none of this.
 */
export class VirtualClock implements Clock {
  #now = 0
  #wallOffset: number
  #order = 0
  #stirred = 0
  readonly #due = new Set<Due>()
  readonly #outside: (() => Promise<void>)[] = []

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wallOffset = wall
  }

  /** Whole milliseconds, as a machine tells them; `now` has fractions there too. */
  wall(): number {
    return Math.floor(this.#wallOffset + this.#now)
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

  /** Something goes on in memory: time waits for what it sets off. */
  stir(): void {
    this.#stirred++
  }

  /** The outcome of work that takes real time, told when all else is at rest. */
  outside<T>(work: Promise<T>): Promise<T> {
    this.stir()
    work.catch(() => {})
    return new Promise((resolve, reject) => {
      this.#outside.push(() => work.then(resolve, reject))
    })
  }

  /** Waits until all is at rest, and nothing outside is waited for. */
  async settle(): Promise<void> {
    for (;;) {
      await this.#quiet()
      const next = this.#outside.shift()
      if (!next) return
      await next()
    }
  }

  /** Lets `ms` go by, firing what becomes due, and waits after each for what that sets off. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await this.settle()
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.at)
      if (next.everyMs === undefined) this.#due.delete(next)
      else next.at += next.everyMs
      next.call()
      await this.settle()
    }
    this.#now = until
  }

  /** The outcome of work that needs time to go by, which it does meanwhile, at most for `ms`. */
  async during<T>(work: Promise<T>, ms: number): Promise<T> {
    let done = false
    const end = (): void => void (done = true)
    work.then(end, end)
    const until = this.#now + ms
    await this.settle()
    for (let next = this.#next(until); next && !done; next = this.#next(until)) {
      await this.advance(Math.max(0, next.at - this.#now))
    }
    if (!done) throw new Error(`it was not done after ${ms} ms of virtual time`)
    return work
  }

  async #quiet(): Promise<void> {
    for (let turns = 0, seen = this.#stirred; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (seen === this.#stirred) continue
      seen = this.#stirred
      turns = -1
    }
  }

  #add(ms: number, call: () => void, everyMs: number | undefined): Timer {
    this.stir()
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
