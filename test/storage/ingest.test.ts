import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type Hypercore from 'hypercore'
import { restNodes } from '../../src/storage/original.js'
import { originalLeaf } from '../../src/protocol/original-tree.js'
import { findSamples } from '../helpers/scan.js'
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

test('half a segment survives a reopen and goes on where it was', async (t) => {
  const author = await authorCore(t, noiseBlocks(50, 200, 'resume'))
  const signed = await segmentOf(author)
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  await feed(await first.beginSegment(signed.spec), author, signed, 33, 7)
  await first.close()

  const store = await openStore(t, dir)
  assert.equal(store.segments(author.key)[0]!.state, 'pending')
  const ingest = await store.beginSegment(signed.spec)
  assert.equal(ingest.position, 33)
  assert.equal(ingest.bytes, store.usedBytes)
  await feed(ingest, author, signed)
  await ingest.finish()
  assert.deepEqual(await store.session(author.key).get(49), await author.get(49))
})

test('a hypercore is not served before its segment is finished', async (t) => {
  const author = await authorCore(t, noiseBlocks(9, 100, 'early'))
  const signed = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, author, signed)
  assert.throws(() => store.session(author.key), { code: 'STORAGE_NOT_HELD' })
  await assert.rejects(store.corestore.get({ key: author.key }).ready(), { code: 'STORAGE_NOT_HELD' })

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key })
  const waiting = copy.get(8)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(copy.peers.length, 0)
  await ingest.finish()
  const session = store.session(author.key)
  await session.ready()
  assert.deepEqual(await waiting, await author.get(8))
})

test('blocks that are not the original are refused and leave nothing', async (t) => {
  const author = await authorCore(t, noiseBlocks(12, 300, 'true'))
  const other = await authorCore(t, noiseBlocks(12, 300, 'false'))
  const signed = await segmentOf(author)
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, other, signed)
  const stored = (await store.getEncoded(author.key, 5))!.subarray(200, 232)
  await assert.rejects(ingest.finish(), { code: 'STORAGE_TREE_MISMATCH' })
  assert.deepEqual(store.segments(), [])
  assert.equal(store.usedBytes, 0)
  assert.throws(() => store.session(author.key), { code: 'STORAGE_NOT_HELD' })
  await assert.rejects(store.getEncoded(author.key, 5), { code: 'STORAGE_NOT_HELD' })
  await assert.rejects(ingest.append([]), { code: 'STORAGE_INGEST_OVER' })

  // The same hypercore can still come from an honest signer.
  await pin(store, author)
  assert.deepEqual(await store.session(author.key).get(5), await author.get(5))
  await store.close()
  const reopened = await openStore(t, dir)
  assert.equal(reopened.segments().length, 1)
  assert.notDeepEqual((await reopened.getEncoded(author.key, 5))!.subarray(200, 232), stored)
})

test("a signature that is not the author's is refused and leaves nothing", async (t) => {
  const author = await authorCore(t, noiseBlocks(6, 300, 'signed'))
  const { spec, secret } = await segmentOf(author)
  const signature = Buffer.from(spec.signature!)
  signature[signature.byteLength - 1]! ^= 1
  const forged = { spec: { ...spec, signature }, secret }
  const store = await openStore(t)
  const ingest = await store.beginSegment(forged.spec)
  await feed(ingest, author, forged)
  await assert.rejects(ingest.finish(), { code: 'STORAGE_SIGNATURE' })
  assert.deepEqual(store.segments(), [])

  const none = { spec: { ...spec, signature: null }, secret }
  const unsigned = await store.beginSegment(none.spec)
  await feed(unsigned, author, none)
  await assert.rejects(unsigned.finish(), { code: 'STORAGE_SIGNATURE' })
  assert.deepEqual(store.segments(), [])
})

