import { readUint } from '../bytes.js'
import { StorageError } from '../errors.js'
import { UINT_MAX } from '../bounds.js'
import type { OriginalNode } from '../protocol/original-tree.js'

const NODE_BYTES = 48
const COUNTER_BYTES = 8
const NODES = Buffer.from('datdot/nodes/')
const PROGRESS = Buffer.from('datdot/progress/')
const NOTE = Buffer.from('datdot/note/')
/** Key of how far a hypercore's plain tail reaches. */
export const TAIL_KEY = Buffer.from('datdot/tail')
/** Sorts behind every position. */
const LAST = (1n << 64n) - 1n

/** How far a segment has come; stored in the same write as the blocks it speaks of. */
export interface SegmentProgress {
  /** Next index wanted. */
  position: number
  /** Encoded bytes stored. */
  bytes: number
  /** Roots of the original's tree at `position`, or where the subtree of holes begins that `position` lies within. */
  roots: OriginalNode[]
}

/** How far what is held plainly beyond the segments reaches. */
export interface TailEnd {
  /** One past its last block. */
  length: number
  /** Plain bytes of the whole hypercore up to there. */
  byteLength: number
}

export function encodeTail({ length, byteLength }: TailEnd): Buffer {
  const bytes = Buffer.allocUnsafe(2 * COUNTER_BYTES)
  bytes.writeBigUInt64LE(BigInt(length), 0)
  bytes.writeBigUInt64LE(BigInt(byteLength), COUNTER_BYTES)
  return bytes
}

export function decodeTail(bytes: Buffer): TailEnd {
  return {
    length: counter(bytes, 0),
    byteLength: counter(bytes, COUNTER_BYTES)
  }
}

export function progressKey(id: Uint8Array): Buffer {
  return Buffer.concat([PROGRESS, id])
}

/** Key of the note that its taker keeps with a segment on its way in. */
export function noteKey(id: Uint8Array): Buffer {
  return Buffer.concat([NOTE, id])
}

/** Key of the tree nodes that came with the batch of blocks at `position` (undefined: with the rest). */
export function nodesKey(id: Uint8Array, position?: number): Buffer {
  const counter = Buffer.allocUnsafe(COUNTER_BYTES)
  counter.writeBigUInt64BE(position === undefined ? LAST : BigInt(position))
  return Buffer.concat([NODES, id, counter])
}

/** First key, and one past the last, of a segment's tree nodes. */
export function nodesRange(id: Uint8Array): { gte: Buffer; lt: Buffer } {
  return { gte: nodesKey(id, 0), lt: Buffer.concat([nodesKey(id), Buffer.alloc(1)]) }
}

export function encodeNodes(nodes: readonly OriginalNode[]): Buffer {
  const out = Buffer.allocUnsafe(nodes.length * NODE_BYTES)
  let offset = 0
  for (const node of nodes) {
    out.writeBigUInt64LE(BigInt(node.index), offset)
    out.writeBigUInt64LE(BigInt(node.size), offset + 8)
    out.set(node.hash, offset + 16)
    offset += NODE_BYTES
  }
  return out
}

export function decodeNodes(bytes: Buffer): OriginalNode[] {
  const nodes: OriginalNode[] = []
  for (let offset = 0; offset + NODE_BYTES <= bytes.byteLength; offset += NODE_BYTES) {
    nodes.push({
      index: counter(bytes, offset),
      size: counter(bytes, offset + 8),
      hash: bytes.subarray(offset + 16, offset + NODE_BYTES)
    })
  }
  return nodes
}

export function encodeProgress(progress: SegmentProgress): Buffer {
  const head = Buffer.allocUnsafe(2 * COUNTER_BYTES)
  head.writeBigUInt64LE(BigInt(progress.position), 0)
  head.writeBigUInt64LE(BigInt(progress.bytes), COUNTER_BYTES)
  return Buffer.concat([head, encodeNodes(progress.roots)])
}

export function decodeProgress(bytes: Buffer): SegmentProgress {
  return {
    position: counter(bytes, 0),
    bytes: counter(bytes, COUNTER_BYTES),
    roots: decodeNodes(bytes.subarray(2 * COUNTER_BYTES))
  }
}

/** A counter of a record: a disk may give back what nobody wrote. @throws StorageError STORAGE_CORRUPT */
function counter(bytes: Buffer, at: number): number {
  const value = at + COUNTER_BYTES <= bytes.byteLength ? readUint(bytes, at, COUNTER_BYTES) : NaN
  if (value <= UINT_MAX) return value
  throw new StorageError(
    'STORAGE_CORRUPT',
    `a record of ${bytes.byteLength} bytes has no number at ${at} that was written`
  )
}
