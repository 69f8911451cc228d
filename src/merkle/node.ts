import { RECORD_BYTES, slabHasher } from '../crypto/blake3-slab.js'
import { HASH_BYTES, blake3 } from '#crypto/hash.js'
import { readUint, writeUint } from '../bytes.js'
import { ProofError } from '../errors.js'

export { RECORD_BYTES }

/** A node of a segment's Merkle tree: its hash, and how many bytes of encoded chunks lie below it. */
export interface TreeNode {
  hash: Uint8Array
  bytes: number
}

/** What the chain knows of a segment's tree. */
export interface TreeRoot extends TreeNode {
  chunks: number
}

/** BLAKE3(0x00 || u64 chunk length || header || BLAKE3(body)) of an encoded chunk. */
export function leafNode(encoded: Uint8Array, headerBytes: number): TreeNode {
  return leafOf(encoded.subarray(0, headerBytes), encoded.byteLength, blake3(encoded.subarray(headerBytes)))
}

/** The leaf of a chunk whose body is hashed already. `chunkBytes` includes the header. */
export function leafOf(header: Uint8Array, chunkBytes: number, bodyHash: Uint8Array): TreeNode {
  const message = new Uint8Array(1 + 8 + header.byteLength + HASH_BYTES)
  writeUint(message, chunkBytes, 1, 8)
  message.set(header, 9)
  message.set(bodyHash, 9 + header.byteLength)
  return { hash: blake3(message), bytes: chunkBytes }
}

/** BLAKE3(0x01 || u64 bytes below || left || right). */
export function parentNode(left: TreeNode, right: TreeNode): TreeNode {
  writeUint(children, left.bytes, 0, 8)
  children.set(left.hash, 8)
  writeUint(children, right.bytes, RECORD_BYTES, 8)
  children.set(right.hash, RECORD_BYTES + 8)
  slabHasher.parents(children, 1, parent)
  return { hash: parent.slice(8), bytes: left.bytes + right.bytes }
}

/** Room for the records of `parentNode`. */
const children = new Uint8Array(2 * RECORD_BYTES)
const parent = new Uint8Array(RECORD_BYTES)

/**
 * A node as RECORD_BYTES: u64 bytes below, little-endian, then the hash.
 *
 * @throws ProofError `PROOF_BYTES` for a size that is no safe integer
 */
export function encodeNode(node: TreeNode): Uint8Array {
  const record = new Uint8Array(RECORD_BYTES)
  writeNode(node, record)
  return record
}

/** `encodeNode` into memory of RECORD_BYTES that is there already. @throws ProofError `PROOF_BYTES` */
export function writeNode(node: TreeNode, record: Uint8Array): void {
  if (!Number.isSafeInteger(node.bytes) || node.bytes < 0) {
    throw new ProofError('PROOF_BYTES', `no node has ${node.bytes} bytes below it`)
  }
  writeUint(record, node.bytes, 0, 8)
  record.set(node.hash, 8)
}

/**
 * The node of the record at `offset`, in memory of its own.
 *
 * @throws ProofError `PROOF_BYTES` for a size that is 0 or no safe integer
 */
export function decodeNode(records: Uint8Array, offset = 0): TreeNode {
  const bytes = readUint(records, offset, 8)
  if (bytes === 0 || !Number.isSafeInteger(bytes)) {
    throw new ProofError('PROOF_BYTES', `no node has ${bytes} bytes below it`)
  }
  return { hash: records.slice(offset + 8, offset + RECORD_BYTES), bytes }
}

/**
 * Where the records of each level lie in what `buildLevels` returns, for the range `[first, first + count)` of
 * leaves: level k holds the nodes of 2^k leaves that lie wholly inside the range, from `index` on.
 */
export function levelsOf(first: number, count: number): Level[] {
  const levels: Level[] = []
  let at = 0
  for (let width = 1; ; width *= 2) {
    const index = Math.ceil(first / width)
    const nodes = Math.floor((first + count) / width) - index
    if (nodes <= 0) return levels
    levels.push({ index, nodes, at })
    at += nodes * RECORD_BYTES
  }
}

/** One level of a range: `nodes` records from byte `at` on, the first being number `index` of its level. */
export interface Level {
  index: number
  nodes: number
  at: number
}

/** Bytes that suffice for the levels of `count` leaves, wherever they begin. */
export function levelsBytes(count: number): number {
  return 2 * count * RECORD_BYTES
}

/**
 * All nodes that lie wholly inside a range of leaves. `records` begins with the leaves' own records and has room
 * for `levelsBytes(count)`; the upper levels are written behind them as `levelsOf` says. Runs in workers.
 */
export function buildLevels(first: number, count: number, records: Uint8Array): void {
  const levels = levelsOf(first, count)
  for (let k = 1; k < levels.length; k++) {
    const children = levels[k - 1]!
    const level = levels[k]!
    const skipped = 2 * level.index - children.index
    slabHasher.parents(
      records.subarray(children.at + skipped * RECORD_BYTES, children.at + children.nodes * RECORD_BYTES),
      level.nodes,
      records.subarray(level.at, level.at + level.nodes * RECORD_BYTES)
    )
  }
}
