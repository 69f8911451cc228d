import { blake3, keyedBlake3 } from '../../crypto/hash.js'
import type { ChunkBatch } from '../../chunk/codec.js'
import { codecOf } from '../../chunk/codecs.js'
import { CodecError, ProofError } from '../../errors.js'
import { leafOf, type TreeNode } from '../../merkle/node.js'
import { decodeBatchProof, verifyBatch } from '../../merkle/proof.js'
import type { ChunkPosition } from '../../merkle/reader.js'
import {
  CHUNK_PREFIX_BYTES,
  EVIDENCE_PREFIX_BYTES,
  bodyBytes,
  decodeHead,
  evidenceHash,
  headLength,
  type EvidenceChunk,
  type EvidenceHead
} from './evidence.js'
import {
  originalStep,
  walkShape,
  walkTarget,
  type WalkChallenge,
  type WalkSegment,
  type WalkShape
} from './walk.js'

/** Where an evidence's bytes are; reads are synchronous, since they happen in a worker. */
export interface EvidenceSource {
  readonly byteLength: number
  /** Bytes `[offset, offset + length)`; good until the next read. */
  read(offset: number, length: number): Uint8Array
}

/** Whether `proof` shows that `block` is block `index` of the original whose tree the segment names. */
export type OriginalCheck = (
  segment: WalkSegment,
  index: number,
  block: Uint8Array,
  proof: Uint8Array
) => boolean

/** What an evidence that holds says; what `settle` logs. */
export interface VerifiedEvidence {
  ok: true
  /** s_1 to s_k. */
  states: Buffer[]
  /** Block index of each step's chunk. */
  indices: number[]
  /** Leaf hash of each step's chunk. */
  leaves: Uint8Array[]
  /** `evidenceHash`. */
  hash: Buffer
  /** Bytes of the evidence. */
  bytes: number
}

/** Why an evidence does not hold: a code of EVIDENCE_… or CODEC_…, and a sentence. */
export interface RefusedEvidence {
  ok: false
  code: string
  message: string
  /** `evidenceHash`, if the evidence could be read so far. */
  hash: Buffer | null
}

/** One chunk of an evidence while it is checked. */
interface Chunk extends EvidenceChunk {
  /** Where its index and then its bytes are in the evidence. */
  at: number
  bodyHash: Buffer
  leaf: TreeNode
  /** Where it begins in its segment's encoded bytes; from the proof. */
  offset: number
  visited: boolean
}

/**
 * Checks an answer's evidence against the roots on the chain and the state that the pinner signed first. One
 * chunk is in memory at a time, with a copy of it where it is decoded.
 *
 * @param lastState the signed s_k
 */
export function verifyEvidence(
  source: EvidenceSource,
  challenge: WalkChallenge,
  lastState: Uint8Array,
  checkOriginal: OriginalCheck
): VerifiedEvidence | RefusedEvidence {
  let check: Check | undefined
  try {
    check = new Check(source, challenge)
    return check.run(lastState, checkOriginal)
  } catch (error) {
    // Only what the evidence says can refuse it; trouble of our own is not the pinner's fault.
    if (!(error instanceof ProofError) && !(error instanceof CodecError)) throw error
    return { ok: false, code: error.code, message: error.message, hash: check?.hash ?? null }
  }
}

class Check {
  readonly #source: EvidenceSource
  readonly #challenge: WalkChallenge
  readonly #shape: WalkShape
  readonly #headBytes: Buffer
  readonly #head: EvidenceHead
  readonly #chunks: Chunk[] = []

