import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restNodes } from '../../src/storage/original.js'
import { authorCore, feed, noiseBlocks, openStore, pin, segmentOf, tempDir } from './support.js'

test('a segment on its way in is cut back to any block, accepted there, and gone on with by another', async (t) => {
  const author = await authorCore(t, noiseBlocks(41, 120, 'cut'))
  for (const [start, position, end] of [
    [0, 33, 32],
    [0, 40, 1],
    [0, 17, 13],
    [10, 30, 23],
    [13, 41, 14]
  ] as const) {
    const dir = await tempDir(t)
    const store = await openStore(t, dir)
    if (start > 0) {
      const before = await segmentOf(author)
      const first = await store.beginSegment(before.spec)
      await feed(first, author, before, start)
      await first.finish({ end: start, rest: await restNodes(author, start, 41) })
    }
    const signed = await segmentOf(author, { start, draw: 1 })
    const began = await store.beginSegment(signed.spec)
    await feed(began, author, signed, end, 7)
    const bytes = began.bytes
    await began.keepNote(Buffer.from(`up to ${end}`))
    await feed(began, author, signed, position, 7)
    await store.close()

    const reopened = await openStore(t, dir)
    const ingest = await reopened.beginSegment(signed.spec)
    assert.equal(ingest.position, position)
    assert.deepEqual(await ingest.note(), Buffer.from(`up to ${end}`))
    await ingest.cutBack(end)
    assert.deepEqual([ingest.position, ingest.bytes], [end, bytes])
    assert.equal(await reopened.getEncoded(author.key, end), null)
    const rest = await restNodes(author, end, 41)
    await ingest.check(rest)
    await ingest.finish({ end, rest })
    await pin(reopened, author, { start: end, draw: 2 })
    const session = reopened.session(author.key)
    for (let index = 0; index < 41; index++) {
      assert.deepEqual(await session.get(index), await author.get(index))
    }
  }
})

test('a segment that was cut back takes the blocks again, and keeps nothing of those that went', async (t) => {
  const author = await authorCore(t, noiseBlocks(20, 120, 'again'))
  const signed = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(signed.spec)
  // Wrong blocks behind block 8, in batches that straddle it.
  await feed(ingest, author, signed, 8, 5)
  await ingest.append([{ index: 8, encoded: Buffer.from([1]), plain: Buffer.from('not the author’s') }])
  await assert.rejects(ingest.cutBack(10), { code: 'STORAGE_INCOMPLETE' })
  await ingest.cutBack(6)
  await feed(ingest, author, signed)
  await ingest.finish()
  assert.deepEqual(await store.session(author.key).get(8), await author.get(8))

  const other = await authorCore(t, noiseBlocks(4, 120, 'none'))
  const whole = await segmentOf(other)
  const all = await store.beginSegment(whole.spec)
  await feed(all, other, whole, 3)
  await all.cutBack(0)
  assert.deepEqual([all.position, all.bytes, await all.note()], [0, 0, null])
  await feed(all, other, whole)
  await all.finish()
})

test('the start of a segment is checked against the author’s signature over all of it', async (t) => {
  const author = await authorCore(t, noiseBlocks(10, 150, 'prefix'))
  const signed = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, author, signed, 6)
  const rest = await restNodes(author, 6, 10)
  await assert.rejects(ingest.check(), { code: 'STORAGE_INCOMPLETE' })
  const wrong = rest.map((node) => ({ ...node, hash: Buffer.alloc(32, 1) }))
  await assert.rejects(ingest.check(wrong), { code: 'STORAGE_TREE_MISMATCH' })
  await ingest.check(rest)
  await feed(ingest, author, signed)
  await ingest.check()
  await ingest.finish()
})
