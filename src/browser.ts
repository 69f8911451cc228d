/**
 * `datdot/browser`: what of datdot is arithmetic on bytes alone, for a page as well as for Node: operations, entries and
 * receipts, Merkle proofs, evidence and its verdict, refusals, and what is paid. It brings nothing of Node along; a page
 * hands in Ed25519 and BLAKE2b with `provideCrypto` first (docs/browser.md), in Node the compiled ones are used.
 *
 * ```js
 * import { decodeOperation, segmentReward, defaultParameters, verifySignatures } from 'datdot/browser'
 *
 * const hostile = new Uint8Array(100)
 * console.log('signatures that hold:', verifySignatures(new Uint8Array(32), [hostile])[0])
 * try {
 *   decodeOperation(hostile)
 * } catch (error) {
 *   console.log('refused with', error.code)
 * }
 * console.log('grains for a segment of a GiB:', segmentReward(2 ** 30, defaultParameters))
 * ```
 *
 * @module
 */
export { provideCrypto } from './crypto/browser/provided.js'
export type { Provided } from './crypto/browser/provided.js'
export { HASH_BYTES, blake3, encodeParts, hash, keyedBlake3, uniform } from '#crypto/hash.js'
export { keyPairFromSeed } from '#crypto/keys.js'
export type { KeyPair } from '#crypto/keys.js'

export * from './protocol/index.js'
export {
  OriginalTreeBuilder,
  encodeOriginalProof,
  originalLeaf,
  verifyOriginalLeaf,
  verifyOriginalProof
} from './protocol/original-tree.js'
export { segmentId, segmentSalt } from './protocol/segment.js'
export type { Decoder, SegmentPlace, SegmentPublic } from './chunk/codec.js'
export type { CodecName } from './chunk/header.js'

export { TreeBuilder } from './merkle/builder.js'
export { decodeNode, encodeNode, leafNode, parentNode } from './merkle/node.js'
export type { TreeNode, TreeRoot } from './merkle/node.js'
export {
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from './merkle/proof.js'
export { MemoryTree, locate, rootOf } from './merkle/reader.js'

export { judgeEvidence } from './evidence/verdict.js'
export { pureSliceTools } from './evidence/pure-slice-tools.js'
export { sliceEvidenceHash } from './evidence/slice-evidence.js'
export { openStep, sliceWalkSeed } from './evidence/slice-walk.js'
export { proveSlice, verifySlice } from './evidence/slices.js'
export type { SliceProof } from './evidence/slices.js'
export type { SliceChallenge, SliceSeedParts } from './evidence/slice-walk.js'
export { verifySliceEvidence } from './evidence/verify-slices.js'
export type { RefusedSlices, SliceTools, VerifiedSlices } from './evidence/verify-slices.js'
export { judgeRefusal } from './evidence/refusal-judge.js'
export type { RefusalTools, RefusalVerdict } from './evidence/refusal-judge.js'

export { drawSeed } from './ledger/rules/draw.js'
export { Urn } from './ledger/rules/lots.js'
export { OnionBeacon, opensLayer } from './ledger/rules/beacon.js'
export * from './ledger/rules/economics.js'
export { reputationPpm, updateReputation } from './ledger/rules/reputation.js'

export { ChainError, CodecError, DatdotError, ProofError } from './errors.js'
