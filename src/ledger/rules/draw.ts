import { hash, uniform } from '../../crypto/hash.js'
import { PPM } from '../../protocol/parameters.js'

/** Tries a draw makes before it sweeps: enough for weights that differ by a factor of about a thousand. */
const TRIES_MIN = 64
const TRIES_PER_SLOT = 32
const TRIES_MAX = 8_192
/** More slots than this are not swept: one tick must stay short; the task is drawn again in a later round. */
const SWEEP_MAX = 4_096

/** What a draw chooses from: slots `0..slots-1` in canonical order, each with a weight in 0..maxWeight. */
export interface Candidates {
  slots: number
  /** Upper bound of all weights; need not be reached. */
  maxWeight: bigint
  /** 0: not eligible. */
  weight: (slot: number) => bigint
}

/** One try of a draw, for those who want to see how it came about. */
export interface DrawStep {
  slot: number
  weight: bigint
  /** Drawn in 0..maxWeight-1; the slot is taken if it is below the weight. */
  roll: bigint
  taken: boolean
}

/** Seed of the draw for a task's role. */
export function drawSeed(chainId: Uint8Array, role: string, task: number, beacon: Uint8Array): Buffer {
  return hash('datdot/draw/1', chainId, role, task, beacon)
}

/** Seed of the draw of a copy's verifiers in an epoch. */
export function verifierSeed(chainId: Uint8Array, epoch: number, copy: number, beacon: Uint8Array): Buffer {
  return hash('datdot/verifiers/1', chainId, epoch, copy, beacon)
}

/**
 * The first `count` slots of the seed's weighted permutation. Try t draws slot `U(H(seed, t, "slot"), slots)` and takes it if it was not taken
 * before and `U(H(seed, t, "roll"), maxWeight) < weight`. After 32 tries a slot the eligible slots that are left follow in
 * circular order from a drawn slot, so that a draw with a candidate always has a winner.
 */
export function drawOrder(
  seed: Uint8Array,
  { slots, maxWeight, weight }: Candidates,
  count: number,
  watch?: (step: DrawStep) => void
): number[] {
  if (slots === 0 || maxWeight <= 0n) return []
  const order: number[] = []
  const weights = new Map<number, bigint>()
  const weigh = (slot: number) => {
    let known = weights.get(slot)
    if (known === undefined) weights.set(slot, (known = weight(slot)))
    return known
  }
  const tries = Math.min(TRIES_MAX, TRIES_MIN + TRIES_PER_SLOT * slots)
  let left = slots
  for (let t = 0; t < tries && order.length < count && left > 0; t++) {
    const slot = Number(uniform(hash('datdot/slot/1', seed, t), BigInt(slots)))
    const seen = weights.has(slot)
    const value = weigh(slot)
    if (!seen && value === 0n) left--
    if (value === 0n) continue
    const roll = uniform(hash('datdot/roll/1', seed, t), maxWeight)
    const taken = roll < value
    watch?.({ slot, weight: value, roll, taken })
    if (!taken) continue
    order.push(slot)
    weights.set(slot, 0n)
    left--
  }
  if (order.length < count && left > 0 && slots <= SWEEP_MAX) {
    const from = Number(uniform(hash('datdot/sweep/1', seed), BigInt(slots)))
    for (let step = 0; step < slots && order.length < count; step++) {
      const slot = (from + step) % slots
      const value = weigh(slot)
      if (value === 0n) continue
      watch?.({ slot, weight: value, roll: 0n, taken: true })
      order.push(slot)
      weights.set(slot, 0n)
    }
  }
  return order
}

/** Weight in a draw of copies: `min(free bytes, free deposit / d) * R`; 0 where the copy does not fit. */
export function copyWeight(of: {
  freeBytes: bigint
  backedBytes: bigint
  neededBytes: bigint
  reputationPpm: number
}): bigint {
  if (of.freeBytes < of.neededBytes) return 0n
  const least = of.freeBytes < of.backedBytes ? of.freeBytes : of.backedBytes
  return least * BigInt(of.reputationPpm)
}

/** Upper bound of `copyWeight` for a stake of `min(capacity, deposit / d)` bytes. */
export function maxCopyWeight(stake: bigint): bigint {
  const bound = stake * BigInt(PPM)
  // U takes a bound of at most 2^64.
  return bound > 1n << 64n ? 1n << 64n : bound
}
