import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { encodeNode, parentNode } from '../../src/merkle/node.js'
import { MemoryTree, locate, rootOf, subtree } from '../../src/merkle/reader.js'
import { codeThrown, leafOfSize, plain, storedTree, upTo } from './stored.js'

const { tree, root, leaves } = storedTree(upTo(11).map((i) => 10 + i))

test('a tree has a root for each number of its leaves, and for no other number', async () => {
  for (const chunks of upTo(12).slice(1)) assert.equal((await rootOf(tree, chunks)).chunks, chunks)
  for (const chunks of [0, -1, 12, 0.5, NaN, Infinity]) {
    assert.equal(await codeThrown(() => rootOf(tree, chunks)), 'TREE_RANGE', String(chunks))
  }
})

test('a beginning of a longer tree has no root of leaves that are not its own', async () => {
  const six = { chunks: 6, node: (level: number, index: number) => tree.node(level, index) }
  assert.equal((await rootOf(six, 6)).bytes, 75)
  assert.equal(await codeThrown(() => rootOf(six, 7)), 'TREE_RANGE')
  const anything = { chunks: 6, node: () => leafOfSize(1) }
  assert.equal(await codeThrown(() => rootOf(anything, 0)), 'TREE_RANGE')
})

test('the root of all leaves is the one that is asked for when no number is given', async () => {
  assert.deepEqual(plain(await rootOf(tree)), plain(root))
  assert.equal((await rootOf(tree)).chunks, 11)
})

test('a range of leaves has the node that its leaves hash to', async () => {
  const pair = (at: number) => parentNode(leaves[at]!, leaves[at + 1]!)
  assert.deepEqual(plain(await subtree(tree, 4, 5)), plain(leaves[4]!))
  assert.deepEqual(plain(await subtree(tree, 4, 6)), plain(pair(4)))
  assert.deepEqual(plain(await subtree(tree, 8, 11)), plain(parentNode(pair(8), leaves[10]!)))
})

test('the first and the last byte of every chunk are in that chunk', async () => {
  let offset = 0
  for (const index of upTo(11)) {
    const bytes = 10 + index
    assert.deepEqual(await locate(tree, offset), { index, offset, bytes })
    assert.deepEqual(await locate(tree, offset + bytes - 1), { index, offset, bytes })
    offset += bytes
  }
})

test('a byte before, behind or between the bytes of a segment is in no chunk', async () => {
  for (const byte of [-1, root.bytes, root.bytes + 1, 0.5, NaN, Infinity]) {
    assert.equal(await codeThrown(() => locate(tree, byte)), 'TREE_RANGE', String(byte))
  }
})

test('a beginning of a segment ends at its own last byte, though the tree goes on', async () => {
  const { bytes } = await rootOf(tree, 6)
  assert.deepEqual(await locate(tree, bytes - 1, 6), { index: 5, offset: bytes - 15, bytes: 15 })
  assert.equal(await codeThrown(() => locate(tree, bytes, 6)), 'TREE_RANGE')
  assert.equal(await codeThrown(() => locate(tree, 0, 12)), 'TREE_RANGE')
})

test('a tree in memory has no node that is not complete yet', () => {
  const three = storedTree([1, 2, 3]).tree
  assert.equal(three.chunks, 3)
  assert.deepEqual(plain(three.node(0, 2)), plain(leafOfSize(3, 2)))
  for (const [level, index] of [
    [0, 3],
    [1, 1],
    [2, 0]
  ] as const) {
    assert.throws(() => three.node(level, index), { code: 'TREE_RANGE' })
  }
})

test('a tree in memory keeps what it has as it grows, a record or ten thousand at a time', () => {
  const one = new MemoryTree()
  const two = new MemoryTree()
  const records = new Uint8Array(10_000 * 40)
  for (const i of upTo(10_000)) {
    const record = encodeNode(leafOfSize(i + 1, i % 256))
    records.set(record, i * 40)
    one.append(record)
  }
  two.append(records)
  assert.equal(one.chunks, two.chunks)
  for (const chunk of upTo(one.chunks)) {
    assert.deepEqual(plain(one.node(0, chunk)), plain(two.node(0, chunk)))
  }
})

test('a tree in memory that is truncated to more than it has stays as it is', () => {
  const { tree: grown } = storedTree([1, 2, 3, 4, 5])
  grown.truncate(9)
  assert.equal(grown.chunks, 5)
  grown.truncate(4)
  assert.equal(grown.chunks, 4)
  assert.throws(() => grown.node(0, 4), { code: 'TREE_RANGE' })
  grown.truncate(0)
  assert.equal(grown.chunks, 0)
  assert.throws(() => grown.node(0, 0), { code: 'TREE_RANGE' })
})

test('a truncated tree takes other leaves in the place of those that are gone', async () => {
  const { tree: grown } = storedTree([1, 2, 3, 4, 5])
  grown.truncate(3)
  const builder = await TreeBuilder.resume(grown, 3, (records) => grown.append(records))
  builder.appendLeaf(leafOfSize(9, 9))
  assert.deepEqual(plain(grown.node(0, 3)), plain(leafOfSize(9, 9)))
  assert.deepEqual(plain(await rootOf(grown)), plain(builder.root()))
})
