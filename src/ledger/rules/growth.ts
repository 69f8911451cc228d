import { PPM, type Parameters } from '../../protocol/parameters.js'
import { encodedBytesMax, roundDue, segmentReward } from './economics.js'

/** What a hypercore's author appended since the chain last took a length of it, and what is held of it. */
export interface GrowthSize {
  /** Plain bytes and blocks that came. */
  bytes: number
  blocks: number
  /** Chain time since the last length. */
  ageMs: number
  /** Encoded bytes of each copy that is held. */
  copies: readonly number[]
  /** Epochs between challenges. */
  every: number
}

/** X of a segment of the growth for each copy that is held, at most. A copy without segments takes it in with its first. */
export function growthPrice({ bytes, blocks, copies }: GrowthSize, p: Parameters): bigint {
  return BigInt(copies.length) * segmentReward(encodedBytesMax(bytes, blocks), p)
}

/**
 * How long a growth still waits to be taken: 0 from `growthBytes` on; a smaller one is gathered for `growthMs`, and for as long as it takes until
 * `growthSharePpm` of what is due on the copies meanwhile pays for what gathering saves, `segmentRewardBase` a copy. Infinity where no share is for growth.
 */
export function growthWaitMs(growth: GrowthSize, p: Parameters): number {
  if (growth.bytes >= p.growthBytes) return 0
  const price = BigInt(growth.copies.length) * p.segmentRewardBase
  const share = roundDue(growth.copies, growth.every, p) * BigInt(p.growthSharePpm)
  if (price > 0n && share === 0n) return Infinity
  const roundMs = BigInt(growth.every) * BigInt(p.epochMs)
  const saved = price === 0n ? 0 : Number((price * roundMs * BigInt(PPM) + share - 1n) / share)
  return Math.max(0, Math.max(p.growthMs, saved) - growth.ageMs)
}

/** What the balance must have for a growth: its price, and then as long as a grace lasts what is due on the copies with it. */
export function growthReserve(growth: GrowthSize, p: Parameters): bigint {
  const more = encodedBytesMax(growth.bytes, growth.blocks)
  const grown = growth.copies.map((bytes) => bytes + more)
  const rounds = Math.ceil(p.graceEpochs / growth.every)
  return growthPrice(growth, p) + BigInt(rounds) * roundDue(grown, growth.every, p)
}
