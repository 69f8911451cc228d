import { RECORD_BYTES, slabHasher, type SlabHasher } from '../crypto/blake3-slab.js'
import { batchRoot, checkBatchRoot, wrongLength, wrongSize } from './batch-root.js'
import type { TreeRoot } from './node.js'

/**
 * Checks a batch proof on its bytes; returns where each leaf begins in the segment. The indices must be ascending and distinct leaves of the tree (`verifyBatch` checks that).
 *
 * @param leaves records of the leaves, RECORD_BYTES each
 * @param proof the proof's records
 * @throws ProofError `PROOF_LENGTH` unless it has exactly the records that are needed, `PROOF_BYTES`, `PROOF_ROOT`
 */
export function verifyBatchRecords(
  root: TreeRoot,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  hasher: SlabHasher = slabHasher
): ArrayLike<number> {
  const record = new Uint8Array(RECORD_BYTES)
  const offsets = hasher.batchRoot
    ? nativeRoot(root.chunks, indices, leaves, proof, hasher.batchRoot, record)
    : batchRoot(root.chunks, indices, leaves, proof, (...pairs) => hasher.parents(...pairs), record)
  checkBatchRoot(root, record)
  return offsets
}

function nativeRoot(
  chunks: number,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  batchRoot: NonNullable<SlabHasher['batchRoot']>,
  record: Uint8Array
): ArrayLike<number> {
  const sorted = new Float64Array(indices)
  const offsets = new Float64Array(sorted.length)
  const fault = batchRoot(chunks, sorted, leaves, proof, offsets, record)
  if (fault === 1) throw wrongLength(proof.byteLength / RECORD_BYTES)
  if (fault === 2) throw wrongSize()
  return offsets
}
