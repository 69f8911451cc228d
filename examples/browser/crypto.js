// What a page hands to `provideCrypto` of datdot/browser, made of @noble/curves and @noble/hashes 2.4: docs/browser.md.
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'

const { Point } = ed25519
const ORDER = Point.CURVE().n

/** @param {Uint8Array} bytes */
function littleEndian(bytes) {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}

/** @param {Uint8Array[]} parts */
function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/**
 * Whether a signature holds as libsodium means it, which every chain and audit must agree on. `ed25519.verify` takes more, even with
 * `zip215: false`: it multiplies the equation by 8, so that one message has eight signatures, and lets a small R pass.
 *
 * @param {Uint8Array} signature
 * @param {Uint8Array} message
 * @param {Uint8Array} publicKey
 */
function verify(signature, message, publicKey) {
  const shown = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  if (s >= ORDER) return false
  try {
    const key = Point.fromBytes(publicKey, false)
    const k = littleEndian(sha512(joined(shown, publicKey, message))) % ORDER
    const r = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k))
    if (key.isSmallOrder() || r.isSmallOrder()) return false
    return r.toBytes().every((byte, i) => byte === shown[i])
  } catch {
    // The key is no point of the curve.
    return false
  }
}

/** @type {import('datdot/browser').Provided} */
export const crypto = {
  blake2b: (...parts) => blake2b(joined(...parts), { dkLen: 32 }),
  publicKey: (seed) => ed25519.getPublicKey(seed),
  sign: (message, secretKey) => ed25519.sign(message, secretKey.subarray(0, 32)),
  verify
}
