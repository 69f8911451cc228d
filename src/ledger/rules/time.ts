import type { Parameters } from '../../protocol/parameters.js'

/** The chain's date follows the wall clock by so much of the time that goes by: a wrong clock does no harm before somebody sees it. */
const SLEW_PERCENT = 5
/** What the date is off by more than this is corrected by an entry of its own, and by no other. */
const SET_TIME_MS = 3_600_000
/** Layers of the beacon that one tick may open: some 6 ms to check, and 11 hours of ticks of 10 s. */
export const LAYERS_MAX = 4_096

/** From where rounds are counted: the last change of `tickMs`, or the genesis. */
export interface RoundBase {
  baseRound: number
  baseClock: number
}

/** The last round that has begun at this chain time: one begins every `tickMs`, whether its value is shown or not. */
export function roundAt(
  clock: number,
  { baseRound, baseClock }: RoundBase,
  p: Pick<Parameters, 'tickMs'>
): number {
  return baseRound + Math.floor((clock - baseClock) / p.tickMs)
}

/** Chain time at which a round begins, which is the first at which its value may be shown. */
export function clockOfRound(
  round: number,
  { baseRound, baseClock }: RoundBase,
  p: Pick<Parameters, 'tickMs'>
): number {
  return baseClock + (round - baseRound) * p.tickMs
}

/**
 * The dates that a tick may give: what went by since the last one, chain time and standstill, a little slower or faster, and never back.
 *
 * @param at the date that the entry has by chain time alone. @param passedMs chain time since the last tick
 * @param sinceMs chain time since the entry before, whose date is the earliest
 */
export function dateRange(of: { at: number; passedMs: number; sinceMs: number; stalledMs: number }): {
  least: number
  most: number
} {
  const { at, passedMs, sinceMs, stalledMs } = of
  const slew = Math.floor(((passedMs + stalledMs) * SLEW_PERCENT) / 100)
  return { least: at + stalledMs - Math.min(slew, sinceMs + stalledMs), most: at + stalledMs + slew }
}

/** Whether the date is so far off that an entry of its own may correct it. */
export function isFarOff(at: number, date: number): boolean {
  return Math.abs(date - at) > SET_TIME_MS
}
