import { VALUE_BYTES, deriveMode, hashTree, keyedMode, plainMode } from './blake3-tree.js'

/** What `hash` takes: bytes as they are, strings as UTF-8, integers in 0..2^64-1 as little-endian u64. */
export type HashPart = Uint8Array | string | number | bigint

/** What the walk and its check hash with; src/crypto/hash.ts has the same functions on compiled code. */
export interface Hashes {
  /** `H(domain, ...parts)` of docs/formats.md. */
  hash: (domain: string, ...parts: HashPart[]) => Uint8Array
  /** Keyed BLAKE3-256 of `bytes` under a 32-byte key. */
  keyedBlake3: (key: Uint8Array, bytes: Uint8Array) => Uint8Array
  /** `U(seed, bound)` of docs/formats.md, for a bound in 1..2^64. */
  uniform: (seed: Uint8Array, bound: bigint) => bigint
}

const WORD_BYTES = 8
const WORDS = 1n << 64n
const uniformMode = deriveMode('datdot/uniform/1')

/** The hashes in TypeScript alone, for a browser and for tests. */
export const pureHashes: Hashes = {
  hash(domain, ...parts) {
    return hashTree(plainMode, joinParts([domain, ...parts]))
  },

  keyedBlake3(key, bytes) {
    return hashTree(keyedMode(key), bytes)
  },

  uniform(seed, bound) {
    if (bound < 1n || bound > WORDS) throw new RangeError(`bound must be in 1..2^64, got ${bound}`)
    const limit = WORDS - (WORDS % bound)
    for (let bytes = VALUE_BYTES, at = 0; ; bytes *= 2) {
      const words = new DataView(hashTree(uniformMode, seed, bytes).buffer)
      for (; at < bytes; at += WORD_BYTES) {
        const word = words.getBigUint64(at, true)
        if (word < limit) return word % bound
      }
    }
  }
}

/** Each part's length as u64 and its bytes: what `hash` hashes. */
export function joinParts(parts: readonly HashPart[]): Uint8Array {
  const encoded = parts.map(partBytes)
  const message = new Uint8Array(encoded.reduce((sum, { byteLength }) => sum + WORD_BYTES + byteLength, 0))
  let at = 0
  for (const part of encoded) {
    message.set(u64(BigInt(part.byteLength)), at)
    message.set(part, at + WORD_BYTES)
    at += WORD_BYTES + part.byteLength
  }
  return message
}

function partBytes(part: HashPart): Uint8Array {
  if (typeof part === 'string') return new TextEncoder().encode(part)
  return typeof part === 'object' ? part : u64(BigInt(part))
}

function u64(value: bigint): Uint8Array {
  if (value < 0n || value >= WORDS) throw new RangeError(`${value} is no u64`)
  const out = new Uint8Array(WORD_BYTES)
  new DataView(out.buffer).setBigUint64(0, value, true)
  return out
}
