import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import { verifyOriginal } from '../../src/crypto/author-signature.js'
import { sumsOf } from '../../src/protocol/original.js'
import { encodeOriginal, readOriginal } from '../../src/storage/original.js'
import { authorCore, connect, fixedCore, noiseBlocks, openStore, pin, stockStore } from './support.js'

/** A hypercore whose key fixes its blocks, as a reader gets it from who made it. */
async function readFixed(t: TestContext, blocks: Buffer[]): Promise<Hypercore> {
  const [makers, readers] = [await stockStore(t), await stockStore(t)]
  const made = await fixedCore(makers, await authorCore(t, blocks))
  connect(t, makers, readers)
  const read = readers.get({ key: made.key })
  await read.update({ wait: true })
  return read
}

test('a hypercore that nobody signs is described by its manifest and the roots of its tree', async (t) => {
  const core = await readFixed(t, noiseBlocks(3, 50, 'fixed'))
  const original = encodeOriginal(await readOriginal(core))
  assert.equal(original.length, 3)
  assert.equal(original.signature.byteLength, 0)
  const sums = sumsOf(original)
  assert.equal(sums.byteLength, 150)
  assert.deepEqual(Buffer.from(sums.treeHash), await core.treeHash())
  assert.ok(verifyOriginal(core.key, { ...original, treeHash: sums.treeHash }))
})

test('a hypercore that nobody signs is kept, and read by a stock client when only the pinner is left', async (t) => {
  const blocks = noiseBlocks(5, 3_000, 'fixed and kept')
  const core = await readFixed(t, blocks)
  const store = await openStore(t)
  const { spec } = await pin(store, core)
  assert.equal(spec.signature, null)

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: core.key })
  for (const [index, block] of blocks.entries()) assert.deepEqual(await copy.get(index), block)
})
