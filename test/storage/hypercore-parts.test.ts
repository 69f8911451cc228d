import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import {
  askedBlocks,
  decodeManifest,
  encodeManifest,
  manifestFits,
  sharedCore,
  signatureHolds
} from '../../src/storage/hypercore-parts.js'
import { readOriginal } from '../../src/storage/original.js'
import { authorCore, connect, noiseBlocks, stockStore } from './support.js'

const require = createRequire(import.meta.url)

test('hypercore, its storage and corestore are the exact versions whose private parts are used', async () => {
  const own = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of ['hypercore', 'hypercore-storage', 'corestore', 'hypercore-crypto']) {
    const { version } = require(`${name}/package.json`) as { version: string }
    assert.equal(own.dependencies[name], version, name)
  }
})

test('the private parts of hypercore that are used are there and mean what is expected', async (t) => {
  const author = await authorCore(t, noiseBlocks(7, 50, 'parts'))
  const core = sharedCore(author)
  const { state } = core
  const expected: [object, string[]][] = [
    [core, ['flushHints', 'updateContiguousLength', '_setBitfieldRanges', 'closeAllSessions', 'close']],
    [core.replicator, ['onhave']],
    [core.bitfield, ['get']],
    [state, ['hash', 'createWriteBatch', 'flush', 'onappend', '_unlock']],
    [state.mutex, ['lock']]
  ]
  for (const [object, names] of expected) {
    for (const name of names) assert.equal(typeof (object as Record<string, unknown>)[name], 'function', name)
  }
  assert.equal(core.hintsChanged, false)
  assert.equal(core.replicator.allowFork, true)
  assert.equal(core.header.hints.contiguousLength, 7)
  assert.equal(state.length, 7)
  assert.equal(state.byteLength, 350)
  assert.equal(state.fork, 0)
  assert.deepEqual(
    state.roots.map((root) => root.index),
    [3, 9, 12]
  )
  assert.deepEqual(state.hash(), await author.treeHash())
  assert.ok(state.signature)
  assert.ok(core.opening instanceof Promise)
})

test('what readers have asked for and wait for can be seen', async (t) => {
  const author = await authorCore(t, noiseBlocks(7, 50, 'asked'))
  const core = sharedCore(author)
  assert.deepEqual(askedBlocks(core, 10), [])
  const consumer = await stockStore(t)
  connect(t, author as unknown as Parameters<typeof connect>[1], consumer)
  await consumer.get({ key: author.key }).get(0)
  const [peer] = core.replicator.peers
  assert.ok(peer)
  const queue = peer.receiverQueue as unknown as { push(message: object): void; delete(id: number): void }
  for (const index of [5, 3, 4]) queue.push({ id: 1000 + index, priority: 0, block: { index } })
  queue.push({ id: 1, priority: 1, block: null, hash: { index: 2 } })
  assert.deepEqual(askedBlocks(core, 10), [5, 3, 4])
  assert.deepEqual(askedBlocks(core, 2), [5, 3])
  for (const id of [1005, 1003, 1004, 1]) queue.delete(id)
})

test('corestore announces every core before it is used', async (t) => {
  const store = await stockStore(t)
  const seen: Buffer[] = []
  const open = store as unknown as {
    watch(fn: (core: { discoveryKey: Buffer }) => void): void
    cores: { map: Map<string, unknown> }
  }
  open.watch((core) => seen.push(core.discoveryKey))
  const core = store.get({ key: Buffer.alloc(32, 1) })
  assert.equal(seen.length, 1)
  await core.ready()
  assert.deepEqual(seen, [core.discoveryKey])
  assert.ok(open.cores.map.has(core.discoveryKey.toString('hex')))
})

test("an author's signature is checked as hypercore checks it", async (t) => {
  const author = await authorCore(t, noiseBlocks(5, 50, 'verify'))
  const original = await readOriginal(author)
  const { roots } = sharedCore(author).state
  assert.equal(signatureHolds(original, roots), true)
  assert.equal(signatureHolds({ ...original, length: 6 }, roots), false)
  assert.equal(signatureHolds({ ...original, fork: 1 }, roots), false)
  assert.equal(signatureHolds({ ...original, signature: null }, roots), false)
  assert.equal(signatureHolds({ ...original, signature: Buffer.alloc(3) }, roots), false)
  assert.equal(signatureHolds(original, roots.slice(1)), false)
  const wrong = roots.map((root) => ({ ...root, size: root.size + 1 }))
  assert.equal(signatureHolds(original, wrong), false)
})

test('a manifest keeps its bytes and its key through encoding', async (t) => {
  const author = await authorCore(t, noiseBlocks(1, 50, 'manifest'))
  const bytes = encodeManifest(author.manifest!)
  assert.deepEqual(encodeManifest(decodeManifest(bytes)), bytes)
  assert.equal(manifestFits(author.key, decodeManifest(bytes)), true)
  assert.equal(manifestFits(Buffer.alloc(32), author.manifest!), false)
})
