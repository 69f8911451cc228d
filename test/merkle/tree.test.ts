import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { portableSlabHasher, slabHasher } from '../../src/crypto/blake3-slab.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { RECORD_BYTES, buildLevels, encodeNode, leafNode, levelsBytes } from '../../src/merkle/node.js'
import { MemoryTree, locate, rootOf } from '../../src/merkle/reader.js'
import { chunksStored, storedNodes, storedPosition } from '../../src/merkle/shape.js'
import { referenceLeaf, referenceTree } from './reference.js'
import { assertSame } from '../helpers/bytes.js'

const HEADER = 5

function chunksOf(sizes: number[]): Buffer[] {
  return sizes.map((size, i) => Buffer.alloc(HEADER + size, i + 1))
}

function build(chunks: Buffer[], sink?: (records: Uint8Array) => void): TreeBuilder {
  const builder = new TreeBuilder(sink)
  for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, HEADER))
  return builder
}

const sizes = (maxLength: number) => fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength })

test('the root agrees with the plain recursive implementation after every leaf', () => {
  fc.assert(
    fc.property(sizes(40), (lengths) => {
      const chunks = chunksOf(lengths)
      const leaves = chunks.map((chunk) => referenceLeaf(chunk.subarray(0, HEADER), chunk.subarray(HEADER)))
      const builder = new TreeBuilder()
      for (const [i, chunk] of chunks.entries()) {
        builder.appendLeaf(leafNode(chunk, HEADER))
        const expected = referenceTree(leaves.slice(0, i + 1))
        assertSame(builder.root(), { ...expected, chunks: i + 1 })
      }
    })
  )
})

test('appending in ranges of any lengths gives the same tree and the same stored nodes as leaf by leaf', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (ranges) => {
      const total = ranges.reduce((sum, range) => sum + range, 0)
      const chunks = chunksOf(Array.from({ length: total }, (_, i) => (i % 7) + 1))
      const one = new MemoryTree()
      const single = build(chunks, (records) => one.append(records))

      const two = new MemoryTree()
      const ranged = new TreeBuilder((records) => two.append(records))
      for (const count of ranges) {
        const first = ranged.chunks
        const records = new Uint8Array(levelsBytes(count))
        const leaves = chunks.slice(first, first + count).map((chunk) => encodeNode(leafNode(chunk, HEADER)))
        records.set(Buffer.concat(leaves))
        buildLevels(first, count, records)
        ranged.append(count, first % 2 === 0 ? records : records.slice(0, count * RECORD_BYTES))
      }
      assert.deepEqual(ranged.root(), single.root())
      assert.equal(two.chunks, total)
      for (let level = 0, width = 1; width <= total; level++, width *= 2) {
        for (let i = 0; (i + 1) * width <= total; i++)
          assert.deepEqual(two.node(level, i), one.node(level, i))
      }
    })
  )
})

test('a stored tree gives the root of each of its beginnings, and a builder goes on from each', async () => {
  const chunks = chunksOf(Array.from({ length: 37 }, (_, i) => i + 1))
  const tree = new MemoryTree()
  const whole = build(chunks, (records) => tree.append(records)).root()
  for (let n = 1; n <= chunks.length; n++) {
    assert.deepEqual(await rootOf(tree, n), build(chunks.slice(0, n)).root())
    const resumed = await TreeBuilder.resume(tree, n)
    assert.equal(resumed.bytes, build(chunks.slice(0, n)).bytes)
    for (const chunk of chunks.slice(n)) resumed.appendLeaf(leafNode(chunk, HEADER))
    assert.deepEqual(resumed.root(), whole)
  }
})

test('a truncated tree is the tree of the chunks that are left, and grows again', async () => {
  const chunks = chunksOf(Array.from({ length: 21 }, (_, i) => i + 1))
  const tree = new MemoryTree()
  const whole = build(chunks, (records) => tree.append(records)).root()
  tree.truncate(13)
  assert.equal(tree.chunks, 13)
  assert.deepEqual(await rootOf(tree), build(chunks.slice(0, 13)).root())
  await assert.rejects(rootOf(tree, 14), { code: 'TREE_RANGE' })
  const resumed = await TreeBuilder.resume(tree, 13, (records) => tree.append(records))
  for (const chunk of chunks.slice(13)) resumed.appendLeaf(leafNode(chunk, HEADER))
  assert.deepEqual(await rootOf(tree), whole)
})

