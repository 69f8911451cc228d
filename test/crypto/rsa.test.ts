import assert from 'node:assert/strict'
import { constants, createPublicKey, publicDecrypt } from 'node:crypto'
import { test } from 'node:test'
import { bigintOf, bytesOf, rsaKeyFromSeed, serializeSecretKey } from '../../src/crypto/rsa-key.js'
import {
  PAYLOAD_BYTES,
  loadRsaPrivateKey,
  loadRsaPublicKey,
  rsaPaths,
  type RsaPath
} from '../../src/crypto/rsa.js'
import { CryptoError } from '../../src/errors.js'
import { bytesFrom } from '../helpers/bytes.js'
import { primesOf, spkiOf } from '../helpers/rsa-keys.js'

const keys = [rsaKeyFromSeed(Buffer.alloc(32, 1), 4), rsaKeyFromSeed(Buffer.alloc(32, 1), 3)]
/** Blocks a path is given where many are wanted: what it does in about a second. */
const MANY: Record<RsaPath, number> = { ifma: 4000, avx2: 1000, portable: 500, bigint: 100 }

/** Blocks of 255 bytes: 0, 1, all ones, single bits, then random. */
function plainBlocks(count: number): Buffer {
  const plain = bytesFrom('plain', count * PAYLOAD_BYTES)
  const edges = [0n, 1n, 2n, (1n << 2040n) - 1n, 1n << 2039n, 1n << 512n, (1n << 512n) - 1n, 1n << 52n]
  edges.forEach((edge, i) => plain.set(bytesOf(edge, PAYLOAD_BYTES), i * PAYLOAD_BYTES))
  return plain
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}

function refused(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof CryptoError, String(error))
    return error.code
  }
  assert.fail('it was accepted')
}

for (const { publicKey, secretKey } of keys) {
  const primes = `${secretKey[1]} primes`

  for (const path of rsaPaths()) {
    const key = loadRsaPrivateKey(secretKey, path)

    test(`OpenSSL opens what is sealed with ${primes}, ${path}`, () => {
      const count = MANY[path]
      const plain = plainBlocks(count)
      const sealed = Buffer.alloc(count * 256)
      key.seal(plain, sealed)
      const openssl = {
        key: createPublicKey({ key: spkiOf(publicKey), format: 'der', type: 'spki' }),
        padding: constants.RSA_NO_PADDING
      }
      for (let i = 0; i < count; i++) {
        const opened = publicDecrypt(openssl, sealed.subarray(i * 256, (i + 1) * 256))
        assert.equal(opened[0], 0)
        assert.ok(opened.subarray(1).equals(plain.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES)))
      }
    })

    test(`what is sealed with ${primes}, ${path}, opens on every path`, () => {
      const plain = plainBlocks(21)
      const sealed = Buffer.alloc(21 * 256)
      key.seal(plain, sealed)
      for (const other of rsaPaths()) {
        const opened = Buffer.alloc(plain.byteLength)
        assert.equal(loadRsaPublicKey(publicKey, other).open(sealed, opened), -1)
        assert.ok(opened.equals(plain))
      }
    })

    test(`a batch of any size seals ${primes}, ${path}, as block by block`, () => {
      const plain = plainBlocks(10)
      const alone = Buffer.alloc(256 * 10)
      for (let i = 0; i < 10; i++) {
        key.seal(plain.subarray(i * 255, (i + 1) * 255), alone.subarray(i * 256, (i + 1) * 256))
      }
      for (let count = 0; count <= 10; count++) {
        const sealed = Buffer.alloc(256 * count)
        key.seal(plain.subarray(0, 255 * count), sealed)
        assert.ok(sealed.equals(alone.subarray(0, 256 * count)))
      }
    })
  }

  test(`sealing with ${primes} is y^d mod N, on every path`, () => {
    const n = bigintOf(publicKey)
    const order = primesOf(secretKey).reduce((product, p) => product * (p - 1n), 1n)
    let d = 1n
    while ((1n + d * order) % 65537n !== 0n) d++
    d = (1n + d * order) / 65537n
    const plain = plainBlocks(16)
    const expected = Buffer.concat(
      Array.from({ length: 16 }, (_, i) =>
        bytesOf(power(bigintOf(plain.subarray(i * 255, (i + 1) * 255)), d, n), 256)
      )
    )
    for (const path of rsaPaths()) {
      const sealed = Buffer.alloc(16 * 256)
      loadRsaPrivateKey(secretKey, path).seal(plain, sealed)
      assert.ok(sealed.equals(expected), path)
    }
  })

  test(`opening with ${primes} refuses what no private operation gives, on every path`, () => {
    const n = bigintOf(publicKey)
    const blocks = [0n, 1n, n - 1n, n, n + 1n, (1n << 2048n) - 1n, 1n << 2047n, 2n]
    for (let i = 0; i < 50; i++) blocks.push(bigintOf(bytesFrom(`sealed ${i}`, 256)))
    for (const path of rsaPaths()) {
      const key = loadRsaPublicKey(publicKey, path)
      for (const c of blocks) {
        const y = c < n ? power(c, 65537n, n) : n
        const plain = Buffer.alloc(255)
        const opens = y < 1n << 2040n
        assert.equal(key.open(bytesOf(c, 256), plain), opens ? -1 : 0)
        if (opens) assert.ok(plain.equals(bytesOf(y, 255)))
      }
    }
  })

  test(`the first refused block is named, ${primes}, on every path`, () => {
    for (const path of rsaPaths()) {
      const sealed = Buffer.alloc(256 * 20)
      const key = loadRsaPrivateKey(secretKey, path)
      key.seal(plainBlocks(20), sealed)
      sealed.set(publicKey, 256 * 19)
      sealed.set(publicKey, 256 * 11)
      assert.equal(key.open(sealed, Buffer.alloc(255 * 20)), 11)
    }
  })
}

