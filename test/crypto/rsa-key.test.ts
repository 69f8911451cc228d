import assert from 'node:assert/strict'
import { checkPrimeSync, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import {
  PRIME_BITS,
  bigintOf,
  bytesOf,
  checkModulus,
  parseSecretKey,
  rsaKeyFromSeed,
  serializeSecretKey
} from '../../src/crypto/rsa-key.js'
import { loadRsaPrivateKey, loadRsaPublicKey, rsaPaths } from '../../src/crypto/rsa.js'
import { spkiOf } from '../helpers/rsa-keys.js'

const seed = Buffer.alloc(32, 5)
const four = rsaKeyFromSeed(seed, 4)
const three = rsaKeyFromSeed(seed, 3)

function primesOf(secretKey: Uint8Array): Buffer[] {
  const { primes, primeBytes } = parseSecretKey(secretKey)
  return Array.from({ length: secretKey[1]! }, (_, i) =>
    Buffer.from(primes.subarray(i * primeBytes, (i + 1) * primeBytes))
  )
}

test('a generated key is the product of distinct primes of the documented sizes', () => {
  for (const [count, key] of [
    [4, four],
    [3, three]
  ] as const) {
    const primes = primesOf(key.secretKey).map(bigintOf)
    assert.deepEqual(primes.map((p) => p.toString(2).length).sort(), [...PRIME_BITS[count]].sort())
    assert.equal(new Set(primes).size, count)
    const product = primes.reduce((a, b) => a * b)
    assert.equal(product.toString(2).length, 2048)
    assert.deepEqual(key.publicKey, bytesOf(product, 256))
    for (const p of primes) {
      assert.ok(checkPrimeSync(p))
      assert.notEqual((p - 1n) % 65537n, 0n)
    }
  }
})

test('the same seed gives the same key, and another seed another', () => {
  assert.deepEqual(rsaKeyFromSeed(seed, 4), four)
  assert.notDeepEqual(rsaKeyFromSeed(Buffer.alloc(32, 6), 4).publicKey, four.publicKey)
  assert.throws(() => rsaKeyFromSeed(Buffer.alloc(31), 4), { code: 'RSA_SEED' })
})

test('the native core and TypeScript give the same keys for the same seeds', () => {
  const seeds = Array.from({ length: 6 }, (_, i) => Buffer.alloc(32, i + 1))
  const keys = () => seeds.flatMap((seed) => [rsaKeyFromSeed(seed, 4), rsaKeyFromSeed(seed, 3)])
  const here = keys()
  const before = process.env.DATDOT_NATIVE
  try {
    process.env.DATDOT_NATIVE = 'off'
    assert.deepEqual(keys(), here)
  } finally {
    if (before === undefined) delete process.env.DATDOT_NATIVE
    else process.env.DATDOT_NATIVE = before
  }
})

test('a private key is in memory that threads share, so that wiping it once wipes it for all', () => {
  const { secretKey } = rsaKeyFromSeed(seed, 4)
  const elsewhere = structuredClone(secretKey) as Uint8Array
  secretKey.fill(0)
  assert.ok(elsewhere.every((byte) => byte === 0))
})

test('keys with equal primes, wrong sizes or no private exponent are refused on every path', () => {
  const primes = primesOf(four.secretKey)
  const [p, q, r, s] = primes as [Buffer, Buffer, Buffer, Buffer]
  const even = Buffer.from(p)
  even[63]! ^= 1
  const short = Buffer.from(p)
  short[0]! &= 0x7f
  let exponent = (bigintOf(p) / 65537n) * 65537n + 1n
  if (exponent % 2n === 0n) exponent += 65537n
  const low = Buffer.alloc(64, 0x81)
  const bad = {
    'equal primes': serializeSecretKey([p, q, r, p]),
    'an even prime': serializeSecretKey([even, q, r, s]),
    'a prime of 511 bits': serializeSecretKey([short, q, r, s]),
    'p - 1 divisible by e': serializeSecretKey([bytesOf(exponent, 64), q, r, s]),
    'a product of fewer bits': serializeSecretKey([
      low,
      bytesOf(bigintOf(low) + 2n, 64),
      bytesOf(bigintOf(low) + 4n, 64),
      p
    ]),
    'two primes': Buffer.concat([Buffer.from([1, 2]), p, q]),
    'three primes of 512 bits': Buffer.concat([Buffer.from([1, 3]), p, q, r]),
    'a byte less': four.secretKey.subarray(0, -1),
    'a byte more': Buffer.concat([four.secretKey, Buffer.alloc(1)]),
    'another version': Buffer.concat([Buffer.from([2]), four.secretKey.subarray(1)]),
    nothing: Buffer.alloc(0)
  }
  for (const [name, secretKey] of Object.entries(bad)) {
    for (const path of rsaPaths()) {
      assert.throws(() => loadRsaPrivateKey(secretKey, path), { name: 'CryptoError', code: 'RSA_KEY' }, name)
    }
  }
})

test('a modulus that is even, short or long is refused on every path', () => {
  const even = Buffer.from(four.publicKey)
  even[255]! ^= 1
  const low = Buffer.from(four.publicKey)
  low[0]! &= 0x7f
  for (const modulus of [even, low, four.publicKey.subarray(1), Buffer.alloc(257, 0xff), Buffer.alloc(0)]) {
    assert.throws(() => checkModulus(modulus), { code: 'RSA_KEY' })
    for (const path of rsaPaths()) assert.throws(() => loadRsaPublicKey(modulus, path), { code: 'RSA_KEY' })
  }
})

test('OpenSSL reads the public key as one of 2048 bits with exponent 65537', () => {
  for (const { publicKey } of [four, three]) {
    const key = createPublicKey({ key: spkiOf(publicKey), format: 'der', type: 'spki' })
    assert.deepEqual(key.asymmetricKeyDetails, { modulusLength: 2048, publicExponent: 65537n })
  }
})

test('a path that this machine cannot run, or that was switched off, is refused', () => {
  const { publicKey, secretKey } = rsaKeyFromSeed(Buffer.alloc(32, 1), 4)
  const before = process.env.DATDOT_NATIVE
  try {
    process.env.DATDOT_NATIVE = 'off'
    for (const path of ['portable', 'avx2', 'ifma'] as const) {
      assert.throws(() => loadRsaPrivateKey(secretKey, path), { code: 'RSA_PATH' })
      assert.throws(() => loadRsaPublicKey(publicKey, path), { code: 'RSA_PATH' })
    }
  } finally {
    if (before === undefined) delete process.env.DATDOT_NATIVE
    else process.env.DATDOT_NATIVE = before
  }
})
