import { equal } from '../bytes.js'
import { ForgeryError, ProofError } from '../errors.js'
import type { TreeRoot } from './node.js'
import { lowerBound, split } from './shape.js'

// Checking a batch proof with nothing but a hash of pairs: no I/O and nothing of Node. src/merkle/batch.ts has it on compiled code.

/** Bytes of a node as it is stored and sent: u64 bytes below, little-endian, and its hash. */
const RECORD_BYTES = 40

/** Records of the parents of `pairs` pairs of records, to `out`. */
export type Parents = (children: Uint8Array, pairs: number, out: Uint8Array) => void

/** A node on the way up: where its record is, and how many levels of hashing it needs first. */
interface Placed {
  slot: number
  rank: number
}

/**
 * Writes the record of the root that a batch proof leads to, and returns where each leaf begins. All nodes of a level are hashed
 * in one call.
 *
 * @param indices ascending, distinct leaves of a tree of `chunks`
 * @throws ProofError `PROOF_LENGTH`, `PROOF_BYTES`
 */
export function batchRoot(
  chunks: number,
  indices: ArrayLike<number>,
  leaves: Uint8Array,
  proof: Uint8Array,
  parents: Parents,
  record: Uint8Array
): number[] {
  const nodes = proof.byteLength / RECORD_BYTES
  const given = indices.length + nodes
  if (!Number.isInteger(nodes)) throw wrongLength(nodes)
  // Every hashing of two nodes leaves one less: that many records are made, given is one more.
  const records = new Uint8Array((2 * given - 1) * RECORD_BYTES)
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
  for (const level of ranks) if (level) hashLevel(records, level, parents)
  record.set(records.subarray(top.slot * RECORD_BYTES, (top.slot + 1) * RECORD_BYTES))
  return offsets
}

/** Holds the record that a proof leads to against the root. @throws ProofError `PROOF_BYTES`, `PROOF_ROOT` */
export function checkBatchRoot(root: TreeRoot, record: Uint8Array): void {
  const bytes = sizeAt(record, 0)
  if (bytes !== root.bytes) {
    throw new ProofError('PROOF_BYTES', `the proof's sizes add up to ${bytes}, the root's is ${root.bytes}`)
  }
  if (!equal(root.hash, record.subarray(8)))
    throw new ForgeryError('PROOF_ROOT', 'the proof does not lead to the root')
}

export function wrongSize(): ProofError {
  return new ProofError('PROOF_BYTES', 'a node of the proof has a size that no node has')
}

export function wrongLength(nodes: number): ProofError {
  return new ProofError('PROOF_LENGTH', `a batch proof of ${nodes} nodes does not fit these leaves`)
}

/** Hashes nodes given as triples of slots: left, right, parent. */
function hashLevel(records: Uint8Array, level: number[], parents: Parents): void {
  const pairs = level.length / 3
  const scratch = new Uint8Array(3 * pairs * RECORD_BYTES)
  const made = scratch.subarray(2 * pairs * RECORD_BYTES)
  for (let i = 0; i < pairs; i++) {
    for (let side = 0; side < 2; side++) {
      const from = level[3 * i + side]! * RECORD_BYTES
      const to = (2 * i + side) * RECORD_BYTES
      for (let at = 0; at < RECORD_BYTES; at++) scratch[to + at] = records[from + at]!
    }
  }
  parents(scratch.subarray(0, 2 * pairs * RECORD_BYTES), pairs, made)
  for (let i = 0; i < pairs; i++) {
    records.set(made.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES), level[3 * i + 2]! * RECORD_BYTES)
  }
}

/** Bytes below the node of a record; beyond 2^53 not exact, but beyond it too. */
function sizeAt(records: Uint8Array, at: number): number {
  let bytes = 0
  for (let i = 7; i >= 0; i--) bytes = bytes * 256 + records[at + i]!
  return bytes
}