  constructor(source: EvidenceSource, challenge: WalkChallenge) {
    this.#source = source
    this.#challenge = challenge
    this.#shape = walkShape(challenge)
    const length = headLength(this.#read(0, EVIDENCE_PREFIX_BYTES), challenge)
    this.#headBytes = Buffer.from(this.#read(EVIDENCE_PREFIX_BYTES, length))
    this.#head = decodeHead(this.#headBytes, challenge)
    const expected = EVIDENCE_PREFIX_BYTES + length + bodyBytes(this.#head)
    if (source.byteLength !== expected) {
      throw refuse('EVIDENCE_MALFORMED', `it has ${source.byteLength} bytes, its head announces ${expected}`)
    }
  }

  run(lastState: Uint8Array, checkOriginal: OriginalCheck): VerifiedEvidence {
    this.#hashChunks()
    this.#proveChunks()
    const { states, visits } = this.#walk()
    if (!states.at(-1)?.equals(lastState)) {
      throw refuse('EVIDENCE_STATE', 'its chunks lead to another state than the one that was signed')
    }
    if (this.#chunks.some(({ visited }) => !visited)) {
      throw refuse('EVIDENCE_EXTRA', 'it has a chunk that the walk does not visit')
    }
    this.#checkOriginal(visits[originalStep(lastState, visits.length)] as Chunk, checkOriginal)
    return {
      ok: true,
      states,
      indices: visits.map(({ index }) => index),
      leaves: visits.map(({ leaf }) => leaf.hash),
      hash: this.hash as Buffer,
      bytes: this.#source.byteLength
    }
  }

  /** Hash of the evidence, once all its chunks are hashed. */
  get hash(): Buffer | null {
    if (this.#chunks.length < this.#head.chunks.length) return null
    return evidenceHash(
      this.#headBytes,
      this.#chunks.map(({ leaf }) => leaf.hash)
    )
  }

  #hashChunks(): void {
    let at = EVIDENCE_PREFIX_BYTES + this.#headBytes.byteLength
    for (const chunk of this.#head.chunks) {
      const { headerBytes } = codecOf(this.#segment(chunk).codec)
      const bytes = this.#read(at, CHUNK_PREFIX_BYTES + chunk.bytes)
      const prefix = Buffer.from(bytes.buffer, bytes.byteOffset, CHUNK_PREFIX_BYTES)
      if (prefix.readBigUInt64LE() !== BigInt(chunk.index)) {
        throw refuse('EVIDENCE_MALFORMED', `chunk ${chunk.index} comes with another index`)
      }
      if (chunk.bytes < headerBytes) {
        throw refuse('EVIDENCE_MALFORMED', `chunk ${chunk.index} is shorter than a header`)
      }
      const header = bytes.subarray(CHUNK_PREFIX_BYTES, CHUNK_PREFIX_BYTES + headerBytes)
      const bodyHash = blake3(bytes.subarray(CHUNK_PREFIX_BYTES + headerBytes))
      const leaf = leafOf(header, chunk.bytes, bodyHash)
      this.#chunks.push({ ...chunk, at, bodyHash, leaf, offset: 0, visited: false })
      at += bytes.byteLength
    }
  }

  #proveChunks(): void {
    let from = 0
    for (const proof of this.#head.proofs) {
      const { ordinal } = this.#chunks[from] as Chunk
      let to = from + 1
      while (this.#chunks[to]?.ordinal === ordinal) to++
      const segment = this.#challenge.segments[ordinal] as WalkSegment
      const chunks = this.#chunks.slice(from, to)
      const leaves = chunks.map(({ index, leaf }) => ({ index: index - segment.start, leaf }))
      const nodes = decodeBatchProof(
        proof,
        leaves.map(({ index }) => index),
        segment.chunks
      )
      const root = { hash: segment.root, bytes: segment.bytes, chunks: segment.chunks }
      const positions = verifyBatch(root, leaves, nodes)
      chunks.forEach((chunk, i) => (chunk.offset = (positions[i] as ChunkPosition).offset))
      from = to
    }
  }

  #walk(): { states: Buffer[]; visits: Chunk[] } {
    const states: Buffer[] = []
    const visits: Chunk[] = []
    let state = this.#challenge.seed
    for (let step = 0; step < this.#shape.steps; step++) {
      const target = walkTarget(this.#challenge, this.#shape, step, state)
      const chunk = this.#chunks.find(
        ({ ordinal, index, offset, bytes }) =>
          ordinal === target.ordinal &&
          ('index' in target
            ? index === target.index
            : offset <= target.offset && target.offset < offset + bytes)
      )
      if (!chunk) throw refuse('EVIDENCE_MISSING', `it has no chunk for step ${step}`)
      chunk.visited = true
      // Index and chunk lie behind one another in the evidence exactly as the state hashes them.
      state = keyedBlake3(state, this.#read(chunk.at, CHUNK_PREFIX_BYTES + chunk.bytes))
      states.push(state as Buffer)
      visits.push(chunk)
    }
    return { states, visits }
  }

  #checkOriginal(drawn: Chunk, checkOriginal: OriginalCheck): void {
    const segment = this.#segment(drawn)
    const decoder = codecOf(segment.codec).createDecoder(segment)
    // A copy, because decoding is in place and the evidence is kept.
    const slab = Buffer.from(this.#read(drawn.at + CHUNK_PREFIX_BYTES, drawn.bytes))
    const batch: ChunkBatch = {
      slab,
      count: 1,
      firstIndex: drawn.index,
      offsets: new Uint32Array(1),
      encodedBytes: new Uint32Array([drawn.bytes]),
      plainOffsets: new Uint32Array(1),
      plainBytes: new Uint32Array(1),
      seed: new Uint8Array(0)
    }
    decoder.check(batch, 0, 1, drawn.bodyHash)
    decoder.open(batch, 0, 1)
    const from = batch.plainOffsets[0] as number
    const block = slab.subarray(from, from + (batch.plainBytes[0] as number))
    if (!checkOriginal(segment, drawn.index, block, this.#head.original)) {
      throw refuse('EVIDENCE_ORIGINAL', `chunk ${drawn.index} does not encode the original's block`)
    }
  }

  #segment({ ordinal }: EvidenceChunk): WalkSegment {
    return this.#challenge.segments[ordinal] as WalkSegment
  }

  #read(offset: number, length: number): Uint8Array {
    if (offset + length > this.#source.byteLength) throw refuse('EVIDENCE_MALFORMED', 'it ends too early')
    return this.#source.read(offset, length)
  }
}

function refuse(code: string, why: string): ProofError {
  return new ProofError(code, `This evidence does not hold: ${why}`)
}
