import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { RecentReceipts } from '../../src/chain/recent-receipts.js'
import type { Receipt } from '../../src/protocol/views.js'

function receipt(seq: number, arrived: number | null = null): Receipt {
  const [operation, entry, signature] = [randomBytes(32), randomBytes(32), randomBytes(64)]
  return { seq, operation, entry, at: 1_700_000_000_000 + seq, clock: 2 ** 43 + seq, arrived, signature }
}

const plain = (of: Receipt | undefined): unknown =>
  of && { ...of, operation: [...of.operation], entry: [...of.entry], signature: [...of.signature] }

test('a receipt is found by the hash of its operation as it was kept', () => {
  const kept = new RecentReceipts()
  const receipts = [receipt(0), receipt(1, 0), receipt(2 ** 48, 12_345)]
  for (const one of receipts) kept.add(one)
  for (const one of receipts) assert.deepEqual(plain(kept.find(one.operation)), plain(one))
  assert.equal(kept.find(randomBytes(32)), undefined)
})

test('the oldest goes where there is no more room, and only that one', () => {
  const kept = new RecentReceipts(3)
  const receipts = Array.from({ length: 8 }, (_, seq) => receipt(seq))
  for (const [at, one] of receipts.entries()) {
    kept.add(one)
    const found = receipts.slice(0, at + 1).map(({ operation }) => kept.find(operation)?.seq)
    const expected = receipts.slice(0, at + 1).map(({ seq }) => (seq > at - 3 ? seq : undefined))
    assert.deepEqual(found, expected)
  }
})

test('what is kept twice takes one place', () => {
  const kept = new RecentReceipts(2)
  const [one, other] = [receipt(1), receipt(2)]
  for (const each of [one, one, other, one]) kept.add(each)
  assert.equal(kept.find(one.operation)?.seq, 1)
  assert.equal(kept.find(other.operation)?.seq, 2)
})

test('a receipt that was found is its finder’s own: what comes into its place changes nothing of it', () => {
  const kept = new RecentReceipts(1)
  const first = receipt(1)
  kept.add(first)
  const found = kept.find(first.operation)
  kept.add(receipt(2))
  assert.deepEqual(plain(found), plain(first))
})

test('65,536 receipts take some ten megabytes, whatever their arrays are views of', () => {
  const kept = new RecentReceipts()
  const pool = Buffer.alloc(8_192)
  for (let seq = 0; seq < 70_000; seq++) {
    pool.writeUInt32LE(seq)
    const [operation, entry, signature] = [
      pool.subarray(0, 32),
      pool.subarray(32, 64),
      pool.subarray(64, 128)
    ]
    kept.add({ seq, operation, entry, signature, at: 0, clock: 0, arrived: null })
  }
  assert.equal(kept.bytes, 65_536 * 160)
  pool.writeUInt32LE(69_999)
  assert.equal(kept.find(pool.subarray(0, 32))?.seq, 69_999)
  pool.writeUInt32LE(70_000 - 65_536 - 1)
  assert.equal(kept.find(pool.subarray(0, 32)), undefined)
})
