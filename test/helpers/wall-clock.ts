import { systemClock, type Clock } from '../../src/clock.js'

/** The machine's own clock, but for the time of day, which a test says. */
export function wallClock(wall: () => number): Clock {
  return { ...systemClock, wall }
}
