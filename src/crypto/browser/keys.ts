import { concat } from '../../bytes.js'
import type { HashPart } from '../pure-hashes.js'
import { encodeParts } from './hash.js'
import { provided } from './provided.js'

// In place of src/crypto/keys.ts where there is no Node.

export const PUBLIC_KEY_BYTES = 32
export const SECRET_KEY_BYTES = 64
export const KEY_SEED_BYTES = 32
export const SIGNATURE_BYTES = 64

/** An Ed25519 key pair in libsodium's form: the secret key is seed and public key. */
export interface KeyPair {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** The key pair of a 32-byte seed. */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  const publicKey = provided().publicKey(seed)
  return { publicKey, secretKey: concat([seed, publicKey]) }
}

/** Ed25519 signature of a message. */
export function signDetached(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return provided().sign(message, secretKey)
}

/** Whether `signature` is `publicKey`'s of the message. Never throws on hostile bytes. */
export function verifyDetached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
  return provided().verify(signature, message, publicKey)
}

/** Ed25519 signature over `encodeParts(domain, parts)`. */
export function signParts(secretKey: Uint8Array, domain: string, ...parts: HashPart[]): Uint8Array {
  return signDetached(encodeParts(domain, parts), secretKey)
}

/** Whether `signature` is `publicKey`'s over `encodeParts(domain, parts)`. Never throws on hostile bytes. */
export function verifyParts(
  publicKey: Uint8Array,
  signature: Uint8Array,
  domain: string,
  ...parts: HashPart[]
): boolean {
  return verifyDetached(signature, encodeParts(domain, parts), publicKey)
}
