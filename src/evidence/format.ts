import c, { type State } from 'compact-encoding'
import { hash } from '#crypto/hash.js'
import { concat, readUint, writeUint } from '../bytes.js'
import { ProofError } from '../errors.js'
import type { TreeNode } from '../merkle/node.js'
import {
  originalStep,
  walkShape,
  type CopyReader,
  type WalkChallenge,
  type WalkShape,
  type WalkStep
} from './walk.js'

/** The most bytes of an encoded chunk: hypercore's 15 MiB, `seal`'s 256 for 255, and a header. */
export const MAX_ENCODED_CHUNK_BYTES = Math.ceil((15 << 20) / 255) * 256 + 1024

/** The most bytes of the proof that a block belongs to the original hypercore. */
export const MAX_ORIGINAL_PROOF_BYTES = 16 << 10

/** Bytes before the head: version and length of the head. */
export const EVIDENCE_PREFIX_BYTES = 5

/** Bytes before each chunk of the body: its block index, so that index and chunk hash as one run of bytes. */
export const CHUNK_PREFIX_BYTES = 8

const VERSION = 1
/** Siblings with sizes that prove one leaf, at the most: 53 levels of 40 bytes. */
const MAX_PROOF_BYTES_PER_CHUNK = 53 * 40

/** One chunk of the body. Ascending by (ordinal, index), each once. */
export interface EvidenceChunk {
  ordinal: number
  /** Block index in the hypercore. */
  index: number
  /** Length of the encoded chunk. */
  bytes: number
}

/** Everything of an evidence but the chunks' bytes. */
export interface EvidenceHead {
  chunks: EvidenceChunk[]
  /** For each segment that has chunks here, ascending: the batch proof of these chunks against its root. */
  proofs: Uint8Array[]
  /** Proof that the block drawn by `originalStep` belongs to the original hypercore. */
  original: Uint8Array
}

/** What a pinner needs besides its chunks. */
export interface ProofReader {
  /** Leaf of a chunk in its segment's tree: its hash and its encoded length. */
  leaf(ordinal: number, index: number): TreeNode | Promise<TreeNode>
  /** Batch proof of chunks of one segment (ascending block indices), as src/merkle encodes it. */
  batchProof(ordinal: number, indices: number[]): Uint8Array | Promise<Uint8Array>
  /** Proof that block `index` belongs to the original: `joinOriginal` of src/storage's, without the block. */
  originalProof(ordinal: number, index: number): Uint8Array | Promise<Uint8Array>
}

/** An answer's evidence: its size is known before a chunk is read, its bytes come one chunk at a time. */
export interface Evidence {
  byteLength: number
  head: EvidenceHead
  /** `evidenceHash`: what the pinner signs for. */
  hash: Uint8Array
  /** The bytes, in order; only one chunk is in memory at a time. */
  parts(): AsyncGenerator<Uint8Array, void, void>
}

/** The most bytes that evidence for this challenge can have; what a server agrees to receive. */
export function maxEvidenceBytes(challenge: WalkChallenge): number {
  const shape = walkShape(challenge)
  const { steps, bytes } = shape
  const chunks = Math.min(bytes, steps * MAX_ENCODED_CHUNK_BYTES)
  return EVIDENCE_PREFIX_BYTES + maxHeadBytes(shape) + steps * CHUNK_PREFIX_BYTES + chunks
}

/** The most bytes that the head of evidence for a challenge of this shape can have. */
export function maxHeadBytes({ steps }: WalkShape): number {
  return 32 + MAX_ORIGINAL_PROOF_BYTES + steps * (3 * 9 + 9 + MAX_PROOF_BYTES_PER_CHUNK)
}

