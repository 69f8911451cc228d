import { hash, uniform } from '#crypto/hash.js'
import type { Parameters } from '../../protocol/parameters.js'

/** Copies of one challenge rate are spread over this many buckets; a bucket is drawn as a whole. */
export const BUCKETS = 256

/** Times `every` after which a bucket is challenged even if chance left it out. */
const EVERY_MAX = 4

/** The most bytes of evidence, and of a step of it: docs/formats.md. */
const EVIDENCE_BYTES = 4
const EVIDENCE_STEP_BYTES = 3_231

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

/** Ms from issue to the latest s_k: `k` random reads and two round trips, and one tick of rounding. */
export function answerMs(steps: number, p: Parameters): number {
  return Math.ceil((steps * p.walkStepUs) / 1_000) + 2 * p.roundTripMs + p.tickMs
}

/** Ms from the latest s_k to the latest evidence: the most that k steps can weigh, at upload speed, and round trips. */
export function evidenceMs(steps: number, p: Parameters): number {
  return uploadMs(EVIDENCE_BYTES + steps * EVIDENCE_STEP_BYTES, p)
}

/** Ms from a refusal to the latest evidence of it: one chunk of any size at upload speed, and round trips. */
export function refusalEvidenceMs(p: Parameters): number {
  return uploadMs(CHUNK_BYTES_MAX, p)
}

function uploadMs(bytes: number, p: Parameters): number {
  return Math.ceil((bytes * 1_000) / p.evidenceBytesPerSecond) + 2 * p.roundTripMs + p.tickMs
}

/** Ms to deliver a segment of about `bytes`, and as many to check and accept it. */
export function deliverMs(bytes: number, p: Parameters): number {
  return p.deliverBaseMs + Math.ceil((bytes * 1_000) / p.deliverBytesPerSecond)
}

/** Rounds that an epoch has, at least 1. */
export function roundsPerEpoch(p: Parameters): number {
  return Math.max(1, Math.ceil(p.epochMs / p.tickMs))
}
