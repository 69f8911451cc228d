import { equal } from '../bytes.js'
import type { SegmentPublic } from '../chunk/codec.js'
import { HEADER_BYTES } from '../chunk/header.js'
import { CodecError, ProofError, type ErrorCode } from '../errors.js'
import { leafNode } from '../merkle/node.js'
import { decodeProof, verifyProof } from '../merkle/proof.js'
import { originalLeaf, verifyOriginalLeaf } from '../protocol/original-tree.js'
import type { AskedChunk } from '../protocol/views.js'
import { decodeOpening, openingHash } from './opening.js'

/** What came of an opening. Null: these bytes are not the chunk that was asked for, whoever made them, and say nothing of it. */
export interface OpeningVerdict {
  outcome: 'success' | 'lie' | null
  /** `openingHash`: of any bytes. */
  hash: Uint8Array
  /** Why it is none, or a lie. */
  fault: { code: ErrorCode; message: string } | null
}

/** What judging needs of ciphers; handed in, since they are not pure. */
export interface OpeningTools {
  /** Decodes a chunk. @throws CodecError if it is none of this segment at this index */
  decodeChunk: (segment: SegmentPublic, index: number, chunk: Uint8Array) => Uint8Array
}

/**
 * Whether a chunk encodes the author's block: a pure function of the opening and of what the log says, for the pinner before it sends it,
 * for the chain, and for whoever audits it. What leads to the root that signer and pinner signed, and not to the author's block, is a lie of
 * both; nobody else can make such bytes.
 */
export function judgeOpening(
  bytes: Uint8Array,
  { segment, index }: AskedChunk,
  { decodeChunk }: OpeningTools
): OpeningVerdict {
  const hash = openingHash(bytes)
  const { codec, id, publicKey, salt, start, chunks, root, treeHash } = segment
  try {
    const { length, proof, level, leaf, original, chunk } = decodeOpening(bytes)
    const at = index - start
    const encoded = leafNode(chunk, HEADER_BYTES[codec])
    verifyProof({ hash: root, bytes: segment.bytes, chunks }, at, encoded, decodeProof(proof, at, chunks))
    verifyOriginalLeaf(leaf, original, { length, treeHash }, index, level)
    const decode = (): Uint8Array => decodeChunk({ codec, id, publicKey, salt }, index, chunk)
    const fault = decodes(decode, { leaf, level }, index)
    return { outcome: fault ? 'lie' : 'success', hash, fault }
  } catch (error) {
    // Only what the opening says decides; trouble of our own is nobody's fault.
    if (!(error instanceof ProofError)) throw error
    return { outcome: null, hash, fault: { code: error.code, message: error.message } }
  }
}

/** What is wrong with a chunk whose block has this leaf in the author's tree. */
function decodes(
  decode: () => Uint8Array,
  { leaf, level }: { leaf: { hash: Uint8Array }; level: number },
  index: number
): OpeningVerdict['fault'] {
  try {
    const plain = decode()
    // An empty chunk stands for a block that nobody had when it was encoded: it earns nothing, and readers are who misses it.
    if (plain.byteLength === 0) return null
    if (level > 0)
      throw new ProofError('ORIGINAL_PROOF_SHAPE', 'Only of a hole a node above its leaf may be shown.')
    // Hypercore's hash of a leaf covers the block's length too.
    if (equal(originalLeaf(plain), leaf.hash)) return null
    return {
      code: 'OPENING_OTHER_BLOCK',
      message: `chunk ${index} decodes to another block than the author's`
    }
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return { code: error.code, message: error.message }
  }
}
