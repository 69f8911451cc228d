import { VALUE_BYTES, hashTree, plainMode } from '../crypto/blake3-tree.js'
import { pureHashes } from '../crypto/pure-hashes.js'
import { batchRoot, checkBatchRoot } from '../merkle/batch-root.js'
import { pureSliceHasher } from './slice-batch.js'
import type { SliceTools } from './verify-slices.js'

/** Bytes of a node of a path. */
const RECORD_BYTES = 40

/** What slices are checked with in TypeScript alone: in a browser, and as the path to compare compiled code with. */
export const pureSliceTools: SliceTools = {
  ...pureHashes,
  sliceRoots: pureSliceHasher.sliceRoots,
  chunkLeaves: pureSliceHasher.chunkLeaves,
  verifyBatch(root, indices, leaves, proof) {
    const record = new Uint8Array(RECORD_BYTES)
    const offsets = batchRoot(root.chunks, indices, leaves, proof, parents, record)
    checkBatchRoot(root, record)
    return offsets
  }
}

/** BLAKE3(0x01 || u64 bytes below || left || right) of pairs of records. */
function parents(children: Uint8Array, pairs: number, out: Uint8Array): void {
  const message = new Uint8Array(1 + 8 + 2 * VALUE_BYTES)
  const sizes = new DataView(children.buffer, children.byteOffset)
  const view = new DataView(message.buffer)
  message[0] = 1
  for (let i = 0; i < pairs; i++) {
    const left = 2 * i * RECORD_BYTES
    const right = left + RECORD_BYTES
    const bytes = sizes.getBigUint64(left, true) + sizes.getBigUint64(right, true)
    view.setBigUint64(1, BigInt.asUintN(64, bytes), true)
    message.set(children.subarray(left + 8, right), 9)
    message.set(children.subarray(right + 8, right + RECORD_BYTES), 9 + VALUE_BYTES)
    out.set(message.subarray(1, 9), i * RECORD_BYTES)
    out.set(hashTree(plainMode, message), i * RECORD_BYTES + 8)
  }
}
