import { readU64, writeU64, writeUint } from '../bytes.js'
import { blake3 } from '#crypto/hash.js'
import { loadAddon } from '#crypto/native.js'

/** Bytes of a node of a Merkle tree as it is stored and sent: u64 bytes below, little-endian, and its hash. */
export const RECORD_BYTES = 40

const HASH_BYTES = 32

/**
 * BLAKE3 over many short pieces of one slab in one call, where a call for each would cost more than the
 * hashing. Slabs and tables may be shared memory. Ranges outside their tables or slab throw a TypeError.
 */
export interface SlabHasher {
  /** BLAKE3 of chunks `[from, to)` without their first `skip` bytes: 32 bytes each, to the start of `out`. */
  hashMany(
    slab: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    from: number,
    to: number,
    skip: number,
    out: Uint8Array
  ): void
  /**
   * Leaf records of chunks `[from, to)`: BLAKE3(0x00 || u64 length || header || body hash), where the header is
   * the chunk's first `headerBytes`; `bodyHashes` and `out` begin with chunk `from`.
   */
  leaves(
    slab: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    from: number,
    to: number,
    headerBytes: number,
    bodyHashes: Uint8Array,
    out: Uint8Array
  ): void
  /** Records of the parents of `pairs` pairs of records: BLAKE3(0x01 || u64 bytes below || left || right). */
  parents(children: Uint8Array, pairs: number, out: Uint8Array): void
  /**
   * The record of the root that a batch proof leads to, to `root`, in one call; src/merkle/batch.ts says what a proof
   * is, and has the path without the addon. `indices` ascend and are leaves of a tree of `chunks`; `offsets` takes
   * where each leaf begins. Returns what is wrong with the proof: 0 nothing, 1 its length, 2 its sizes.
   */
  batchRoot?: (
    chunks: number,
    indices: Float64Array,
    leaves: Uint8Array,
    proof: Uint8Array,
    offsets: Float64Array,
    root: Uint8Array
  ) => number
}

/** One BLAKE3 call a hash: the path without the addon, and the one to compare it with. */
export const portableSlabHasher: SlabHasher = {
  hashMany(slab, offsets, lengths, from, to, skip, out) {
    checkRun(offsets, lengths, from, to)
    for (let i = from; i < to; i++) {
      const bytes = slice(slab, offsets[i]! + skip, lengths[i]! - skip)
      out.set(blake3(bytes), (i - from) * HASH_BYTES)
    }
  },

  leaves(slab, offsets, lengths, from, to, headerBytes, bodyHashes, out) {
    checkRun(offsets, lengths, from, to)
    const message = new Uint8Array(1 + 8 + headerBytes + HASH_BYTES)
    for (let i = from; i < to; i++) {
      const at = (i - from) * RECORD_BYTES
      writeUint(message, lengths[i]!, 1, 4)
      message.set(slice(slab, offsets[i]!, headerBytes), 9)
      message.set(slice(bodyHashes, (i - from) * HASH_BYTES, HASH_BYTES), 9 + headerBytes)
      out.set(message.subarray(1, 9), at)
      out.set(blake3(message), at + 8)
    }
  },

  parents(children, pairs, out) {
    const message = new Uint8Array(1 + 8 + 2 * HASH_BYTES)
    message[0] = 1
    for (let i = 0; i < pairs; i++) {
      const left = slice(children, 2 * i * RECORD_BYTES, RECORD_BYTES)
      const right = slice(children, (2 * i + 1) * RECORD_BYTES, RECORD_BYTES)
      writeU64(message, BigInt.asUintN(64, readU64(left, 0) + readU64(right, 0)), 1)
      message.set(left.subarray(8), 9)
      message.set(right.subarray(8), 9 + HASH_BYTES)
      out.set(message.subarray(1, 9), i * RECORD_BYTES)
      out.set(blake3(message), i * RECORD_BYTES + 8)
    }
  }
}

/** The addon where there is one, else `portableSlabHasher`. */
export const slabHasher: SlabHasher = (loadAddon('datdot_blake3') as SlabHasher) ?? portableSlabHasher

function checkRun(offsets: Uint32Array, lengths: Uint32Array, from: number, to: number): void {
  if (from >= 0 && from <= to && to <= offsets.length && to <= lengths.length) return
  throw new TypeError('the range of chunks lies outside the tables')
}

function slice(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length < 0 || start + length > bytes.byteLength) throw new TypeError('a chunk lies outside the slab')
  return bytes.subarray(start, start + length)
}
