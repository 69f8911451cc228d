import { systemClock, type Clock, type Timer } from '../../src/clock.js'

interface Waiting {
  due: number
  call: () => void
  timer: Timer
}

/** The machine's own time, which jumps ahead when a test says so: what is due by then is called at once. */
export class JumpClock implements Clock {
  #ahead = 0
  readonly #waiting = new Set<Waiting>()

  wall(): number {
    return systemClock.wall() + this.#ahead
  }

  now(): number {
    return systemClock.now() + this.#ahead
  }

  after(ms: number, call: () => void): Timer {
    const waiting: Waiting = { due: this.now() + ms, call, timer: this.#timer(ms, () => this.#fire(waiting)) }
    this.#waiting.add(waiting)
    const timer: Timer = {
      cancel: () => {
        waiting.timer.cancel()
        this.#waiting.delete(waiting)
      },
      unref: () => timer,
      ref: () => timer
    }
    return timer
  }

  /** As the machine's time has it: jumps do not hasten it. */
  every(ms: number, call: () => void): Timer {
    return systemClock.every(ms, call)
  }

  jump(ms: number): void {
    this.#ahead += ms
    for (const waiting of [...this.#waiting].sort((a, b) => a.due - b.due)) {
      if (!this.#waiting.has(waiting)) continue
      waiting.timer.cancel()
      const left = waiting.due - this.now()
      if (left <= 0) this.#fire(waiting)
      else waiting.timer = this.#timer(left, () => this.#fire(waiting))
    }
  }

  /** One that keeps no process alive: a test that waits has its connections. */
  #timer(ms: number, call: () => void): Timer {
    return systemClock.after(ms, call).unref()
  }

  #fire(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    waiting.call()
  }
}
