/** One reading of a figure: minutes since the beginning, and its value. */
export interface Reading {
  minute: number
  value: number
}

/** How a figure went, and whether that is within what it may. */
export interface Trend {
  first: number
  last: number
  most: number
  /** What the trend, Theil and Sen's, rises by from the end of the warm-up to the end. */
  rise: number
  perHour: number
  /** What was found to be too much, if anything. */
  fault: string | null
}

export interface Limits {
  /** What the trend may rise by while it is watched. */
  rise?: number
  /** What no reading may exceed. */
  most?: number
}

/** Of the time watched, this much is warm-up: heaps and caches fill. */
const WARM_UP = 0.25
/** Pairs of readings grow with their square: so many readings are enough for a slope. */
const READINGS_MAX = 600

/**
 * The trend of a figure after its warm-up. The slope is the median of those of all pairs of readings (Theil 1950, Sen 1968): a peak, or
 * a heap that a collection has just emptied, moves it by nothing.
 *
 * @throws RangeError for fewer than eight readings
 */
export function trendOf(readings: readonly Reading[], limits: Limits): Trend {
  if (readings.length < 8) throw new RangeError(`a trend takes 8 readings, not ${readings.length}`)
  const from = readings[0]!.minute
  const to = readings.at(-1)!.minute
  const warm = readings.filter(({ minute }) => minute >= from + WARM_UP * (to - from))
  const slope = slopeOf(thinned(warm))
  const rise = slope * (to - warm[0]!.minute)
  const most = Math.max(...readings.map(({ value }) => value))
  const trend = {
    first: warm[0]!.value,
    last: readings.at(-1)!.value,
    most,
    rise,
    perHour: slope * 60
  }
  return { ...trend, fault: faultOf({ rise, most }, limits) }
}

function faultOf(seen: { rise: number; most: number }, limits: Limits): string | null {
  if (limits.rise !== undefined && seen.rise > limits.rise) return 'rises'
  if (limits.most !== undefined && seen.most > limits.most) return 'too much'
  return null
}

/** Every so many of them, the last among them. */
function thinned(readings: readonly Reading[]): Reading[] {
  const step = Math.ceil(readings.length / READINGS_MAX)
  return readings.filter((_, at) => (readings.length - 1 - at) % step === 0)
}

function slopeOf(readings: readonly Reading[]): number {
  const slopes: number[] = []
  for (const [at, one] of readings.entries())
    for (const other of readings.slice(at + 1))
      if (other.minute > one.minute) slopes.push((other.value - one.value) / (other.minute - one.minute))
  return slopes.length === 0 ? 0 : median(slopes)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
