import { sliceTools } from '../../evidence/slice-tools.js'
import { buildSliceEvidence, sliceEvidenceHash, type PathSource } from '../../evidence/slice-evidence.js'
import { walkSlices, type SliceChallenge, type SliceSource } from '../../evidence/slice-walk.js'
import { verifySliceEvidence } from '../../evidence/verify-slices.js'
import { StorageError } from '../../errors.js'

/** What a pinner answers a challenge with, and what it hands over after that. */
export interface Answer {
  /** s_k */
  state: Uint8Array
  /** `sliceEvidenceHash` of it. */
  hash: Uint8Array
  evidence: Uint8Array
}

/**
 * Walks a challenge and checks what comes of it as the chain will: bytes that the disk has damaged would count as a lie, and
 * are refused instead.
 *
 * @throws StorageError STORAGE_BLOCK_LOST for damage; whatever the copy throws; the signal's reason when aborted
 */
export async function answerTo(
  copy: SliceSource & PathSource,
  challenge: SliceChallenge,
  signal?: AbortSignal
): Promise<Answer> {
  const steps = await walkSlices(copy, challenge, sliceTools, signal)
  const { state } = steps.at(-1)!
  const evidence = await buildSliceEvidence(copy, challenge, steps)
  const verdict = verifySliceEvidence(evidence, challenge, state, sliceTools)
  if (verdict.ok) return { state, hash: sliceEvidenceHash(evidence, sliceTools), evidence }
  throw new StorageError(
    'STORAGE_BLOCK_LOST',
    `what the disk holds is not what was stored: ${verdict.message} [${verdict.code}]`
  )
}
