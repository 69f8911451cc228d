import sodium from 'sodium-native'
import { encodeParts } from './hash.js'
import type { HashPart } from './pure-hashes.js'

export const PUBLIC_KEY_BYTES = 32
export const SECRET_KEY_BYTES = 64
export const KEY_SEED_BYTES = 32
export const SIGNATURE_BYTES = 64

/** An Ed25519 key pair in libsodium's form: the secret key is seed and public key. */
export interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

/** The key pair of a 32-byte seed. */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  const publicKey = Buffer.allocUnsafe(PUBLIC_KEY_BYTES)
  const secretKey = Buffer.allocUnsafe(SECRET_KEY_BYTES)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
  return { publicKey, secretKey }
}

/** `length` bytes from the operating system's generator: the randomness that programs pass in. */
export function randomBytes(length: number): Buffer {
  const out = Buffer.allocUnsafe(length)
  sodium.randombytes_buf(out)
  return out
}

/** Ed25519 signature of a message. */
export function signDetached(message: Uint8Array, secretKey: Uint8Array): Buffer {
  const signature = Buffer.allocUnsafe(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, message, secretKey)
  return signature
}

/** Whether `signature` is `publicKey`'s of the message. Never throws on hostile bytes. */
export function verifyDetached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
  return sodium.crypto_sign_verify_detached(signature, message, publicKey)
}

/** Ed25519 signature over `encodeParts(domain, parts)`. */
export function signParts(secretKey: Uint8Array, domain: string, ...parts: HashPart[]): Buffer {
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
