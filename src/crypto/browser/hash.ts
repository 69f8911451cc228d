import { concat } from '../../bytes.js'
import { VALUE_BYTES, hashTree, keyedMode, plainMode } from '../blake3-tree.js'
import { joinParts, pureHashes, type HashPart } from '../pure-hashes.js'

// In place of src/crypto/hash.ts where there is no Node: the same functions in TypeScript alone.

/** Bytes of every hash in datdot: BLAKE3-256. */
export const HASH_BYTES = VALUE_BYTES

export const { hash, uniform } = pureHashes

/** BLAKE3-256 of `bytes`. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return hashTree(plainMode, bytes)
}

/** Keyed BLAKE3-256 of the joined `parts`. @throws RangeError if the key has not 32 bytes */
export function keyedBlake3(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  if (key.byteLength !== HASH_BYTES) throw new RangeError(`a key has 32 bytes, not ${key.byteLength}`)
  return hashTree(keyedMode(key), parts.length === 1 ? parts[0]! : concat(parts))
}

/** The bytes that `hash` hashes. */
export function encodeParts(domain: string, parts: HashPart[]): Uint8Array {
  return joinParts([domain, ...parts])
}
