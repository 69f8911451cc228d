import { BLOCK_BYTES, IV, VALUE_WORDS, compress } from './blake3-compress.js'

// BLAKE3 as the tree that it is (the BLAKE3 paper, section 2): leaves are chunks of 1 KiB, a left subtree is the largest power of
// two of chunks below the whole, and a node's value is the compression of its children's. No I/O and nothing of Node.

/** Bytes of a leaf of BLAKE3's tree. What BLAKE3 calls a chunk datdot calls a slice. */
export const LEAF_BYTES = 1024

/** Bytes of a chaining value, and of a hash. */
export const VALUE_BYTES = 32

const CHUNK_START = 1
const CHUNK_END = 2
const PARENT = 4
const ROOT = 8
const KEYED_HASH = 16
const DERIVE_KEY_CONTEXT = 32
const DERIVE_KEY_MATERIAL = 64

/** One of BLAKE3's modes: what the first chaining value of every leaf and node is, and the flags of all compressions. */
export interface Mode {
  readonly key: Int32Array
  readonly flags: number
}

/** Plain hashing. */
export const plainMode: Mode = { key: IV, flags: 0 }

/** Keyed hashing. @throws RangeError if the key is not 32 bytes long */
export function keyedMode(key: Uint8Array): Mode {
  if (key.byteLength !== VALUE_BYTES) throw new RangeError(`a key has 32 bytes, not ${key.byteLength}`)
  return { key: loadValue(key, 0), flags: KEYED_HASH }
}

/** Key derivation under a context string. */
export function deriveMode(context: string): Mode {
  const contextKey = hashTree({ key: IV, flags: DERIVE_KEY_CONTEXT }, new TextEncoder().encode(context))
  return { key: loadValue(contextKey, 0), flags: DERIVE_KEY_MATERIAL }
}

/** BLAKE3 of `input` in a mode, with `length` bytes of output. */
export function hashTree(mode: Mode, input: Uint8Array, length: number = VALUE_BYTES): Uint8Array {
  const bytes = input.byteLength
  const value = mode.key.slice()
  const words = new Int32Array(16)
  let lastBytes = BLOCK_BYTES
  let flags = mode.flags | ROOT
  if (bytes <= LEAF_BYTES) {
    // Every block but the last.
    const last = Math.max(0, Math.ceil(bytes / BLOCK_BYTES) - 1) * BLOCK_BYTES
    compressBlocks(mode, input, 0, last, 0)
    if (last > 0) value.set(state.subarray(0, VALUE_WORDS))
    lastBytes = bytes - last
    loadBlock(input, last, lastBytes)
    words.set(block)
    flags |= CHUNK_END | (last === 0 ? CHUNK_START : 0)
  } else {
    const left = leftBytes(bytes)
    const children = new Uint8Array(2 * VALUE_BYTES)
    subtreeValue(mode, input, 0, left, 0, children, 0)
    subtreeValue(mode, input, left, bytes - left, left / LEAF_BYTES, children, VALUE_BYTES)
    loadBlock(children, 0, BLOCK_BYTES)
    words.set(block)
    flags |= PARENT
  }
  const out = new Uint8Array(length)
  const wide = new Int32Array(16)
  for (let at = 0; at < length; at += BLOCK_BYTES) {
    compress(value, words, at / BLOCK_BYTES, lastBytes, flags, wide)
    for (let i = at; i < Math.min(length, at + BLOCK_BYTES); i++) {
      out[i] = wide[(i - at) >>> 2]! >>> (8 * (i & 3))
    }
  }
  return out
}

/**
 * The value of one leaf, to `out`.
 *
 * @param length bytes of the leaf, 0..1024
 * @param counter number of the leaf in its tree
 * @param isRoot whether the leaf is the whole tree, and its value the hash
 */
export function leafValue(
  mode: Mode,
  input: Uint8Array,
  start: number,
  length: number,
  counter: number,
  isRoot: boolean,
  out: Uint8Array,
  outAt: number
): void {
  const last = Math.max(0, Math.ceil(length / BLOCK_BYTES) - 1) * BLOCK_BYTES
  compressBlocks(mode, input, start, last, counter)
  if (last === 0) state.set(mode.key)
  loadBlock(input, start + last, length - last)
  const flags = CHUNK_END | (last === 0 ? CHUNK_START : 0) | (isRoot ? ROOT : 0)
  compress(state, block, counter, length - last, mode.flags | flags, state)
  storeValue(state, out, outAt)
}

/** The value of the node over two values, to `out`, which may be where they are. `isRoot`: its value is the hash. */
export function nodeValue(
  mode: Mode,
  left: Uint8Array,
  leftAt: number,
  right: Uint8Array,
  rightAt: number,
  isRoot: boolean,
  out: Uint8Array,
  outAt: number
): void {
  for (let i = 0; i < VALUE_WORDS; i++) {
    block[i] = word(left, leftAt + 4 * i)
    block[VALUE_WORDS + i] = word(right, rightAt + 4 * i)
  }
  compress(mode.key, block, 0, BLOCK_BYTES, mode.flags | PARENT | (isRoot ? ROOT : 0), state)
  storeValue(state, out, outAt)
}

/**
 * The value of the subtree over `length` bytes from `start`, which is not the root.
 *
 * @param length at least 1
 * @param counter number of its first leaf in the tree
 */
export function subtreeValue(
  mode: Mode,
  input: Uint8Array,
  start: number,
  length: number,
  counter: number,
  out: Uint8Array,
  outAt: number
): void {
  if (length <= LEAF_BYTES) return leafValue(mode, input, start, length, counter, false, out, outAt)
  const left = leftBytes(length)
  const children = new Uint8Array(2 * VALUE_BYTES)
  subtreeValue(mode, input, start, left, counter, children, 0)
  subtreeValue(mode, input, start + left, length - left, counter + left / LEAF_BYTES, children, VALUE_BYTES)
  nodeValue(mode, children, 0, children, VALUE_BYTES, false, out, outAt)
}

/** Bytes of the left subtree of more than one leaf: the largest power of two of leaves that leaves a byte. */
function leftBytes(length: number): number {
  let left = LEAF_BYTES
  while (left * 2 < length) left *= 2
  return left
}

/** Scratch of the functions above, none of which calls another while it needs it. */
const block = new Int32Array(16)
const state = new Int32Array(16)

/** Compresses whole blocks of a leaf from its start into `state`; leaves `state` alone if there are none. */
function compressBlocks(mode: Mode, input: Uint8Array, start: number, length: number, counter: number): void {
  for (let at = 0; at < length; at += BLOCK_BYTES) {
    loadBlock(input, start + at, BLOCK_BYTES)
    const flags = mode.flags | (at === 0 ? CHUNK_START : 0)
    compress(at === 0 ? mode.key : state, block, counter, BLOCK_BYTES, flags, state)
  }
}

function loadBlock(input: Uint8Array, at: number, length: number): void {
  if (length === BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) block[i] = word(input, at + 4 * i)
    return
  }
  block.fill(0)
  for (let i = 0; i < length; i++) block[i >>> 2]! |= input[at + i]! << (8 * (i & 3))
}

function loadValue(bytes: Uint8Array, at: number): Int32Array {
  return Int32Array.from({ length: VALUE_WORDS }, (_, i) => word(bytes, at + 4 * i))
}

function storeValue(words: Int32Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < VALUE_WORDS; i++) {
    const value = words[i]!
    out[at + 4 * i] = value
    out[at + 4 * i + 1] = value >>> 8
    out[at + 4 * i + 2] = value >>> 16
    out[at + 4 * i + 3] = value >>> 24
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
