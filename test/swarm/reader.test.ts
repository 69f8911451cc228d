import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { PrivateDht, type Network } from '../../src/swarm/dht.js'
import { SwarmHost } from '../../src/swarm/host.js'
import { SwarmReader, knownLength, readBlocks } from '../../src/swarm/reader.js'
import { authorCore, noiseBlocks, openStore, pin, tempDir } from '../storage/support.js'
import { closeAfter } from '../helpers/close-after.js'

const LENGTH = 100
const blocks = noiseBlocks(LENGTH, 300, 'reader')
const patient = { clock: systemClock, timeoutMs: 20_000 }

async function privateDht(t: TestContext): Promise<Network> {
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  return dht.network
}

/** A pinner on a private DHT, which announces the hypercore. */
async function pinned(t: TestContext): Promise<{ network: Network; key: Buffer; pinner: Buffer }> {
  const network = await privateDht(t)
  const author = await authorCore(t, blocks)
  const store = await openStore(t)
  await pin(store, author)
  await store.session(author.key).ready()
  const keyPair = keyPairFromSeed(randomBytes(32))
  const host = new SwarmHost({ network, keyPair, store: store.corestore })
  closeAfter(t, () => host.close())
  await host.ready()
  await host.announce(author.discoveryKey)
  return { network, key: author.key, pinner: keyPair.publicKey }
}

async function readerOf(
  t: TestContext,
  network: Network,
  only?: Buffer
): Promise<{ reader: SwarmReader; dir: string }> {
  const dir = join(await tempDir(t), 'read')
  const reader = new SwarmReader({ network, dir, seed: randomBytes(32), ...(only && { only }) })
  closeAfter(t, () => reader.close())
  return { reader, dir }
}

async function collect(core: Hypercore, start: number, end: number): Promise<Buffer[]> {
  const read: Buffer[] = []
  for await (const block of readBlocks(core, start, end, patient)) read.push(block)
  return read
}

test('a reader finds a hypercore in the swarm and reads its blocks in order', async (t) => {
  const { network, key } = await pinned(t)
  const { reader } = await readerOf(t, network)
  const core = await reader.open(key)
  await knownLength(core, LENGTH, patient)
  assert.deepEqual(await collect(core, 7, LENGTH), blocks.slice(7))
})

test('a reader of one peer reads from that peer alone', async (t) => {
  const { network, key, pinner } = await pinned(t)
  const { reader } = await readerOf(t, network, pinner)
  await knownLength(await reader.open(key), LENGTH, patient)
  const other = await readerOf(t, network, keyPairFromSeed(randomBytes(32)).publicKey)
  const unserved = await other.reader.open(key)
  await assert.rejects(knownLength(unserved, 1, { clock: systemClock, timeoutMs: 500 }), {
    code: 'HYPERCORE_UNREACHABLE'
  })
})

test('a length that nobody has is waited for no longer than was asked', async (t) => {
  const { network, key } = await pinned(t)
  const { reader } = await readerOf(t, network)
  const core = await reader.open(key)
  await knownLength(core, LENGTH, patient)
  await assert.rejects(knownLength(core, LENGTH + 1, { clock: systemClock, timeoutMs: 50 }), {
    code: 'HYPERCORE_UNREACHABLE'
  })
})

test('a wait for a length ends with the signal’s reason', async (t) => {
  const { reader } = await readerOf(t, await privateDht(t))
  const reason = new Error('enough')
  const core = await reader.open(randomBytes(32))
  const signal = AbortSignal.abort(reason)
  await assert.rejects(knownLength(core, 1, { ...patient, signal }), reason)
})

test('a block that nobody has is refused in time', async (t) => {
  const { network, key } = await pinned(t)
  const { reader } = await readerOf(t, network)
  const core = await reader.open(key)
  await knownLength(core, LENGTH, patient)
  const beyond = readBlocks(core, LENGTH, LENGTH + 1, { timeoutMs: 50 })
  await assert.rejects(beyond.next(), { code: 'BLOCK_UNREACHABLE' })
})

test('what was downloaded goes with the reader if that is wanted, and stays if not', async (t) => {
  const { network, key } = await pinned(t)
  for (const remove of [false, true]) {
    const { reader, dir } = await readerOf(t, network)
    await knownLength(await reader.open(key), LENGTH, patient)
    await (remove ? reader.discard() : reader.close())
    assert.equal(existsSync(dir), !remove)
  }
})
