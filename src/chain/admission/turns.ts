import type { Clock } from '../../clock.js'
import { turn } from '../../wait.js'
import { FairQueue, type Place } from './fair-queue.js'

/** How long work goes on before whatever else is due has its turn. */
const SLICE_MS = 8

/** Begins work in turn by whose it is, members' and strangers' by turns, with a pause for others after every few milliseconds. */
export class Turns {
  readonly #clock: Pick<Clock, 'now'>
  readonly #queue = new FairQueue<() => void>()
  #running: Promise<void> | null = null

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Calls `begin` when its turn has come; what it returns is waited for by whoever asked, and by nobody else. */
  run<T>(place: Place, begin: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // What throws becomes a rejection.
      this.#queue.put(place, () => {
        new Promise<T>((done) => done(begin())).then(resolve, reject)
      })
      this.#running ??= this.#serve()
    })
  }

  async #serve(): Promise<void> {
    while (this.#queue.size > 0) {
      await turn()
      const until = this.#clock.now() + SLICE_MS
      while (this.#queue.size > 0 && this.#clock.now() < until) {
        for (const standing of ['member', 'stranger'] as const) this.#queue.take(standing)[0]?.()
      }
    }
    this.#running = null
  }
}