/** Gathers the evidence of a walk: each distinct chunk once, a proof a segment, and the original's proof. */
export async function buildEvidence(
  reader: CopyReader & ProofReader,
  challenge: WalkChallenge,
  steps: readonly WalkStep[]
): Promise<Evidence> {
  const last = steps.at(-1)
  if (!last) throw new RangeError('a walk has at least one step')
  const chunks: EvidenceChunk[] = []
  const leaves: Uint8Array[] = []
  for (const { ordinal, index } of distinct(steps)) {
    const { hash, bytes } = await reader.leaf(ordinal, index)
    chunks.push({ ordinal, index, bytes })
    leaves.push(hash)
  }
  const proofs: Uint8Array[] = []
  for (const [ordinal, indices] of byOrdinal(chunks)) proofs.push(await reader.batchProof(ordinal, indices))
  const drawn = steps[originalStep(last.state, steps.length)] as WalkStep
  const head = { chunks, proofs, original: await reader.originalProof(drawn.ordinal, drawn.index) }
  const encoded = encodeHead(head, challenge)
  return {
    byteLength: EVIDENCE_PREFIX_BYTES + encoded.byteLength + bodyBytes(head),
    head,
    hash: evidenceHash(encoded, concat(leaves)),
    async *parts() {
      const prefix = new Uint8Array(EVIDENCE_PREFIX_BYTES)
      prefix[0] = VERSION
      writeUint(prefix, encoded.byteLength, 1, 4)
      yield prefix
      yield encoded
      for (const { ordinal, index, bytes } of chunks) {
        const chunk = await reader.chunk(ordinal, index)
        if (chunk.byteLength !== bytes) throw malformed(`chunk ${index} changed its length while it was read`)
        yield chunkPrefix(index)
        yield chunk
      }
    }
  }
}

/**
 * What an evidence says of the drawn block: the length at which the original's tree has the recorded hash, and
 * the proof without the block, which the chunk itself gives. The tree hash covers the length.
 */
export function joinOriginal(length: number, proof: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + proof.byteLength)
  writeUint(out, length, 0, 8)
  out.set(proof, 8)
  return out
}

/** The parts of `joinOriginal`. @throws ProofError `EVIDENCE_MALFORMED` */
export function splitOriginal(original: Uint8Array): { length: number; proof: Uint8Array } {
  if (original.byteLength < 8) throw malformed('the proof of the original is too short')
  const length = readUint(original, 0, 8)
  return { length, proof: original.subarray(8) }
}

/** Bytes of the body that a head announces. */
export function bodyBytes({ chunks }: EvidenceHead): number {
  return chunks.reduce((sum, { bytes }) => sum + CHUNK_PREFIX_BYTES + bytes, 0)
}

/**
 * Hash of an evidence: of its head and the leaf hashes of its chunks (32 bytes each, in a row), which bind every byte
 * of them. What `settle` logs; computed without another pass over the chunks.
 */
export function evidenceHash(head: Uint8Array, leaves: Uint8Array): Uint8Array {
  return hash('datdot/evidence/1', head, leaves)
}

/** The head's bytes, in their only form. */
export function encodeHead(head: EvidenceHead, challenge: WalkChallenge): Uint8Array {
  const state = c.state()
  writeHead(state, head, challenge, 'preencode')
  const out = new Uint8Array(state.end)
  state.buffer = out
  writeHead(state, head, challenge, 'encode')
  return out
}

function writeHead(
  state: State,
  head: EvidenceHead,
  challenge: WalkChallenge,
  method: 'preencode' | 'encode'
): void {
  c.uint[method](state, head.chunks.length)
  for (const { ordinal, index, bytes } of head.chunks) {
    c.uint[method](state, ordinal)
    c.uint[method](state, index - start(challenge, ordinal))
    c.uint[method](state, bytes)
  }
  c.uint[method](state, head.proofs.length)
  for (const proof of head.proofs) c.uint8array[method](state, proof)
  c.uint8array[method](state, head.original)
}

/** Length of the head, from an evidence's first bytes. @throws ProofError `EVIDENCE_MALFORMED` */
export function headLength(prefix: Uint8Array, shape: WalkShape): number {
  if (prefix.byteLength !== EVIDENCE_PREFIX_BYTES || prefix[0] !== VERSION) {
    throw malformed(`it does not begin with version ${VERSION}`)
  }
  const bytes = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1, true)
  if (bytes > maxHeadBytes(shape)) throw malformed(`a head of ${bytes} bytes is too long`)
  return bytes
}

