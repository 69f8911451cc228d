import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import type { PinnerStore } from '../../src/storage/pinner-store.js'
import {
  authorCore,
  connect,
  encodedBlocks,
  feed,
  noiseBlocks,
  openStore,
  pin,
  segmentOf,
  stockStore,
  tempDir,
  type SignedSegment
} from './support.js'

const BLOCKS = 40

/** A store that holds a hypercore in two segments. */
async function inTwo(
  t: TestContext
): Promise<{ dir: string; store: PinnerStore; core: Hypercore; held: SignedSegment[] }> {
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  const core = await authorCore(t, noiseBlocks(BLOCKS / 2, 700, 'a'))
  const first = await pin(store, core)
  await core.append(noiseBlocks(BLOCKS / 2, 700, 'b'))
  const second = await pin(store, core, { start: BLOCKS / 2, draw: 1 })
  return { dir, store, core, held: [first, second] }
}

/** What a stock reader gets of all blocks. */
async function read(t: TestContext, store: PinnerStore, core: Hypercore): Promise<void> {
  const reader = await stockStore(t)
  const { streams } = connect(t, store.corestore, reader)
  const copy = reader.get({ key: core.key })
  await copy.update({ wait: true })
  assert.equal(copy.length, BLOCKS)
  for (let i = 0; i < BLOCKS; i++) assert.deepEqual(await copy.get(i), await core.get(i))
  for (const stream of streams) stream.destroy()
}

async function sameAs(store: PinnerStore, core: Hypercore, signed: SignedSegment): Promise<void> {
  const { start, end, segment } = signed.spec
  for (const { index, encoded } of await encodedBlocks(core, signed, start, end)) {
    assert.deepEqual(await store.getEncoded(core.key, index, segment.id), Buffer.from(encoded))
  }
}

test('two segments are encoded again as one: served from the old ones until it is finished, read from both until the old ones are dropped', async (t) => {
  const { dir, store, core, held } = await inTwo(t)
  const renewed = await segmentOf(core, { draw: 2 })
  const ingest = await store.beginSegment(renewed.spec)
  await feed(ingest, core, renewed, 30)
  for (const old of held) await sameAs(store, core, old)
  await read(t, store, core)
  await store.close()

  // It goes on after a restart where it was.
  const again = await openStore(t, dir)
  const rest = await again.beginSegment(renewed.spec)
  assert.equal(rest.position, 30)
  await rest.cutBack(25)
  await feed(rest, core, renewed)
  await rest.check()
  await sameAs(again, core, renewed)
  await rest.finish()
  assert.deepEqual(
    again.segments(core.key).map(({ start, end, segment }) => [start, end, segment.id]),
    [[0, BLOCKS, renewed.spec.segment.id]]
  )
  const { bytes } = again.segments(core.key)[0]!
  assert.equal(again.usedBytes, bytes)
  for (const segment of [...held, renewed]) await sameAs(again, core, segment)
  await read(t, again, core)
  await again.close()

  const third = await openStore(t, dir)
  for (const segment of [...held, renewed]) await sameAs(third, core, segment)
  assert.deepEqual(
    third.replaced().map(({ id }) => id),
    held.map(({ spec }) => spec.segment.id)
  )
  for (const { key, id } of third.replaced()) await third.dropReplaced(key, id)
  assert.deepEqual(third.replaced(), [])
  for (const { spec } of held)
    assert.equal(await third.getEncoded(core.key, spec.start, spec.segment.id), null)
  await sameAs(third, core, renewed)
  await read(t, third, core)

  // And once more, as a live log does.
  const [index] = [7]
  const proof = await third.originalProof(core.key, index)
  const last = await pin(third, core, { draw: 3 })
  assert.deepEqual(await third.originalProof(core.key, index), proof)
  await third.close()
  const fourth = await openStore(t, dir)
  await sameAs(fourth, core, last)
  await read(t, fourth, core)
  assert.equal(await fourth.remove(core.key), true)
  assert.equal(fourth.usedBytes, 0)
})

test('a renewal that does not hold leaves everything as it was, and one that does not fit what is held is refused', async (t) => {
  const { store, core, held } = await inTwo(t)
  const inside = await segmentOf(core, { start: 10, draw: 2 })
  await assert.rejects(store.beginSegment(inside.spec), { code: 'STORAGE_GAP' })

  const renewed = await segmentOf(core, { draw: 2 })
  const other = await authorCore(t, noiseBlocks(BLOCKS, 700, 'other'))
  const ingest = await store.beginSegment(renewed.spec)
  await ingest.append(await encodedBlocks(other, renewed, 0, BLOCKS))
  await assert.rejects(ingest.check(), { code: 'STORAGE_TREE_MISMATCH' })
  await ingest.abort()
  assert.deepEqual(store.replaced(), [])
  for (const old of held) await sameAs(store, core, old)
  assert.equal(await store.getEncoded(core.key, 0, renewed.spec.segment.id), null)
  await read(t, store, core)

  // What is lost of the old one is here again with the new one.
  await store.lost(core.key, 3)
  await pin(store, core, { draw: 2 })
  await read(t, store, core)
})
