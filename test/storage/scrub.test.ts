import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type Hypercore from 'hypercore'
import { WRAP_HEADER_BYTES } from '../../src/chunk/wrap.js'
import { opened } from '../../src/lifecycle.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { NodeFile } from '../../src/storage/node-file.js'
import type { PinnerStore } from '../../src/storage/pinner-store.js'
import { callProgram } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { authorCore, changeRow, encodedBlocks, noiseBlocks, openStore, segmentOf } from './support.js'

const BLOCKS = 12

function flipped(row: Buffer): Buffer {
  row[row.byteLength - 1]! ^= 1
  return row
}

/** Has a store hold a hypercore with the tree that its chunks are proven by; returns where that is. */
async function hold(store: PinnerStore, author: Hypercore): Promise<string> {
  const signed = await segmentOf(author)
  const ingest = await store.beginSegment(signed.spec)
  const encoded = await encodedBlocks(author, signed, 0, BLOCKS)
  const nodes = await opened(new NodeFile(ingest.nodeFile))
  const tree = new TreeBuilder((records) => nodes.append(records))
  for (const chunk of encoded) tree.appendLeaf(leafNode(chunk.encoded, WRAP_HEADER_BYTES))
  await nodes.flush()
  await nodes.close()
  // One at a time, so that RocksDB has reason to write tables.
  for (const block of encoded) await ingest.append([block])
  await ingest.finish()
  return ingest.nodeFile
}

test('reading all that is held finds a flipped byte and a missing chunk, clears their bits, and rests after each chunk', async (t) => {
  const author = await authorCore(t, noiseBlocks(BLOCKS, 600, 'scrub'))
  const dir = temporaryFolder(t)
  const first = await openStore(t, dir)
  await hold(first, author)
  let rests = 0
  const rest = (bytes: number): Promise<void> => {
    assert.ok(bytes > 600)
    return Promise.resolve(void rests++)
  }
  const whole = await first.scrub({ rest })
  assert.deepEqual([whole.chunks, whole.lost, whole.unproven, rests], [BLOCKS, 0, 0, BLOCKS])
  await first.close()
  await changeRow(dir, author, 5, flipped)
  await changeRow(dir, author, 7, () => null)

  const store = await openStore(t, dir)
  const lost: number[] = []
  store.events.on('lost', (_key, index) => lost.push(index))
  const found = await store.scrub()
  assert.deepEqual([found.chunks, found.lost, found.unproven], [BLOCKS, 2, 0])
  assert.deepEqual(lost, [5, 7])
  const session = store.session(author.key)
  await session.ready()
  for (let index = 0; index < BLOCKS; index++)
    assert.equal(await session.has(index), index !== 5 && index !== 7, `block ${index}`)
  // It is told once, and found each time.
  assert.equal((await store.scrub()).lost, 2)
  assert.deepEqual(lost, [5, 7])
})

test('a byte that the disk itself has flipped costs what lies beside it, and the rest is read all the same', async (t) => {
  // As much as leaves the memory of RocksDB for a table on the disk.
  const author = await authorCore(t, noiseBlocks(BLOCKS, 2_000_000, 'table'))
  const dir = temporaryFolder(t)
  const first = await openStore(t, dir)
  await hold(first, author)
  const db = join(dir, 'store', 'db')
  const tables = (): string[] => readdirSync(db).filter((name) => name.endsWith('.blob'))
  await first.close()
  // What is in its log alone RocksDB writes into tables when it opens again.
  await (await openStore(t, dir)).close()
  const sizes = tables().map((name) => ({ path: join(db, name), bytes: statSync(join(db, name)).size }))
  const { path } = sizes.sort((a, b) => b.bytes - a.bytes)[0]!
  const table = readFileSync(path)
  table[Math.floor(table.byteLength / 2)]! ^= 1
  writeFileSync(path, table)

  const store = await openStore(t, dir)
  const told: number[] = []
  store.events.on('lost', (_key, index) => told.push(index))
  const { chunks, lost } = await store.scrub()
  assert.equal(chunks, BLOCKS)
  assert.ok(lost >= 1 && lost < BLOCKS, `${lost} are lost`)
  assert.equal(told.length, lost)
})

test('a chunk whose leaf in the tree is damaged is good, and told to be without a proof', async (t) => {
  const author = await authorCore(t, noiseBlocks(BLOCKS, 600, 'tree'))
  const store = await openStore(t, temporaryFolder(t))
  const tree = await hold(store, author)
  // The leaf of block 0 is the first record: its hash lies behind its size.
  const file = readFileSync(tree)
  file[20]! ^= 1
  writeFileSync(tree, file)
  const found = await store.scrub()
  assert.deepEqual([found.lost, found.unproven], [0, 1])
})

test('a look at all that is held ends when it is told to', async (t) => {
  const author = await authorCore(t, noiseBlocks(BLOCKS, 600, 'stop'))
  const store = await openStore(t, temporaryFolder(t))
  await hold(store, author)
  const stop = new AbortController()
  const rest = (): Promise<void> => Promise.resolve(stop.abort(new Error('enough')))
  await assert.rejects(store.scrub({ signal: stop.signal, rest }), /enough/)
})

test('datdot scrub names what is lost of a stopped pinner, and ends with exit code 1 for it', async (t) => {
  const author = await authorCore(t, noiseBlocks(BLOCKS, 600, 'command'))
  const data = temporaryFolder(t)
  const copies = join(data, 'disk-2', 'copies')
  const first = await openStore(t, copies)
  await hold(first, author)
  await first.close()
  const args = ['scrub', '--data', data, '--name', 'disk-2', '--json']
  const whole = await callProgram(t, args)
  assert.equal(whole.code, 0, whole.stderr)
  const { event, chunks, lost } = JSON.parse(whole.stdout) as Record<string, unknown>
  assert.deepEqual([event, chunks, lost], ['scrubbed', BLOCKS, 0])

  await changeRow(copies, author, 3, flipped)
  const damaged = await callProgram(t, args)
  assert.equal(damaged.code, 1)
  const lines = damaged.stdout.trim().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { event: string; index?: number }).index),
    [3, undefined]
  )
})
