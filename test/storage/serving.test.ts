import assert from 'node:assert/strict'
import { test } from 'node:test'
import Hyperdrive from 'hyperdrive'
import type Hypercore from 'hypercore'
import { findSamples, samplesOf } from '../helpers/scan.js'
import { authorCore, connect, noise, noiseBlocks, openStore, pin, stockStore, tempDir } from './support.js'

test('a stock client downloads the original blocks from encoded chunks', async (t) => {
  const blocks = noiseBlocks(40, 3000, 'serve')
  const author = await authorCore(t, blocks)
  const store = await openStore(t)
  await pin(store, author)

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key })
  for (const [index, block] of blocks.entries()) assert.deepEqual(await copy.get(index), block)
})

test('a stock hyperdrive mirrors a whole drive from the store, byte for byte', async (t) => {
  const authorStore = await stockStore(t)
  const drive = new Hyperdrive(authorStore)
  await drive.ready()
  const files = new Map<string, Buffer>()
  for (let i = 0; i < 25; i++) files.set(`/folder ${i % 3}/file-${i}.bin`, noise(1 + i * 7919, `file${i}`))
  for (const [name, bytes] of files) await drive.put(name, bytes)
  const blobs = (await drive.getBlobs())!.core

  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, drive.core)
  await pin(store, blobs)

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = new Hyperdrive(consumer, drive.key)
  await copy.ready()
  await copy.update({ wait: true })
  const names: string[] = []
  for await (const entry of copy.list('/')) names.push(entry.key)
  assert.deepEqual(names.sort(), [...files.keys()].sort())
  for (const [name, bytes] of files) assert.deepEqual(await copy.get(name), bytes)

  await store.close()
  const plain = Buffer.concat([...files.values()])
  assert.deepEqual(await findSamples(dir, samplesOf(plain, 200)), [])
})

test('the scan for plain text finds it in a folder of a stock store', async (t) => {
  const store = await stockStore(t)
  const core = store.get({ name: 'plain' })
  const blocks = noiseBlocks(8, 5000, 'plain')
  await core.append(blocks)
  await core.append(noiseBlocks(1, 90, 'short'))
  await store.close()
  const { path } = (store as unknown as { storage: { path: string } }).storage
  const samples = samplesOf(Buffer.concat(blocks), 5).filter((s) => blocks.some((b) => b.includes(s)))
  const leaks = await findSamples(path, [...samples, ...samplesOf(noise(90, 'short/0'), 1)])
  assert.equal(new Set(leaks.map((leak) => leak.sample)).size, samples.length + 1)
})

test('what is held is served again after a reopen', async (t) => {
  const blocks = noiseBlocks(20, 500, 'reopen')
  const author = await authorCore(t, blocks)
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  await pin(first, author)
  await first.close()

  const store = await openStore(t, dir)
  assert.deepEqual(
    store.segments().map(({ state, start, end }) => ({ state, start, end })),
    [{ state: 'held', start: 0, end: 20 }]
  )
  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key })
  assert.deepEqual(await copy.get(19), blocks[19])
})

test('an encrypted hypercore is served as it is and read with its key', async (t) => {
  const encryptionKey = Buffer.alloc(32, 8)
  const texts = ['one', 'two', 'three'].map((text) => Buffer.from(text.repeat(40)))
  const author = await authorCore(t, texts, { encryptionKey })
  const store = await openStore(t)
  await pin(store, author)

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key, encryptionKey })
  for (const [index, text] of texts.entries()) assert.deepEqual(await copy.get(index), text)
})

test('a client seeks to a byte of the original', async (t) => {
  const author = await authorCore(t, noiseBlocks(30, 777, 'seek'))
  const store = await openStore(t)
  await pin(store, author)
  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key })
  await copy.update({ wait: true })
  assert.deepEqual(await copy.seek(777 * 21 + 5), [21, 5])
})

test('a client that tails the hypercore gets the blocks of the next segment', async (t) => {
  const first = noiseBlocks(10, 400, 'tail')
  const author = await authorCore(t, first)
  const store = await openStore(t)
  await pin(store, author)
  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy: Hypercore = consumer.get({ key: author.key })
  await copy.get(9)

  const more = noiseBlocks(7, 300, 'more')
  const next = copy.get(16)
  await author.append(more)
  await pin(store, author, { start: 10, draw: 1 })
  assert.deepEqual(await next, more[6])
  assert.deepEqual(await copy.get(3), first[3])
  assert.deepEqual(
    store.segments(author.key).map(({ start, end }) => [start, end]),
    [
      [0, 10],
      [10, 17]
    ]
  )
})
