import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Hyperdrive from 'hyperdrive'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { readOriginal } from '../../src/storage/original.js'
import type { PinnerStore } from '../../src/storage/pinner-store.js'
import {
  connect,
  feed,
  noise,
  noiseBlocks,
  openStore,
  pin,
  segmentOf,
  stockStore,
  tempDir
} from './support.js'

/** A stock reader that holds all of a hypercore, as it is now. */
async function readerOf(t: TestContext, core: Hypercore, from: Corestore): Promise<Corestore> {
  const reader = await stockStore(t)
  const { streams } = connect(t, from, reader)
  const copy = reader.get({ key: core.key })
  await copy.ready()
  await copy.update({ wait: true })
  for (let i = 0; i < core.length; i++) await copy.get(i)
  for (const stream of streams) stream.destroy()
  return reader
}

/** Lets two stores tell each other all that they have. */
async function meet(t: TestContext, a: Corestore, b: Corestore, key: Buffer): Promise<void> {
  const { streams } = connect(t, a, b)
  const session = b.get({ key })
  await session.ready()
  // What is asked for last is answered after everything before it.
  for (let n = 0; n < 3; n++) await session.get(n)
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const stream of streams) stream.destroy()
}

test('a reader that knows a longer hypercore than is pinned takes nothing from those who come after it', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  const blocks = noiseBlocks(20, 500, 'pinned')
  await author.append(blocks)
  const store = await openStore(t)
  await pin(store, author)

  await author.append(noiseBlocks(10, 500, 'newer'))
  const knowing = await readerOf(t, author, authorStore)
  await meet(t, store.corestore, knowing, author.key)
  await meet(t, knowing, store.corestore, author.key)
  const held = store.corestore.get({ key: author.key })
  await held.ready()
  assert.equal(held.length, 20, 'the pinner says no more than it can serve')
  await held.close()

  const late = await stockStore(t)
  connect(t, store.corestore, late)
  const copy = late.get({ key: author.key })
  await copy.update({ wait: true })
  assert.equal(copy.length, 20)
  for (const [index, block] of blocks.entries()) assert.deepEqual(await copy.get(index), block)
})

test('a drive whose author wrote on is listed and read as it was pinned', async (t) => {
  const authorStore = await stockStore(t)
  const drive = new Hyperdrive(authorStore)
  await drive.ready()
  const file = (i: number): Buffer => noise(700 + i, `file ${i}`)
  const name = (i: number): string => `/file-${String(i).padStart(3, '0')}`
  for (let i = 0; i < 20; i++) await drive.put(name(i), file(i))
  const blobs = (await drive.getBlobs())!.core
  const store = await openStore(t)
  for (const core of [drive.core, blobs]) await pin(store, core)
  for (let i = 20; i < 30; i++) await drive.put(name(i), file(i))
  for (const core of [drive.core, blobs]) {
    const knowing = await readerOf(t, core, authorStore)
    await meet(t, store.corestore, knowing, core.key)
    await meet(t, knowing, store.corestore, core.key)
  }

  const late = await stockStore(t)
  connect(t, store.corestore, late)
  const copy = new Hyperdrive(late, drive.key)
  await copy.ready()
  await copy.update({ wait: true })
  const found: string[] = []
  for await (const entry of copy.list('/')) found.push(entry.key)
  assert.deepEqual(
    found.sort(),
    Array.from({ length: 20 }, (_, i) => name(i))
  )
  for (let i = 0; i < 20; i++) assert.deepEqual(await copy.get(name(i)), file(i))
})

/** Has a store fetch what an author appended beyond its segments, and serve it; returns whether it does. */
async function catchUp(
  t: TestContext,
  store: PinnerStore,
  author: Hypercore,
  from: Corestore
): Promise<boolean> {
  const session = store.tailStore.get({ key: author.key })
  await session.ready()
  const { streams } = connect(t, from, store.tailStore)
  while (session.length < author.length || session.fork < author.fork) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const original = await readOriginal(session)
  const start = await store.tailStart(author.key, original)
  if (start !== null) await session.download({ start, end: original.length }).done()
  for (const stream of streams) stream.destroy()
  const held = await store.holdTail(author.key, original)
  await session.close()
  return held
}

/** All blocks of a hypercore as a reader gets them that knows nobody but this store. */
async function allBlocks(t: TestContext, store: PinnerStore, key: Buffer): Promise<Buffer[]> {
  const late = await stockStore(t)
  const { streams } = connect(t, store.corestore, late)
  const copy = late.get({ key })
  await copy.update({ wait: true })
  const blocks: Buffer[] = []
  for (let i = 0; i < copy.length; i++) blocks.push((await copy.get(i, { timeout: 10_000 }))!)
  for (const stream of streams) stream.destroy()
  return blocks
}