test('an aborted segment leaves no chunk behind', async (t) => {
  const author = await authorCore(t, noiseBlocks(20, 6000, 'abort'))
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, author)
  await author.append(noiseBlocks(20, 6000, 'later'))
  const signed = await segmentOf(author, { start: 20, draw: 1 })
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, author, signed, 35)
  const kept = (await store.getEncoded(author.key, 7))!
  const gone = (await store.getEncoded(author.key, 30))!
  await ingest.abort()
  assert.equal(await store.getEncoded(author.key, 30), null)
  assert.deepEqual(await store.getEncoded(author.key, 7), kept)
  assert.equal(store.segments().length, 1)
  assert.deepEqual(await store.session(author.key).get(7), await author.get(7))
  assert.equal(gone.byteLength, kept.byteLength)
})

test('a removed hypercore is gone from the disk, and its sessions are closed', async (t) => {
  const author = await authorCore(t, noiseBlocks(16, 9000, 'remove'))
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, author)
  const chunk = (await store.getEncoded(author.key, 3))!
  const session = store.session(author.key)
  await session.ready()
  await store.remove(author.key)
  assert.equal(session.closed, true)
  assert.equal(store.usedBytes, 0)
  assert.throws(() => store.session(author.key), { code: 'STORAGE_NOT_HELD' })
  await pin(store, author, { draw: 1 })
  assert.deepEqual(await store.session(author.key).get(3), await author.get(3))
  await store.close()
  const reopened = await openStore(t, dir)
  assert.equal(reopened.segments().length, 1)
  assert.notDeepEqual(await reopened.getEncoded(author.key, 3), chunk)
})

test('a hypercore that has other segments by now than those that were meant is not removed', async (t) => {
  const author = await authorCore(t, noiseBlocks(16, 9000, 'meant'))
  const store = await openStore(t, await tempDir(t))
  await pin(store, author)
  const [before] = store.segments(author.key)
  assert.ok(await store.remove(author.key, [before!.segment.id]))
  await pin(store, author, { draw: 1 })
  assert.equal(await store.remove(author.key, [before!.segment.id]), false)
  assert.deepEqual(await store.session(author.key).get(3), await author.get(3))
})

test('of two calls that remove a hypercore at a time, one does', async (t) => {
  const author = await authorCore(t, noiseBlocks(16, 9000, 'twice'))
  const store = await openStore(t, await tempDir(t))
  await pin(store, author)
  assert.deepEqual(await Promise.all([store.remove(author.key), store.remove(author.key)]), [true, false])
  assert.deepEqual(store.segments(), [])
})

test('a segment that ends early is finished with the nodes of the rest, and another signer goes on', async (t) => {
  for (const [length, end] of [
    [23, 9],
    [16, 15],
    [9, 8],
    [33, 1]
  ] as const) {
    const author = await authorCore(t, noiseBlocks(length, 150, `early${length}`))
    const signed = await segmentOf(author)
    const store = await openStore(t)
    const ingest = await store.beginSegment(signed.spec)
    await feed(ingest, author, signed, end)
    await assert.rejects(ingest.finish(), { code: 'STORAGE_INCOMPLETE' })
    await assert.rejects(ingest.finish({ end }), { code: 'STORAGE_INCOMPLETE' })
    await ingest.finish({ end, rest: await restNodes(author, end, length) })
    const session = store.session(author.key)
    assert.deepEqual(await session.get(end - 1), await author.get(end - 1))
    assert.equal(session.length, length)
    assert.equal(await session.has(end), false)
    await pin(store, author, { start: end, draw: 1 })
    assert.deepEqual(await session.get(length - 1), await author.get(length - 1))
  }
})

test('wrong nodes for the rest are refused', async (t) => {
  const author = await authorCore(t, noiseBlocks(10, 150, 'rest'))
  const signed = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, author, signed, 6)
  const rest = await restNodes(author, 6, 10)
  const wrong = rest.map((node) => ({ ...node, size: node.size + 1 }))
  await assert.rejects(ingest.finish({ end: 6, rest: wrong }), { code: 'STORAGE_TREE_MISMATCH' })
  assert.deepEqual(store.segments(), [])
})

