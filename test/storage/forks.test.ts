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

/** What a stock reader gets of a hypercore: all of it as its author has it now. */
async function read(t: TestContext, store: PinnerStore, core: Hypercore): Promise<void> {
  const reader = await stockStore(t)
  const { streams } = connect(t, store.corestore, reader)
  const copy = reader.get({ key: core.key })
  await copy.update({ wait: true })
  assert.deepEqual([copy.fork, copy.length], [core.fork, core.length])
  for (let i = 0; i < core.length; i++) assert.deepEqual(await copy.get(i), await core.get(i))
  for (const stream of streams) stream.destroy()
}

async function sameAs(
  store: PinnerStore,
  chunks: { index: number; encoded: Uint8Array }[],
  id: Uint8Array,
  key: Buffer
): Promise<void> {
  for (const { index, encoded } of chunks)
    assert.deepEqual(await store.getEncoded(key, index, id), Buffer.from(encoded))
}

const ranges = (store: PinnerStore, key: Buffer): number[][] =>
  store.segments(key).map(({ start, end, fork }) => [start, end, fork])

/** A store with two segments of 40 and 10 blocks, and an author that has taken 5 away and written 2. */
async function rewritten(t: TestContext) {
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  const core = await authorCore(t, noiseBlocks(40, 700, 'a'))
  const first = await pin(store, core)
  await core.append(noiseBlocks(10, 700, 'b'))
  const second = await pin(store, core, { start: 40, draw: 1 })
  const old = await encodedBlocks(core, second, 40, 50)
  await core.truncate(45)
  await core.append(noiseBlocks(2, 700, 'c'))
  const anew = await segmentOf(core, { start: 40, draw: 2 })
  return { dir, store, core, first, second, old, anew }
}

test('a fork takes the place of what it rewrites, and readers have the one or the other; what was is there for what was asked before', async (t) => {
  const { dir, store, core, second, old, anew } = await rewritten(t)
  const session = store.session(core.key)
  await session.ready()
  const ingest = await store.beginSegment(anew.spec)
  await feed(ingest, core, anew)
  assert.deepEqual([session.fork, session.length], [0, 50])
  await ingest.finish()
  assert.equal(session.closed, true)
  assert.deepEqual(ranges(store, core.key), [
    [0, 40, 0],
    [40, 47, 1]
  ])
  await sameAs(store, old, second.spec.segment.id, core.key)
  await read(t, store, core)
  // Growth goes on while the old chunks are still where hypercore looks for its own.
  await core.append(noiseBlocks(4, 700, 'd'))
  const grown: SignedSegment = await pin(store, core, { start: 47, draw: 3 })
  await sameAs(store, old, second.spec.segment.id, core.key)
  await read(t, store, core)
  for (const { key, id } of store.replaced()) await store.dropReplaced(key, id)
  await read(t, store, core)
  await store.close()
  const again = await openStore(t, dir)
  assert.deepEqual(ranges(again, core.key), [
    [0, 40, 0],
    [40, 47, 1],
    [47, 51, 1]
  ])
  await sameAs(again, await encodedBlocks(core, grown, 47, 51), grown.spec.segment.id, core.key)
  await read(t, again, core)
  await core.append(noiseBlocks(3, 700, 'e'))
  await pin(again, core, { start: 51, draw: 4 })
  await read(t, again, core)
  for (let index = 0; index < core.length; index++) await again.originalProof(core.key, index)
})

test('a fork that was verified and not put in place is put there when the store opens again', async (t) => {
  const { dir, store, core, anew } = await rewritten(t)
  const ingest = await store.beginSegment(anew.spec)
  await feed(ingest, core, anew)
  await ingest.finish()
  await store.close()
  // As if the process had died at any time while it was being put in place: done again, it comes to the same.
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(`${dir}/pinner.db`)
  db.prepare("UPDATE segment SET state = 'held' WHERE state = 'replaced'").run()
  db.prepare("UPDATE segment SET state = 'verified' WHERE id = ?").run(Buffer.from(anew.spec.segment.id))
  db.close()
  const again = await openStore(t, dir)
  assert.deepEqual(ranges(again, core.key), [
    [0, 40, 0],
    [40, 47, 1]
  ])
  await read(t, again, core)
})

test('blocks that were lost before a fork are still lost after it', async (t) => {
  const { store, core, anew } = await rewritten(t)
  await store.lost(core.key, 7)
  const ingest = await store.beginSegment(anew.spec)
  await feed(ingest, core, anew)
  await ingest.finish()
  const session = store.session(core.key)
  await session.ready()
  assert.deepEqual([await session.has(7), await session.has(6), await session.has(46)], [false, true, true])
  assert.equal(session.contiguousLength, 7)
  await session.close()
})

test('a fork is not begun within a segment, nor an older one taken', async (t) => {
  const { store, core, anew } = await rewritten(t)
  const within = await segmentOf(core, { start: 41, draw: 5 })
  await assert.rejects(store.beginSegment(within.spec), { code: 'STORAGE_GAP' })
  const ingest = await store.beginSegment(anew.spec)
  await feed(ingest, core, anew)
  await ingest.finish()
  await assert.rejects(store.beginSegment({ ...anew.spec, fork: 0, segment: within.spec.segment, end: 46 }), {
    code: 'STORAGE_GAP'
  })
})

test('a fork whose first blocks are not those that are held is refused by its signature', async (t) => {
  const { store, core } = await rewritten(t)
  await core.truncate(20)
  await core.append(noiseBlocks(30, 700, 'f'))
  const wrong = await segmentOf(core, { start: 40, draw: 6 })
  const ingest = await store.beginSegment(wrong.spec)
  await feed(ingest, core, wrong)
  await assert.rejects(ingest.finish(), { code: 'STORAGE_TREE_MISMATCH' })
  assert.deepEqual(ranges(store, core.key), [
    [0, 40, 0],
    [40, 50, 0]
  ])
})
