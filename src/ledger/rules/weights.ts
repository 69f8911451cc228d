import { PPM } from '../../protocol/parameters.js'
import { WEIGHT_MAX } from './lots.js'

/** Bytes of free room that weigh one at full trust: small enough for a pinner with a few megabytes to be drawn in proportion. */
const UNIT_BYTES = 65_536
/** Grains of a verifier's deposit that weigh one at full trust. */
const UNIT_GRAINS = 1_000n
/** Reputation and quality count in steps of 1/1024. */
const STEPS = 1_024
/** Trust at R = 1 and the best quality. */
const TRUST_MAX = STEPS * STEPS

/** Quality of those who are not measured, and of nobody else. */
export const QUALITY_MAX = STEPS
/** Quality of a pinner that nobody has measured yet. */
export const QUALITY_FIRST = STEPS / 2

/** `floor(R * 1024) * quality`, in 0..2^20. @param quality in 0..1024 */
export function trustOf(reputationPpm: number, quality: number): number {
  return Math.floor((reputationPpm * STEPS) / PPM) * quality
}

/**
 * Weight in a draw of copies: `floor(floor(min(room, backed) / 64 KiB) * trust / 2^20)`.
 *
 * @param of.roomBytes free room. `backedBytes`: what the free deposit backs. `trust`: of `trustOf`
 */
export function copyWeight(of: { roomBytes: number; backedBytes: bigint; trust: number }): number {
  const room = Math.floor(Math.max(0, of.roomBytes) / UNIT_BYTES)
  const backed = of.backedBytes / BigInt(UNIT_BYTES)
  // Below 2^31 units times 2^20: exact in a double.
  const units = backed < BigInt(room) ? Number(backed) : room
  return Math.floor((Math.min(units, WEIGHT_MAX) * of.trust) / TRUST_MAX)
}

/** Weight in a draw of verifiers: `floor(floor(deposit / 1000 grains) * trust / 2^20)`. */
export function stakeWeight(deposit: bigint, trust: number): number {
  const units = deposit / UNIT_GRAINS
  const most = BigInt(WEIGHT_MAX)
  return Math.floor((Number(units < most ? units : most) * trust) / TRUST_MAX)
}

/**
 * Quality after a check that a pinner passed: an average in which the newest counts a sixteenth. A check is worth
 * `1024 * (L / (L + first byte) + throughput / (throughput + T)) / 2`, L and T the limits of a check: at the limits it is half.
 */
export function updateQuality(
  before: number,
  measured: { firstByteUs: number; bytesPerSecond: number },
  limits: { maxFirstByteUs: number; minBytesPerSecond: number }
): number {
  const { firstByteUs, bytesPerSecond } = measured
  const prompt = share(limits.maxFirstByteUs, limits.maxFirstByteUs + firstByteUs)
  const fast = share(bytesPerSecond, bytesPerSecond + limits.minBytesPerSecond)
  const sample = Math.floor((prompt + fast) / 2)
  return Math.floor((15 * before + sample + 15) / 16)
}

/** `floor(1024 * part / whole)`; measurements are bounded where they are read, but their sums need not be below 2^43. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Number((BigInt(part) * BigInt(STEPS)) / BigInt(whole))
}
