import { hash, uniform } from '#crypto/hash.js'
import type { Parameters } from '../../protocol/parameters.js'

/** Copies of one challenge rate are spread over this many buckets; a bucket is drawn as a whole. */
export const BUCKETS = 256

/** Times `every` after which a bucket is challenged even if chance left it out. */
const EVERY_MAX = 4

/** Largest chunk: hypercore's own limit of a block. */
const CHUNK_BYTES_MAX = 15 << 20

export function epochOf(clock: number, p: Parameters): number {
  return Math.floor(clock / p.epochMs)
}

/**
 * Whether a bucket is challenged in an epoch: with probability 1/every, by the epoch's beacon, so that nobody knows
 * before; and at the latest `4 * every` epochs after the last time.
 */
export function isStorageDue(
  beacon: Uint8Array,
  every: number,
  bucket: number,
  epochsSince: number
): boolean {
  if (every === 1 || epochsSince >= EVERY_MAX * every) return true
  return uniform(hash('datdot/due/1', beacon, 'storage', every, bucket), BigInt(every)) === 0n
}

/**
 * The same for retrieval checks, without memory: what decides is a beacon value that is shown after the reports close, when
 * nothing else may be open.
 */
export function isRetrievalDue(beacon: Uint8Array, every: number, bucket: number): boolean {
  return (
    every === 1 || uniform(hash('datdot/due/1', beacon, 'retrieval', every, bucket), BigInt(every)) === 0n
  )
}

/** Ms from issue to the latest s_k: `k * (step + chunk bytes / read rate) + 2 round trips`, and one tick of rounding. */
export function answerMs(of: { steps: number; bytes: number; chunks: number }, p: Parameters): number {
  const steps = Math.min(of.steps, of.chunks)
  const perStepUs = p.walkStepUs + Math.ceil((likelyChunkBytes(of) * 1_000_000) / p.walkBytesPerSecond)
  return Math.ceil((steps * perStepUs) / 1_000) + 2 * p.roundTripMs + p.tickMs
}

/** Ms from the latest s_k to the latest evidence: the most that k chunks can weigh, at upload speed, and a round trip. */
export function evidenceMs(of: { steps: number; bytes: number; chunks: number }, p: Parameters): number {
  const steps = Math.min(of.steps, of.chunks)
  const bytes = Math.min(of.bytes, steps * CHUNK_BYTES_MAX)
  return Math.ceil((bytes * 1_000) / p.evidenceBytesPerSecond) + 2 * p.roundTripMs + p.tickMs
}

/** Ms from a refusal to the latest evidence of it: one chunk of any size at upload speed, and round trips. */
export function refusalEvidenceMs(p: Parameters): number {
  return evidenceMs({ steps: 1, bytes: CHUNK_BYTES_MAX, chunks: 1 }, p)
}

/** Four times the mean: a walk lands on bytes, so it meets large chunks more often than small ones. */
function likelyChunkBytes({ bytes, chunks }: { bytes: number; chunks: number }): number {
  return Math.min(CHUNK_BYTES_MAX, bytes, 4 * Math.ceil(bytes / chunks))
}

/** Ms to deliver a segment of about `bytes`, and as many to check and accept it. */
export function deliverMs(bytes: number, p: Parameters): number {
  return p.deliverBaseMs + Math.ceil((bytes * 1_000) / p.deliverBytesPerSecond)
}

/** Rounds that an epoch has, at least 1. */
export function roundsPerEpoch(p: Parameters): number {
  return Math.max(1, Math.ceil(p.epochMs / p.tickMs))
}
