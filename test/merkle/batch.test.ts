import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RECORD_BYTES, portableSlabHasher, slabHasher } from '../../src/crypto/blake3-slab.js'
import { ProofError } from '../../src/errors.js'
import { verifyBatchRecords } from '../../src/merkle/batch.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { encodeNode, leafOf, type TreeNode, type TreeRoot } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { MemoryTree } from '../../src/merkle/reader.js'

interface Proven {
  root: TreeRoot
  indices: number[]
  leaves: Buffer
  proof: Buffer
}

/** A batch proof of the chosen leaves of a tree whose chunks have these lengths. */
async function provenOf(lengths: number[], chosen: number[]): Promise<Proven> {
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  const leaves: TreeNode[] = lengths.map((bytes, i) => leafOf(Buffer.of(i), bytes, Buffer.alloc(32, i)))
  for (const leaf of leaves) builder.appendLeaf(leaf)
  const indices = [...new Set(chosen.map((at) => at % lengths.length))].sort((a, b) => a - b)
  const proof = Buffer.from(encodeProof(await proveBatch(tree, indices)))
  return {
    root: builder.root(),
    indices,
    leaves: Buffer.concat(indices.map((i) => encodeNode(leaves[i]!))),
    proof
  }
}

/** Where the leaves begin, or the code of what is wrong. */
function outcome({ root, indices, leaves, proof }: Proven, hasher = slabHasher): number[] | string {
  try {
    return Array.from(verifyBatchRecords(root, indices, leaves, proof, hasher))
  } catch (error) {
    assert.ok(error instanceof ProofError, String(error))
    return error.code
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 70 })
const chosen = fc.array(fc.nat(1000), { minLength: 1, maxLength: 12 })

assert.ok(slabHasher.batchRoot, 'these tests compare the compiled addon')

test('a batch proof says where its leaves begin, with the addon and without', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, chosen, async (sizes, at) => {
      const proven = await provenOf(sizes, at)
      const starts = proven.indices.map((i) => sizes.slice(0, i).reduce((sum, bytes) => sum + bytes, 0))
      assert.deepEqual(outcome(proven), starts)
      assert.deepEqual(outcome(proven, portableSlabHasher), starts)
    }),
    { numRuns: 60 }
  )
})

test('a batch proof that was changed is refused with the same code on both paths', async () => {
  await fc.assert(
    fc.asyncProperty(
      lengths,
      chosen,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (sizes, at, where, flip) => {
        const proven = await provenOf(sizes, at)
        const { leaves, proof } = proven
        const both = Buffer.concat([leaves, proof])
        both[where % both.byteLength]! ^= flip
        const record = Buffer.alloc(RECORD_BYTES, 1)
        for (const changed of [
          { ...proven, leaves: both.subarray(0, leaves.byteLength), proof: both.subarray(leaves.byteLength) },
          { ...proven, proof: Buffer.concat([proof, record]) },
          { ...proven, proof: Buffer.concat([proof, Buffer.alloc(1)]) },
          ...(proof.byteLength > 0 ? [{ ...proven, proof: proof.subarray(RECORD_BYTES) }] : []),
          { ...proven, root: { ...proven.root, bytes: proven.root.bytes + 1 } },
          { ...proven, root: { ...proven.root, hash: Buffer.alloc(32) } }
        ]) {
          const code = outcome(changed)
          assert.match(String(code), /^PROOF_(LENGTH|BYTES|ROOT)$/)
          assert.equal(outcome(changed, portableSlabHasher), code)
        }
      }
    ),
    { numRuns: 60 }
  )
})

test('sizes that add up beyond exact integers are refused on both paths', async () => {
  const proven = await provenOf([1, 1, 1, 1], [0])
  for (const size of [0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n]) {
    const proof = Buffer.from(proven.proof)
    proof.writeBigUInt64LE(size, 0)
    for (const hasher of [slabHasher, portableSlabHasher]) {
      assert.equal(outcome({ ...proven, proof }, hasher), 'PROOF_BYTES')
    }
  }
})

test('the addon refuses indices, tables and trees that do not fit each other', async () => {
  const { indices, leaves, proof } = await provenOf(Array<number>(9).fill(5), [1, 4])
  const run = (change: Record<string, unknown>): unknown => {
    const given = {
      chunks: 9,
      indices: Float64Array.from(indices),
      leaves,
      proof,
      offsets: new Float64Array(2),
      root: new Uint8Array(RECORD_BYTES),
      ...change
    }
    const { chunks, offsets, root } = given
    return slabHasher.batchRoot!(chunks, given.indices, given.leaves, given.proof, offsets, root)
  }
  assert.equal(run({}), 0)
  for (const change of [
    { chunks: 0 },
    { chunks: 0.5 },
    { chunks: NaN },
    { chunks: 2 ** 60 },
    { chunks: 4 },
    { indices: Float64Array.of(4, 1) },
    { indices: Float64Array.of(1, 1) },
    { indices: Float64Array.of(-1, 4) },
    { indices: Float64Array.of(1, NaN) },
    { indices: Float64Array.of(1, 2, 3) },
    { indices: new Float64Array(0) },
    { indices: [1, 4] },
    { leaves: leaves.subarray(1) },
    { leaves: null },
    { proof: 'proof' },
    { offsets: new Float64Array(1) },
    { offsets: new Float32Array(2) },
    { root: new Uint8Array(RECORD_BYTES - 1) }
  ]) {
    assert.throws(() => run(change), TypeError)
  }
})
