import { hash, uniform } from '#crypto/hash.js'
import type { Parameters } from '../../protocol/parameters.js'

/** What a chance is a part of. */
export const CHANCE_ONE = 2 ** 32

const WEEK_MS = 604_800_000
/** Bytes of an opening beside its chunk: the ways to both roots, and a few numbers. */
const PROOF_BYTES = 2_048
const ONE = BigInt(CHANCE_ONE)

/** What of a copy its openings go by. */
export interface OpenedCopy {
  /** Encoded, of all chunks together. */
  bytes: number
  chunks: number
  /** Epochs between two challenges. */
  every: number
}

/**
 * How likely an answer to a challenge is followed by an opening, in parts of CHANCE_ONE: as often as the bytes of a week allow, at
 * least once in `openingWithinMs`, at most after one answer in four.
 */
export function openingChance({ bytes, chunks, every }: OpenedCopy, p: Parameters): number {
  const interval = BigInt(every) * BigInt(p.epochMs)
  const cost = BigInt(bytes) + BigInt(PROOF_BYTES) * BigInt(chunks)
  const byBytes = (ONE * BigInt(p.openingBytesPerWeek) * BigInt(chunks) * interval) / (BigInt(WEEK_MS) * cost)
  const byTime = p.openingWithinMs === 0 ? 0n : (ONE * interval) / BigInt(p.openingWithinMs)
  const most = ONE / 4n
  const wanted = byBytes > byTime ? byBytes : byTime
  return Number(wanted < most ? wanted : most)
}

/**
 * What decides of an opening: nothing of it is known before the round's value is shown, and that is after the answer came. The answer's
 * state has no part in it, so that the draw can be made again when that is not kept any more.
 *
 * @param value of the beacon in the first round that begins after the answer came
 */
export function openingSeed(chain: Uint8Array, challenge: number, value: Uint8Array): Uint8Array {
  return hash('datdot/opening/1', chain, challenge, value)
}

/** Whether the draw falls on an opening. */
export function isOpened(seed: Uint8Array, chance: number): boolean {
  return uniform(seed, ONE) < BigInt(chance)
}

/**
 * The chunk that is to be opened, counted from the copy's first one. All chunks are alike, whatever their length: so what openings weigh
 * in the mean is what the budget says, however an author mixes long blocks with short ones.
 */
export function openedChunk(seed: Uint8Array, chunks: number): number {
  return Number(uniform(hash('datdot/opened-chunk/1', seed), BigInt(chunks)))
}
