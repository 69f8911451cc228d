import { HEADER_BYTES, bodyBytesOf } from '../chunk/header.js'
import type { Hashes } from '../crypto/pure-hashes.js'
import { CodecError, ForgeryError, ProofError, type CodeOf, type ErrorCode } from '../errors.js'
import type { TreeRoot } from '../merkle/node.js'
import type { SliceHasher } from './slice-batch.js'
import { decodeSliceEvidence, sliceEvidenceHash, type SliceEvidence } from './slice-evidence.js'
import {
  sliceAt,
  sliceState,
  sliceTarget,
  sliceWalkShape,
  type SliceChallenge,
  type SliceWalkShape
} from './slice-walk.js'
import { SLICE_BYTES, VALUE_BYTES, sliceCount } from './slices.js'

/** Bytes of a node of a path. */
const RECORD_BYTES = 40

/** What an evidence is checked with: `sliceTools` or `pureSliceTools`. */
export interface SliceTools extends Hashes, Pick<SliceHasher, 'sliceRoots' | 'chunkLeaves'> {
  /**
   * Checks a batch proof and returns where each leaf begins in its segment (src/merkle/batch.ts).
   *
   * @param indices ascending, distinct leaves of the tree
   * @throws ProofError `PROOF_LENGTH`, `PROOF_BYTES`, `PROOF_ROOT`
   */
  verifyBatch: (root: TreeRoot, indices: number[], leaves: Uint8Array, proof: Uint8Array) => ArrayLike<number>
}

/** A slice that a step of the walk visits. */
export interface SliceVisit {
  ordinal: number
  /** The chunk's block index in the hypercore. */
  index: number
  slice: number
}

/** What an evidence that holds says. Its states and leaves follow from it, so they are not kept. */
export interface VerifiedSlices {
  ok: true
  /** `sliceEvidenceHash`. */
  hash: Uint8Array
  /** Bytes of the evidence. */
  bytes: number
  /** One for each step, in the order of the walk. */
  visits: SliceVisit[]
}

/** Why an evidence does not hold. */
export interface RefusedSlices {
  ok: false
  /** Whether its bytes prove that the pinner answered what is not so; what is unreadable or incomplete is a failure only. */
  lie: boolean
  code: ErrorCode
  message: string
  /** `sliceEvidenceHash`: of any bytes, also such that cannot be read. */
  hash: Uint8Array
}

/**
 * Checks an answer's evidence against the roots on the chain and the state that the pinner answered with. That the bytes are those
 * that the answer named is for the caller to see: by `hash`.
 *
 * @param lastState the answered s_k
 * @throws ChainError `WALK_CHALLENGE` for a challenge that is none
 */
export function verifySliceEvidence(
  bytes: Uint8Array,
  challenge: SliceChallenge,
  lastState: Uint8Array,
  tools: SliceTools
): VerifiedSlices | RefusedSlices {
  const shape = sliceWalkShape(challenge)
  const hash = sliceEvidenceHash(bytes, tools)
  try {
    const evidence = decodeSliceEvidence(bytes, challenge, shape)
    const visits = new Check(evidence, challenge, shape, tools).run(lastState)
    return { ok: true, hash, bytes: bytes.byteLength, visits }
  } catch (error) {
    // Only what the evidence says can refuse it; trouble of our own is not the pinner's fault.
    if (!(error instanceof ProofError) && !(error instanceof CodecError)) throw error
    const lie = error instanceof ForgeryError || error instanceof CodecError
    return { ok: false, lie, code: error.code, message: error.message, hash }
  }
}

class Check {
  readonly #evidence: SliceEvidence
  readonly #challenge: SliceChallenge
  readonly #shape: SliceWalkShape
  readonly #tools: SliceTools
  /** Where each chunk begins in its segment; from the paths. */
  readonly #offsets: number[] = []
  readonly #visited: Uint8Array
  /** The header of each chunk. */
  readonly #headers: Uint8Array[]

