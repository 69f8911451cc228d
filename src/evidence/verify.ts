import { RECORD_BYTES, slabHasher } from '../crypto/blake3-slab.js'
import { HASH_BYTES, keyedBlake3 } from '#crypto/hash.js'
import type { Decoder, SegmentPublic } from '../chunk/codec.js'
import { HEADER_BYTES } from '../chunk/header.js'
import { equal } from '../bytes.js'
import { CodecError, ForgeryError, ProofError, type CodeOf, type ErrorCode } from '../errors.js'
import { verifyBatchRecords } from '../merkle/batch.js'
import {
  CHUNK_PREFIX_BYTES,
  EVIDENCE_PREFIX_BYTES,
  bodyBytes,
  decodeHead,
  evidenceHash,
  headLength,
  splitOriginal,
  type EvidenceChunk,
  type EvidenceHead
} from './format.js'
import { originalStep, walkShape, walkTarget, type WalkChallenge, type WalkShape } from './walk.js'
import type { WalkSegment } from '../protocol/views.js'

/** Chunks are hashed in groups of about this size: few calls, and all of a group in the core's cache. */
const GROUP_BYTES = 512 << 10
/** Memory that a thread keeps for decoding; larger chunks get some of their own. */
const SCRATCH_BYTES = 256 << 10

/** Where an evidence's bytes are; reads are synchronous, since they happen in a worker. */
export interface EvidenceSource {
  readonly byteLength: number
  /** Bytes `[offset, offset + length)`; good until the next read. */
  read(offset: number, length: number): Uint8Array
}

/**
 * Checks that block `index` of the original is the one in `proof`, src/storage's proof, which ends with the block:
 * the original is `length` blocks long and has the tree that the segment names.
 *
 * @throws ProofError if it is not
 */
export type CheckOriginal = (segment: WalkSegment, index: number, length: number, proof: Uint8Array) => void

/** What is handed in: ciphers, and what is known of originals. */
export interface EvidenceTools {
  /** How chunks of a segment are decoded. */
  decoderOf: (segment: SegmentPublic) => Pick<Decoder, 'checkHeader' | 'openPiece'>
  checkOriginal: CheckOriginal
}

/** What an evidence that holds says; what `settle` logs. */
export interface VerifiedEvidence {
  ok: true
  /** s_1 to s_k, 32 bytes each. In one piece, since it crosses threads. */
  states: Uint8Array
  /** Block index of each step's chunk. */
  indices: number[]
  /** Leaf hash of each step's chunk, 32 bytes each. */
  leaves: Uint8Array
  /** `evidenceHash`. */
  hash: Uint8Array
  /** Bytes of the evidence. */
  bytes: number
}

/** Why an evidence does not hold. */
export interface RefusedEvidence {
  ok: false
  /**
   * Whether the evidence itself proves that its pinner signed what is not so: its bytes are not those of the segment, or lead
   * elsewhere. What is unreadable or incomplete is a failure only.
   */
  lie: boolean
  code: ErrorCode
  message: string
  /** `evidenceHash`, if the evidence could be read so far. */
  hash: Uint8Array | null
}

/** One chunk of an evidence while it is checked. */
interface Chunk extends EvidenceChunk {
  /** Its place among the chunks. */
  place: number
  /** Where its index and then its bytes are in the evidence. */
  at: number
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
  tools: EvidenceTools
): VerifiedEvidence | RefusedEvidence {
  let check: Check | undefined
  try {
    check = new Check(source, challenge)
    return check.run(lastState, tools)
  } catch (error) {
    // Only what the evidence says can refuse it; trouble of our own is not the pinner's fault.
    if (!(error instanceof ProofError) && !(error instanceof CodecError)) throw error
    const lie = error instanceof ForgeryError || error instanceof CodecError
    return { ok: false, lie, code: error.code, message: error.message, hash: check?.hash ?? null }
  }
}

class Check {
  readonly #source: EvidenceSource
  readonly #challenge: WalkChallenge
  readonly #shape: WalkShape
  readonly #headBytes: Uint8Array
  readonly #head: EvidenceHead
  readonly #chunks: Chunk[]
  /** Hash of each chunk's body, and record of its leaf. */
  readonly #bodies: Uint8Array
  readonly #leaves: Uint8Array
  #hashed = false

