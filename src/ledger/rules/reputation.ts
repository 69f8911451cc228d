import type { Outcome } from '../../protocol/operations.js'
import { PPM, type Parameters } from '../../protocol/parameters.js'

/** alpha and beta are whole numbers of this unit; at first both are one. */
const REPUTATION_ONE = 1_000_000

/** Beta reputation, as Storj uses it, in fixed point. */
export interface Reputation {
  alpha: number
  beta: number
}

/** What an identity starts with: R = 0.5. */
export function newReputation(): Reputation {
  return { alpha: REPUTATION_ONE, beta: REPUTATION_ONE }
}

/** R in parts per million: `floor(alpha * 10^6 / (alpha + beta))`. */
export function reputationPpm({ alpha, beta }: Reputation): number {
  return Math.floor((alpha * PPM) / (alpha + beta))
}

/**
 * Reputation after an outcome: `alpha <- lambda alpha + w (1 + v)/2`, `beta <- lambda beta + w (1 - v)/2`, both
 * rounded down, v = +1 for a success and -1 for all others, w the outcome's weight. `unknown` changes nothing.
 * All products stay below 2^53 as long as lambda is at most 0.999.
 */
export function updateReputation(before: Reputation, outcome: Outcome, p: Parameters): Reputation {
  if (outcome === 'unknown') return before
  const alpha = Math.floor((before.alpha * p.lambdaPpm) / PPM)
  const beta = Math.floor((before.beta * p.lambdaPpm) / PPM)
  const weight = Math.floor((REPUTATION_ONE * weightPpm(outcome, p)) / PPM)
  // Neither may reach zero: R would be undefined, and one success would then be worth everything.
  return outcome === 'success'
    ? { alpha: alpha + weight, beta: Math.max(1, beta) }
    : { alpha: Math.max(1, alpha), beta: beta + weight }
}

/** How often reputations drift. */
export const DRIFT_MS = 86_400_000
/** What a day leaves of the distance to a new identity: half of it in 30 days, `2^(-1/30)`. Short enough that who was unlucky comes back, and no shorter than beginning anew would take. */
const DRIFT_PPM = 977_160

/**
 * Reputation after some days: alpha and beta both go back towards the one that they began with, rounded towards it. So a bad past is
 * forgotten, and a good one that nothing is added to; and waiting never gives more than a new identity has.
 */
export function driftReputation({ alpha, beta }: Reputation, days: number): Reputation {
  const after = (value: number): number => {
    let beyond = value - REPUTATION_ONE
    for (let day = 0; day < days && beyond !== 0; day++) beyond = Math.trunc((beyond * DRIFT_PPM) / PPM)
    return REPUTATION_ONE + beyond
  }
  return { alpha: after(alpha), beta: after(beta) }
}

function weightPpm(outcome: Exclude<Outcome, 'unknown'>, p: Parameters): number {
  switch (outcome) {
    case 'success':
      return PPM
    case 'failure':
    case 'lie':
      return p.failureWeightPpm
    case 'offline':
      return p.offlineWeightPpm
    case 'refused':
      return p.refusedWeightPpm
  }
}

/** The lower median: of an even number the lower of the middle two. @throws RangeError if there are none */
export function lowerMedian(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values to take the median of')
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1]!
}

/** What one verifier, or the median of several, says of a pinner's service. */
export interface Measurement {
  firstByteUs: number
  bytesPerSecond: number
  misses: number
}

/** Whether a measurement is good enough: `first byte <= L`, `throughput >= T`, misses forgiven up to a number. */
export function isServed(measured: Measurement, p: Parameters): boolean {
  return (
    measured.misses <= p.maxMisses &&
    measured.firstByteUs <= p.maxFirstByteUs &&
    measured.bytesPerSecond >= p.minBytesPerSecond
  )
}

/** The verdict of several reports: lower median of each measure. One liar among three cannot leave their range. */
export function medianMeasurement(reports: readonly Measurement[]): Measurement {
  return {
    firstByteUs: lowerMedian(reports.map((report) => report.firstByteUs)),
    bytesPerSecond: lowerMedian(reports.map((report) => report.bytesPerSecond)),
    misses: lowerMedian(reports.map((report) => report.misses))
  }
}