  constructor(evidence: SliceEvidence, challenge: SliceChallenge, shape: SliceWalkShape, tools: SliceTools) {
    this.#evidence = evidence
    this.#challenge = challenge
    this.#shape = shape
    this.#tools = tools
    this.#visited = new Uint8Array(evidence.sliceAt.length)
    this.#headers = evidence.chunks.map(({ ordinal }, i) => {
      const at = evidence.headers[i]!
      return evidence.bytes.subarray(at, at + HEADER_BYTES[challenge.segments[ordinal]!.codec])
    })
  }

  run(lastState: Uint8Array): SliceVisit[] {
    this.#prove(this.#bodyHashes())
    this.#checkHeaders()
    const { state, visits } = this.#shape.whole ? this.#walkWhole() : this.#walk()
    if (!equal(state, lastState)) {
      throw forged('EVIDENCE_STATE', 'its slices lead to another state than the one that was answered')
    }
    if (this.#visited.includes(0))
      throw refuse('EVIDENCE_EXTRA', 'it has a slice that the walk does not visit')
    return visits
  }

  /** BLAKE3 of each chunk's body, as all of its slices say. */
  #bodyHashes(): Uint8Array {
    const { bytes, chunks, sliceAt, sliceIndices, sliceBodies } = this.#evidence
    const roots = new Uint8Array(sliceAt.length * VALUE_BYTES)
    this.#tools.sliceRoots(bytes, sliceAt, sliceIndices, sliceBodies, roots)
    if (chunks.length === sliceAt.length) return roots
    const hashes = new Uint8Array(chunks.length * VALUE_BYTES)
    for (const [i, { firstSlice, slices, index }] of chunks.entries()) {
      const first = rootAt(roots, firstSlice)
      for (let at = firstSlice + 1; at < firstSlice + slices; at++) {
        if (!equal(first, rootAt(roots, at))) {
          throw forged('SLICE_ROOT', `slices of chunk ${index} are of different bodies`)
        }
      }
      hashes.set(first, i * VALUE_BYTES)
    }
    return hashes
  }

  /** Leads every chunk to the root of its segment. */
  #prove(bodyHashes: Uint8Array): void {
    const { bytes, chunks, headers, paths } = this.#evidence
    for (const { ordinal, firstChunk, chunks: count, at, bytes: length } of paths) {
      const { codec, start, root, bytes: total, chunks: all } = this.#challenge.segments[ordinal]!
      const end = firstChunk + count
      const chunkBytes = new Uint32Array(count)
      const indices: number[] = []
      for (let i = 0; i < count; i++) {
        const { index, bodyBytes } = chunks[firstChunk + i]!
        chunkBytes[i] = HEADER_BYTES[codec] + bodyBytes
        indices.push(index - start)
      }
      const hashes = bodyHashes.subarray(firstChunk * VALUE_BYTES, end * VALUE_BYTES)
      const leaves = new Uint8Array(count * RECORD_BYTES)
      const own = headers.subarray(firstChunk, end)
      this.#tools.chunkLeaves(bytes, own, HEADER_BYTES[codec], chunkBytes, hashes, leaves)
      const proof = bytes.subarray(at, at + length)
      const offsets = this.#tools.verifyBatch(
        { hash: root, bytes: total, chunks: all },
        indices,
        leaves,
        proof
      )
      for (let i = 0; i < count; i++) this.#offsets.push(offsets[i]!)
    }
  }

  /** A chunk whose header says another length than its leaf is none that decodes. */
  #checkHeaders(): void {
    for (const [i, { ordinal, index, bodyBytes }] of this.#evidence.chunks.entries()) {
      const { codec } = this.#challenge.segments[ordinal]!
      const said = bodyBytesOf(codec, this.#headers[i]!, index)
      if (said === bodyBytes) continue
      const message = `chunk ${index} has a body of ${bodyBytes} bytes, its header says ${said}`
      throw new CodecError('CODEC_LENGTH', message, index)
    }
  }

  #walk(): { state: Uint8Array; visits: SliceVisit[] } {
    const visits: SliceVisit[] = []
    let state = this.#challenge.seed
    for (let step = 0; step < this.#shape.steps; step++) {
      const { ordinal, offset } = sliceTarget(this.#challenge, this.#shape, state, this.#tools)
      const chunk = this.#chunkAt(ordinal, offset)
      const at = chunk < 0 ? -1 : this.#sliceAt(chunk, offset)
      if (at < 0) throw refuse('EVIDENCE_MISSING', `it has no slice for step ${step}`)
      state = this.#visit(state, chunk, at, visits)
    }
    return { state, visits }
  }

  #walkWhole(): { state: Uint8Array; visits: SliceVisit[] } {
    const { chunks } = this.#evidence
    const visits: SliceVisit[] = []
    let state = this.#challenge.seed
    if (chunks.length !== this.#shape.chunks) throw refuse('EVIDENCE_MISSING', 'it has not all chunks')
    for (const [chunk, { index, bodyBytes, slices, firstSlice }] of chunks.entries()) {
      if (slices !== sliceCount(bodyBytes)) {
        throw refuse('EVIDENCE_MISSING', `it has not all slices of chunk ${index}`)
      }
      for (let at = firstSlice; at < firstSlice + slices; at++) state = this.#visit(state, chunk, at, visits)
    }
    return { state, visits }
  }

  /** The state after slice `at` of the tables, which is one of chunk `chunk`. */
  #visit(state: Uint8Array, chunk: number, at: number, visits: SliceVisit[]): Uint8Array {
    const { bytes, chunks, sliceAt, sliceIndices } = this.#evidence
    const { ordinal, index, bodyBytes } = chunks[chunk]!
    const slice = sliceIndices[at]!
    const from = sliceAt[at]!
    const length = Math.min(SLICE_BYTES, bodyBytes - slice * SLICE_BYTES)
    this.#visited[at] = 1
    visits.push({ ordinal, index, slice })
    return sliceState(
      state,
      index,
      slice,
      this.#headers[chunk]!,
      bytes.subarray(from, from + length),
      this.#tools
    )
  }

  /** Number of the chunk that holds byte `offset` of a segment, or -1. */
  #chunkAt(ordinal: number, offset: number): number {
    const { chunks } = this.#evidence
    // The last one that does not begin behind the byte.
    let low = 0
    let high = chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const chunk = chunks[middle]!
      const behind = chunk.ordinal > ordinal || (chunk.ordinal === ordinal && this.#offsets[middle]! > offset)
      if (behind) high = middle
      else low = middle + 1
    }
    const found = chunks[low - 1]
    if (found?.ordinal !== ordinal) return -1
    const { codec } = this.#challenge.segments[ordinal]!
    return offset < this.#offsets[low - 1]! + HEADER_BYTES[codec] + found.bodyBytes ? low - 1 : -1
  }

  /** Where the slice of chunk `chunk` that holds the byte is in the tables, or -1. */
  #sliceAt(chunk: number, offset: number): number {
    const { chunks, sliceIndices } = this.#evidence
    const { ordinal, index, bodyBytes, firstSlice, slices } = chunks[chunk]!
    const { codec } = this.#challenge.segments[ordinal]!
    const place = { index, offset: this.#offsets[chunk]!, bytes: HEADER_BYTES[codec] + bodyBytes }
    const found = sliceIndices.indexOf(sliceAt(codec, place, offset), firstSlice)
    return found < firstSlice + slices ? found : -1
  }
}

function rootAt(roots: Uint8Array, i: number): Uint8Array {
  return roots.subarray(i * VALUE_BYTES, (i + 1) * VALUE_BYTES)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i])
}

function forged(code: CodeOf<'ForgeryError'>, why: string): ForgeryError {
  return new ForgeryError(code, `This evidence does not hold: ${why}`)
}

function refuse(code: CodeOf<'ProofError'>, why: string): ProofError {
  return new ProofError(code, `This evidence does not hold: ${why}`)
}
