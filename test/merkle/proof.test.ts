import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProofError } from '../../src/errors.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode, type TreeNode, type TreeRoot } from '../../src/merkle/node.js'
import {
  MAX_BATCH_LEAVES,
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from '../../src/merkle/proof.js'
import { MemoryTree } from '../../src/merkle/reader.js'

interface Segment {
  tree: MemoryTree
  root: TreeRoot
  leaves: TreeNode[]
  offsets: number[]
}

function segmentOf(count: number): Segment {
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  const leaves: TreeNode[] = []
  const offsets: number[] = []
  for (let i = 0; i < count; i++) {
    offsets.push(builder.bytes)
    leaves.push(leafNode(Buffer.alloc(4 + ((i * 37) % 101), i), 3))
    builder.appendLeaf(leaves[i]!)
  }
  return { tree, root: builder.root(), leaves, offsets }
}

const counts = [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 64]
const segments = new Map(counts.map((count) => [count, segmentOf(count)]))

function codeOf(check: () => unknown): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    assert.ok(error instanceof ProofError, String(error))
    return error.code
  }
}

test('every leaf of every small tree is proven, with the bytes that it covers', async () => {
  for (const [count, { tree, root, leaves, offsets }] of segments) {
    for (let index = 0; index < count; index++) {
      const proof = decodeProof(encodeProof(await prove(tree, index)), index, count)
      const position = verifyProof(root, index, leaves[index]!, proof)
      assert.deepEqual(position, { index, offset: offsets[index], bytes: leaves[index]!.bytes })
    }
  }
})

test('a stored tree proves leaves under the root of each of its beginnings', async () => {
  const { tree, leaves, offsets } = segments.get(33)!
  for (const [count, { root }] of segments) {
    if (count > 33) continue
    const index = count - 1
    const proof = await prove(tree, index, count)
    assert.equal(verifyProof(root, index, leaves[index]!, proof).offset, offsets[index])
  }
})

test('a proof holds for no other index, leaf, tree or size, and with no bit changed', async () => {
  const { tree, root, leaves } = segments.get(9)!
  for (let index = 0; index < 9; index++) {
    const encoded = encodeProof(await prove(tree, index))
    const check = (at: number, leaf: TreeNode, of: TreeRoot, bytes: Uint8Array) =>
      codeOf(() => verifyProof(of, at, leaf, decodeProof(bytes, at, of.chunks)))
    assert.equal(check(index, leaves[index]!, root, encoded), undefined)
    for (let other = 0; other < 9; other++) {
      if (other !== index) assert.ok(check(other, leaves[index]!, root, encoded))
      if (other !== index) assert.ok(check(index, leaves[other]!, root, encoded))
    }
    assert.ok(check(index, { ...leaves[index]!, bytes: leaves[index]!.bytes + 1 }, root, encoded))
    assert.equal(check(index, leaves[index]!, { ...root, bytes: root.bytes + 1 }, encoded), 'PROOF_BYTES')
    assert.ok(check(index, leaves[index]!, { ...root, chunks: 17 }, encoded))
    for (let bit = 0; bit < encoded.byteLength * 8; bit++) {
      encoded[bit >> 3]! ^= 1 << (bit & 7)
      assert.ok(check(index, leaves[index]!, root, encoded), `bit ${bit} of the proof of ${index}`)
      encoded[bit >> 3]! ^= 1 << (bit & 7)
    }
  }
})

test('sizes moved from one sibling to another do not pass, though they add up', async () => {
  const { tree, root, leaves } = segments.get(8)!
  const proof = await prove(tree, 3)
  proof[0] = { ...proof[0]!, bytes: proof[0]!.bytes + 1 }
  proof[1] = { ...proof[1]!, bytes: proof[1]!.bytes - 1 }
  assert.equal(
    codeOf(() => verifyProof(root, 3, leaves[3]!, proof)),
    'PROOF_ROOT'
  )
})