test('leaves hashed elsewhere give the same tree as plain blocks', async (t) => {
  const author = await authorCore(t, noiseBlocks(11, 150, 'leaves'))
  const signed = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(signed.spec)
  for (const block of await encodedBlocks(author, signed, 0, 11)) {
    assert.ok('plain' in block)
    const { index, encoded, plain } = block
    await ingest.append([{ index, encoded, plainBytes: plain.byteLength, leaf: originalLeaf(plain) }])
  }
  await ingest.finish()
  assert.deepEqual(await store.session(author.key).get(10), await author.get(10))
})

test('a segment that the author extended over the wire meanwhile is put in place all the same', async (t) => {
  const author = await authorCore(t, noiseBlocks(10, 120, 'wire'))
  const store = await openStore(t)
  await pin(store, author)
  const session = store.session(author.key)
  await session.ready()

  await author.append(noiseBlocks(6, 120, 'wire2'))
  const second = await segmentOf(author, { start: 10, draw: 1 })
  await author.append(noiseBlocks(5, 120, 'wire3'))
  const authorStore = await stockStore(t)
  const relay = authorStore.get({ key: author.key })
  await relay.ready()
  replicateCores(author, relay)
  await relay.download({ start: 0, end: 21 }).done()
  connect(t, authorStore, store.corestore)
  while (session.length < 21) await session.update({ wait: true })

  const ingest = await store.beginSegment(second.spec)
  await feed(ingest, author, second)
  await ingest.finish()
  assert.equal(session.length, 21)
  assert.equal(await session.has(0, 16), true)
  assert.equal(await session.has(16), false)
  assert.deepEqual(await session.get(15), await author.get(15))
  await pin(store, author, { start: 16, draw: 2 })
  assert.equal(await session.has(0, 21), true)

  const consumer = await stockStore(t)
  connect(t, store.corestore, consumer)
  const copy = consumer.get({ key: author.key })
  for (let index = 0; index < 21; index++) assert.deepEqual(await copy.get(index), await author.get(index))
})

function replicateCores(a: Hypercore, b: Hypercore): void {
  const left = a.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(b.replicate(false)).pipe(left)
}

test('what does not fit what is held is refused before anything is written', async (t) => {
  const author = await authorCore(t, noiseBlocks(10, 100, 'gap'))
  const store = await openStore(t)
  const { spec } = await segmentOf(author)
  const late = (await segmentOf(author, { start: 3 })).spec
  await assert.rejects(store.beginSegment(late), { code: 'STORAGE_NOT_HELD' })
  await assert.rejects(store.beginSegment({ ...spec, end: 11 }), { code: 'STORAGE_SPEC' })
  await assert.rejects(store.beginSegment({ ...spec, start: 0.5 }), { code: 'STORAGE_SPEC' })
  await assert.rejects(store.beginSegment({ ...spec, treeHash: Buffer.alloc(31) }), { code: 'STORAGE_SPEC' })
  await assert.rejects(store.beginSegment({ ...spec, key: Buffer.alloc(32) }), { code: 'STORAGE_MANIFEST' })
  const broken = { ...spec.manifest, signers: [] }
  await assert.rejects(store.beginSegment({ ...spec, manifest: broken }), { code: 'STORAGE_MANIFEST' })
  assert.deepEqual(store.segments(), [])

  await pin(store, author)
  await assert.rejects(store.beginSegment(spec), { code: 'STORAGE_HELD' })
  await assert.rejects(store.beginSegment(late), { code: 'STORAGE_GAP' })
  await author.append(noiseBlocks(5, 100, 'more'))
  const next = await segmentOf(author, { start: 10, draw: 1 })
  const ingest = await store.beginSegment(next.spec)
  await assert.rejects(store.beginSegment(next.spec), { code: 'STORAGE_BUSY' })
  await ingest.suspend()
  const rival = await segmentOf(author, { start: 10, draw: 2 })
  await assert.rejects(store.beginSegment(rival.spec), { code: 'STORAGE_BUSY' })
  const blocks = await encodedBlocks(author, next, 10, 15)
  const again = await store.beginSegment(next.spec)
  await assert.rejects(again.append(blocks.slice(1)), { code: 'STORAGE_ORDER' })
  await assert.rejects(again.append([...blocks, blocks[4]!]), { code: 'STORAGE_ORDER' })
  assert.equal(again.position, 10)
  await again.append(blocks)
  await again.finish()
})

