import { PPM, type Parameters } from '../../protocol/parameters.js'
import { roundDue, segmentPrice } from './economics.js'

/** How much there is of a hypercore. */
export interface Extent {
  length: number
  bytes: number
}

/** What there was when the author first took some away. */
export interface Whole extends Extent {
  /** Chain time of that. */
  clock: number
}

/**
 * What a fork is measured against: what there was when the author first took some away, until evidence of that time is public no more, so that many forks
 * in a row take no more at once than one may.
 */
export function wholeBefore(before: Whole | null, now: Extent, clock: number, p: Parameters): Whole {
  if (!before || clock - before.clock > p.evidenceWindowMs) return { ...now, clock }
  const length = Math.max(before.length, now.length)
  return { length, bytes: Math.max(before.bytes, now.bytes), clock: before.clock }
}

/** Whether what is kept is less than half of the blocks, or of the bytes. */
export function takesHalf(kept: Extent, whole: Extent): boolean {
  return 2 * kept.length < whole.length || 2 * kept.bytes < whole.bytes
}

/** What following a fork takes. */
export interface ForkSize {
  /** Most encoded bytes that are encoded anew, for each copy that is held. */
  anew: readonly number[]
  /** Encoded bytes of each copy that is held. */
  copies: readonly number[]
  /** Chain time since the last length was taken. */
  ageMs: number
  /** Epochs between challenges. */
  every: number
  /** Fee of the operation that says so. */
  fee: bigint
}

/** What a fork costs the hypercore: of each copy that is held a segment, and the fee; nothing where none is held. */
export function forkPrice({ anew, fee }: ForkSize, p: Parameters): bigint {
  if (anew.length === 0) return 0n
  return anew.reduce((sum, bytes) => sum + segmentPrice(bytes, p), fee)
}

/**
 * How long a fork still waits to be taken: for `growthMs`, and for as long as it takes until `growthSharePpm` of what is due on the copies meanwhile pays for
 * all of it. However much it is: who appends and takes away again would have all that was given encoded.
 */
export function forkWaitMs(fork: ForkSize, p: Parameters): number {
  const price = forkPrice(fork, p)
  const share = roundDue(fork.copies, fork.every, p) * BigInt(p.growthSharePpm)
  if (price > 0n && share === 0n) return Infinity
  const roundMs = BigInt(fork.every) * BigInt(p.epochMs)
  const earned = price === 0n ? 0 : Number((price * roundMs * BigInt(PPM) + share - 1n) / share)
  return Math.max(0, Math.max(p.growthMs, earned) - fork.ageMs)
}

/** What the balance must have for a fork: its price, and then as long as a grace lasts what is due on the copies with it. */
export function forkReserve(fork: ForkSize, p: Parameters): bigint {
  const grown = fork.copies.map((bytes, place) => bytes + fork.anew[place]!)
  const rounds = Math.ceil(p.graceEpochs / fork.every)
  return forkPrice(fork, p) + BigInt(rounds) * roundDue(grown, fork.every, p)
}