test('a proof of the wrong length is refused before anything is hashed', async () => {
  const { tree, root, leaves } = segments.get(9)!
  const proof = await prove(tree, 0)
  for (const nodes of [proof.slice(1), [...proof, proof[0]!], []]) {
    assert.equal(
      codeOf(() => verifyProof(root, 0, leaves[0]!, nodes)),
      'PROOF_LENGTH'
    )
    assert.equal(
      codeOf(() => decodeProof(encodeProof(nodes), 0, 9)),
      'PROOF_LENGTH'
    )
  }
  assert.equal(
    codeOf(() => decodeProof(encodeProof(proof).subarray(1), 0, 9)),
    'PROOF_LENGTH'
  )
})

test('sizes that are no sizes are refused', async () => {
  const { tree, root, leaves } = segments.get(2)!
  const [sibling] = await prove(tree, 0)
  for (const bytes of [0, -1, 1.5, NaN, 2 ** 53]) {
    assert.equal(
      codeOf(() => verifyProof(root, 0, leaves[0]!, [{ ...sibling!, bytes }])),
      'PROOF_BYTES'
    )
  }
  const encoded = encodeProof([sibling!])
  new DataView(encoded.buffer).setBigUint64(0, 2n ** 53n, true)
  assert.equal(
    codeOf(() => decodeProof(encoded, 0, 2)),
    'PROOF_BYTES'
  )
})

test('a batch proves any set of leaves in any order, and needs no more nodes than single proofs', async () => {
  const cases = fc.constantFrom(...counts).chain((count) =>
    fc.record({
      count: fc.constant(count),
      indices: fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: count })
    })
  )
  await fc.assert(
    fc.asyncProperty(cases, async ({ count, indices }) => {
      const { tree, root, leaves, offsets } = segments.get(count)!
      const nodes = await proveBatch(tree, indices)
      const decoded = decodeBatchProof(encodeProof(nodes), indices, count)
      const positions = verifyBatch(
        root,
        indices.map((index) => ({ index, leaf: leaves[index]! })),
        decoded
      )
      assert.deepEqual(
        positions,
        indices.map((index) => ({ index, offset: offsets[index], bytes: leaves[index]!.bytes }))
      )
      const single = await Promise.all(indices.map((index) => prove(tree, index)))
      assert.ok(nodes.length <= single.flat().length)
      assert.equal(new Set(nodes.map(({ hash }) => Buffer.from(hash).toString('hex'))).size, nodes.length)
    })
  )
})

test('a batch proof with a bit changed, a leaf swapped or a node too many is refused', async () => {
  const { tree, root, leaves } = segments.get(9)!
  const indices = [1, 4, 8]
  const proven = indices.map((index) => ({ index, leaf: leaves[index]! }))
  const nodes = await proveBatch(tree, indices)
  const encoded = encodeProof(nodes)
  for (let bit = 0; bit < encoded.byteLength * 8; bit++) {
    encoded[bit >> 3]! ^= 1 << (bit & 7)
    assert.ok(codeOf(() => verifyBatch(root, proven, decodeBatchProof(encoded, indices, 9))))
    encoded[bit >> 3]! ^= 1 << (bit & 7)
  }
  const swapped = [{ index: 1, leaf: leaves[4]! }, { index: 4, leaf: leaves[1]! }, proven[2]!]
  assert.ok(codeOf(() => verifyBatch(root, swapped, nodes)))
  assert.equal(
    codeOf(() => verifyBatch(root, proven, [...nodes, nodes[0]!])),
    'PROOF_LENGTH'
  )
})

test('indices that are no leaves, or repeated, or too many, are refused', async () => {
  const { tree, root, leaves } = segments.get(4)!
  for (const index of [-1, 4, 0.5, NaN]) {
    assert.equal(
      codeOf(() => verifyProof(root, index, leaves[0]!, [])),
      'PROOF_INDEX'
    )
    await assert.rejects(prove(tree, index), { code: 'PROOF_INDEX' })
  }
  await assert.rejects(proveBatch(tree, [1, 1]), { code: 'PROOF_INDEX' })
  await assert.rejects(proveBatch(tree, []), { code: 'PROOF_INDEX' })
  assert.equal(
    codeOf(() => decodeBatchProof(Buffer.alloc(0), Array<number>(MAX_BATCH_LEAVES + 1).fill(0), 2 ** 40)),
    'PROOF_INDEX'
  )
})
