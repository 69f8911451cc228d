import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyed, deriveKey, hash as referenceBlake3 } from 'blake3'
import fc from 'fast-check'
import { blake3, hash, keyedBlake3, uniform } from '../../src/crypto/hash.js'

test('blake3 agrees with the official implementation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      assert.deepEqual(blake3(bytes), Buffer.from(referenceBlake3(bytes)))
    })
  )
})

test('keyedBlake3 agrees with the official implementation over the joined parts', () => {
  const key = Buffer.alloc(32, 7)
  const reference = createKeyed(key).update(Buffer.from('ab')).update(Buffer.from('c'))
  assert.deepEqual(keyedBlake3(key, Buffer.from('a'), Buffer.from('bc')), Buffer.from(reference.digest()))
})

test('keyedBlake3 of one part agrees with the official implementation', () => {
  const key = Buffer.alloc(32, 7)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      assert.deepEqual(keyedBlake3(key, bytes), Buffer.from(createKeyed(key).update(bytes).digest()))
    })
  )
})

test('what is not bytes, or a key of another length, is refused', () => {
  for (const key of [Buffer.alloc(31), Buffer.alloc(33), Buffer.alloc(0)]) {
    assert.throws(() => keyedBlake3(key, Buffer.from('a')), RangeError)
    assert.throws(() => keyedBlake3(key, Buffer.from('a'), Buffer.from('b')), RangeError)
  }
  for (const input of [undefined, null, 'text', 5, {}] as unknown as Uint8Array[]) {
    assert.throws(() => blake3(input))
    assert.throws(() => keyedBlake3(Buffer.alloc(32), input))
    assert.throws(() => uniform(input, 5n))
  }
})

test('a hash is memory of its own', () => {
  const first = blake3(Buffer.from('a'))
  const copy = Buffer.from(first)
  blake3(Buffer.from('b'))
  keyedBlake3(copy, Buffer.from('b'))
  uniform(copy, 5n)
  assert.deepEqual(first, copy)
})

test('hash distinguishes argument lists that join to the same bytes', () => {
  assert.notDeepEqual(hash('d', 'ab', 'c'), hash('d', 'a', 'bc'))
  assert.notDeepEqual(hash('d', 'ab'), hash('da', 'b'))
  assert.notDeepEqual(hash('d'), hash('d', ''))
})

test('hash encodes integers as little-endian u64 with its length', () => {
  const bytes = Buffer.from('0100000000000000' + '64' + '0800000000000000' + '0201000000000000', 'hex')
  assert.deepEqual(hash('d', 258), Buffer.from(referenceBlake3(bytes)))
  assert.deepEqual(hash('d', 258n), hash('d', 258))
})

test('uniform is the first accepted word of the extended output, reduced', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.bigInt({ min: 1n, max: 1n << 64n }), (seed, bound) => {
      const words = Buffer.from(deriveKey('datdot/uniform/1', seed, { length: 8192 }))
      const limit = ((1n << 64n) / bound) * bound
      let index = 0
      while (words.readBigUInt64LE(index) >= limit) index += 8
      assert.equal(uniform(seed, bound), words.readBigUInt64LE(index) % bound)
    }),
    { numRuns: 500 }
  )
})

test('uniform refuses a bound that no word can serve', () => {
  assert.throws(() => uniform(Buffer.alloc(32), 0n), RangeError)
  assert.throws(() => uniform(Buffer.alloc(32), (1n << 64n) + 1n), RangeError)
})
