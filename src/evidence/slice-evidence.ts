import { HEADER_BYTES } from '../chunk/header.js'
import type { Hashes } from '../crypto/pure-hashes.js'
import { batchNodes } from '../merkle/shape.js'
import type { SliceChallenge, SliceStep, SliceWalkShape } from './slice-walk.js'
import { sliceWalkShape } from './slice-walk.js'
import {
  MAX_BODY_BYTES,
  MAX_SIBLINGS,
  SLICE_BYTES,
  VALUE_BYTES,
  siblingCount,
  sliceCount,
  sliceLength
} from './slices.js'
import { ByteReader, malformed, writeVarint } from './varint.js'

// Evidence, version 2 (docs/formats.md): header, slice, siblings and path of every step, in one form only. Pure.

const VERSION = 2
/** Bytes of a node of a path. */
const RECORD_BYTES = 40
/** Levels of the tree over the most chunks. */
const MAX_LEVELS = 40
/** Segment, leaf, length and number of slices of a chunk, and the number of one slice, as varints. */
const MAX_NUMBERS_BYTES = 3 + 9 + 5 + 3 + 3

/** A chunk of an evidence. Ascending by (ordinal, index), each once. */
export interface SliceChunk {
  ordinal: number
  /** Block index in the hypercore. */
  index: number
  /** L, the length of the body. */
  bodyBytes: number
  /** The slices that are there, ascending; from `firstSlice` on in the evidence's tables. */
  slices: number
  firstSlice: number
}

/** The chunks of one segment and the batch proof of their leaves. */
export interface SlicePath {
  ordinal: number
  /** From this chunk on. */
  firstChunk: number
  chunks: number
  /** Where the proof is in the evidence. */
  at: number
  bytes: number
}

/** Where everything of an evidence is. */
export interface SliceEvidence {
  bytes: Uint8Array
  chunks: SliceChunk[]
  paths: SlicePath[]
  /** Of each chunk: where its header is. */
  headers: Uint32Array
  /** Of each slice: its number, the length of its body, and where it is; its siblings are behind it. */
  sliceIndices: Uint32Array
  sliceBodies: Uint32Array
  sliceAt: Uint32Array
}

/** What a pinner needs besides its steps. */
export interface PathSource {
  /** Batch proof of chunks of one segment (ascending block indices), as src/merkle encodes it. */
  batchProof(ordinal: number, indices: number[]): Uint8Array | Promise<Uint8Array>
}

/** The most bytes that evidence for a challenge of this shape can have; what a server agrees to receive. */
export function maxSliceEvidenceBytes({ steps }: Pick<SliceWalkShape, 'steps'>): number {
  const path = MAX_LEVELS * RECORD_BYTES
  const slice = SLICE_BYTES + MAX_SIBLINGS * VALUE_BYTES
  return 1 + 3 + steps * (MAX_NUMBERS_BYTES + path + HEADER_BYTES.wrap + slice)
}

/** The hash that an answer carries: over all bytes of the evidence. */
export function sliceEvidenceHash(evidence: Uint8Array, { hash }: Pick<Hashes, 'hash'>): Uint8Array {
  return hash('datdot/evidence/2', evidence)
}

/** The evidence of a walk. It was read while walking, but for the paths. */
export async function buildSliceEvidence(
  source: PathSource,
  challenge: SliceChallenge,
  steps: readonly SliceStep[]
): Promise<Uint8Array> {
  const visits = distinct(steps)
  const chunks = chunksOf(visits)
  const head: number[] = [VERSION]
  writeVarint(head, chunks.length)
  for (const visit of chunks) {
    const { ordinal, place, header } = visit[0]!
    writeVarint(head, ordinal)
    writeVarint(head, place.index - challenge.segments[ordinal]!.start)
    writeVarint(head, place.bytes - header.byteLength)
    writeVarint(head, visit.length)
    for (const { index } of visit) writeVarint(head, index)
  }
  const parts: Uint8Array[] = [Uint8Array.from(head)]
  for (let from = 0, to = 0; from < chunks.length; from = to) {
    const { ordinal } = chunks[from]![0]!
    while (chunks[to]?.[0]!.ordinal === ordinal) to++
    const indices = chunks.slice(from, to).map((visit) => visit[0]!.place.index)
    parts.push(await source.batchProof(ordinal, indices))
  }
  for (const visit of chunks) {
    parts.push(visit[0]!.header)
    for (const { slice, siblings } of visit) parts.push(slice, siblings)
  }
  return concat(parts)
}

/**
 * Reads an evidence: every number in its bounds and shortest form, chunks and slices ascending and each once, and not a byte
 * more or less than follows from these numbers. Nothing is copied.
 *
 * @throws ProofError `EVIDENCE_MALFORMED`
 */
