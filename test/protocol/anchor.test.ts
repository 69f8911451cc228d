import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../src/bytes.js'
import { NO_ANCHOR, anchorAt, anchorType } from '../../src/protocol/anchor.js'
import { decode, encode } from '../../src/protocol/codec.js'

const head = new Uint8Array(32).fill(9)

test('the newest entry of a log is its last, with the hash at its head', () => {
  assert.deepEqual(anchorAt({ length: 5, head }), { seq: 4, hash: head })
  assert.deepEqual(anchorAt({ length: 1, head }), { seq: 0, hash: head })
})

test('an anchor travels as number and hash, and what a genesis names is all zeros', () => {
  const wire = encode(anchorType, { seq: 300, hash: head })
  assert.equal(toHex(wire), `fd2c01${'09'.repeat(32)}`)
  assert.equal(decode(anchorType, wire).seq, 300)
  assert.equal(toHex(encode(anchorType, NO_ANCHOR)), '00'.repeat(33))
})
