import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import { sharedCore } from '../../src/storage/hypercore-parts.js'
import { readOriginal } from '../../src/storage/original.js'
import { authorCore, connect, noiseBlocks, stockStore } from './support.js'

/** A hypercore whose key fixes its blocks, as a reader gets it from who made it. */
async function fixedCore(t: TestContext, blocks: Buffer[]): Promise<Hypercore> {
  const source = await authorCore(t, blocks)
  const prologue = { hash: await source.treeHash(), length: source.length }
  const [makers, readers] = [await stockStore(t), await stockStore(t)]
  const manifest = { version: 1, hash: 'blake2b', quorum: 0, signers: [], prologue }
  const made = makers.get({ manifest })
  await made.ready()
  const parts = sharedCore(made) as unknown as { copyPrologue(source: object): Promise<void> }
  await parts.copyPrologue(sharedCore(source).state)
  connect(t, makers, readers)
  const read = readers.get({ key: made.key })
  await read.update({ wait: true })
  return read
}

test('a hypercore that nobody signs, since its key fixes its blocks, is not taken for one of an author', async (t) => {
  const core = await fixedCore(t, noiseBlocks(3, 50, 'fixed'))
  assert.equal(core.length, 3)
  await assert.rejects(readOriginal(core), {
    code: 'HYPERCORE_UNSIGNED',
    message: `hypercore ${core.id} has no author who signs it: its key fixes its 3 blocks (a prologue)`
  })
})