export function decodeSliceEvidence(
  bytes: Uint8Array,
  challenge: SliceChallenge,
  shape: SliceWalkShape = sliceWalkShape(challenge)
): SliceEvidence {
  const most = maxSliceEvidenceBytes(shape)
  if (bytes.byteLength > most) throw malformed(`it has ${bytes.byteLength} bytes, more than ${most}`)
  const reader = new ByteReader(bytes)
  if (bytes[reader.skip(1)] !== VERSION) throw malformed(`it does not begin with version ${VERSION}`)
  const { chunks, indices } = readNumbers(reader, challenge, shape)
  const paths = readPaths(reader, challenge, chunks)
  const headers = new Uint32Array(chunks.length)
  const sliceBodies = new Uint32Array(indices.length)
  const sliceAt = new Uint32Array(indices.length)
  for (const [i, { ordinal, bodyBytes, firstSlice, slices }] of chunks.entries()) {
    headers[i] = reader.skip(HEADER_BYTES[challenge.segments[ordinal]!.codec])
    for (let at = firstSlice; at < firstSlice + slices; at++) {
      sliceBodies[at] = bodyBytes
      const index = indices[at]!
      sliceAt[at] = reader.skip(sliceLength(index, bodyBytes) + siblingCount(index, bodyBytes) * VALUE_BYTES)
    }
  }
  if (reader.at !== bytes.byteLength) throw malformed(`${bytes.byteLength - reader.at} bytes are left over`)
  return { bytes, chunks, paths, headers, sliceIndices: Uint32Array.from(indices), sliceBodies, sliceAt }
}

function readNumbers(
  reader: ByteReader,
  { segments }: SliceChallenge,
  { steps }: SliceWalkShape
): { chunks: SliceChunk[]; indices: number[] } {
  const count = reader.varint(1, steps, 'the number of chunks')
  const chunks: SliceChunk[] = []
  const indices: number[] = []
  let before = { ordinal: 0, leaf: -1 }
  for (let i = 0; i < count; i++) {
    const ordinal = reader.varint(before.ordinal, segments.length - 1, 'the number of a segment')
    const segment = segments[ordinal]!
    const least = ordinal === before.ordinal ? before.leaf + 1 : 0
    const leaf = reader.varint(least, segment.chunks - 1, 'the number of a chunk')
    // All others have a header at least.
    const room = segment.bytes - segment.chunks * HEADER_BYTES[segment.codec]
    const bodyBytes = reader.varint(0, Math.min(room, MAX_BODY_BYTES), 'the length of a body')
    const all = sliceCount(bodyBytes)
    // Every chunk that is still to come has a slice too.
    const left = steps - indices.length - (count - i - 1)
    const slices = reader.varint(1, Math.min(all, left), 'the number of slices of a chunk')
    chunks.push({ ordinal, index: segment.start + leaf, bodyBytes, slices, firstSlice: indices.length })
    for (let at = 0, next = 0; at < slices; at++) {
      const index = reader.varint(next, all - 1, 'the number of a slice')
      indices.push(index)
      next = index + 1
    }
    before = { ordinal, leaf }
  }
  return { chunks, indices }
}

function readPaths(reader: ByteReader, { segments }: SliceChallenge, chunks: SliceChunk[]): SlicePath[] {
  const paths: SlicePath[] = []
  for (let from = 0, to = 0; from < chunks.length; from = to) {
    const { ordinal } = chunks[from]!
    const { start, chunks: leaves } = segments[ordinal]!
    while (chunks[to]?.ordinal === ordinal) to++
    const indices = chunks.slice(from, to).map(({ index }) => index - start)
    const bytes = batchNodes(indices, leaves) * RECORD_BYTES
    paths.push({ ordinal, firstChunk: from, chunks: to - from, at: reader.skip(bytes), bytes })
  }
  return paths
}

/** The slices that were visited, each once, in the order of the copy. */
function distinct(steps: readonly SliceStep[]): SliceStep[] {
  const seen = new Map(steps.map((step) => [`${step.place.index} ${step.index}`, step]))
  return [...seen.values()].sort((a, b) => a.place.index - b.place.index || a.index - b.index)
}

/** Runs of visits of the same chunk. */
function chunksOf(visits: readonly SliceStep[]): SliceStep[][] {
  const chunks: SliceStep[][] = []
  for (const visit of visits) {
    const last = chunks.at(-1)
    if (last?.[0]!.place.index === visit.place.index) last.push(visit)
    else chunks.push([visit])
  }
  return chunks
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}
