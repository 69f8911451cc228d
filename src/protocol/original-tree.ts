import { fullRoots, leftSpan, parent, sibling } from 'flat-tree'
import { blake2b } from '#crypto/blake2b.js'
import { equal, readUint, writeUint } from '../bytes.js'
import { ForgeryError, ProofError } from '../errors.js'
import { BLOCKS_MAX, BYTES_MAX } from '../bounds.js'
import type { BlockRange } from './ranges.js'

const PROOF_VERSION = 1
const HASH_BYTES = 32
const SIZE_BYTES = 8
const STEP_BYTES = SIZE_BYTES + HASH_BYTES
/** First byte of what hypercore hashes for the roots of a tree. */
const ROOTS = 2
/** Version, number of siblings, number of other roots. */
const HEADER_BYTES = 3

/** A node of the original hypercore's own tree (BLAKE2b, flat-tree numbering). */
export interface OriginalNode {
  index: number
  /** Bytes of the blocks below. */
  size: number
  /** 32 bytes. */
  hash: Uint8Array
}

/** What a proof leads to. */
export interface OriginalHash {
  /** Blocks of the original. */
  length: number
  /** 32 bytes: hypercore's hash over the tree's roots at `length`. */
  treeHash: Uint8Array
}

/** The BLAKE2b hash that hypercore puts at the leaf of `block`; safe to compute in a worker thread. */
export function originalLeaf(block: Uint8Array): Uint8Array {
  writeUint(leafHead, block.byteLength, 1, SIZE_BYTES)
  return blake2b(leafHead, block)
}

/** Tag 0x00, u64 bytes: what hypercore hashes before a block. */
const leafHead = new Uint8Array(1 + SIZE_BYTES)

/** Hypercore's hash over the roots of a tree. */
export function treeHashOf(roots: readonly OriginalNode[]): Uint8Array {
  const bytes = HASH_BYTES + 2 * SIZE_BYTES
  const message = new Uint8Array(1 + roots.length * bytes)
  message[0] = ROOTS
  for (const [i, { index, size, hash }] of roots.entries()) {
    const at = 1 + i * bytes
    message.set(hash, at)
    writeUint(message, index, at + HASH_BYTES, SIZE_BYTES)
    writeUint(message, size, at + HASH_BYTES + SIZE_BYTES, SIZE_BYTES)
  }
  return blake2b(message)
}

/**
 * Flat indices of the roots of a tree of `length` blocks.
 *
 * @throws ProofError ORIGINAL_PROOF_SHAPE for a length that no hypercore has: flat-tree would not come to an end
 */
export function rootIndices(length: number): number[] {
  checkLength(length)
  return fullRoots(2 * length)
}

/** Flat indices of a node's two children; a leaf has none. */
export function childIndices(index: number): number[] {
  const half = (index - leftSpan(index) + 1) / 2
  return index % 2 === 0 ? [] : [index - half, index + half]
}

/** Flat indices of the largest subtrees that, appended in order to a tree of `from` blocks, make it `to` long. */
export function coveringIndices(from: number, to: number): number[] {
  const indices: number[] = []
  for (let at = from; at < to;) {
    let span = 1
    while (at % (span * 2) === 0 && at + span * 2 <= to) span *= 2
    indices.push(2 * at + span - 1)
    at += span
  }
  return indices
}

/** Blocks `[start, end)` below a node. */
export function blocksBelow(index: number): BlockRange {
  const span = leavesBelow(index)
  const start = (index - (span - 1)) / 2
  return { start, end: start + span }
}

/** Where a tree ends that stands for holes by whole subtrees: at `end`, or where the subtree begins that `end` lies within. */
export function treeEnd(holes: readonly BlockRange[], end: number): number {
  const hole = holes.find((range) => range.start < end && end < range.end)
  if (!hole) return end
  const within = coveringIndices(hole.start, hole.end).map(blocksBelow)
  return within.find((range) => range.start < end && end < range.end)?.start ?? end
}

/** Grows a hypercore's tree leaf by leaf (or subtree by subtree), holding only its roots. */
export class OriginalTreeBuilder {
  /** Roots so far, left to right. */
  readonly roots: OriginalNode[]
  #blocks: number

