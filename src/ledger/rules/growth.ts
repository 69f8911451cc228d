import { PPM, type Parameters } from '../../protocol/parameters.js'
import { encodedBytesMax, roundDue, segmentPrice } from './economics.js'

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
  /** Fee of the operation that says so. */
  fee: bigint
}

/**
 * What a growth costs the hypercore: a segment of it for each copy that is held, at most, and the fee. A copy without segments takes it in with its
 * first; where nothing is held, nothing earns a growth, and who sends it pays the fee.
 */
export function growthPrice({ bytes, blocks, copies, fee }: GrowthSize, p: Parameters): bigint {
  if (copies.length === 0) return 0n
  return BigInt(copies.length) * segmentPrice(encodedBytesMax(bytes, blocks), p) + fee
}

/**
 * How long a growth still waits to be taken: 0 from `growthBytes` on; a smaller one is gathered for `growthMs`, and for as long as it takes until
 * `growthSharePpm` of what is due on the copies meanwhile pays for what gathering saves, `segmentRewardBase` and `segmentFee` a copy and the fee. Infinity where
 * no share is for growth.
 */
export function growthWaitMs(growth: GrowthSize, p: Parameters): number {
  if (growth.bytes >= p.growthBytes) return 0
  const held = BigInt(growth.copies.length)
  const price = held === 0n ? 0n : held * (p.segmentRewardBase + p.segmentFee) + growth.fee
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
