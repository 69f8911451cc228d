import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import { restNodes } from '../../src/storage/original.js'
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
  tempDir
} from './support.js'

const BLOCKS = 40

/** What a stock reader gets of all blocks, and of a chunk of each segment. */
async function read(t: TestContext, store: PinnerStore, core: Hypercore): Promise<void> {
  const reader = await stockStore(t)
  const { streams } = connect(t, store.corestore, reader)
  const copy = reader.get({ key: core.key })
  await copy.update({ wait: true })
  assert.deepEqual([copy.fork, copy.length], [core.fork, core.length])
  for (let i = 0; i < core.length; i++) assert.deepEqual(await copy.get(i), await core.get(i))
  for (const stream of streams) stream.destroy()
}

const ranges = (store: PinnerStore, key: Buffer): [number, number, string][] =>
  store.segments(key).map(({ start, end, state }) => [start, end, state])

/** Has a store take a part of a copy. */
async function pinPart(
  store: PinnerStore,
  core: Hypercore,
  { end, draw }: { end: number; draw: number }
): Promise<void> {
  const signed = await segmentOf(core, { end, draw })
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, core, signed)
  await ingest.finish({ end, rest: await restNodes(core, end, core.length) })
}

async function retired(t: TestContext): Promise<{ dir: string; store: PinnerStore; core: Hypercore }> {
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  const core = await authorCore(t, noiseBlocks(BLOCKS / 2, 700, 'a'))
  await pin(store, core)
  await core.append(noiseBlocks(BLOCKS / 2, 700, 'b'))
  await pin(store, core, { start: BLOCKS / 2, draw: 1 })
  await store.retire(core.key)
  return { dir, store, core }
}

test('what is held of a lost copy is served until a new one is whole, through its parts and restarts, and is dropped then', async (t) => {
  const { dir, store, core } = await retired(t)
  assert.equal(store.usedBytes, 0)
  await read(t, store, core)
  const first = await segmentOf(core, { end: 30, draw: 2 })
  const ingest = await store.beginSegment(first.spec)
  await feed(ingest, core, first, 10)
  await read(t, store, core)
  await store.close()

  const again = await openStore(t, dir)
  await read(t, again, core)
  const rest = await again.beginSegment(first.spec)
  assert.equal(rest.position, 10)
  await feed(rest, core, first)
  await rest.finish({ rest: await restNodes(core, 30, BLOCKS) })
  // The first of the old ones is not needed any more; the second has what comes next.
  assert.deepEqual(ranges(again, core.key), [
    [20, 40, 'former'],
    [0, 30, 'held']
  ])
  await read(t, again, core)
  for (const { key, id } of again.replaced()) await again.dropReplaced(key, id)
  await read(t, again, core)
  await again.close()

  const third = await openStore(t, dir)
  await read(t, third, core)
  const second = await pin(third, core, { start: 30, end: BLOCKS, draw: 3 })
  assert.deepEqual(ranges(third, core.key), [
    [0, 30, 'held'],
    [30, 40, 'held']
  ])
  for (const { key, id } of third.replaced()) await third.dropReplaced(key, id)
  for (const { index, encoded } of await encodedBlocks(core, second, 30, BLOCKS))
    assert.deepEqual(await third.getEncoded(core.key, index, second.spec.segment.id), Buffer.from(encoded))
  await read(t, third, core)
  for (let index = 0; index < BLOCKS; index++) await third.originalProof(core.key, index)
  assert.equal((await third.scrub()).lost, 0)
  // It grows as any other.
  await core.append(noiseBlocks(5, 700, 'c'))
  await pin(third, core, { start: BLOCKS, draw: 4 })
  await read(t, third, core)
  assert.equal(await third.remove(core.key), true)
})

test('a new copy that comes to nothing leaves what was held, also of a copy that was lost in the midst', async (t) => {
  const { dir, store, core } = await retired(t)
  const first = await segmentOf(core, { draw: 2 })
  const ingest = await store.beginSegment(first.spec)
  await feed(ingest, core, first, 30)
  await ingest.abort()
  await read(t, store, core)
  await pinPart(store, core, { end: 10, draw: 3 })
  await store.retire(core.key)
  // Every block of it is in others too, or the other way round: no more is kept than serves.
  await read(t, store, core)
  await store.close()
  const again = await openStore(t, dir)
  assert.ok(ranges(again, core.key).every(([, , state]) => state === 'former'))
  for (const { key, id } of again.replaced()) await again.dropReplaced(key, id)
  await read(t, again, core)
  await pin(again, core, { draw: 4 })
  assert.deepEqual(ranges(again, core.key), [[0, BLOCKS, 'held']])
  await read(t, again, core)
})

test('a new copy of a longer hypercore serves the old one’s blocks until it has them, under the newer length', async (t) => {
  const { store, core } = await retired(t)
  await core.append(noiseBlocks(8, 700, 'd'))
  const part = await segmentOf(core, { draw: 2 })
  const ingest = await store.beginSegment(part.spec)
  await feed(ingest, core, part, 12)
  await ingest.finish({ end: 12, rest: await restNodes(core, 12, core.length) })
  const session = store.session(core.key)
  await session.ready()
  assert.equal(session.length, BLOCKS + 8)
  for (const index of [3, 12, 39])
    assert.deepEqual(await session.get(index, { wait: false }), await core.get(index))
  assert.equal(await session.has(BLOCKS), false)
  await session.close()
  await pin(store, core, { start: 12, end: BLOCKS + 8, draw: 3 })
  await read(t, store, core)
})

test('a lost copy of an older fork is served until the new one is there, and a segment that is on its way in is not begun anew', async (t) => {
  const { store, core } = await retired(t)
  await core.truncate(30)
  await core.append(noiseBlocks(4, 700, 'e'))
  const anew = await segmentOf(core, { draw: 2 })
  const ingest = await store.beginSegment(anew.spec)
  await feed(ingest, core, anew, 10)
  await assert.rejects(store.retire(core.key), { code: 'STORAGE_BUSY' })
  const session = store.session(core.key)
  await session.ready()
  assert.deepEqual([session.fork, session.length], [0, BLOCKS])
  await feed(ingest, core, anew)
  await ingest.finish()
  assert.deepEqual(ranges(store, core.key), [[0, 34, 'held']])
  await read(t, store, core)
})