test('what an author appends is held plainly beyond the segments and served, also after a restart', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  const blocks = noiseBlocks(21, 500, 'pinned')
  await author.append(blocks)
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, author)
  assert.deepEqual(await store.tails(), [])

  const newer = [...noiseBlocks(10, 500, 'newer'), Buffer.alloc(0)]
  await author.append(newer)
  assert.equal(await catchUp(t, store, author, authorStore), true)
  assert.deepEqual(await store.tails(), [{ key: author.key, start: 21, end: 32, bytes: 5_000 }])
  assert.deepEqual(await allBlocks(t, store, author.key), [...blocks, ...newer])

  await store.close()
  const again = await openStore(t, dir)
  assert.deepEqual(await again.tails(), [{ key: author.key, start: 21, end: 32, bytes: 5_000 }])
  assert.deepEqual(await allBlocks(t, again, author.key), [...blocks, ...newer])
})

test('a live tail goes on from a pinner alone', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  await author.append(noiseBlocks(5, 500, 'pinned'))
  const store = await openStore(t)
  await pin(store, author)
  const reader = await stockStore(t)
  connect(t, store.corestore, reader)
  const copy = reader.get({ key: author.key })
  await copy.update({ wait: true })
  const live = copy.createReadStream({ start: copy.length, live: true })
  const seen: string[] = []
  const three = new Promise<void>((resolve) => {
    const reading = (async () => {
      for await (const block of live) if (seen.push(block.toString()) === 3) resolve()
    })()
    // It ends with its hypercore.
    reading.catch(() => {})
  })
  for (const entry of ['one', 'two', 'three']) {
    await author.append(Buffer.from(entry))
    assert.equal(await catchUp(t, store, author, authorStore), true)
  }
  await three
  assert.deepEqual(seen, ['one', 'two', 'three'])
})

test('a reader that took a longer tree from the author reads on from the pinner when the author has left', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  const blocks = noiseBlocks(21, 500, 'pinned')
  await author.append(blocks)
  const store = await openStore(t)
  await pin(store, author)
  const newer = noiseBlocks(10, 500, 'newer')
  await author.append(newer)
  assert.equal(await catchUp(t, store, author, authorStore), true)

  const reader = await stockStore(t)
  const { streams } = connect(t, authorStore, reader)
  const copy = reader.get({ key: author.key })
  await copy.update({ wait: true })
  assert.equal(copy.length, 31)
  for (const stream of streams) stream.destroy()
  connect(t, store.corestore, reader)
  for (const [index, block] of [...blocks, ...newer].entries()) {
    assert.deepEqual(await copy.get(index, { timeout: 10_000 }), block)
  }
})

test('a segment takes the place of what was held plainly, and the rest of it stays', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  const blocks = noiseBlocks(31, 500, 'all')
  await author.append(blocks.slice(0, 5))
  const store = await openStore(t)
  await pin(store, author)
  await author.append(blocks.slice(5, 20))
  const { spec, secret } = await segmentOf(author, { start: 5, draw: 1 })
  await author.append(blocks.slice(20))
  assert.equal(await catchUp(t, store, author, authorStore), true)

  const ingest = await store.beginSegment(spec)
  await feed(ingest, author, { spec, secret }, 12)
  assert.deepEqual(await allBlocks(t, store, author.key), blocks, 'while the segment comes in')
  await feed(ingest, author, { spec, secret })
  await ingest.finish()
  await store.trimTail(author.key)
  assert.deepEqual(await store.tails(), [{ key: author.key, start: 20, end: 31, bytes: 5_500 }])
  const plain = store.tailStore.get({ key: author.key })
  await plain.ready()
  assert.equal(await plain.has(19), false, 'no block is held twice')
  await plain.close()
  assert.deepEqual(await allBlocks(t, store, author.key), blocks)
})

test('of an author that cut its hypercore off and wrote on, nothing is mixed with what is held', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  const blocks = noiseBlocks(20, 500, 'pinned')
  await author.append(blocks)
  const store = await openStore(t)
  await pin(store, author)
  await author.truncate(15)
  await author.append(noiseBlocks(10, 500, 'of another fork'))
  assert.equal(await catchUp(t, store, author, authorStore), false)
  assert.deepEqual(await allBlocks(t, store, author.key), blocks)
})

test('no more is held plainly than a store has room for', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  await author.append(noiseBlocks(5, 500, 'pinned'))
  const store = await openStore(t, undefined, { tailBytes: 4_000 })
  await pin(store, author)
  await author.append(noiseBlocks(8, 500, 'fits'))
  assert.equal(await catchUp(t, store, author, authorStore), true)
  await author.append(noiseBlocks(1, 500, 'does not'))
  assert.equal(await catchUp(t, store, author, authorStore), false)
  assert.equal((await allBlocks(t, store, author.key)).length, 13)
})

test('a hypercore that is deleted leaves nothing of its plain tail', async (t) => {
  const authorStore = await stockStore(t)
  const author = authorStore.get({ name: 'log' })
  await author.append(noiseBlocks(5, 500, 'pinned'))
  const store = await openStore(t)
  await pin(store, author)
  await author.append(noiseBlocks(5, 500, 'tail'))
  assert.equal(await catchUp(t, store, author, authorStore), true)
  await store.remove(author.key)
  const plain = store.tailStore.get({ key: author.key })
  await plain.ready()
  assert.equal(plain.length, 0)
  await plain.close()
  await pin(store, author)
  assert.deepEqual(await store.tails(), [])
})
