import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type Hypercore from 'hypercore'
import { findSamples } from '../helpers/scan.js'
import { EngineError } from '../../src/errors.js'
import { readChunk } from '../../src/storage/read-chunk.js'
import {
  authorCore,
  changeRow,
  connect,
  noiseBlocks,
  openStore,
  pin,
  stockStore,
  tempDir
} from './support.js'

function flipped(row: Buffer, at: number): Buffer {
  row[at]! ^= 1
  return row
}

/**
 * A stock reader (before hypercore 11.39) keeps a request that timed out in its peer's queue; the next time that it
 * looks for work it may stop at this stale entry, and what was asked for later waits until it is asked again.
 */
async function fetch(core: Hypercore, index: number): Promise<Buffer | null> {
  for (;;) {
    try {
      return await core.get(index, { timeout: 200 })
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'REQUEST_TIMEOUT') throw error
    }
  }
}

for (const [what, change] of [
  ['with a flipped byte in its header', (row: Buffer) => flipped(row, 0)],
  ['with a flipped byte in its key', (row: Buffer) => flipped(row, 45)],
  ['with a flipped byte in its body', (row: Buffer) => flipped(row, row.byteLength - 1)],
  ['that was cut short', (row: Buffer) => row.subarray(0, row.byteLength - 1)],
  ['that is missing', () => null]
] as const) {
  test(`a chunk ${what} is not served, its bit is cleared, and another seeder serves the block`, async (t) => {
    const blocks = noiseBlocks(12, 600, 'damage')
    const author = await authorCore(t, blocks)
    const dir = await tempDir(t)
    const first = await openStore(t, dir)
    await pin(first, author)
    await first.close()
    await changeRow(dir, author, 5, change)

    const store = await openStore(t, dir)
    const lost: [Buffer, number][] = []
    store.events.on('lost', (key, index) => lost.push([key, index]))
    const reported = once(store.events, 'lost')
    const session = store.session(author.key)
    const consumer = await stockStore(t)
    const { streams } = connect(t, store.corestore, consumer)
    const copy = consumer.get({ key: author.key })
    assert.deepEqual(await copy.get(4), blocks[4])
    await assert.rejects(copy.get(5, { timeout: 200 }), { code: 'REQUEST_TIMEOUT' })
    await reported
    assert.equal(await session.has(5), false)
    // A peer that was told of all blocks at once must not forget those behind the lost one.
    for (let index = 6; index < 12; index++) assert.deepEqual(await fetch(copy, index), blocks[index])
    assert.ok(streams.every((stream) => !stream.noiseStream.destroyed))
    await assert.rejects(store.originalProof(author.key, 5), { code: 'STORAGE_BLOCK_LOST' })

    const other = await openStore(t)
    await pin(other, author, { draw: 1 })
    other.session(author.key)
    connect(t, other.corestore, consumer)
    assert.deepEqual(await fetch(copy, 5), blocks[5])
    assert.deepEqual(lost, [[author.key, 5]])
  })
}

test('a lost block stays lost after a reopen, and the rest is served', async (t) => {
  const author = await authorCore(t, noiseBlocks(8, 300, 'again'))
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  await pin(first, author)
  await first.lost(author.key, 2)
  assert.notEqual(await first.getEncoded(author.key, 2), null)
  await first.close()
  const store = await openStore(t, dir)
  const session = store.session(author.key)
  await session.ready()
  assert.equal(await session.has(2), false)
  assert.equal(session.contiguousLength, 2)
  assert.deepEqual(await session.get(7), await author.get(7))
})

test('a block that cannot be decoded this time is kept', async (t) => {
  const author = await authorCore(t, noiseBlocks(4, 300, 'fault'))
  let broken = true
  const store = await openStore(t, undefined, {
    decode: (...chunk) => {
      if (broken) throw new EngineError('ENGINE_CLOSED', 'no worker')
      return readChunk(...chunk)
    }
  })
  await pin(store, author)
  const session = store.session(author.key)
  const fault = once(store.events, 'fault')
  assert.equal(await session.get(1, { wait: false }), null)
  assert.equal((await fault)[1], 1)
  broken = false
  assert.equal(await session.has(1), true)
  assert.deepEqual(await session.get(1), await author.get(1))
})

test('a block that hypercore itself downloads reaches the reader but not the disk', async (t) => {
  const blocks = noiseBlocks(6, 5000, 'download')
  const author = await authorCore(t, blocks)
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, author)
  const more = noiseBlocks(3, 5000, 'unpinned')
  await author.append(more)

  const relay = await stockStore(t)
  const copy = relay.get({ key: author.key })
  await copy.ready()
  const left = author.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(copy.replicate(false)).pipe(left)
  await copy.download({ start: 0, end: 9 }).done()
  connect(t, relay, store.corestore)
  const session = store.session(author.key)
  assert.deepEqual(await session.get(7), more[1])
  while (await session.has(7)) await sleep(1)
  assert.equal(await session.has(0, 6), true)
  await store.close()
  const samples = [...blocks, ...more].map((block) => block.subarray(1000, 1032))
  assert.deepEqual(await findSamples(dir, samples), [])
})

test('an author who truncates does not make the store delete what it holds', async (t) => {
  const blocks = noiseBlocks(10, 300, 'fork')
  const author = await authorCore(t, blocks)
  const store = await openStore(t)
  await pin(store, author)
  const session = store.session(author.key)
  await session.ready()
  await author.truncate(4)
  await author.append(noiseBlocks(9, 300, 'other history'))
  const left = author.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(store.corestore.replicate(false)).pipe(left)
  const forkOf = () => (session.peers[0] as unknown as { remoteFork: number } | undefined)?.remoteFork
  while (forkOf() !== 1) await sleep(1)
  await sleep(50)
  assert.equal(session.fork, 0)
  assert.equal(await session.has(0, 10), true)
  assert.deepEqual(await session.get(9), blocks[9])
})
