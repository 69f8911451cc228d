import { checkPrimeSync, createPublicKey } from 'node:crypto'
import { bigintOf, bytesOf, serializeSecretKey } from '../../src/crypto/rsa-key.js'
import { bytesFrom } from './bytes.js'

/** A valid private key of a shape that no generator is likely to come upon, as bytes. */
export interface ShapedKey {
  shape: string
  secretKey: Buffer
}

/** Keys of 4 and of 3 primes at the ends of what is allowed, and with words and limbs of all zeros or ones. */
export function extremeKeys(): ShapedKey[] {
  const largest = primesFrom((1n << 512n) - 1n, -2n, 4)
  const product = largest[0]! * largest[1]! * largest[2]!
  const [largest683, next683] = primesFrom((1n << 683n) - 1n, -2n, 2)
  const least683 = primesFrom((1n << 682n) + 1n, 2n, 2)
  return [
    key('4 primes, all just below 2^512', largest),
    key('4 primes, the modulus just above 2^2047', [
      ...largest.slice(0, 3),
      primesFrom(((1n << 2047n) / product + 1n) | 1n, 2n, 1)[0]!
    ]),
    key('4 primes that are 1 or -1 modulo words', [
      primeEnding('a', 512, 1n, 64n),
      primeEnding('b', 512, 1n, 256n),
      primeEnding('c', 512, (1n << 64n) - 1n, 64n),
      primeEnding('d', 512, (1n << 104n) - 1n, 104n)
    ]),
    key('4 primes that are 1 modulo limbs of 52 and 58 bits', [
      primeEnding('e', 512, 1n, 52n),
      primeEnding('f', 512, 1n, 58n),
      primeEnding('g', 512, 1n, 104n),
      primeEnding('h', 512, 1n, 116n)
    ]),
    key('3 primes, all as large as they may be', [
      largest683!,
      next683!,
      primesFrom((1n << 682n) - 1n, -2n, 1)[0]!
    ]),
    key('3 primes of 683 bits', [...least683, largest683!]),
    key('3 primes that are 1 or -1 modulo words', [
      primeEnding('i', 682, 1n, 64n),
      primeEnding('j', 683, 1n, 320n),
      primeEnding('k', 683, (1n << 128n) - 1n, 128n)
    ])
  ]
}

/** The primes of a serialised private key. */
export function primesOf(secretKey: Uint8Array): bigint[] {
  const count = secretKey[1]!
  const bytes = (secretKey.byteLength - 2) / count
  return Array.from({ length: count }, (_, i) =>
    bigintOf(secretKey.subarray(2 + i * bytes, 2 + (i + 1) * bytes))
  )
}

function key(shape: string, primes: bigint[]): ShapedKey {
  const bytes = primes.length === 4 ? 64 : 86
  return { shape, secretKey: serializeSecretKey(primes.map((prime) => bytesOf(prime, bytes))) }
}

/** The first `count` suitable primes of `from`, `from + step`, … */
function primesFrom(from: bigint, step: bigint, count: number): bigint[] {
  const found: bigint[] = []
  for (let n = from; found.length < count; n += step) {
    if (n % 65537n !== 1n && checkPrimeSync(n)) found.push(n)
  }
  return found
}

/** A prime of `bits` bits, its three highest set, whose lowest `low` bits are `ending`. */
function primeEnding(seed: string, bits: number, ending: bigint, low: bigint): bigint {
  const random = bigintOf(bytesFrom(seed, Math.ceil(bits / 8))) & ((1n << BigInt(bits)) - 1n)
  const start = (((random | (7n << BigInt(bits - 3))) >> low) << low) | ending
  return primesFrom(start, 1n << low, 1)[0]!
}

/** A public key in the form (SubjectPublicKeyInfo, DER) in which OpenSSL, to compare with, reads it. */
export function spkiOf(modulus: Uint8Array): Buffer {
  const jwk = { kty: 'RSA', n: Buffer.from(modulus).toString('base64url'), e: 'AQAB' }
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
}