test('every byte of a segment is found in the chunk that holds it', async () => {
  await fc.assert(
    fc.asyncProperty(
      sizes(30),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (lengths, at) => {
        const chunks = chunksOf(lengths)
        const tree = new MemoryTree()
        const { bytes } = build(chunks, (records) => tree.append(records))
        const byte = Math.floor(at * bytes)
        let offset = 0
        let index = 0
        while (offset + chunks[index]!.byteLength <= byte) offset += chunks[index++]!.byteLength
        assert.deepEqual(await locate(tree, byte), { index, offset, bytes: chunks[index]!.byteLength })
        await assert.rejects(locate(tree, bytes), { code: 'TREE_RANGE' })
      }
    )
  )
})

test('stored positions are those of appending leaf by leaf', () => {
  let position = 0
  for (let leaf = 0; leaf < 300; leaf++) {
    assert.equal(storedNodes(leaf), position)
    for (let level = 0, index = leaf; ; level++, index = (index - 1) / 2) {
      assert.equal(storedPosition(level, index), position++)
      if (index % 2 === 0) break
    }
    assert.equal(chunksStored(position), leaf + 1)
    if (position > 1) assert.ok(chunksStored(position - 1) <= leaf)
  }
  assert.equal(storedNodes(2 ** 40), 2 ** 41 - 1)
  assert.equal(storedPosition(40, 0), 2 ** 41 - 2)
})

test('a tree without leaves has no root', async () => {
  assert.throws(() => new TreeBuilder().root(), { code: 'TREE_EMPTY' })
  await assert.rejects(rootOf(new MemoryTree()), { code: 'TREE_RANGE' })
})

test('the addon and the portable code hash slabs alike, for pieces of any length', () => {
  const piece = fc.oneof(fc.integer({ min: 0, max: 1100 }), fc.constantFrom(64, 256, 1024, 1025, 4096, 9000))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.boolean(), (lengths, repeat) => {
      const skip = 16
      const run = (repeat ? lengths.flatMap((length) => Array<number>(18).fill(length)) : lengths).slice(
        0,
        200
      )
      const chunks = Uint32Array.from(run, (length) => length + skip)
      const offsets = new Uint32Array(chunks.length)
      for (let i = 1; i < chunks.length; i++) offsets[i] = offsets[i - 1]! + chunks[i - 1]!
      const total = chunks.reduce((sum, length) => sum + length, 0)
      const slab = new Uint8Array(new SharedArrayBuffer(total)).map((_, i) => (i * 31) ^ (i >> 8))
      const outputs = [slabHasher, portableSlabHasher].map((hasher) => {
        const bodies = new Uint8Array(chunks.length * 32)
        const leaves = new Uint8Array(chunks.length * RECORD_BYTES)
        const parents = new Uint8Array((chunks.length >> 1) * RECORD_BYTES)
        hasher.hashMany(slab, offsets, chunks, 0, chunks.length, skip, bodies)
        hasher.leaves(slab, offsets, chunks, 0, chunks.length, skip, bodies, leaves)
        hasher.parents(leaves, chunks.length >> 1, parents)
        return { bodies, leaves, parents }
      })
      assert.deepEqual(outputs[0], outputs[1])
    })
  )
})

test('hashing outside a slab or its tables is refused', () => {
  const slab = new Uint8Array(10)
  const out = new Uint8Array(32)
  for (const hasher of [slabHasher, portableSlabHasher]) {
    const at = (offset: number, length: number, to = 1) =>
      hasher.hashMany(slab, Uint32Array.of(offset), Uint32Array.of(length), 0, to, 2, out)
    at(0, 10)
    assert.throws(() => at(1, 10), TypeError)
    assert.throws(() => at(2 ** 32 - 1, 10), TypeError)
    assert.throws(() => at(0, 1), TypeError)
    assert.throws(() => at(0, 10, 2), TypeError)
  }
})
