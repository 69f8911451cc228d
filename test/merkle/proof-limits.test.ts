import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  MAX_BATCH_LEAVES,
  batchLength,
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from '../../src/merkle/proof.js'
import { parentNode } from '../../src/merkle/node.js'
import type { NodeReader } from '../../src/merkle/reader.js'
import { codeThrown, leafOfSize, plain, storedTree, upTo } from './stored.js'

const { tree, root, leaves } = storedTree([5, 7, 11, 13, 17, 19])

test('no leaf is proven of a tree without chunks, or of a number of chunks that is none', async () => {
  for (const chunks of [0, -1, 0.5, NaN, 2 ** 53]) {
    const unsure = { ...root, chunks }
    for (const run of [
      () => verifyProof(unsure, 0, leaves[0]!, []),
      () => verifyBatch(unsure, [{ index: 0, leaf: leaves[0]! }], []),
      () => decodeProof(new Uint8Array(0), 0, chunks),
      () => decodeBatchProof(new Uint8Array(0), [0], chunks),
      () => batchLength([0], chunks)
    ]) {
      assert.equal(await codeThrown(run), 'PROOF_INDEX', `${chunks} chunks`)
    }
  }
})

test('no leaf is proven of a stored tree under a number of chunks that is none', async () => {
  for (const chunks of [0, -1, 0.5, NaN]) {
    assert.equal(await codeThrown(() => prove(tree, 0, chunks)), 'PROOF_INDEX', `${chunks} chunks`)
    assert.equal(await codeThrown(() => proveBatch(tree, [0], chunks)), 'PROOF_INDEX', `${chunks} chunks`)
  }
})

test('a leaf beyond the chunks that are asked for, or beyond those that are there, is not proven', async () => {
  assert.equal((await prove(tree, 3, 4)).length, 2)
  assert.equal((await proveBatch(tree, [3], 4)).length, 2)
  for (const [index, chunks] of [
    [4, 4],
    [6, 6],
    [6, 8]
  ] as const) {
    assert.equal(await codeThrown(() => prove(tree, index, chunks)), 'PROOF_INDEX')
    assert.equal(await codeThrown(() => proveBatch(tree, [index], chunks)), 'PROOF_INDEX')
  }
})

test('a leaf that is there is not proven under a tree that is not', async () => {
  assert.equal(await codeThrown(() => prove(tree, 3, 8)), 'TREE_RANGE')
  assert.equal(await codeThrown(() => proveBatch(tree, [3], 8)), 'TREE_RANGE')
})

test('the last and the first leaf are proven, and the indices beside them refused', async () => {
  for (const index of [0, 5]) {
    const nodes = await prove(tree, index)
    assert.equal(verifyProof(root, index, leaves[index]!, nodes).bytes, leaves[index]!.bytes)
  }
  for (const index of [-1, 6, 0.5, NaN, Infinity, 2 ** 53]) {
    for (const run of [
      () => prove(tree, index),
      () => proveBatch(tree, [2, index]),
      () => verifyBatch(root, [{ index, leaf: leaves[0]! }], []),
      () => decodeProof(new Uint8Array(0), index, 6),
      () => decodeBatchProof(new Uint8Array(0), [2, index], 6)
    ]) {
      assert.equal(await codeThrown(run), 'PROOF_INDEX', `index ${index}`)
    }
  }
})

test('a leaf given twice is refused, wherever it stands', async () => {
  for (const indices of [
    [2, 2],
    [0, 0, 5],
    [0, 5, 5],
    [3, 0, 3]
  ]) {
    const proven = indices.map((index) => ({ index, leaf: leaves[index]! }))
    assert.equal(await codeThrown(() => proveBatch(tree, indices)), 'PROOF_INDEX')
    assert.equal(await codeThrown(() => verifyBatch(root, proven, [])), 'PROOF_INDEX')
    assert.equal(await codeThrown(() => batchLength(indices, 6)), 'PROOF_INDEX')
  }
})

test('a batch proves one to 4096 leaves, and no others', async () => {
  const most = upTo(MAX_BATCH_LEAVES)
  assert.equal(MAX_BATCH_LEAVES, 4096)
  assert.equal(batchLength(most, 4096), 0)
  assert.equal(batchLength(most, 4097), 1)
  assert.equal(await codeThrown(() => batchLength([...most, 4096], 4097)), 'PROOF_INDEX')
  assert.equal(await codeThrown(() => batchLength([], 4097)), 'PROOF_INDEX')
  assert.equal(await codeThrown(() => verifyBatch(root, [], [])), 'PROOF_INDEX')
})