  constructor(source: EvidenceSource, challenge: WalkChallenge) {
    this.#source = source
    this.#challenge = challenge
    this.#shape = walkShape(challenge)
    const length = headLength(this.#read(0, EVIDENCE_PREFIX_BYTES), this.#shape)
    this.#headBytes = this.#read(EVIDENCE_PREFIX_BYTES, length).slice()
    this.#head = decodeHead(this.#headBytes, challenge, this.#shape)
    const expected = EVIDENCE_PREFIX_BYTES + length + bodyBytes(this.#head)
    if (source.byteLength !== expected) {
      throw refuse('EVIDENCE_MALFORMED', `it has ${source.byteLength} bytes, its head announces ${expected}`)
    }
    let at = EVIDENCE_PREFIX_BYTES + length
    // Field by field, which costs less than spreading the head's chunk.
    this.#chunks = this.#head.chunks.map(({ ordinal, index, bytes }, place) => {
      const placed = { ordinal, index, bytes, place, at, offset: 0, visited: false }
      at += CHUNK_PREFIX_BYTES + bytes
      return placed
    })
    this.#bodies = new Uint8Array(this.#chunks.length * HASH_BYTES)
    this.#leaves = new Uint8Array(this.#chunks.length * RECORD_BYTES)
  }

  run(lastState: Uint8Array, tools: EvidenceTools): VerifiedEvidence {
    const segments = this.#segments()
    for (const chunks of segments) this.#hash(chunks)
    this.#hashed = true
    for (const [i, chunks] of segments.entries()) this.#prove(chunks, this.#head.proofs[i] as Uint8Array)
    const { states, visits } = this.#walk()
    if (!equal(states.subarray(-HASH_BYTES), lastState)) {
      throw new ForgeryError(
        'EVIDENCE_STATE',
        'This evidence does not hold: its chunks lead to another state than the one that was signed'
      )
    }
    if (this.#chunks.some(({ visited }) => !visited)) {
      throw refuse('EVIDENCE_EXTRA', 'it has a chunk that the walk does not visit')
    }
    this.#checkOriginal(visits[originalStep(lastState, visits.length)] as Chunk, tools)
    // All hashes in one piece of memory, which crosses threads faster than three.
    const leavesAt = states.byteLength
    const hashAt = leavesAt + visits.length * HASH_BYTES
    const hashes = new Uint8Array(hashAt + HASH_BYTES)
    hashes.set(states)
    this.#copyLeaves(visits, hashes, leavesAt)
    hashes.set(this.hash as Uint8Array, hashAt)
    return {
      ok: true,
      states: hashes.subarray(0, leavesAt),
      indices: visits.map(({ index }) => index),
      leaves: hashes.subarray(leavesAt, hashAt),
      hash: hashes.subarray(hashAt),
      bytes: this.#source.byteLength
    }
  }

