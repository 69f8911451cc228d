import { equal } from '../bytes.js'
import type { Outcome } from '../protocol/operations.js'
import type { ErrorCode } from '../errors.js'
import type { RefusedSlices, VerifiedSlices } from './verify-slices.js'

/** What the check of an evidence says. */
export type Verdict = Omit<VerifiedSlices, 'visits'> | RefusedSlices

/** What becomes of a challenge by its evidence; the chain settles it, an audit works it out again. */
export interface Judgement {
  outcome: Outcome & ('success' | 'failure' | 'lie')
  /** Why it does not hold; null if it does. */
  fault: { code: ErrorCode; message: string } | null
}

/**
 * The outcome of a checked evidence.
 *
 * @param named hash of the evidence that the pinner's signed answer names: other bytes are none of its own, and prove nothing
 */
export function judgeEvidence(verdict: Verdict, named: Uint8Array): Judgement {
  if (!equal(verdict.hash, named)) {
    const message = 'This evidence is not the one that the answer named'
    return { outcome: 'failure', fault: { code: 'EVIDENCE_CLAIM', message } }
  }
  if (verdict.ok) return { outcome: 'success', fault: null }
  const { code, message, lie } = verdict
  return { outcome: lie ? 'lie' : 'failure', fault: { code, message } }
}
