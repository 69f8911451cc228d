import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWorked } from '../../src/protocol/commitment.js'

test('a commitment is worked if its first bits are zero, from the highest of the first byte on', () => {
  const first = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(bytes), Buffer.alloc(30, 0xff)])
  assert.equal(isWorked(first(0xff, 0xff), 0), true)
  assert.equal(isWorked(first(0x80, 0), 1), false)
  assert.equal(isWorked(first(0x7f, 0), 1), true)
  assert.equal(isWorked(first(0x01, 0), 7), true)
  assert.equal(isWorked(first(0x01, 0), 8), false)
  assert.equal(isWorked(first(0x00, 0x10), 11), true)
  assert.equal(isWorked(first(0x00, 0x10), 12), false)
  assert.equal(isWorked(first(0x00, 0x00), 16), true)
  assert.equal(isWorked(first(0x00, 0x00), 17), false)
})