test('a private operation that goes wrong is an error and never output, on every path', () => {
  // One of the primes is not prime, so the exponentiation modulo it is wrong and the others are right.
  const [p, ...others] = primesOf(keys[0]!.secretKey)
  const n = bigintOf(keys[0]!.publicKey)
  let wrong = p! + 2n
  while (wrong % 3n !== 0n || wrong % 65537n === 1n) wrong += 2n
  assert.equal(((n / p!) * wrong) >> 2047n, 1n)
  const secretKey = serializeSecretKey([wrong, ...others].map((prime) => bytesOf(prime, 64)))
  for (const path of rsaPaths()) {
    const sealed = Buffer.alloc(256 * 9, 1)
    const key = loadRsaPrivateKey(secretKey, path)
    assert.equal(
      refused(() => key.seal(plainBlocks(9), sealed)),
      'RSA_CHECK'
    )
    assert.ok(sealed.equals(Buffer.alloc(256 * 9)))
  }
})

test('a wiped key seals nothing more, on every path', () => {
  for (const path of rsaPaths()) {
    const key = loadRsaPrivateKey(keys[0]!.secretKey, path)
    key.wipe()
    assert.equal(
      refused(() => key.seal(plainBlocks(8), Buffer.alloc(256 * 8))),
      'RSA_ARGUMENT'
    )
  }
})

test('lengths that are not whole blocks, or do not fit each other, are refused on every path', () => {
  for (const path of rsaPaths()) {
    const key = loadRsaPrivateKey(keys[0]!.secretKey, path)
    for (const [plain, sealed] of [
      [255, 255],
      [256, 256],
      [255, 512],
      [510, 256],
      [254, 256],
      [255, 0]
    ] as const) {
      assert.equal(
        refused(() => key.seal(Buffer.alloc(plain), Buffer.alloc(sealed))),
        'RSA_ARGUMENT'
      )
      assert.equal(
        refused(() => key.open(Buffer.alloc(sealed), Buffer.alloc(plain))),
        'RSA_ARGUMENT'
      )
    }
  }
})

test('DATDOT_NATIVE leaves the path that it names', () => {
  const every = rsaPaths()
  const before = process.env.DATDOT_NATIVE
  try {
    process.env.DATDOT_NATIVE = 'off'
    assert.deepEqual(rsaPaths(), ['bigint'])
    process.env.DATDOT_NATIVE = 'portable'
    assert.deepEqual(rsaPaths(), ['portable'])
    assert.equal(loadRsaPublicKey(keys[0]!.publicKey).path, 'portable')
    for (const path of every.filter((path) => path !== 'bigint')) {
      process.env.DATDOT_NATIVE = path
      assert.deepEqual(rsaPaths(), [path])
      assert.equal(loadRsaPublicKey(keys[0]!.publicKey).path, path)
    }
  } finally {
    if (before === undefined) delete process.env.DATDOT_NATIVE
    else process.env.DATDOT_NATIVE = before
  }
})