test('a batch proof has exactly the nodes that its leaves need', async () => {
  const indices = [4, 1]
  const proven = indices.map((index) => ({ index, leaf: leaves[index]! }))
  const nodes = await proveBatch(tree, indices)
  assert.equal(nodes.length, batchLength(indices, 6))
  assert.deepEqual(verifyBatch(root, proven, nodes), [
    { index: 4, offset: 36, bytes: 17 },
    { index: 1, offset: 5, bytes: 7 }
  ])
  for (const others of [nodes.slice(1), nodes.slice(0, -1), [...nodes, nodes[0]!], []]) {
    assert.equal(await codeThrown(() => verifyBatch(root, proven, others)), 'PROOF_LENGTH')
    const encoded = encodeProof(others)
    assert.equal(await codeThrown(() => decodeBatchProof(encoded, indices, 6)), 'PROOF_LENGTH')
  }
  const whole = encodeProof(nodes)
  assert.equal(await codeThrown(() => decodeBatchProof(whole.subarray(1), indices, 6)), 'PROOF_LENGTH')
  assert.deepEqual(decodeBatchProof(whole, indices, 6).map(plain), nodes.map(plain))
})

test('a single proof has exactly as many nodes as the path of its leaf', async () => {
  for (const index of upTo(6)) {
    const nodes = await prove(tree, index)
    assert.equal(nodes.length, index < 4 ? 3 : 2)
    for (const others of [nodes.slice(1), [...nodes, nodes[0]!]]) {
      assert.equal(await codeThrown(() => verifyProof(root, index, leaves[index]!, others)), 'PROOF_LENGTH')
      const encoded = encodeProof(others)
      assert.equal(await codeThrown(() => decodeProof(encoded, index, 6)), 'PROOF_LENGTH')
    }
  }
})

test('sizes that are no sizes are refused in a leaf and in a sibling, on the left and on the right', async () => {
  const pair = storedTree([3, 4])
  for (const index of [0, 1]) {
    const [sibling] = await prove(pair.tree, index)
    const leaf = pair.leaves[index]!
    assert.equal(verifyProof(pair.root, index, leaf, [sibling!]).bytes, leaf.bytes)
    for (const bytes of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) {
      const check = (given: typeof leaf, beside: typeof leaf) => () =>
        verifyProof(pair.root, index, given, [beside])
      assert.equal(await codeThrown(check({ ...leaf, bytes }, sibling!)), 'PROOF_BYTES')
      assert.equal(await codeThrown(check(leaf, { ...sibling!, bytes })), 'PROOF_BYTES')
    }
  }
})

test('sizes that are no sizes are refused though they add up to what the root has', async () => {
  const pair = storedTree([3, 4])
  const [left, right] = pair.leaves
  for (const bytes of [0, -1, 0.5, 7, 8]) {
    const check = () => verifyProof(pair.root, 0, { ...left!, bytes }, [{ ...right!, bytes: 7 - bytes }])
    assert.equal(await codeThrown(check), 'PROOF_BYTES', String(bytes))
  }
})

test('a root of more bytes than can be counted exactly is led to by no proof', async () => {
  const [left, right] = [leafOfSize(1), leafOfSize(2 ** 53 - 1, 1)]
  const beyond = { ...parentNode(left, right), chunks: 2 }
  assert.equal(beyond.bytes, 2 ** 53)
  assert.equal(await codeThrown(() => verifyProof(beyond, 0, left, [right])), 'PROOF_BYTES')
})

test('sizes of one byte are the least, and sizes that add up to 2^53 - 1 the most', async () => {
  const largest = 2 ** 53 - 1
  const wide = storedTree([1, largest - 1])
  for (const index of [0, 1]) {
    const nodes = await prove(wide.tree, index)
    const { offset } = verifyProof(wide.root, index, wide.leaves[index]!, nodes)
    assert.equal(offset, index)
  }
  const sibling = leafOfSize(largest)
  assert.equal(await codeThrown(() => verifyProof(wide.root, 0, leafOfSize(1), [sibling])), 'PROOF_BYTES')
})

test('a proof that leads to another hash, or adds up to other bytes, is told apart', async () => {
  const nodes = await prove(tree, 2)
  const other = { ...leaves[2]!, hash: leaves[3]!.hash }
  assert.equal(await codeThrown(() => verifyProof(root, 2, other, nodes)), 'PROOF_ROOT')
  const larger = { ...root, bytes: root.bytes + 1 }
  assert.equal(await codeThrown(() => verifyProof(larger, 2, leaves[2]!, nodes)), 'PROOF_BYTES')
})

test('a proof is made from a tree that is kept elsewhere, by reading no node that is not in it', async () => {
  let read = 0
  const remote: NodeReader = {
    chunks: 6,
    node: (level, index) => {
      read++
      return Promise.resolve(tree.node(level, index))
    }
  }
  assert.deepEqual((await prove(remote, 2)).map(plain), (await prove(tree, 2)).map(plain))
  assert.equal(read, 3)
})
