import sodium from 'sodium-native'
import type { SegmentPublic } from '../../src/chunk/codec.js'
import { blake3, hash } from '../../src/crypto/hash.js'
import { encodePrimeProof } from '../../src/crypto/prime-proof-format.js'
import { bestProof, modPow, modulusBytes } from '../crypto/weak-keys.js'

const PAYLOAD_BYTES = 255
const BLOCK_BYTES = 256

/** A key of any shape: the modulus with all of its factors. */
export interface AnyKey {
  publicKey: Buffer
  factors: { p: bigint; exponent: number }[]
}

export function anyKey(n: bigint, factors: AnyKey['factors']): AnyKey {
  return { publicKey: modulusBytes(n), factors }
}

/** The best proof about its primes that its owner can make, encoded. */
export function anyProof({ factors }: AnyKey, segmentId: Uint8Array): Buffer {
  return encodePrimeProof(bestProof(factors, segmentId).proof)
}

/** Encodes a chunk of `seal` as docs/formats.md says, under a key of any shape. */
export function anySeal({ factors }: AnyKey, segment: SegmentPublic, index: number, plain: Buffer): Buffer {
  const { id, salt, publicKey } = segment
  const n = toNumber(publicKey)
  const order = factors.reduce((left, { p, exponent }) => left * (p - 1n) * p ** BigInt(exponent - 1), 1n)
  const exponent = inverse(65537n, order)
  const maskKey = hash('datdot/mask/1', salt, id, publicKey)
  const blocks = Math.ceil(plain.byteLength / PAYLOAD_BYTES)
  const masked = Buffer.alloc(blocks * PAYLOAD_BYTES)
  masked.set(plain)
  const nonce = Buffer.alloc(24)
  nonce.writeBigUInt64LE(BigInt(index))
  sodium.crypto_stream_xchacha20_xor(masked, masked, nonce, maskKey)
  const body = Buffer.concat(
    Array.from({ length: blocks }, (_, i) => {
      const block = toNumber(masked.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES))
      return Buffer.from(
        modPow(block, exponent, n)
          .toString(16)
          .padStart(2 * BLOCK_BYTES, '0'),
        'hex'
      )
    })
  )
  const header = Buffer.alloc(80)
  header[0] = 2
  header[1] = 1
  header.writeUInt32LE(plain.byteLength, 4)
  header.writeBigUInt64LE(BigInt(index), 8)
  header.set(id, 16)
  header.set(hash('datdot/seal/1', maskKey, index, plain.byteLength, blake3(body)), 48)
  return Buffer.concat([header, body])
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function inverse(a: bigint, m: bigint): bigint {
  let [low, high, x, y] = [a % m, m, 1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high, x, y] = [high - quotient * low, low, y - quotient * x, x]
  }
  return ((y % m) + m) % m
}
