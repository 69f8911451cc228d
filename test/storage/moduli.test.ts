import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorCore, feed, noiseBlocks, openStore, pin, segmentOf, tempDir } from './support.js'

test('the proof about a modulus, and how far it was searched, stay with the segment over a restart and go with it', async (t) => {
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  const [one, two] = [
    await authorCore(t, noiseBlocks(3, 700, 'a')),
    await authorCore(t, noiseBlocks(3, 700, 'b'))
  ]
  const pending = await segmentOf(one, { draw: 1 })
  const ingest = await first.beginSegment(pending.spec)
  const { id } = pending.spec.segment
  await first.keepPrimeProof(id, Buffer.from('proof'))
  await first.keepPrimeProof(id, Buffer.from('another'))
  // What is not held yet may be refused.
  assert.equal(first.leastSearched(10), null)
  await feed(ingest, one, pending)
  await ingest.finish()
  const held = await pin(first, two, { draw: 2 })
  const other = held.spec.segment.id
  await first.keepPrimeProof(other, Buffer.from('third'))
  assert.equal(first.leastSearched(10)!.searched, 0)
  await first.setSearched(id, 2)
  await first.setSearched(other, 1)
  await first.close()

  const store = await openStore(t, dir)
  assert.equal(store.primeProof(id)!.toString(), 'another')
  const { key, publicKey, searched, id: least } = store.leastSearched(10)!
  assert.deepEqual([key, publicKey, searched, least], [two.key, held.spec.segment.publicKey, 1, other])
  await store.setSearched(other, 10)
  assert.deepEqual(store.leastSearched(10)!.id, id)
  await store.remove(one.key)
  assert.equal(store.primeProof(id), null)
  assert.equal(store.leastSearched(10), null)
  // Of a segment that is gone nothing is remembered.
  await store.setSearched(id, 5)
  assert.equal(store.primeProof(id), null)
})