test('a store takes no more bytes than its capacity, and says what to do', async (t) => {
  const author = await authorCore(t, noiseBlocks(10, 1000, 'quota'))
  const signed = await segmentOf(author)
  const store = await openStore(t, undefined, { capacityBytes: 5000 })
  const ingest = await store.beginSegment(signed.spec)
  await ingest.append(await encodedBlocks(author, signed, 0, 4))
  await assert.rejects(ingest.append(await encodedBlocks(author, signed, 4, 5)), {
    code: 'STORAGE_QUOTA',
    message: /raise its capacity or remove/
  })
  assert.equal(ingest.position, 4)
  assert.equal(await store.getEncoded(author.key, 4), null)
  await ingest.abort()
  assert.equal(store.freeBytes, 5000)
})

test('a store leaves the disk its reserve, and takes nothing half', async (t) => {
  const author = await authorCore(t, noiseBlocks(4, 1000, 'disk'))
  const signed = await segmentOf(author)
  const dir = await tempDir(t)
  const full = await openStore(t, dir, { minFreeBytes: Number.MAX_SAFE_INTEGER })
  const ingest = await full.beginSegment(signed.spec)
  await assert.rejects(ingest.append(await encodedBlocks(author, signed, 0, 4)), {
    code: 'STORAGE_DISK_FULL',
    message: /free some space, then start again/
  })
  assert.equal(ingest.position, 0)
  assert.equal(await full.getEncoded(author.key, 0), null)
  await full.close()

  const roomy = await openStore(t, dir)
  const again = await roomy.beginSegment(signed.spec)
  await feed(again, author, signed)
  await again.finish()
  assert.deepEqual(await roomy.session(author.key).get(3), await author.get(3))
})

test('what an ingest keeps in memory does not grow with the number of blocks', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const author = await authorCore(t, noiseBlocks(1, 50, 'memory'))
  const signed = await segmentOf(author)
  const spec = { ...signed.spec, length: 60_000, end: 60_000 }
  const store = await openStore(t)
  const ingest = await store.beginSegment(spec)
  const encoded = Buffer.alloc(64, 1)
  const leaf = Buffer.alloc(32, 2)
  const heldBytes: number[] = []
  while (ingest.position < spec.end) {
    const first = ingest.position
    await ingest.append(
      Array.from({ length: 500 }, (_, i) => ({ index: first + i, encoded, plainBytes: 50, leaf }))
    )
    if (ingest.position % 20_000 !== 0) continue
    collect()
    const { heapUsed, external } = process.memoryUsage()
    heldBytes.push(heapUsed + external)
  }
  // A node of the original's tree alone takes more than 100 bytes: 40,000 blocks would show as 8 MB.
  assert.ok(heldBytes[2]! - heldBytes[0]! < 2_000_000, heldBytes.join())
  await assert.rejects(ingest.finish(), { code: 'STORAGE_TREE_MISMATCH' })
})

test('random data in a segment that was never finished is not on disk as plain text', async (t) => {
  const blocks = noiseBlocks(12, 5000, 'pending')
  const author = await authorCore(t, blocks)
  const signed = await segmentOf(author)
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await feed(await store.beginSegment(signed.spec), author, signed)
  await store.close()
  assert.deepEqual(
    await findSamples(
      dir,
      blocks.map((block) => block.subarray(100, 132))
    ),
    []
  )
})
