import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Hyperdrive from 'hyperdrive'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { connect, noise, noiseBlocks, openStore, pin, stockStore } from './support.js'

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
