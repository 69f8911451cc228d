import { hash } from '#crypto/hash.js'
import { MAX_BODY_BYTES } from './slices.js'
import { MAX_HEADER_BYTES } from '../chunk/header.js'
import { ProofError } from '../errors.js'
import { BLOCKS_MAX } from '../bounds.js'
import { bytes, decode, encode, fixed, struct, uint, type Infer } from '../protocol/codec.js'
import { MAX_ORIGINAL_PROOF_BYTES } from './refusal-format.js'

// An opening: one whole chunk with what leads it to the segment's root, and the leaf of the same block with what leads it to the
// author's (docs/formats.md has it byte by byte). In one form only.

const VERSION = 2

/** Siblings with sizes that prove one chunk, at the most: 53 levels of 40 bytes. */
const MAX_CHUNK_PROOF_BYTES = 53 * 40

/** The longest chunk that a codec makes. */
const MAX_CHUNK_BYTES = MAX_BODY_BYTES + MAX_HEADER_BYTES

/** The most bytes of an opening. */
export const MAX_OPENING_BYTES = MAX_CHUNK_BYTES + MAX_CHUNK_PROOF_BYTES + MAX_ORIGINAL_PROOF_BYTES + 2 ** 8

export const openingType = struct({
  version: uint(0xfc),
  /** Blocks of the original whose tree the segment was recorded with. */
  length: uint(BLOCKS_MAX),
  /** Inclusion proof of the chunk under the segment's root. */
  proof: bytes(MAX_CHUNK_PROOF_BYTES),
  /** Steps above the block's leaf: 0, but for a hole, of which the author's tree may have no more than a node over several. */
  level: uint(63),
  /** The leaf of the block in the author's tree, or that node, … */
  leaf: struct({ size: uint(), hash: fixed(32) }),
  /** … and what leads it to that tree's hash. */
  original: bytes(MAX_ORIGINAL_PROOF_BYTES),
  chunk: bytes(MAX_CHUNK_BYTES)
})
export type Opening = Omit<Infer<typeof openingType>, 'version'>

export function encodeOpening(opening: Opening): Uint8Array {
  return encode(openingType, { version: VERSION, ...opening })
}

/** Reads an opening. Chunk and proofs are views of `from`. @throws ProofError `OPENING_MALFORMED` */
export function decodeOpening(from: Uint8Array): Opening {
  if (from.byteLength > MAX_OPENING_BYTES) throw malformed(`it has ${from.byteLength} bytes`)
  let read: Infer<typeof openingType>
  try {
    read = decode(openingType, from)
  } catch (error) {
    throw malformed((error as Error).message)
  }
  const { version, ...opening } = read
  if (version !== VERSION) throw malformed(`it has version ${version}`)
  if (opening.chunk.byteLength === 0) throw malformed('a chunk has at least one byte')
  return opening
}

/** Hash of an opening, which its verdict names. */
export function openingHash(opening: Uint8Array): Uint8Array {
  return hash('datdot/opening-evidence/1', opening)
}

function malformed(why: string): ProofError {
  return new ProofError('OPENING_MALFORMED', `This opening cannot be read: ${why}`)
}
