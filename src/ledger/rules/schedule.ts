import { hash, uniform } from '#crypto/hash.js'
import type { Parameters } from '../../protocol/parameters.js'

/** Copies of one challenge rate are spread over this many buckets; a bucket is drawn as a whole. */
export const BUCKETS = 256

/** The most bytes of evidence, and of a step of it: docs/formats.md. */
const EVIDENCE_BYTES = 4
const EVIDENCE_STEP_BYTES = 3_231

/** Largest chunk: hypercore's own limit of a block. */
const CHUNK_BYTES_MAX = 15 << 20

export function epochOf(clock: number, p: Parameters): number {
  return Math.floor(clock / p.epochMs)
}

/**
 * Whether the copies of a bucket are checked in an epoch: with probability 1/every, by a beacon value that is shown after the reports
 * close, so that nobody knows before.
 */
export function isRetrievalDue(beacon: Uint8Array, every: number, bucket: number): boolean {
  return (
    every === 1 || uniform(hash('datdot/due/1', beacon, 'retrieval', every, bucket), BigInt(every)) === 0n
  )
}

/**
 * Ms from the offer of a challenge to the arrival of the latest s_k: two round trips, and the reads of all walks that its pinner has open, its own
 * included. No tick is in it, so that it leaves little time for fetching what is not there.
 *
 * @param openSteps steps of all challenges of the pinner that are open
 */
export function answerMs(openSteps: number, p: Parameters): number {
  return 2 * p.roundTripMs + Math.ceil((openSteps * p.walkStepUs) / 1_000)
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
