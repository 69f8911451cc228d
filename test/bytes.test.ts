import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compare, concat, equal, readU64, readUint, toHex, writeU64, writeUint } from '../src/bytes.js'

const anyBytes = fc.uint8Array({ maxLength: 80 })

test('integers of one to eight bytes are written and read as Node has them, and nothing beside them is touched', () => {
  for (let length = 1; length <= 8; length++) {
    const most = Math.min(2 ** (8 * length) - 1, Number.MAX_SAFE_INTEGER)
    for (const value of [0, 1, 255, 256, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 3, most]) {
      if (value > most) continue
      const expected = Buffer.alloc(12, 7)
      expected.fill(0, 2, 2 + length)
      for (let i = 0; i < length; i++) expected[2 + i] = Number((BigInt(value) >> BigInt(8 * i)) & 255n)
      const bytes = new Uint8Array(12).fill(7)
      writeUint(bytes, value, 2, length)
      assert.equal(toHex(bytes), expected.toString('hex'), `${value} as ${length} bytes`)
      assert.equal(readUint(bytes, 2, length), value)
    }
  }
})

test('what is above 2^53 is read as larger than that, what is not there as no number', () => {
  const large = new Uint8Array(8)
  for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    writeU64(large, value, 0)
    assert.equal(readU64(large, 0), value)
    assert.ok(readUint(large, 0, 8) >= 2 ** 53)
  }
  for (const length of [4, 5, 8]) assert.ok(Number.isNaN(readUint(new Uint8Array(length - 1), 0, length)))
  assert.throws(() => writeU64(large, 2n ** 64n, 0), RangeError)
  assert.throws(() => writeU64(large, -1n, 0), RangeError)
})

test('bytes are compared, joined and shown as Node does', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, fc.nat(79), (a, b, at) => {
      assert.equal(Math.sign(compare(a, b)), Buffer.compare(a, b))
      assert.equal(equal(a, b), Buffer.compare(a, b) === 0)
      assert.ok(equal(a, a.slice()))
      const changed = a.slice()
      if (at < a.byteLength) changed[at]! ^= 1
      assert.equal(equal(a, changed), at >= a.byteLength)
      assert.equal(toHex(concat([a, b])), Buffer.concat([a, b]).toString('hex'))
    })
  )
})
