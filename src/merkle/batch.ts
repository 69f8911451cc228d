import { RECORD_BYTES, slabHasher, type SlabHasher } from '../crypto/blake3-slab.js'
import { ProofError } from '../errors.js'
import type { TreeRoot } from './node.js'
import { split } from './shape.js'

/** A node on the way up: where its record is, and how many levels of hashing it needs first. */
interface Placed {
  slot: number
  rank: number
}

/**
 * Checks a batch proof on its bytes; returns where each leaf begins in the segment. The indices must be ascending and distinct leaves of the tree (`verifyBatch` checks that).
 *
 * @param leaves records of the leaves, RECORD_BYTES each
 * @param proof the proof's records
 * @throws ProofError `PROOF_LENGTH` unless it has exactly the records that are needed, `PROOF_BYTES`, `PROOF_ROOT`
 */
export function verifyBatchRecords(
  root: TreeRoot,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  hasher: SlabHasher = slabHasher
): ArrayLike<number> {
  const record = Buffer.allocUnsafe(RECORD_BYTES).fill(0)
  const offsets = hasher.batchRoot
    ? nativeRoot(root.chunks, indices, leaves, proof, hasher.batchRoot, record)
    : rootByLevels(root.chunks, indices, leaves, proof, hasher, record)
  const bytes = sizeAt(record, 0)
  if (bytes !== root.bytes) {
    throw new ProofError('PROOF_BYTES', `the proof's sizes add up to ${bytes}, the root's is ${root.bytes}`)
  }
  if (record.compare(root.hash, 0, root.hash.byteLength, 8) !== 0) {
    throw new ProofError('PROOF_ROOT', 'the proof does not lead to the root')
  }
  return offsets
}

function nativeRoot(
  chunks: number,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  batchRoot: NonNullable<SlabHasher['batchRoot']>,
  record: Buffer
): ArrayLike<number> {
  const sorted = new Float64Array(indices.length)
  for (let i = 0; i < sorted.length; i++) sorted[i] = indices[i]!
  const offsets = new Float64Array(sorted.length)
  const fault = batchRoot(chunks, sorted, leaves, proof, offsets, record)
  if (fault === 1) throw wrongLength(proof.byteLength / RECORD_BYTES)
  if (fault === 2) throw wrongSize()
  return offsets
}

/** The path without the addon: all nodes of a level are hashed in one call. */
function rootByLevels(
  chunks: number,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  hasher: SlabHasher,
  record: Buffer
): number[] {
  const nodes = proof.byteLength / RECORD_BYTES
  const given = indices.length + nodes
  if (!Number.isInteger(nodes)) throw wrongLength(nodes)
  // Every hashing of two nodes leaves one less: that many records are made, given is one more.
  const records = Buffer.allocUnsafe((2 * given - 1) * RECORD_BYTES)
  const offsets: number[] = []
  const ranks: number[][] = []
  let slots = 0
  let used = 0
  let offset = 0

  const place = (source: Uint8Array, from: number): number => {
    const at = slots * RECORD_BYTES
    for (let i = 0; i < RECORD_BYTES; i++) records[at + i] = source[from + i]!
    const bytes = sizeAt(records, at)
    if (bytes < 1 || !Number.isSafeInteger(bytes) || !Number.isSafeInteger(offset + bytes)) throw wrongSize()
    offset += bytes
    return slots++
  }
  const walk = (start: number, end: number, from: number, to: number): Placed => {
    if (from === to) {
      if (used === nodes) throw wrongLength(nodes)
      return { slot: place(proof, used++ * RECORD_BYTES), rank: 0 }
    }
    if (end - start === 1) {
      offsets.push(offset)
      return { slot: place(leaves, from * RECORD_BYTES), rank: 0 }
    }
    const middle = start + split(end - start)
    const cut = lowerBound(indices, middle, from, to)
    const left = walk(start, middle, from, cut)
    const right = walk(middle, end, cut, to)
    const rank = Math.max(left.rank, right.rank) + 1
    ;(ranks[rank] ??= []).push(left.slot, right.slot, slots)
    return { slot: slots++, rank }
  }
  const top = walk(0, chunks, 0, indices.length)
  if (used !== nodes) throw wrongLength(nodes)
  for (const level of ranks) if (level) hashLevel(records, level, hasher)
  records.copy(record, 0, top.slot * RECORD_BYTES, (top.slot + 1) * RECORD_BYTES)
  return offsets
}

function wrongSize(): ProofError {
  return new ProofError('PROOF_BYTES', 'a node of the proof has a size that no node has')
}

function wrongLength(nodes: number): ProofError {
  return new ProofError('PROOF_LENGTH', `a batch proof of ${nodes} nodes does not fit these leaves`)
}

/** Hashes nodes given as triples of slots: left, right, parent. */
function hashLevel(records: Buffer, level: number[], hasher: SlabHasher): void {
  const pairs = level.length / 3
  const scratch = Buffer.allocUnsafe(3 * pairs * RECORD_BYTES)
  const parents = scratch.subarray(2 * pairs * RECORD_BYTES)
  for (let i = 0; i < pairs; i++) {
    for (let side = 0; side < 2; side++) {
      const from = level[3 * i + side]! * RECORD_BYTES
      const to = (2 * i + side) * RECORD_BYTES
      for (let at = 0; at < RECORD_BYTES; at++) scratch[to + at] = records[from + at]!
    }
  }
  hasher.parents(scratch.subarray(0, 2 * pairs * RECORD_BYTES), pairs, parents)
  for (let i = 0; i < pairs; i++) {
    parents.copy(records, level[3 * i + 2]! * RECORD_BYTES, i * RECORD_BYTES, (i + 1) * RECORD_BYTES)
  }
}

/** Bytes below the node of a record; beyond 2^53 not exact, but beyond it too. */
function sizeAt(records: Buffer, at: number): number {
  return records.readUInt32LE(at) + records.readUInt32LE(at + 4) * 2 ** 32
}

function lowerBound(sorted: ArrayLike<number>, value: number, from: number, to: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
