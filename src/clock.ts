/**
 * Time as one object that is passed in: what the wall clock says, time that only goes forward, and timers. Nothing
 * else in the project asks for the time, so that a test or the simulator can run a day in a second.
 */
export interface Clock {
  /** Milliseconds since 1970 as the machine's clock has them. It may jump, in both directions. */
  wall(): number
  /** Milliseconds since some moment, with fractions. They only go forward. */
  now(): number
  /** Calls once, `ms` from now. */
  after(ms: number, call: () => void): Timer
  /** Calls again and again, `ms` apart, until cancelled. */
  every(ms: number, call: () => void): Timer
}

/** A call that is to come. */
export interface Timer {
  /** It will not come. Does nothing if it came already. */
  cancel(): void
  /** Lets the process end although this is to come. */
  unref(): this
  /** Keeps the process alive until it came: what a timer does unless told otherwise. */
  ref(): this
}

/** The longest that Node's timers can wait. */
const MOST_MS = 2 ** 31 - 1

/** The machine's own time. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after: (ms, call) => timerOf(setTimeout(call, Math.min(ms, MOST_MS)), clearTimeout),
  every: (ms, call) => timerOf(setInterval(call, Math.min(ms, MOST_MS)), clearInterval)
}

function timerOf(timeout: NodeJS.Timeout, clear: (timeout: NodeJS.Timeout) => void): Timer {
  const timer: Timer = {
    cancel: () => clear(timeout),
    unref: () => {
      timeout.unref()
      return timer
    },
    ref: () => {
      timeout.ref()
      return timer
    }
  }
  return timer
}