  constructor(roots: readonly OriginalNode[] = []) {
    this.roots = [...roots]
    const last = roots.at(-1)
    this.#blocks = last ? blocksBelow(last.index).end : 0
  }

  /** Blocks below the roots. */
  get length(): number {
    return this.#blocks
  }

  /** Appends the next leaf and returns the nodes that came into being, the leaf first. */
  appendLeaf(size: number, hash: Uint8Array): OriginalNode[] {
    return this.appendNode({ index: 2 * this.#blocks, size, hash })
  }

  /**
   * Appends the root of a subtree of `coveringIndices` and returns the nodes that came into being.
   * @throws RangeError if the subtree does not begin where this tree ends
   */
  appendNode(node: OriginalNode): OriginalNode[] {
    const span = leavesBelow(node.index)
    if (node.index !== 2 * this.#blocks + span - 1 || this.#blocks % span !== 0) {
      throw new RangeError(`node ${node.index} does not follow a tree of ${this.#blocks} blocks`)
    }
    this.#blocks += span
    const made = [node]
    let last = node
    for (let left = this.roots.at(-1); left?.index === sibling(last.index); left = this.roots.at(-1)) {
      last = parentOf(left, last)
      made.push(last)
      this.roots.pop()
    }
    this.roots.push(last)
    return made
  }

  hash(): Uint8Array {
    return treeHashOf(this.roots)
  }
}

/**
 * Flat index of the node over block `index` that is `level` steps above its leaf.
 *
 * @throws ProofError ORIGINAL_PROOF_SHAPE for a level that no tree has
 */
function nodeAbove(index: number, level: number): number {
  const span = 2 ** level
  if (!Number.isInteger(level) || level < 0 || span > BLOCKS_MAX) {
    throw new ProofError('ORIGINAL_PROOF_SHAPE', `No tree has a node ${level} steps above a leaf.`)
  }
  return 2 * (index - (index % span)) + span - 1
}

/** Flat indices that a proof of the node `level` steps above block `index` holds in a tree of `length` blocks, in its order. */
export function proofIndices(
  index: number,
  length: number,
  level = 0
): { siblings: number[]; roots: number[] } {
  const all = rootIndices(length)
  const top = new Set(all)
  const siblings: number[] = []
  let at = nodeAbove(index, level)
  if (blocksBelow(at).end > length) {
    throw new ProofError('ORIGINAL_PROOF_SHAPE', `A tree of ${length} blocks has no node ${at}.`)
  }
  for (; !top.has(at); at = parent(at)) siblings.push(sibling(at))
  return { siblings, roots: all.filter((root) => root !== at) }
}

/**
 * A self-contained proof that `block` is part of the original: version (u8), counts of siblings and of other
 * roots (u8 each), those nodes as u64 size and 32-byte hash, then the block. Integers are little-endian.
 */
export function encodeOriginalProof(
  block: Uint8Array,
  siblings: readonly OriginalNode[],
  roots: readonly OriginalNode[]
): Uint8Array {
  const nodes = [...siblings, ...roots]
  const out = new Uint8Array(HEADER_BYTES + nodes.length * STEP_BYTES + block.byteLength)
  out[0] = PROOF_VERSION
  out[1] = siblings.length
  out[2] = roots.length
  let offset = HEADER_BYTES
  for (const node of nodes) {
    writeUint(out, node.size, offset, SIZE_BYTES)
    out.set(node.hash, offset + SIZE_BYTES)
    offset += STEP_BYTES
  }
  out.set(block, offset)
  return out
}

/** A proof without the block at its end, for a reader who has the block already. */
export function withoutBlock(proof: Uint8Array): Uint8Array {
  return proof.subarray(0, HEADER_BYTES + ((proof[1] ?? 0) + (proof[2] ?? 0)) * STEP_BYTES)
}

/**
 * The block that a proof of `PinnerStore.originalProof` proves to be number `index` of the original with this
 * tree hash and length. Needs no storage; for worker threads.
 *
 * @throws ProofError ORIGINAL_PROOF_FORMAT, ORIGINAL_PROOF_SHAPE, ORIGINAL_PROOF_HASH
 */
export function verifyOriginalProof(proof: Uint8Array, original: OriginalHash, index: number): Uint8Array {
  const nodes = withoutBlock(proof)
  const block = proof.subarray(nodes.byteLength)
  verifyOriginalLeaf({ size: block.byteLength, hash: originalLeaf(block) }, nodes, original, index)
  return block
}

/**
 * Checks that block `index` of the original with this tree hash and length has this leaf, or this node so many steps above it. `proof` is one
 * of `encodeOriginalProof` without the block at its end.
 *
 * @throws ProofError ORIGINAL_PROOF_FORMAT, ORIGINAL_PROOF_SHAPE, ORIGINAL_PROOF_HASH
 */
export function verifyOriginalLeaf(
  leaf: Pick<OriginalNode, 'size' | 'hash'>,
  proof: Uint8Array,
  { length, treeHash }: OriginalHash,
  index: number,
  level = 0
): void {
  checkLength(length)
  if (!Number.isSafeInteger(index) || index < 0 || index >= length) {
    throw new ProofError('ORIGINAL_PROOF_SHAPE', `There is no block ${index} in an original of ${length}.`)
  }
  const bytes = proof
  if (bytes.byteLength < HEADER_BYTES || bytes[0] !== PROOF_VERSION) {
    throw new ProofError('ORIGINAL_PROOF_FORMAT', 'This is not a proof of an original block, version 1.')
  }
  const wanted = proofIndices(index, length, level)
  const end = HEADER_BYTES + (wanted.siblings.length + wanted.roots.length) * STEP_BYTES
  const fits = bytes[1] === wanted.siblings.length && bytes[2] === wanted.roots.length
  if (!fits || bytes.byteLength !== end) {
    throw new ProofError('ORIGINAL_PROOF_SHAPE', `The proof does not fit block ${index} of ${length}.`)
  }
  let offset = HEADER_BYTES
  const next = (at: number): OriginalNode => {
    const size = readUint(bytes, offset, SIZE_BYTES)
    const hash = bytes.subarray(offset + SIZE_BYTES, offset + STEP_BYTES)
    offset += STEP_BYTES
    return { index: at, size: checkedSize(size), hash }
  }
  let node: OriginalNode = { index: nodeAbove(index, level), size: checkedSize(leaf.size), hash: leaf.hash }
  for (const at of wanted.siblings) node = parentOf(node, next(at))
  const roots = [...wanted.roots.map(next), node].sort((a, b) => a.index - b.index)
  if (!equal(treeHashOf(roots), treeHash)) {
    throw new ForgeryError('ORIGINAL_PROOF_HASH', `Block ${index} is not the one that the author signed.`)
  }
}

/** Tag 0x01, u64 bytes below, left hash, right hash: what hypercore hashes for a parent. */
const parentMessage = new Uint8Array(1 + SIZE_BYTES + 2 * HASH_BYTES)
parentMessage[0] = 1

/** The parent of two siblings. */
function parentOf(node: OriginalNode, other: OriginalNode): OriginalNode {
  const size = checkedSize(node.size + other.size)
  const [left, right] = node.index < other.index ? [node, other] : [other, node]
  return { index: parent(node.index), size, hash: nodeHash(size, left.hash, right.hash) }
}

/** Hash of a node above blocks, from the bytes below it and its children's hashes. */
export function nodeHash(size: number, left: Uint8Array, right: Uint8Array): Uint8Array {
  writeUint(parentMessage, size, 1, SIZE_BYTES)
  parentMessage.set(left, 1 + SIZE_BYTES)
  parentMessage.set(right, 1 + SIZE_BYTES + HASH_BYTES)
  return blake2b(parentMessage)
}

function checkLength(length: number): void {
  if (Number.isInteger(length) && length >= 0 && length <= BLOCKS_MAX) return
  throw new ProofError('ORIGINAL_PROOF_SHAPE', `No original has ${length} blocks.`)
}

function checkedSize(size: number): number {
  if (Number.isInteger(size) && size <= BYTES_MAX) return size
  throw new ProofError('ORIGINAL_PROOF_FORMAT', 'The proof states an impossible size.')
}

/** Blocks below a node. */
export function leavesBelow(index: number): number {
  let span = 1
  for (let rest = index + 1; rest % 2 === 0; rest /= 2) span *= 2
  return span
}
