import assert from 'node:assert/strict'
import { test } from 'node:test'
import crypto from 'hypercore-crypto'
import {
  OriginalTreeBuilder,
  childIndices,
  coveringIndices,
  encodeOriginalProof,
  originalLeaf,
  proofIndices,
  rootIndices,
  treeHashOf,
  verifyOriginalLeaf,
  verifyOriginalProof,
  withoutBlock,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import { toHex } from '../../src/bytes.js'

const blockOf = (index: number) => Buffer.alloc(20 + index, index + 1)

/** All nodes of the tree over `length` blocks, hashed by hypercore's own functions; leaves at even numbers. */
function nodesOf(length: number): Map<number, OriginalNode> {
  const nodes = new Map<number, OriginalNode>()
  for (let index = 0; index < length; index++) {
    const block = blockOf(index)
    nodes.set(2 * index, { index: 2 * index, size: block.byteLength, hash: crypto.data(block) })
  }
  for (let span = 1; 2 * span <= length; span *= 2) {
    for (let at = 0; at + 2 * span <= length; at += 2 * span) {
      const left = nodes.get(2 * at + span - 1)!
      const right = nodes.get(2 * (at + span) + span - 1)!
      const index = 2 * at + 2 * span - 1
      nodes.set(index, { index, size: left.size + right.size, hash: crypto.parent(left, right) })
    }
  }
  return nodes
}

/** A proof of one block and what it leads to, put together from hypercore's nodes. */
function proofOf(index: number, length: number) {
  const nodes = nodesOf(length)
  const wanted = proofIndices(index, length)
  const pick = (indices: number[]) => indices.map((at) => nodes.get(at)!)
  const proof = encodeOriginalProof(blockOf(index), pick(wanted.siblings), pick(wanted.roots))
  const treeHash = crypto.tree(pick(rootIndices(length)))
  return { proof, original: { length, treeHash } }
}

/** A copy of the proof with one of its bytes changed. */
function withByte(proof: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = proof.slice()
  changed[at] = byte
  return changed
}

test('leaves, parents and trees have the hashes that hypercore gives them', () => {
  for (let length = 1; length <= 17; length++) {
    const nodes = nodesOf(length)
    const tree = new OriginalTreeBuilder()
    for (let index = 0; index < length; index++) {
      const block = blockOf(index)
      assert.equal(toHex(originalLeaf(block)), toHex(crypto.data(block)))
      for (const made of tree.appendLeaf(block.byteLength, originalLeaf(block))) {
        const node = nodes.get(made.index)!
        assert.deepEqual([made.size, toHex(made.hash)], [node.size, toHex(node.hash)])
      }
    }
    assert.equal(tree.length, length)
    const roots = rootIndices(length).map((at) => nodes.get(at)!)
    assert.deepEqual(
      tree.roots.map(({ index }) => index),
      rootIndices(length)
    )
    assert.equal(toHex(tree.hash()), toHex(crypto.tree(roots)))
    assert.equal(toHex(treeHashOf(roots)), toHex(crypto.tree(roots)))
  }
})

test('the parts of a tree have the numbers of flat-tree', () => {
  assert.deepEqual(rootIndices(7), [3, 9, 12])
  assert.deepEqual(childIndices(4), [])
  assert.deepEqual(childIndices(3), [1, 5])
  assert.deepEqual(childIndices(5), [4, 6])
  assert.deepEqual(childIndices(11), [9, 13])
  assert.deepEqual(coveringIndices(0, 7), [3, 9, 12])
  assert.deepEqual(coveringIndices(3, 8), [6, 11])
  assert.deepEqual(coveringIndices(5, 5), [])
  assert.deepEqual(proofIndices(2, 7), { siblings: [6, 1], roots: [9, 12] })
  assert.deepEqual(proofIndices(6, 7), { siblings: [], roots: [3, 9] })
})

test('a subtree that does not begin where the tree ends, or at no multiple of its span, is not appended', () => {
  const tree = new OriginalTreeBuilder()
  const node = (index: number) => ({ index, size: 1, hash: new Uint8Array(32) })
  for (const index of [2, 4]) assert.throws(() => tree.appendNode(node(index)), RangeError)
  tree.appendNode(node(0))
  // Two blocks from number 1 on: they follow, but are no subtree.
  for (const index of [0, 3, 4]) assert.throws(() => tree.appendNode(node(index)), RangeError)
  assert.equal(tree.length, 1)
  tree.appendNode(node(2))
  assert.equal(tree.length, 2)
  assert.equal(tree.appendNode(node(5)).length, 2)
  assert.equal(tree.length, 4)
})

test('a builder does not change the roots that it was given', () => {
  const roots = [{ index: 0, size: 1, hash: new Uint8Array(32) }]
  const tree = new OriginalTreeBuilder(roots)
  tree.appendLeaf(2, new Uint8Array(32))
  assert.deepEqual(
    tree.roots.map(({ index, size }) => [index, size]),
    [[1, 3]]
  )
  assert.equal(roots.length, 1)
})

test('every block of small originals is proven under its own number and no other', () => {
  for (let length = 1; length <= 12; length++) {
    for (let index = 0; index < length; index++) {
      const { proof, original } = proofOf(index, length)
      assert.equal(toHex(verifyOriginalProof(proof, original, index)), toHex(blockOf(index)))
      for (const other of [index - 1, index + 1]) {
        assert.throws(() => verifyOriginalProof(proof, original, other), /ProofError|ForgeryError/)
      }
    }
  }
})

test('a proof begins with version, siblings and other roots, and ends with the block', () => {
  const { proof } = proofOf(2, 7)
  assert.deepEqual([...proof.subarray(0, 3)], [1, 2, 2])
  assert.equal(proof.byteLength, 3 + 4 * 40 + 22)
  assert.deepEqual([...proof.subarray(3, 11)], [23, 0, 0, 0, 0, 0, 0, 0])
  assert.equal(toHex(proof.subarray(-22)), toHex(blockOf(2)))
  assert.equal(withoutBlock(proof).byteLength, 3 + 4 * 40)
  assert.equal(withoutBlock(new Uint8Array(0)).byteLength, 0)
})

test('a proof of another version, or too short to have one, is told from one that does not fit', () => {
  const { proof, original } = proofOf(2, 7)
  for (const wrong of [
    withByte(proof, 0, 0),
    withByte(proof, 0, 2),
    proof.subarray(0, 2),
    proof.subarray(0, 0)
  ]) {
    assert.throws(() => verifyOriginalProof(wrong, original, 2), { code: 'ORIGINAL_PROOF_FORMAT' })
  }
  for (const wrong of [
    withByte(proof, 1, 1),
    withByte(proof, 1, 3),
    withByte(proof, 2, 1),
    withByte(proof, 2, 3),
    withByte(withByte(proof, 1, 1), 2, 3),
    proof.subarray(0, 3),
    proof.subarray(0, 3 + 4 * 40 - 1)
  ]) {
    assert.throws(() => verifyOriginalProof(wrong, original, 2), { code: 'ORIGINAL_PROOF_SHAPE' })
  }
})

test('a leaf is held against a proof without a block, which must end with its nodes', () => {
  const { proof, original } = proofOf(2, 7)
  const leaf = { size: 22, hash: crypto.data(blockOf(2)) }
  const nodes = withoutBlock(proof)
  verifyOriginalLeaf(leaf, nodes, original, 2)
  assert.throws(() => verifyOriginalLeaf(leaf, proof, original, 2), { code: 'ORIGINAL_PROOF_SHAPE' })
  const code = 'ORIGINAL_PROOF_HASH'
  assert.throws(() => verifyOriginalLeaf({ ...leaf, size: 23 }, nodes, original, 2), { code })
  assert.throws(() => verifyOriginalLeaf({ ...leaf, hash: new Uint8Array(32) }, nodes, original, 2), { code })
  const treeHash = new Uint8Array(32)
  assert.throws(() => verifyOriginalLeaf(leaf, nodes, { ...original, treeHash }, 2), { code })
})

test('a size beyond 2^48 is impossible in a leaf, a node and their sum', () => {
  const { proof, original } = proofOf(2, 7)
  const nodes = withoutBlock(proof)
  const leaf = { size: 22, hash: crypto.data(blockOf(2)) }
  const code = 'ORIGINAL_PROOF_FORMAT'
  for (const size of [2 ** 48 + 1, 2 ** 53, NaN, 0.5]) {
    assert.throws(() => verifyOriginalLeaf({ ...leaf, size }, nodes, original, 2), { code })
  }
  for (const at of [3, 43, 83, 123]) {
    const large = nodes.slice()
    large[at + 7] = 1
    assert.throws(() => verifyOriginalLeaf(leaf, large, original, 2), { code })
  }
  const sum = nodes.slice()
  sum.set([0, 0, 0, 0, 0, 0, 1, 0], 3)
  assert.throws(() => verifyOriginalLeaf(leaf, sum, original, 2), { code })
})

test('a block before the first, behind the last or between two is in no original', () => {
  const { proof, original } = proofOf(6, 7)
  for (const index of [-1, 7, 8, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => verifyOriginalProof(proof, original, index), { code: 'ORIGINAL_PROOF_SHAPE' })
  }
})

test('sizes beyond 32 bits are hashed as hypercore hashes them', () => {
  const large = (index: number) => ({ index, size: 2 ** 33 + 5, hash: Buffer.alloc(32, index + 1) })
  const [left, right] = [large(0), large(2)]
  const parent = { index: 1, size: left.size + right.size, hash: crypto.parent(left, right) }
  const proof = encodeOriginalProof(new Uint8Array(0), [left], [])
  const original = { length: 2, treeHash: crypto.tree([parent]) }
  verifyOriginalLeaf(right, proof, original, 1)
})
