import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeNode, encodeNode, leafNode, leafOf, parentNode } from '../../src/merkle/node.js'
import { blake3 } from '../../src/crypto/hash.js'
import { leafOfSize, plain } from './stored.js'

/** A number as 8 bytes, lowest first. */
function u64(value: number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true)
  return out
}

function h(...parts: Uint8Array[]): string {
  return hex(blake3(Buffer.concat(parts)))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

test('a leaf hashes a zero byte, the length of the chunk, its header and the hash of its body', () => {
  const chunk = new Uint8Array(300).map((_, i) => i)
  for (const headerBytes of [0, 3, 300]) {
    const header = chunk.subarray(0, headerBytes)
    const body = blake3(chunk.subarray(headerBytes))
    const leaf = leafNode(chunk, headerBytes)
    assert.equal(leaf.bytes, 300)
    assert.equal(hex(leaf.hash), h(Uint8Array.of(0), u64(300), header, body))
    assert.deepEqual(plain(leafOf(header, 300, body)), plain(leaf))
  }
})

test('a parent hashes a one byte, the sizes together and both hashes in their order', () => {
  for (const [left, right] of [
    [1, 2],
    [255, 1],
    [2 ** 32, 2 ** 31],
    [2 ** 52, 2 ** 52 - 1]
  ] as const) {
    const a = leafOfSize(left, 1)
    const b = leafOfSize(right, 2)
    const parent = parentNode(a, b)
    assert.equal(parent.bytes, left + right)
    assert.equal(hex(parent.hash), h(Uint8Array.of(1), u64(left + right), a.hash, b.hash))
    assert.notEqual(hex(parentNode(b, a).hash), hex(parent.hash))
  }
})

test('a parent stays as it is when another one is made', () => {
  const first = parentNode(leafOfSize(1, 1), leafOfSize(2, 2))
  const before = hex(first.hash)
  parentNode(leafOfSize(3, 3), leafOfSize(4, 4))
  assert.equal(hex(first.hash), before)
})

test('a node as a record is its size, lowest byte first, and its hash', () => {
  const node = leafOfSize(0x0102030405, 8)
  const record = encodeNode(node)
  assert.equal(hex(record), '0504030201000000' + '09'.repeat(32))
  assert.deepEqual(plain(decodeNode(record)), plain(node))
})

test('a record is read where it lies, and the node keeps no part of it', () => {
  const records = new Uint8Array(100)
  records.set(encodeNode(leafOfSize(5, 1)), 7)
  const node = decodeNode(records, 7)
  records.fill(0)
  assert.deepEqual(plain(node), plain(leafOfSize(5, 1)))
})

test('a record of no bytes, or of more than can be counted exactly, is no node', () => {
  const record = new Uint8Array(encodeNode(leafOfSize(1)))
  const withSize = (size: bigint) => {
    new DataView(record.buffer).setBigUint64(0, size, true)
    return record
  }
  assert.equal(decodeNode(withSize(1n)).bytes, 1)
  assert.equal(decodeNode(withSize(2n ** 53n - 1n)).bytes, 2 ** 53 - 1)
  for (const size of [0n, 2n ** 53n, 2n ** 64n - 1n]) {
    assert.throws(() => decodeNode(withSize(size)), { code: 'PROOF_BYTES' })
  }
})