  /** Hash of the evidence, once all its chunks are hashed. */
  get hash(): Uint8Array | null {
    if (!this.#hashed) return null
    const leaves = new Uint8Array(this.#chunks.length * HASH_BYTES)
    this.#copyLeaves(this.#chunks, leaves, 0)
    return evidenceHash(this.#headBytes, leaves)
  }

  /** Copies the leaf hashes of `chunks`, in a row. */
  #copyLeaves(chunks: readonly Chunk[], out: Uint8Array, at: number): void {
    for (const { place } of chunks) {
      const end = (place + 1) * RECORD_BYTES
      out.set(this.#leaves.subarray(end - HASH_BYTES, end), at)
      at += HASH_BYTES
    }
  }

  /** The chunks, by the segment they are in. */
  #segments(): Chunk[][] {
    const segments: Chunk[][] = []
    for (const chunk of this.#chunks) {
      const last = segments.at(-1)
      if (last?.[0]?.ordinal === chunk.ordinal) last.push(chunk)
      else segments.push([chunk])
    }
    return segments
  }

  /** Hashes bodies and leaves of the chunks of one segment. */
  #hash(chunks: Chunk[]): void {
    const headerBytes = HEADER_BYTES[this.#segment(chunks[0] as Chunk).codec]
    for (let from = 0, to = 0; from < chunks.length; from = to) {
      const { at, place } = chunks[from] as Chunk
      let end = at
      while (to < chunks.length && (to === from || chunks[to]!.at - at < GROUP_BYTES)) {
        end = chunks[to]!.at + CHUNK_PREFIX_BYTES + chunks[to]!.bytes
        to++
      }
      const group = chunks.slice(from, to)
      const slab = this.#read(at, end - at)
      this.#checkGroup(group, slab, headerBytes)
      const offsets = new Uint32Array(group.length)
      const lengths = new Uint32Array(group.length)
      for (let i = 0; i < group.length; i++) {
        offsets[i] = group[i]!.at - at + CHUNK_PREFIX_BYTES
        lengths[i] = group[i]!.bytes
      }
      const hashes = this.#bodies.subarray(place * HASH_BYTES)
      const records = this.#leaves.subarray(place * RECORD_BYTES)
      slabHasher.hashMany(slab, offsets, lengths, 0, group.length, headerBytes, hashes)
      slabHasher.leaves(slab, offsets, lengths, 0, group.length, headerBytes, hashes, records)
    }
  }

  #checkGroup(group: Chunk[], slab: Uint8Array, headerBytes: number): void {
    const first = group[0] as Chunk
    for (const { at, index, bytes } of group) {
      if (!isPrefix(slab, at - first.at, index)) {
        throw refuse('EVIDENCE_MALFORMED', `chunk ${index} comes with another index`)
      }
      if (bytes < headerBytes) throw refuse('EVIDENCE_MALFORMED', `chunk ${index} is shorter than a header`)
    }
  }

  #prove(chunks: Chunk[], proof: Uint8Array): void {
    const first = chunks[0] as Chunk
    const segment = this.#segment(first)
    const from = first.place * RECORD_BYTES
    const leaves = this.#leaves.subarray(from, from + chunks.length * RECORD_BYTES)
    const indices = chunks.map(({ index }) => index - segment.start)
    const root = { hash: segment.root, bytes: segment.bytes, chunks: segment.chunks }
    const offsets = verifyBatchRecords(root, indices, leaves, proof)
    for (const [i, chunk] of chunks.entries()) chunk.offset = offsets[i] as number
  }

  #walk(): { states: Uint8Array; visits: Chunk[] } {
    const states = new Uint8Array(this.#shape.steps * HASH_BYTES)
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
      states.set(state, step * HASH_BYTES)
      visits.push(chunk)
    }
    return { states, visits }
  }

  #checkOriginal(drawn: Chunk, { decoderOf, checkOriginal }: EvidenceTools): void {
    const segment = this.#segment(drawn)
    const decoder = decoderOf(segment)
    const { length, proof } = splitOriginal(this.#head.original)
    // The evidence is kept as it is; the block is decoded behind the proof, whose end it is.
    const room = proof.byteLength
    const { index, bytes, place } = drawn
    const bodyHash = this.#bodies.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)
    const chunk = this.#read(drawn.at + CHUNK_PREFIX_BYTES, bytes)
    const header = chunk.slice(0, HEADER_BYTES[segment.codec])
    const plainBytes = decoder.checkHeader(index, header, bytes, bodyHash)
    const out = scratch(room + bytes)
    out.set(proof)
    const at = { index, header, plainBytes, plainOffset: 0 }
    decoder.openPiece(at, chunk.subarray(header.byteLength), out.subarray(room))
    checkOriginal(segment, index, length, out.subarray(0, room + plainBytes))
  }

  #segment({ ordinal }: EvidenceChunk): WalkSegment {
    return this.#challenge.segments[ordinal] as WalkSegment
  }

  #read(offset: number, length: number): Uint8Array {
    if (offset + length > this.#source.byteLength) throw refuse('EVIDENCE_MALFORMED', 'it ends too early')
    return this.#source.read(offset, length)
  }
}

/** Whether the bytes at `at` are the index as u64, little-endian. */
function isPrefix(bytes: Uint8Array, at: number, index: number): boolean {
  let rest = index
  for (let i = 0; i < CHUNK_PREFIX_BYTES; i++) {
    if (bytes[at + i] !== rest % 256) return false
    rest = Math.floor(rest / 256)
  }
  return true
}

let kept: Uint8Array | undefined

function scratch(bytes: number): Uint8Array {
  if (bytes > SCRATCH_BYTES) return new Uint8Array(bytes)
  kept ??= new Uint8Array(SCRATCH_BYTES)
  return kept.subarray(0, bytes)
}

function refuse(code: CodeOf<'ProofError'>, why: string): ProofError {
  return new ProofError(code, `This evidence does not hold: ${why}`)
}
