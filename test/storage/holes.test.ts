import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { systemClock } from '../../src/clock.js'
import { coveringIndices, originalLeaf, OriginalTreeBuilder } from '../../src/protocol/original-tree.js'
import { findHoles, holeNodes } from '../../src/storage/holes.js'
import { closeAfter } from '../helpers/close-after.js'
import { temporaryFolder } from '../helpers/folder.js'
import { noiseBlocks } from './support.js'

const blocks = noiseBlocks(100, 200, 'holes')
const quick = { clock: systemClock, waitMs: 1_500 }

async function store(t: TestContext): Promise<Corestore> {
  const made = new Corestore(temporaryFolder(t))
  closeAfter(t, () => made.close())
  await made.ready()
  return made
}

function connect(a: Corestore, b: Corestore): void {
  const one = a.replicate(true) as unknown as NodeJS.ReadWriteStream
  const other = b.replicate(false) as unknown as NodeJS.ReadWriteStream
  one.pipe(other).pipe(one)
  for (const stream of [one, other]) stream.on('error', () => {})
}

async function authorOf(t: TestContext): Promise<{ author: Corestore; core: Hypercore }> {
  const author = await store(t)
  const core = author.get({ name: 'log' })
  await core.append(blocks)
  return { author, core }
}

async function readerOf(t: TestContext, others: readonly Corestore[], key: Buffer): Promise<Hypercore> {
  const reader = await store(t)
  const core = reader.get({ key })
  await core.ready()
  for (const other of others) connect(other, reader)
  while (core.length < blocks.length) {
    await core.update({ wait: true })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return core
}

test('of a hypercore that is served whole nothing is a hole', async (t) => {
  const { author, core } = await authorOf(t)
  const read = await readerOf(t, [author], core.key)
  assert.deepEqual(await findHoles(read, 0, 100, quick), [])
})

test('what its author has cleared is found, and its leaves come from who cleared it', async (t) => {
  const { author, core } = await authorOf(t)
  await core.clear(3, 5)
  await core.clear(32, 65)
  await core.clear(99, 100)
  const read = await readerOf(t, [author], core.key)
  const holes = await findHoles(read, 0, 100, quick)
  assert.deepEqual(holes, [
    { start: 3, end: 5 },
    { start: 32, end: 65 },
    { start: 99, end: 100 }
  ])
  assert.deepEqual(await findHoles(read, 4, 40, quick), [
    { start: 4, end: 5 },
    { start: 32, end: 40 }
  ])
  const nodes = await holeNodes(read, holes, { ...quick, waitMs: 5_000 })
  const covered = holes.flatMap(({ start, end }) => coveringIndices(start, end))
  assert.deepEqual(
    [...nodes.values()].map(({ index }) => index),
    covered
  )
  const tree = new Map<number, Uint8Array>()
  const builder = new OriginalTreeBuilder()
  for (const block of blocks)
    for (const node of builder.appendLeaf(block.byteLength, originalLeaf(block)))
      tree.set(node.index, node.hash)
  for (const { index, hash } of nodes.values())
    assert.deepEqual(Buffer.from(hash), Buffer.from(tree.get(index)!))
})

test('what another peer has is no hole', async (t) => {
  const { author, core } = await authorOf(t)
  const other = await store(t)
  connect(author, other)
  const kept = other.get({ key: core.key })
  await kept.download({ start: 40, end: 50 }).done()
  await core.clear(42, 60)
  const read = await readerOf(t, [author, other], core.key)
  assert.deepEqual(await findHoles(read, 0, 100, quick), [{ start: 50, end: 60 }])
})
