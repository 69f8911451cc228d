import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchNodes,
  chunksStored,
  isComplete,
  lowerBound,
  pathLength,
  split,
  storedNodes,
  storedPosition
} from '../../src/merkle/shape.js'
import { upTo } from './stored.js'

/** Counts around the powers of two where 31, 32 and 53 bits end, and some between. */
const LARGE = [29, 30, 31, 32, 33, 40, 51].flatMap((bits) => [
  2 ** bits - 1,
  2 ** bits,
  2 ** bits + 1,
  2 ** bits + 2 ** (bits - 1) + 5
])

/** Complete subtrees of `chunks` leaves, counted a level at a time with exact integers. */
function completeSubtrees(chunks: number): number {
  let nodes = 0n
  for (let rest = BigInt(chunks); rest > 0n; rest >>= 1n) nodes += rest
  return Number(nodes)
}

/** Indices of a tree, chosen by the bits of `mask`. */
function chosen(mask: number, count: number): number[] {
  return upTo(count).filter((index) => (mask >> index) % 2 === 1)
}

/** Subtrees that hold none of the indices and whose parent holds one: what a batch proof has to give. */
function outside(indices: number[], start: number, end: number): number {
  if (!indices.some((index) => index >= start && index < end)) return 1
  if (end - start === 1) return 0
  let left = 1
  while (left * 2 < end - start) left *= 2
  return outside(indices, start, start + left) + outside(indices, start + left, end)
}

test('a tree is split at the largest power of two below its leaves', () => {
  for (const count of [2, 3, 4, 5, 8, 9, 16, 17, 1000, ...LARGE]) {
    const left = split(count)
    assert.ok(Number.isInteger(Math.log2(left)), `${count} is split at ${left}`)
    assert.ok(left < count && 2 * left >= count, `${count} is split at ${left}`)
  }
})

test('a stored tree has a node for every complete subtree, also of more than 2^32 leaves', () => {
  for (const chunks of [...upTo(70), ...LARGE]) assert.equal(storedNodes(chunks), completeSubtrees(chunks))
})

test('a node is stored after all nodes that were complete before its last leaf', () => {
  for (const level of [0, 1, 5, 31, 32, 40]) {
    for (const index of [0, 1, 2, 5]) {
      const lastLeaf = (index + 1) * 2 ** level - 1
      assert.equal(storedPosition(level, index), completeSubtrees(lastLeaf) + level)
    }
  }
})

test('as many chunks are stored as have all their nodes there', () => {
  assert.equal(chunksStored(0), 0)
  for (const chunks of [...upTo(70).slice(1), ...LARGE]) {
    const nodes = storedNodes(chunks)
    assert.equal(chunksStored(nodes), chunks)
    assert.equal(chunksStored(nodes - 1), chunks - 1)
  }
})

test('a range of leaves is one stored node if it is a power of two long and begins at a multiple of that', () => {
  for (const start of upTo(24)) {
    for (const count of upTo(17).slice(1)) {
      const expected = [1, 2, 4, 8, 16].includes(count) && start % count === 0
      assert.equal(isComplete(start, start + count), expected, `${count} leaves from ${start}`)
    }
  }
  assert.equal(isComplete(2 ** 33, 2 ** 34), true)
  assert.equal(isComplete(2 ** 33, 2 ** 34 - 1), false)
  assert.equal(isComplete(2 ** 32, 2 ** 32 + 2 ** 33), false)
})

test('a path has one sibling for each split between the root and the leaf', () => {
  assert.deepEqual(
    upTo(5).map((index) => pathLength(index, 5)),
    [3, 3, 3, 3, 1]
  )
  assert.deepEqual(
    upTo(7).map((index) => pathLength(index, 7)),
    [3, 3, 3, 3, 3, 3, 2]
  )
  assert.equal(pathLength(0, 1), 0)
  assert.equal(pathLength(0, 2 ** 40 + 1), 41)
  assert.equal(pathLength(2 ** 40, 2 ** 40 + 1), 1)
})

test('a batch proof has a node for every subtree beside the paths, for every choice of leaves', () => {
  for (const chunks of upTo(10).slice(1)) {
    for (let mask = 1; mask < 2 ** chunks; mask++) {
      const indices = chosen(mask, chunks)
      assert.equal(batchNodes(indices, chunks), outside(indices, 0, chunks), `${indices.join()} of ${chunks}`)
    }
  }
})

test('the lower bound is the first position whose value is not smaller, within the range given', () => {
  const sorted = [2, 3, 5, 8, 13, 21]
  for (let from = 0; from <= sorted.length; from++) {
    for (let to = from; to <= sorted.length; to++) {
      for (const value of upTo(23)) {
        const before = sorted.slice(from, to).filter((at) => at < value).length
        assert.equal(lowerBound(sorted, value, from, to), from + before)
      }
    }
  }
})
