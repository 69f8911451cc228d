import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ProofError } from '../../src/errors.js'
import { verifyOriginal } from '../../src/crypto/author-signature.js'
import { sumsOf } from '../../src/protocol/original.js'
import { encodeOriginal, readOriginal } from '../../src/storage/original.js'
import {
  coveringIndices,
  OriginalTreeBuilder,
  verifyOriginalProof
} from '../../src/protocol/original-tree.js'
import { authorCore, noiseBlocks, openStore, pin } from '../storage/support.js'
import { assertSame } from '../helpers/bytes.js'

test('every block of originals of many lengths is proven, and only at its own index', async (t) => {
  for (const length of [1, 2, 3, 7, 8, 13, 33]) {
    const author = await authorCore(t, noiseBlocks(length, 90, `proof${length}`))
    const store = await openStore(t)
    const { spec } = await pin(store, author)
    for (let index = 0; index < length; index++) {
      const proof = await store.originalProof(author.key, index)
      assertSame(verifyOriginalProof(proof, spec, index), await author.get(index))
      const other = (index + 1) % length
      if (other !== index) assert.throws(() => verifyOriginalProof(proof, spec, other), ProofError)
      assert.throws(() => verifyOriginalProof(proof, { ...spec, length: length + 1 }, index), ProofError)
    }
  }
})

test('a proof with any flipped bit, too short or too long, is refused', async (t) => {
  const author = await authorCore(t, noiseBlocks(11, 40, 'flip'))
  const store = await openStore(t)
  const { spec } = await pin(store, author)
  const proof = await store.originalProof(author.key, 6)
  for (let bit = 0; bit < proof.byteLength * 8; bit++) {
    proof[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(() => verifyOriginalProof(proof, spec, 6), ProofError)
    proof[bit >> 3]! ^= 1 << (bit & 7)
  }
  for (let bytes = 0; bytes < proof.byteLength; bytes++) {
    assert.throws(() => verifyOriginalProof(proof.subarray(0, bytes), spec, 6), ProofError)
  }
  assert.throws(() => verifyOriginalProof(Buffer.concat([proof, Buffer.alloc(1)]), spec, 6), ProofError)
  for (const index of [-1, 11, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => verifyOriginalProof(proof, spec, index), { code: 'ORIGINAL_PROOF_SHAPE' })
  }
})

test('a block of an earlier segment is proven against the original that was recorded then', async (t) => {
  const author = await authorCore(t, noiseBlocks(6, 50, 'then'))
  const store = await openStore(t)
  const first = await pin(store, author)
  await author.append(noiseBlocks(5, 50, 'now'))
  const second = await pin(store, author, { start: 6, draw: 1 })
  const old = await store.originalProof(author.key, 2)
  assertSame(verifyOriginalProof(old, first.spec, 2), await author.get(2))
  const young = await store.originalProof(author.key, 9)
  assertSame(verifyOriginalProof(young, second.spec, 9), await author.get(9))
})

test('a proof is verified in a worker thread, which opens no storage', async (t) => {
  const author = await authorCore(t, noiseBlocks(5, 50, 'thread'))
  const store = await openStore(t)
  const { spec } = await pin(store, author)
  const proof = await store.originalProof(author.key, 3)
  const url = new URL('../../src/protocol/original-tree.js', import.meta.url).href
  const worker = new Worker(
    `import(${JSON.stringify(url)}).then(({ verifyOriginalProof }) => {
       const { parentPort, workerData } = require('node:worker_threads')
       const { proof, length, treeHash } = workerData
       parentPort.postMessage(Buffer.from(verifyOriginalProof(proof, { length, treeHash }, 3)).toString('hex'))
     })`,
    { eval: true, workerData: { proof, length: spec.length, treeHash: spec.treeHash } }
  )
  const hex = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  assert.equal(hex, (await author.get(3))!.toString('hex'))
})

test('what a signer reads of a downloaded hypercore is what its author signed', async (t) => {
  const author = await authorCore(t, noiseBlocks(9, 77, 'read'))
  const original = await readOriginal(author)
  assert.deepEqual(original.treeHash, await author.treeHash())
  assert.equal(original.length, 9)
  assert.equal(original.byteLength, 9 * 77)
  assert.equal(original.fork, 0)
  assert.deepEqual(original.manifest, author.manifest)
  const told = encodeOriginal(original)
  const { treeHash, byteLength } = sumsOf(told)
  assert.equal(verifyOriginal(author.key, { ...told, treeHash }), true)
  assert.equal(byteLength, 9 * 77)
  await assert.rejects(readOriginal(await authorCore(t, [])), { code: 'HYPERCORE_EMPTY' })
})

test('subtrees appended to a tree give the tree of all blocks', () => {
  const leaf = (i: number) => Buffer.alloc(32, i + 1)
  const whole = (length: number) => {
    const tree = new OriginalTreeBuilder()
    const nodes = new Map<number, { index: number; size: number; hash: Uint8Array }>()
    for (let i = 0; i < length; i++) for (const n of tree.appendLeaf(i + 1, leaf(i))) nodes.set(n.index, n)
    return { tree, nodes }
  }
  for (let to = 1; to <= 40; to++) {
    const { tree, nodes } = whole(to)
    for (let from = 0; from <= to; from++) {
      const grown = new OriginalTreeBuilder(whole(from).tree.roots)
      for (const index of coveringIndices(from, to)) grown.appendNode(nodes.get(index)!)
      assert.deepEqual(grown.roots, tree.roots)
      assert.equal(grown.length, to)
    }
  }
  assert.throws(() => whole(3).tree.appendNode({ index: 9, size: 1, hash: leaf(1) }), RangeError)
})
