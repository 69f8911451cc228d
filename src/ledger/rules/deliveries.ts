import type { Parameters } from '../../protocol/parameters.js'
import { roundsPerEpoch } from './schedule.js'

/** Doublings after which a sum stays as it is: by then it is a thousand times the first, more than a least deposit. */
const DOUBLINGS_MAX = 10

/** Deliveries of a role that came to nothing without a proof of whose fault it was. */
export interface FailedDeliveries {
  /** How many, less those that came about since. */
  count: number
  /** Chain time at which they are forgotten. */
  until: number
}

export const NONE_FAILED: FailedDeliveries = { count: 0, until: 0 }

/** What the next end without a proof costs each side: `failedFee`, doubled for each one before it that counts. */
export function failedFee({ count, until }: FailedDeliveries, clock: number, p: Parameters): bigint {
  const before = clock < until ? count : 0
  return p.failedFee << BigInt(Math.min(before, DOUBLINGS_MAX))
}

/** One more that came to nothing. */
export function afterFailure(
  { count, until }: FailedDeliveries,
  clock: number,
  p: Parameters
): FailedDeliveries {
  const before = clock < until ? count : 0
  return { count: Math.min(before + 1, DOUBLINGS_MAX), until: clock + p.failedMs }
}

/**
 * One that came about takes one back. Without that a signer that meets a hostile pinner in every tenth delivery would pay a thousand
 * times the first sum within a hundred of them; so it pays less than twice the first, as long as two of three come about.
 */
export function afterDelivery({ count, until }: FailedDeliveries): FailedDeliveries {
  return count <= 1 ? NONE_FAILED : { count: count - 1, until }
}

/** Rounds after which a hypercore that nobody served is tried again: a quarter of an epoch, doubled with each time, at most a day of epochs. */
export function unservedRounds(times: number, p: Parameters): number {
  const epoch = roundsPerEpoch(p)
  return Math.min(Math.max(1, Math.ceil(epoch / 4)) * 2 ** Math.max(0, times - 1), 24 * epoch)
}
