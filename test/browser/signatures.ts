import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { keyPairFromSeed, signDetached, verifyDetached } from '../../src/crypto/keys.js'
import { concat } from '../../src/bytes.js'

// Signatures over which implementations of Ed25519 differ: points of small order, points with a part of small order, numbers that are
// not reduced.

const { Point } = ed25519
const ORDER = Point.CURVE().n
const FIELD = 2n ** 255n - 19n

export interface Signed {
  name: string
  signature: Uint8Array
  publicKey: Uint8Array
  /** By libsodium. */
  holds: boolean
}

function number(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** Signatures of a message, most of them made to be taken by some and refused by others, with what libsodium says of each. */
export function signatures(message: Uint8Array): Signed[] {
  const all: Omit<Signed, 'holds'>[] = []
  const add = (name: string, publicKey: Uint8Array, r: Uint8Array, s: bigint): void => {
    all.push({ name, publicKey, signature: concat([r, littleEndian(s)]) })
  }
  const challenge = (r: Uint8Array, key: Uint8Array): bigint =>
    number(sha512(concat([r, key, message]))) % ORDER
  const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex, true))
  const secret = 12_345_678_901_234_567_890n
  const nonce = 987_654_321n
  const key = Point.BASE.multiply(secret)
  for (const [i, small] of torsion.entries()) {
    for (const [j, other] of torsion.entries()) {
      const publicKey = key.add(small).toBytes()
      const r = Point.BASE.multiply(nonce).add(other).toBytes()
      add(`parts of small order ${i}, ${j}`, publicKey, r, (nonce + challenge(r, publicKey) * secret) % ORDER)
    }
    const r = small.toBytes()
    add(`R of small order ${i}`, key.toBytes(), r, (challenge(r, key.toBytes()) * secret) % ORDER)
    add(`a key of small order ${i}`, r, Point.BASE.multiply(nonce).toBytes(), nonce)
    add(`both of small order ${i}`, r, r, 0n)
  }
  const r = Point.BASE.multiply(nonce).toBytes()
  const s = (nonce + challenge(r, key.toBytes()) * secret) % ORDER
  for (let more = 0n; s + more * ORDER < 2n ** 256n; more++) {
    add(`s and ${more} times the order`, key.toBytes(), r, s + more * ORDER)
  }
  // Points whose y is written as y + p, which 255 bits have room for.
  for (let y = 0n; y < 19n; y++) {
    for (const sign of [0n, 1n]) {
      const bytes = littleEndian(y + FIELD + (sign << 255n))
      add(`a key that is not reduced, y ${y} sign ${sign}`, bytes, r, nonce)
      add(`R that is not reduced, y ${y} sign ${sign}`, key.toBytes(), bytes, s)
    }
  }
  for (let i = 0; i < 4; i++) {
    const pair = keyPairFromSeed(new Uint8Array(32).fill(i))
    const signature = signDetached(message, pair.secretKey)
    all.push({ name: `honest ${i}`, publicKey: pair.publicKey, signature })
    const changed = signature.slice()
    changed[9 * i]! ^= 1
    all.push({ name: `changed ${i}`, publicKey: pair.publicKey, signature: changed })
    all.push({ name: `noise ${i}`, publicKey: signature.slice(0, 32), signature })
  }
  return all.map((it) => ({ ...it, holds: verifyDetached(it.signature, message, it.publicKey) }))
}
