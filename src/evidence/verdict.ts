import { HASH_BYTES } from '#crypto/hash.js'
import { equal } from '../bytes.js'
import type { Outcome, WalkDetail } from '../protocol/operations.js'
import type { ErrorCode } from '../errors.js'
import type { RefusedEvidence, VerifiedEvidence } from './verify.js'

/** What the check of an evidence says. */
export type Verdict = VerifiedEvidence | RefusedEvidence

/** What becomes of a challenge by its evidence; the chain settles it, an audit works it out again. */
export interface Judgement {
  outcome: Outcome & ('success' | 'failure' | 'lie')
  /** Why it does not hold; null if it does. */
  fault: { code: ErrorCode; message: string } | null
  /** What `settle` logs. Its evidence hash is zero if there is nothing to be kept. */
  walk: WalkDetail
}

const NO_HASH = new Uint8Array(HASH_BYTES)

/** What an answered challenge without (readable) evidence leaves on the log. */
export const nothingKept: WalkDetail = { states: [], indices: [], leaves: [], evidence: NO_HASH }

/**
 * The outcome of a checked evidence.
 *
 * @param claimed hash of the evidence that the pinner signed for: only bytes under its signature prove a lie, and only they are kept
 */
export function judgeEvidence(verdict: Verdict, claimed: Uint8Array): Judgement {
  if (verdict.hash === null) return { outcome: 'failure', fault: faultOf(verdict), walk: nothingKept }
  if (!equal(verdict.hash, claimed)) {
    const message = 'This evidence is not the one that its pinner signed for'
    return { outcome: 'failure', fault: { code: 'EVIDENCE_CLAIM', message }, walk: nothingKept }
  }
  const evidence = verdict.hash
  if (verdict.ok) {
    const { states, indices, leaves } = verdict
    const walk = { states: hashesOf(states), indices, leaves: hashesOf(leaves), evidence }
    return { outcome: 'success', fault: null, walk }
  }
  return {
    outcome: verdict.lie ? 'lie' : 'failure',
    fault: faultOf(verdict),
    walk: { ...nothingKept, evidence }
  }
}

function faultOf(verdict: Verdict): Judgement['fault'] {
  return verdict.ok ? null : { code: verdict.code, message: verdict.message }
}

/** Hashes that were sent in one piece. */
function hashesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.byteLength / HASH_BYTES }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
  )
}
