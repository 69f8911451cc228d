/**
 * `datdot`: the engine, its codecs, and the Merkle tree over encoded chunks. Encoding the blocks of any hypercore, and
 * knowing the root that a signer and a pinner would sign:
 *
 * ```js
 * import { Engine, TreeBuilder, keyPairFromSeed, randomBytes, segmentId } from 'datdot'
 *
 * const engine = new Engine()
 * const signer = keyPairFromSeed(randomBytes(32))
 * const place = { chain: randomBytes(32), key: randomBytes(32), fork: 0, copy: 0, start: 0, draw: 0 }
 * const id = segmentId({ ...place, signer: signer.publicKey })
 * const segment = { codec: 'wrap', id, salt: randomBytes(32), ...signer }
 *
 * const tree = new TreeBuilder()
 * for await (const batch of engine.encode([Buffer.from('a block')], { segment, start: 0 })) {
 *   tree.append(batch.count, batch.levels)
 * }
 * console.log(tree.root().chunks, 'chunk of', tree.root().bytes, 'bytes')
 * await engine.close()
 * ```
 *
 * @module
 */
export { Engine } from './engine/engine.js'
export type {
  Batch,
  ChunkRun,
  ChunkSource,
  EngineOptions,
  StreamProgress,
  RebuildOptions,
  StreamOptions
} from './engine/engine.js'
export { generateSealKey, wipeSegmentKey } from './engine/seal-key.js'
export type { SealKeyOptions } from './engine/seal-key.js'

export { MAX_PLAIN_BYTES } from './chunk/header.js'
export type { CodecName } from './chunk/header.js'
export { SEED_BYTES, segmentId, segmentSalt } from './chunk/codec.js'
export type { SegmentPlace, SegmentPublic, SegmentSecret } from './chunk/codec.js'
export { codecOf, decodeChunk, encodeChunk } from './chunk/codecs.js'

export { TreeBuilder } from './merkle/builder.js'
export type { NodeSink } from './merkle/builder.js'
export { decodeNode, encodeNode, leafNode, parentNode } from './merkle/node.js'
export type { TreeNode, TreeRoot } from './merkle/node.js'
export {
  MAX_BATCH_LEAVES,
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from './merkle/proof.js'
export type { ProvenLeaf } from './merkle/proof.js'
export { MemoryTree, locate, rootOf } from './merkle/reader.js'
export type { ChunkPosition, NodeReader } from './merkle/reader.js'

export { HASH_BYTES, blake3, hash, keyedBlake3, uniform } from './crypto/hash.js'
export { keyPairFromSeed, randomBytes } from './crypto/keys.js'
export type { KeyPair } from './crypto/keys.js'

export {
  ChainError,
  CodecError,
  CryptoError,
  DatdotError,
  EngineError,
  InputError,
  ProofError,
  StorageError,
  SwarmError
} from './errors.js'
