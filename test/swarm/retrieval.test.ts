import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { PrivateDht } from '../../src/swarm/dht.js'
import { SwarmHost } from '../../src/swarm/host.js'
import { measureRetrieval, type Retrieval } from '../../src/swarm/retrieval.js'
import { authorCore, changeRow, noiseBlocks, openStore, pin, tempDir } from '../storage/support.js'
import { closeAfter } from '../helpers/close-after.js'

const BLOCKS = 16
const BLOCK_BYTES = 600
/** In another order than they are stored in. */
const INDICES = [5, 9, 2, 14, 0, 7, 11, 3]

interface Served {
  key: Buffer
  measure: (options?: {
    pinner?: Buffer
    length?: number
    timeoutMs?: number
    signal?: AbortSignal
  }) => Promise<Retrieval>
  dir: string
}

/** An author's hypercore, not on the network. */
function original(t: TestContext): Promise<Hypercore> {
  return authorCore(t, noiseBlocks(BLOCKS, BLOCK_BYTES, 'retrieval'))
}

/** A pinner on a private DHT that holds all blocks but those whose rows are gone from its disk. */
async function served(t: TestContext, gone: number[] = []): Promise<Served> {
  const author = await original(t)
  const folder = await tempDir(t)
  const first = await openStore(t, folder)
  await pin(first, author)
  await first.close()
  for (const index of gone) await changeRow(folder, author, index, () => null)
  const store = await openStore(t, folder)
  await store.session(author.key).ready()
  return hosted(t, author, store.corestore)
}

/** A stock store on a private DHT, which serves what its disk has; one row was changed there. */
async function servedUnchecked(t: TestContext, index: number): Promise<Served> {
  const author = await original(t)
  const dir = await tempDir(t)
  const copied = new Corestore(join(dir, 'store'))
  const copy = copied.get({ key: author.key })
  await copy.ready()
  const left = author.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(copy.replicate(false)).pipe(left)
  await copy.download({ start: 0, end: BLOCKS }).done()
  await copied.close()
  await changeRow(dir, author, index, (row) => Buffer.from(row.map((byte) => byte ^ 1)))
  const store = new Corestore(join(dir, 'store'))
  closeAfter(t, () => store.close())
  await store.get({ key: author.key }).ready()
  return hosted(t, author, store)
}

async function hosted(t: TestContext, author: Hypercore, store: Corestore): Promise<Served> {
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  const { network } = dht
  const keyPair = keyPairFromSeed(randomBytes(32))
  const host = new SwarmHost({ network, keyPair, store })
  closeAfter(t, () => host.close())
  await host.ready()
  const dir = join(await tempDir(t), 'check')
  return {
    key: author.key,
    dir,
    measure: ({ pinner = keyPair.publicKey, length = BLOCKS, timeoutMs = 5_000, signal } = {}) =>
      measureRetrieval({
        network,
        dir,
        seed: randomBytes(32),
        key: author.key,
        pinner,
        length,
        indices: INDICES,
        timeoutMs,
        clock: systemClock,
        signal
      })
  }
}

test('a pinner that serves all that is asked for has no misses, and nothing stays on the disk', async (t) => {
  const { measure, dir } = await served(t)
  const { outcome, misses, blocks, bytes, firstByteUs, bytesPerSecond } = await measure()
  assert.deepEqual(
    [outcome, misses, blocks, bytes],
    ['served', 0, INDICES.length, INDICES.length * BLOCK_BYTES]
  )
  assert.ok(firstByteUs > 0 && bytesPerSecond > 0)
  assert.equal(existsSync(dir), false)
})

for (const [where, index] of [
  ['the first', INDICES[0]!],
  ['a later', INDICES[4]!]
] as const) {
  test(`${where} block that is lost is one miss, and those behind it are none`, async (t) => {
    const { measure } = await served(t, [index])
    const { outcome, misses, blocks, firstByteUs } = await measure({ timeoutMs: 2_000 })
    assert.deepEqual([outcome, misses, blocks], ['incomplete', 1, INDICES.length - 1])
    assert.ok(firstByteUs < 2_000_000, 'those that came have a latency')
  })
}

test('a pinner that lost all that is asked for has as many misses, and no throughput', async (t) => {
  const { measure } = await served(t, INDICES)
  const { outcome, misses, blocks, bytesPerSecond } = await measure({ timeoutMs: 1_000 })
  assert.deepEqual([outcome, misses, blocks, bytesPerSecond], ['incomplete', INDICES.length, 0, 0])
})

test('a pinner that is not there is unreachable, whoever else has the blocks', async (t) => {
  const { measure } = await served(t)
  const { outcome, misses } = await measure({
    pinner: keyPairFromSeed(randomBytes(32)).publicKey,
    timeoutMs: 500
  })
  assert.deepEqual([outcome, misses], ['unreachable', INDICES.length])
})

test('a pinner that is there, and has less than it should, is behind', async (t) => {
  const { measure } = await served(t)
  const { outcome, misses } = await measure({ length: BLOCKS + 1, timeoutMs: 2_000 })
  assert.deepEqual([outcome, misses], ['behind', INDICES.length])
})

test('bytes that the author did not sign are wrong, and a miss', async (t) => {
  const { measure } = await servedUnchecked(t, INDICES.at(-1)!)
  const { outcome, misses } = await measure({ timeoutMs: 2_000 })
  assert.equal(outcome, 'wrong')
  assert.ok(misses >= 1)
})

test('a measurement that is stopped ends with the signal’s reason and leaves nothing', async (t) => {
  const { measure, dir } = await served(t)
  const reason = new Error('enough')
  await assert.rejects(measure({ signal: AbortSignal.abort(reason) }), reason)
  assert.equal(existsSync(dir), false)
})
