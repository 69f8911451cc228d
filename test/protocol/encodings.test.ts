import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import {
  amount,
  bytes,
  change,
  decode,
  encode,
  fixed,
  list,
  MAX_AMOUNT,
  oneOf,
  optional,
  struct,
  text,
  uint,
  type Type
} from '../../src/protocol/codec.js'

/** Made by test/vectors/independent.py. */
interface Vectors {
  uint: { value: number; bytes: string }[]
  amount: { value: string; bytes: string }[]
  change: { value: string; bytes: string }[]
  text: { value: string; bytes: string }[]
  bytes: { value: string; bytes: string }[]
  refused: { uint: string[]; amount: string[]; text: string[]; flag: string[]; list: string[] }
}

const path = new URL('../../../test/vectors/encodings.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors
const malformed = { code: 'OPERATION_MALFORMED' }
const hex = (from: Uint8Array): string => Buffer.from(from).toString('hex')
const from = (text: string): Buffer => Buffer.from(text, 'hex')

/** Every kind of value at once. */
const everything = struct({
  number: uint(1_000),
  grains: amount,
  moved: change,
  hash: fixed(4),
  blob: bytes(300),
  name: text(64),
  word: oneOf(['a', 'b', 'c'] as const),
  maybe: optional(uint(Number.MAX_SAFE_INTEGER)),
  many: list(uint(Number.MAX_SAFE_INTEGER), 5)
})
const values = fc.record({
  number: fc.nat(1_000),
  grains: fc.bigInt(0n, MAX_AMOUNT),
  moved: fc.bigInt(-MAX_AMOUNT, MAX_AMOUNT),
  hash: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((value) => Buffer.from(value)),
  blob: fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value)),
  name: fc.string({ maxLength: 16 }),
  word: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
  maybe: fc.option(fc.maxSafeNat()),
  many: fc.array(fc.maxSafeNat(), { maxLength: 5 })
})

test('numbers, amounts, changes, texts and bytes have the bytes of the vectors, both ways', () => {
  for (const { value, bytes: expected } of vectors.uint) {
    assert.equal(hex(encode(uint(Number.MAX_SAFE_INTEGER), value)), expected)
    assert.equal(decode(uint(Number.MAX_SAFE_INTEGER), from(expected)), value)
  }
  for (const [type, cases] of [
    [amount, vectors.amount],
    [change, vectors.change]
  ] as const) {
    for (const { value, bytes: expected } of cases) {
      assert.equal(hex(encode(type, BigInt(value))), expected, value)
      assert.equal(decode(type, from(expected)), BigInt(value), value)
    }
  }
  for (const { value, bytes: expected } of vectors.text) {
    assert.equal(hex(encode(text(1_000), value)), expected)
    assert.equal(decode(text(1_000), from(expected)), value)
  }
  for (const { value, bytes: expected } of vectors.bytes) {
    assert.equal(hex(encode(bytes(1_000), from(value))), expected)
    assert.equal(hex(decode(bytes(1_000), from(expected))), value)
  }
})

test('what is longer than it need be, cut short or no value is refused', () => {
  const types: Record<keyof Vectors['refused'], Type<unknown>> = {
    uint: uint(Number.MAX_SAFE_INTEGER),
    amount: amount,
    text: text(1_000),
    flag: optional(uint(Number.MAX_SAFE_INTEGER)),
    list: list(uint(Number.MAX_SAFE_INTEGER), 2 ** 20)
  }
  for (const [name, type] of Object.entries(types)) {
    for (const wrong of vectors.refused[name as keyof Vectors['refused']]) {
      assert.throws(() => decode(type, from(wrong)), malformed, `${name} ${wrong}`)
    }
  }
})

test('a value at its bound passes, and the one beyond it is refused both ways', () => {
  assert.equal(decode(uint(300), encode(uint(300), 300)), 300)
  assert.throws(() => encode(uint(300), 301), malformed)
  assert.throws(() => decode(uint(300), encode(uint(Number.MAX_SAFE_INTEGER), 301)), malformed)
  assert.equal(decode(amount, encode(amount, MAX_AMOUNT)), MAX_AMOUNT)
  assert.throws(() => encode(amount, MAX_AMOUNT + 1n), malformed)
  assert.throws(() => encode(amount, -1n), malformed)
  for (const most of [MAX_AMOUNT, -MAX_AMOUNT]) assert.equal(decode(change, encode(change, most)), most)
  assert.throws(() => encode(change, MAX_AMOUNT + 1n), malformed)
  assert.throws(() => encode(change, -MAX_AMOUNT - 1n), malformed)
  // 2 * (MAX_AMOUNT + 1), the zig-zag form of the change beyond the largest, and that of its negative.
  assert.throws(() => decode(change, from('ff0000000000000080')), malformed)
  assert.throws(() => decode(change, from('ffffffffffffffff7f')), malformed)
  assert.equal(decode(bytes(3), encode(bytes(3), Buffer.from('abc'))).byteLength, 3)
  assert.throws(() => encode(bytes(3), Buffer.from('abcd')), malformed)
  assert.throws(() => decode(bytes(3), encode(bytes(4), Buffer.from('abcd'))), malformed)
  assert.throws(() => encode(fixed(3), Buffer.from('ab')), malformed)
  assert.throws(() => decode(fixed(3), Buffer.from('ab')), malformed)
  assert.throws(() => encode(list(uint(Number.MAX_SAFE_INTEGER), 2), [1, 2, 3]), malformed)
  assert.throws(
    () => decode(list(uint(Number.MAX_SAFE_INTEGER), 2), encode(list(uint(), 3), [1, 2, 3])),
    malformed
  )
  assert.deepEqual(
    decode(list(uint(Number.MAX_SAFE_INTEGER), 3), encode(list(uint(), 3), [1, 2, 3])),
    [1, 2, 3]
  )
  const words = oneOf(['a', 'b'] as const)
  assert.throws(() => encode(words, 'c' as 'a'), malformed)
  assert.throws(() => decode(words, Buffer.of(2)), malformed)
  for (const wrong of [1.5, -1, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => encode(uint(Number.MAX_SAFE_INTEGER), wrong), malformed, String(wrong))
  }
})

test('any value comes back as it was, and its bytes have one form', () => {
  fc.assert(
    fc.property(values, (value) => {
      const wire = encode(everything, value)
      const back = decode(everything, wire)
      assert.deepEqual(
        { ...back, hash: hex(back.hash), blob: hex(back.blob) },
        {
          ...value,
          hash: hex(value.hash),
          blob: hex(value.blob)
        }
      )
      assert.equal(hex(encode(everything, back)), hex(wire))
    })
  )
})

test('bytes that are cut, lengthened or changed are refused, or are another value with the same bytes', () => {
  fc.assert(
    fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, mask) => {
      const wire = encode(everything, value)
      assert.throws(() => decode(everything, wire.subarray(0, at % wire.byteLength)), malformed)
      assert.throws(() => decode(everything, Buffer.concat([wire, Buffer.of(mask)])), malformed)
      const changed = Buffer.from(wire)
      changed[at % changed.byteLength]! ^= mask
      let back: ReturnType<typeof decode<unknown>>
      try {
        back = decode(everything, changed)
      } catch (error) {
        assert.equal((error as { code?: string }).code, malformed.code)
        return
      }
      assert.equal(hex(encode(everything, back as never)), hex(changed))
    })
  )
})

test('a short message cannot ask for a long list', () => {
  assert.throws(
    () => decode(list(uint(Number.MAX_SAFE_INTEGER), 0xffffffff), from('feffffffff00')),
    malformed
  )
})
