import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { buildLevels, encodeNode, levelsBytes, levelsOf, parentNode } from '../../src/merkle/node.js'
import { MemoryTree } from '../../src/merkle/reader.js'
import { leafOfSize, plain, storedTree, upTo } from './stored.js'

const RECORD = 40

/** Records of leaves `[first, first + count)` of the tree that these tests build: leaf i has i + 1 bytes. */
function leafRecords(first: number, count: number): Uint8Array {
  const records = new Uint8Array(count * RECORD)
  for (const i of upTo(count)) records.set(encodeNode(leafOfSize(first + i + 1, first + i)), i * RECORD)
  return records
}

/** A tree of so many leaves, built one by one. */
function singly(count: number) {
  return storedTree(upTo(count).map((i) => i + 1))
}

test('a builder without leaves has none, and no bytes', () => {
  const builder = new TreeBuilder()
  assert.equal(builder.chunks, 0)
  assert.equal(builder.bytes, 0)
})

test('a builder counts its leaves and their bytes', () => {
  const builder = new TreeBuilder()
  builder.appendLeaf(leafOfSize(7))
  builder.append(2, leafRecords(1, 2))
  assert.equal(builder.chunks, 3)
  assert.equal(builder.bytes, 7 + 2 + 3)
  assert.equal(builder.root().bytes, 12)
})

test('appending no leaves changes nothing and gives the sink nothing', () => {
  const taken: Uint8Array[] = []
  const builder = new TreeBuilder((records) => taken.push(records))
  builder.append(0, new Uint8Array(0))
  assert.equal(builder.chunks, 0)
  builder.appendLeaf(leafOfSize(7))
  const before = builder.root()
  builder.append(0, leafRecords(1, 3))
  assert.deepEqual(builder.root(), before)
  assert.equal(taken.length, 1)
})

test('a range from any leaf on, given by its leaves alone or with all levels, completes the same nodes', () => {
  for (const first of upTo(18)) {
    for (const count of upTo(18).slice(1)) {
      const expected = singly(first + count)
      const leaves = leafRecords(first, count)
      const whole = new Uint8Array(levelsBytes(count))
      whole.set(leaves)
      buildLevels(first, count, whole)
      for (const records of [leaves, whole]) {
        const tree = new MemoryTree()
        const builder = new TreeBuilder((part) => tree.append(part))
        if (first > 0) builder.append(first, leafRecords(0, first))
        builder.append(count, records)
        const what = `${count} leaves from ${first}`
        assert.deepEqual(plain(builder.root()), plain(expected.root), what)
        assert.equal(builder.bytes, expected.root.bytes, what)
        assert.deepEqual(everyNode(tree), everyNode(expected.tree), what)
      }
    }
  }
})

test('records that begin at any byte of a larger buffer are taken as they are', () => {
  for (const shift of upTo(8)) {
    const room = new Uint8Array(shift + 5 * RECORD)
    room.set(leafRecords(0, 5), shift)
    const tree = new MemoryTree()
    const builder = new TreeBuilder((part) => tree.append(part))
    builder.append(1, room.subarray(shift, shift + RECORD))
    builder.append(4, room.subarray(shift + RECORD))
    assert.deepEqual(plain(builder.root()), plain(singly(5).root))
    assert.deepEqual(everyNode(tree), everyNode(singly(5).tree))
  }
})

test('what the sink takes stays as it was, whatever becomes of the records that were given', () => {
  const taken: Uint8Array[] = []
  const builder = new TreeBuilder((records) => taken.push(records))
  const given = leafRecords(0, 1)
  builder.append(1, given)
  given.fill(0)
  assert.deepEqual(new Uint8Array(taken[0]!), leafRecords(0, 1))
  assert.deepEqual(plain(builder.root()), plain(singly(1).root))
})

test('a builder goes on from every length of a stored tree, or from its end if none is named', async () => {
  const { tree, root } = singly(13)
  for (const chunks of upTo(14)) {
    const builder = await TreeBuilder.resume(tree, chunks)
    assert.equal(builder.chunks, chunks)
    assert.equal(builder.bytes, (chunks * (chunks + 1)) / 2)
    if (chunks < 13) builder.append(13 - chunks, leafRecords(chunks, 13 - chunks))
    assert.deepEqual(plain(builder.root()), plain(root))
  }
  const last = await TreeBuilder.resume(tree)
  assert.equal(last.chunks, 13)
  assert.deepEqual(plain(last.root()), plain(root))
})

test('the levels of a range are the nodes wholly inside it, one level behind the other', () => {
  assert.deepEqual(levelsOf(3, 6), [
    { index: 3, nodes: 6, at: 0 },
    { index: 2, nodes: 2, at: 6 * RECORD },
    { index: 1, nodes: 1, at: 8 * RECORD }
  ])
  assert.deepEqual(levelsOf(5, 1), [{ index: 5, nodes: 1, at: 0 }])
  assert.deepEqual(levelsOf(5, 2), [{ index: 5, nodes: 2, at: 0 }])
  assert.deepEqual(levelsOf(4, 0), [])
})

test('upper levels are the parents of the level below, wherever the range begins', () => {
  for (const first of upTo(6)) {
    const records = new Uint8Array(levelsBytes(9))
    records.set(leafRecords(first, 9))
    buildLevels(first, 9, records)
    const pair = Math.ceil(first / 2)
    const { at } = levelsOf(first, 9)[1]!
    const leaf = (index: number) => leafOfSize(index + 1, index)
    const expected = encodeNode(parentNode(leaf(2 * pair), leaf(2 * pair + 1)))
    assert.deepEqual(new Uint8Array(records.subarray(at, at + RECORD)), new Uint8Array(expected))
  }
})

/** All nodes of a stored tree, level by level. */
function everyNode(tree: MemoryTree) {
  const nodes = []
  for (let level = 0, width = 1; width <= tree.chunks; level++, width *= 2) {
    for (let index = 0; (index + 1) * width <= tree.chunks; index++)
      nodes.push(plain(tree.node(level, index)))
  }
  return nodes
}
