import blakeHash from '@napi-rs/blake-hash'
import sodium from 'sodium-native'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { WRAP_HEADER_BYTES } from '../../src/chunk/wrap.js'
import { portableSlabHasher, slabHasher } from '../../src/crypto/blake3-slab.js'

/** What a bench thread goes through in a loop, with nothing around it. */
export type WorkName =
  /** Copy, cipher, BLAKE3 and one signature a chunk. */
  | 'encode wrap'
  /** Copy, BLAKE3, one signature checked and cipher. */
  | 'decode wrap'
  /** BLAKE3 over bodies where they lie. */
  | 'blake3'
  /** BLAKE3 of bodies, leaves and nodes, each by a call of its own. */
  | 'one call a hash'

/** Equal chunks in shared memory; those of `decode wrap` and of trees are encoded ones. */
export interface Work {
  name: WorkName
  bytes: Uint8Array
  chunkBytes: number
  count: number
  segment: SegmentSecret
}

const SLAB_BYTES = 2 * 1024 * 1024
const KEY_AT = 40
const SIGNATURE_AT = 72
const NONCE = Buffer.alloc(24)
/** Bytes that are signed for a chunk. */
const MESSAGE_BYTES = 157

/** A function that does chunks `[from, to)`. */
export function workOf(work: Work): (from: number, to: number) => void {
  if (work.name === 'encode wrap') return encodeLoop(work)
  if (work.name === 'decode wrap') return decodeLoop(work)
  return work.name === 'blake3' ? hashLoop(work) : callsLoop(work)
}

function encodeLoop({ bytes, chunkBytes, count, segment }: Work): (from: number, to: number) => void {
  const slots = slotsOf(chunkBytes)
  const key = Buffer.alloc(32, 1)
  const message = Buffer.alloc(MESSAGE_BYTES)
  const signature = Buffer.alloc(64)
  const hash = hasherOf(chunkBytes)
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const at = (i % count) * chunkBytes
      const slot = slots[i % slots.length]!
      slot.set(bytes.subarray(at, at + chunkBytes))
      sodium.crypto_stream_xchacha20_xor(slot, slot, NONCE, key)
      message.set(hash(slot), MESSAGE_BYTES - 32)
      sodium.crypto_sign_detached(signature, message, segment.secretKey)
    }
  }
}

function decodeLoop({ bytes, chunkBytes, count, segment }: Work): (from: number, to: number) => void {
  const slots = slotsOf(chunkBytes)
  const message = Buffer.alloc(MESSAGE_BYTES)
  // Checking costs the same whether it holds; a signature that is well formed takes the whole way.
  const signature = Buffer.alloc(64)
  sodium.crypto_sign_detached(signature, message, segment.secretKey)
  const hash = hasherOf(chunkBytes - WRAP_HEADER_BYTES)
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const at = (i % count) * chunkBytes
      const slot = slots[i % slots.length]!
      slot.set(bytes.subarray(at, at + chunkBytes))
      const body = slot.subarray(WRAP_HEADER_BYTES)
      hash(body)
      if (!sodium.crypto_sign_verify_detached(signature, message, segment.publicKey))
        throw new Error('refused')
      sodium.crypto_stream_xchacha20_xor(body, body, NONCE, slot.subarray(KEY_AT, SIGNATURE_AT))
    }
  }
}

function hashLoop({ bytes, chunkBytes, count }: Work): (from: number, to: number) => void {
  const shared = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lengths = Uint32Array.of(chunkBytes)
  const offsets = new Uint32Array(1)
  const out = new Uint8Array(32)
  return (from, to) => {
    for (let i = from; i < to; i++) {
      offsets[0] = (i % count) * chunkBytes
      slabHasher.hashMany(shared, offsets, lengths, 0, 1, WRAP_HEADER_BYTES, out)
    }
  }
}

function callsLoop({ bytes, chunkBytes, count }: Work): (from: number, to: number) => void {
  const shared = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const most = 4096
  const lengths = new Uint32Array(most).fill(chunkBytes)
  const offsets = new Uint32Array(most)
  const bodies = new Uint8Array(most * 32)
  const nodes = new Uint8Array(most * 40)
  const parents = new Uint8Array(most * 20)
  return (from, to) => {
    for (let first = from; first < to; first += most) {
      const here = Math.min(most, to - first)
      for (let i = 0; i < here; i++) offsets[i] = ((first + i) % count) * chunkBytes
      portableSlabHasher.hashMany(shared, offsets, lengths, 0, here, WRAP_HEADER_BYTES, bodies)
      portableSlabHasher.leaves(shared, offsets, lengths, 0, here, WRAP_HEADER_BYTES, bodies, nodes)
      // All levels above the leaves together have one node less than there are leaves.
      for (let left = here - 1; left > 0;) {
        const pairs = Math.min(left, here >> 1)
        portableSlabHasher.parents(nodes, pairs, parents)
        left -= pairs
      }
    }
  }
}

/** Room for results as large as a slab: work whose results overwrite each other would have none. */
function slotsOf(chunkBytes: number): Buffer[] {
  const slab = Buffer.alloc(Math.max(SLAB_BYTES, chunkBytes))
  const count = Math.floor(slab.byteLength / chunkBytes)
  return Array.from({ length: count }, (_, i) => slab.subarray(i * chunkBytes, (i + 1) * chunkBytes))
}

/** The fastest single BLAKE3 of buffers of one length. */
function hasherOf(length: number): (input: Buffer) => Uint8Array {
  const out = new Uint8Array(32)
  const lengths = Uint32Array.of(length)
  const offsets = new Uint32Array(1)
  const many = (input: Buffer) => {
    slabHasher.hashMany(input, offsets, lengths, 0, 1, 0, out)
    return out
  }
  const sample = Buffer.alloc(length)
  return time(() => many(sample)) < time(() => blakeHash.blake3(sample)) ? many : blakeHash.blake3
}

function time(run: () => unknown): number {
  for (let i = 0; i < 50; i++) run()
  const start = performance.now()
  for (let i = 0; i < 200; i++) run()
  return performance.now() - start
}
