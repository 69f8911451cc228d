import blakeHash from '@napi-rs/blake-hash'
import { deriveMode, hashTree } from './blake3-tree.js'
import { loadAddon } from './native.js'
import type { HashPart } from './pure-hashes.js'

const { blake3: nativeBlake3, Blake3Hasher } = blakeHash

/** Bytes of every hash in datdot: BLAKE3-256. */
export const HASH_BYTES = 32

const UNIFORM_CONTEXT = 'datdot/uniform/1'
const WORD_BYTES = 8
/** How many words there are. */
const WORDS = 1n << 64n
const WORDS_AT_FIRST = HASH_BYTES / WORD_BYTES
const LENGTH_BYTES = 8
/** Memory kept for what is hashed. */
const MESSAGE_BYTES = 128 << 10

/** Hashes into memory that is there already: the package's results are each an object for the collector. */
interface Addon {
  hash: (input: Uint8Array, out: Uint8Array) => void
  keyedHash: (key: Uint8Array, input: Uint8Array, out: Uint8Array) => void
  uniformWords: (seed: Uint8Array, out: Uint8Array) => void
}

const addon = loadAddon('datdot_blake3') as Addon | undefined

/** BLAKE3-256 of `bytes`. */
export function blake3(bytes: Uint8Array): Buffer {
  if (!addon) return nativeBlake3(asBuffer(bytes))
  const out = Buffer.allocUnsafe(HASH_BYTES)
  addon.hash(bytes, out)
  return out
}

/** BLAKE3-256 of bytes that come one after the other. */
export function blake3Stream(): { update: (bytes: Uint8Array) => void; digest: () => Buffer } {
  const hasher = new Blake3Hasher()
  return { update: (bytes) => void hasher.update(asBuffer(bytes)), digest: () => hasher.digestBuffer() }
}

/**
 * Keyed BLAKE3-256 of the joined `parts` under a 32-byte `key`.
 *
 * @throws RangeError if the key is of another length
 */
export function keyedBlake3(key: Uint8Array, ...parts: Uint8Array[]): Buffer {
  // The package would end the process on such a key.
  if (key.byteLength !== HASH_BYTES) throw new RangeError(`a key has 32 bytes, not ${key.byteLength}`)
  if (addon && parts.length === 1) {
    const out = Buffer.allocUnsafe(HASH_BYTES)
    addon.keyedHash(key, parts[0]!, out)
    return out
  }
  const hasher = Blake3Hasher.newKeyed(asBuffer(key))
  for (const part of parts) hasher.update(asBuffer(part))
  return hasher.digestBuffer()
}

/**
 * `H(domain, ...parts)` of docs/formats.md: BLAKE3-256 over each argument, the domain first, as its length
 * (u64, little-endian) followed by its bytes. No two different argument lists have the same encoding.
 */
export function hash(domain: string, ...parts: HashPart[]): Buffer {
  const encoded = [domain, ...parts].map(partBytes)
  const bytes = encodedLength(encoded)
  // Most are short: no memory for each.
  const room = bytes > message.byteLength ? Buffer.allocUnsafe(bytes) : message.subarray(0, bytes)
  return blake3(writeParts(encoded, room))
}

/**
 * `XOF(length; domain, ...parts)` of docs/formats.md: that many bytes of BLAKE3 in derive-key mode, the domain
 * as its context and `encodeParts(domain, parts)` as its key material.
 */
export function xof(length: number, domain: string, ...parts: HashPart[]): Buffer {
  const bytes = hashTree(deriveMode(domain), encodeParts(domain, parts), length)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const message = Buffer.allocUnsafeSlow(MESSAGE_BYTES)

/** The bytes that `hash` hashes; also what is signed where a message with a domain is signed. */
export function encodeParts(domain: string, parts: HashPart[]): Buffer {
  const encoded = [domain, ...parts].map(partBytes)
  return writeParts(encoded, Buffer.allocUnsafe(encodedLength(encoded)))
}

function encodedLength(parts: Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, 0)
}

function writeParts(encoded: Uint8Array[], out: Buffer): Buffer {
  let offset = 0
  for (const part of encoded) {
    out.writeBigUInt64LE(BigInt(part.byteLength), offset)
    out.set(part, offset + LENGTH_BYTES)
    offset += LENGTH_BYTES + part.byteLength
  }
  return out
}

/**
 * `U(seed, bound)`: an integer in 0..bound-1 without bias. 64-bit little-endian words of BLAKE3 in derive-key
 * mode with extended output; words at or above the largest multiple of `bound` are rejected.
 *
 * @throws RangeError if bound is not in 1..2^64
 */
export function uniform(seed: Uint8Array, bound: bigint): bigint {
  if (bound < 1n || bound > WORDS) throw new RangeError(`bound must be in 1..2^64, got ${bound}`)
  // Four words nearly always suffice; only then is the longer, slower output worth asking for.
  let words = firstWords(seed)
  for (let index = 0; ; index++) {
    if (index === WORDS_AT_FIRST) words = moreWords(seed, 1024)
    if (index * WORD_BYTES === words.byteLength) {
      words = moreWords(seed, words.byteLength * 2)
    }
    const word = words.readBigUInt64LE(index * WORD_BYTES)
    // The largest multiple is above 2^64 - bound, and seldom needed.
    if (word <= WORDS - bound || word < WORDS - (WORDS % bound)) return word % bound
  }
}

const drawn = Buffer.alloc(HASH_BYTES)

/** Good until the next call. */
function firstWords(seed: Uint8Array): Buffer {
  if (!addon) return Blake3Hasher.deriveKey(UNIFORM_CONTEXT, asBuffer(seed))
  addon.uniformWords(seed, drawn)
  return drawn
}

/** The package for whole hashes gives no more than 32 bytes. */
function moreWords(seed: Uint8Array, byteLength: number): Buffer {
  const words = hashTree(deriveMode(UNIFORM_CONTEXT), seed, byteLength)
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength)
}

function partBytes(part: HashPart): Uint8Array {
  if (typeof part === 'string') return Buffer.from(part, 'utf8')
  if (typeof part === 'object') return part
  const out = Buffer.allocUnsafe(8)
  out.writeBigUInt64LE(BigInt(part))
  return out
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