/**
 * Reads a head. Chunks must ascend, lie in their segments, and be no more than the walk has steps; there
 * must be a proof for each segment with chunks; and the bytes must be the ones `encodeHead` gives.
 *
 * @throws ProofError `EVIDENCE_MALFORMED`
 */
export function decodeHead(
  bytes: Uint8Array,
  challenge: WalkChallenge,
  { steps }: WalkShape = walkShape(challenge)
): EvidenceHead {
  let head: EvidenceHead
  try {
    head = readHead({ start: 0, end: bytes.byteLength, buffer: bytes }, challenge, steps)
  } catch (error) {
    if (error instanceof ProofError) throw error
    throw malformed('its head ends too early')
  }
  // Integers have longer forms too: only if each is in its shortest one do the lengths agree.
  const shortest = c.state()
  writeHead(shortest, head, challenge, 'preencode')
  if (shortest.end !== bytes.byteLength) throw malformed('its head is not in its only form')
  return head
}

function readHead(state: State, challenge: WalkChallenge, steps: number): EvidenceHead {
  const count = c.uint.decode(state)
  if (count < 1 || count > steps) throw malformed(`${count} chunks for ${steps} steps`)
  const chunks: EvidenceChunk[] = []
  let before: EvidenceChunk | undefined
  for (let i = 0; i < count; i++) {
    const ordinal = c.uint.decode(state)
    const segment = challenge.segments[ordinal]
    const leaf = c.uint.decode(state)
    const bytes = c.uint.decode(state)
    if (!segment || leaf >= segment.chunks) throw malformed('a chunk lies outside the copy')
    if (bytes < 1 || bytes > Math.min(segment.bytes, MAX_ENCODED_CHUNK_BYTES)) {
      throw malformed(`a chunk of ${bytes} bytes`)
    }
    const chunk = { ordinal, index: segment.start + leaf, bytes }
    if (before && (ordinal < before.ordinal || (ordinal === before.ordinal && chunk.index <= before.index))) {
      throw malformed('its chunks do not ascend')
    }
    chunks.push((before = chunk))
  }
  const segments = byOrdinal(chunks).size
  if (c.uint.decode(state) !== segments) throw malformed(`not one proof for each of ${segments} segments`)
  const proofs: Uint8Array[] = []
  for (let i = 0; i < segments; i++) proofs.push(readBytes(state, steps * MAX_PROOF_BYTES_PER_CHUNK))
  return { chunks, proofs, original: readBytes(state, MAX_ORIGINAL_PROOF_BYTES) }
}

function readBytes(state: State, limit: number): Uint8Array {
  const length = c.uint.decode(state)
  if (length > limit || length > state.end - state.start) throw malformed(`a proof of ${length} bytes`)
  const bytes = (state.buffer as Uint8Array).subarray(state.start, state.start + length)
  state.start += length
  return bytes
}

/** Block indices of chunks, ascending, by the segment they are in. */
export function byOrdinal(chunks: readonly EvidenceChunk[]): Map<number, number[]> {
  const out = new Map<number, number[]>()
  for (const { ordinal, index } of chunks) {
    const indices = out.get(ordinal)
    if (indices) indices.push(index)
    else out.set(ordinal, [index])
  }
  return out
}

/** The body's prefix of a chunk: its block index as u64, little-endian. */
export function chunkPrefix(index: number): Uint8Array {
  const prefix = new Uint8Array(CHUNK_PREFIX_BYTES)
  writeUint(prefix, index, 0, CHUNK_PREFIX_BYTES)
  return prefix
}

function distinct(steps: readonly WalkStep[]): WalkStep[] {
  const seen = new Map(steps.map((step) => [step.index, step]))
  return [...seen.values()].sort((a, b) => a.index - b.index)
}

function start(challenge: WalkChallenge, ordinal: number): number {
  const segment = challenge.segments[ordinal]
  if (!segment) throw malformed('a chunk lies outside the copy')
  return segment.start
}

function malformed(why: string): ProofError {
  return new ProofError('EVIDENCE_MALFORMED', `This evidence cannot be read: ${why}`)
}
