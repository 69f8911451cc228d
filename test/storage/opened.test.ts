import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { decodeChunk } from '../../src/chunk/codecs.js'
import { WRAP_HEADER_BYTES } from '../../src/chunk/wrap.js'
import { opened } from '../../src/lifecycle.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { NodeFile } from '../../src/storage/node-file.js'
import { OpenedBlocks } from '../../src/storage/opened-blocks.js'
import type { SlowDecode } from '../../src/storage/types.js'
import {
  authorCore,
  changeRow,
  connect,
  encodedBlocks,
  noiseBlocks,
  openStore,
  pin,
  segmentOf,
  stockStore,
  tempDir
} from './support.js'

/** Opens chunks as if that were slow, and notes which. */
function slowDecode(): SlowDecode & { calls: number[][] } {
  const calls: number[][] = []
  return {
    calls,
    is: () => true,
    open: (segment, chunks) => {
      calls.push(chunks.map(({ index }) => index))
      return Promise.resolve(
        chunks.map(({ index, bytes }) => {
          try {
            return Buffer.from(decodeChunk(segment, index, bytes))
          } catch (error) {
            return error as Error
          }
        })
      )
    }
  }
}

test('blocks that are slow to open are opened once for several readers, several at a time', async (t) => {
  const blocks = noiseBlocks(60, 500, 'slow')
  const author = await authorCore(t, blocks)
  const slow = slowDecode()
  const store = await openStore(t, undefined, { slow })
  await pin(store, author)
  store.session(author.key)
  for (let readers = 0; readers < 2; readers++) {
    const consumer = await stockStore(t)
    connect(t, store.corestore, consumer)
    const copy = consumer.get({ key: author.key })
    await copy.update({ wait: true })
    await copy.download({ start: 0, end: 60 }).done()
    for (const [i, block] of blocks.entries()) assert.deepEqual(await copy.get(i), block)
  }
  assert.deepEqual(
    slow.calls.flat().sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, i) => i)
  )
  assert.ok(slow.calls.length < 60)
  for (const { length } of slow.calls) assert.ok(length <= 16)
})

test('a damaged chunk that is slow to open is lost, and those opened with it are not', async (t) => {
  const blocks = noiseBlocks(8, 500, 'slow damage')
  const author = await authorCore(t, blocks)
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  await pin(first, author)
  await first.close()
  await changeRow(dir, author, 3, (row) => {
    row[row.byteLength - 1]! ^= 1
    return row
  })
  await changeRow(dir, author, 4, () => null)
  const store = await openStore(t, dir, { slow: slowDecode() })
  const lost: number[] = []
  const both = new Promise<void>((resolve) =>
    store.events.on('lost', (_key, index) => void (lost.push(index) === 2 && resolve()))
  )
  const session = store.session(author.key)
  const read = await Promise.all(
    blocks.map((_block, i) => session.get(i, { timeout: 500 }).catch(() => null))
  )
  await both
  assert.deepEqual(lost.sort(), [3, 4])
  assert.deepEqual(
    read,
    blocks.map((block, i) => (i === 3 || i === 4 ? null : block))
  )
})

test('opened blocks are kept in bounded memory, those used last', async () => {
  const opened = new OpenedBlocks(300)
  const block = (bytes: number) => Promise.resolve(Buffer.alloc(bytes))
  for (let i = 0; i < 3; i++) opened.put('a', i, block(100))
  await Promise.resolve()
  assert.equal(opened.bytes, 300)
  assert.ok(opened.get('a', 0))
  opened.put('b', 0, block(100))
  await Promise.resolve()
  assert.deepEqual(
    [0, 1, 2].map((i) => opened.has('a', i)),
    [true, false, true]
  )
  // What cannot be had is asked for again.
  opened.put('b', 1, Promise.resolve(null))
  const broken = Promise.reject(new Error('no'))
  opened.put('b', 2, broken)
  await broken.catch(() => {})
  await Promise.resolve()
  assert.ok(!opened.has('b', 1) && !opened.has('b', 2))
  opened.forget('a')
  assert.equal(opened.bytes, 100)
  opened.delete('b', 0)
  assert.equal(opened.bytes, 0)
})

test('a chunk is held against its leaf, and against the author’s where that leaf is damaged itself', async (t) => {
  const blocks = noiseBlocks(300, 100, 'leaves')
  const author = await authorCore(t, blocks)
  const dir = await tempDir(t)
  const first = await openStore(t, dir)
  const signed = await segmentOf(author)
  const ingest = await first.beginSegment(signed.spec)
  const encoded = await encodedBlocks(author, signed, 0, 300)
  const nodes = await opened(new NodeFile(ingest.nodeFile))
  const tree = new TreeBuilder((records) => nodes.append(records))
  for (const chunk of encoded) tree.appendLeaf(leafNode(chunk.encoded, WRAP_HEADER_BYTES))
  await nodes.flush()
  await nodes.close()
  await ingest.append(encoded)
  await ingest.finish()
  await first.close()
  for (const index of [7, 280]) {
    await changeRow(dir, author, index, (row) => {
      row[row.byteLength - 1]! ^= 1
      return row
    })
  }
  // The leaf of block 0 is the first record: its hash lies behind its size.
  const file = await readFile(ingest.nodeFile)
  file[20]! ^= 1
  await writeFile(ingest.nodeFile, file)

  const store = await openStore(t, dir)
  const lost: number[] = []
  store.events.on('lost', (_key, index) => lost.push(index))
  const session = store.session(author.key)
  for (const [i, block] of blocks.entries()) {
    if (i === 7 || i === 280) await assert.rejects(session.get(i, { timeout: 200 }))
    else assert.deepEqual(await session.get(i), block)
  }
  assert.deepEqual(lost, [7, 280])
})
