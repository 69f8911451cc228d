import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { DONATION_GRAINS, planOf } from '../../src/local/economy.js'
import { silentLogger } from '../../src/log.js'
import { Supporter } from '../../src/roles/supporter.js'
import { createDht, type Network } from '../../src/swarm/dht.js'
import { leave } from '../../src/swarm/leave.js'
import { fixedCore, noiseBlocks } from '../storage/support.js'
import { temporaryFolder } from '../helpers/folder.js'
import { RoleNetwork } from './network.js'
import type { LogLine } from './process.js'

/** A stock store on a stock swarm, as the packages' own READMEs have them. */
async function stockPeer(
  t: TestContext,
  network: Network
): Promise<{ store: Corestore; swarm: Hyperswarm; end: () => Promise<void> }> {
  const store = new Corestore(join(temporaryFolder(t), 'store'))
  const swarm = new Hyperswarm({ dht: createDht(network) })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  let open = true
  const end = async (): Promise<void> => {
    if (!open) return
    open = false
    await leave(swarm)
    await store.close()
  }
  t.after(end)
  return { store, swarm, end }
}

async function supporterOf(t: TestContext, network: RoleNetwork): Promise<Supporter> {
  const supporter = await opened(
    new Supporter({
      dir: join(network.root, 'supporter'),
      network: network.network,
      chainKey: network.chain.publicKey,
      clock: systemClock,
      randomBytes,
      log: silentLogger
    })
  )
  t.after(() => supporter.close())
  return supporter
}

async function sponsored(t: TestContext, network: RoleNetwork, core: Hypercore): Promise<void> {
  const supporter = await supporterOf(t, network)
  const original = await supporter.inspect(core.key)
  await supporter.sponsor(
    core.key,
    original,
    planOf(1, 'wrap', crypto.discoveryKey(core.key)),
    DONATION_GRAINS
  )
}

/** What a stock reader that comes now gets of a hypercore. */
async function readBlocks(
  t: TestContext,
  network: RoleNetwork,
  key: Buffer,
  count: number
): Promise<Buffer[]> {
  const { store, swarm, end } = await stockPeer(t, network.network)
  const core = store.get({ key })
  await core.ready()
  const found = core.findingPeers()
  swarm.join(core.discoveryKey, { server: false, client: true })
  void swarm.flush().then(found, found)
  const blocks: Buffer[] = []
  for (let i = 0; i < count; i++) blocks.push((await core.get(i, { timeout: 30_000 }))!)
  await end()
  return blocks
}

/** Waits until a pinner serves a hypercore plainly up to `length`. */
async function tailHeld(network: RoleNetwork, key: Buffer, length: () => number): Promise<void> {
  let end = 0
  const heard = (line: LogLine): void => {
    if (line.event === 'pinner.tail' && line.key === key.toString('hex')) end = Math.max(end, line.end!)
  }
  network.events.on('line', heard)
  await network.until(`${length()} blocks at a pinner`, () => end >= length())
  network.events.off('line', heard)
}

test('a hypercore that its author goes on writing is copied as it was sponsored, and read up to its newest block', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  await network.startRole('signer', 'signer-1')
  await network.startRole('pinner', 'pinner-1')
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  const blocks = noiseBlocks(20, 3_000, 'log')
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)

  let writing = true
  const written = (async () => {
    for (let n = 0; writing; n++) {
      const entry = Buffer.from(`entry ${n}`)
      await core.append(entry)
      blocks.push(entry)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  await network.until('a copy', () => network.observer.copies.size > 0)
  const held = tailHeld(network, core.key, () => core.length)
  writing = false
  await written
  const [holder] = await network.holders(core.key)
  assert.equal(holder!.chunks, 20)
  await core.append(Buffer.from('the last word'))
  blocks.push(Buffer.from('the last word'))
  await held
  await author.end()
  assert.deepEqual(await readBlocks(t, network, core.key, blocks.length), blocks)
  await network.audit()
})

/** Names and contents of all files of a drive. */
async function filesOf(drive: Hyperdrive): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { key } of drive.list('/')) files[key] = (await drive.get(key))!.toString()
  return files
}

/** A stock reader of a drive, as the README of hyperdrive has it. */
async function driveReader(t: TestContext, network: RoleNetwork, key: Buffer): Promise<Hyperdrive> {
  const { store, swarm } = await stockPeer(t, network.network)
  const drive = new Hyperdrive(store, key)
  await drive.ready()
  const found = drive.findingPeers()
  swarm.join(drive.discoveryKey, { server: false, client: true })
  void swarm.flush().then(found, found)
  await drive.update({ wait: true })
  return drive
}

test('a drive announced under its own key alone is kept, and all that was written since is read when its author has left', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  await network.startRole('signer', 'signer-1')
  await network.startRole('pinner', 'pinner-1')
  const author = await stockPeer(t, network.network)
  const drive = new Hyperdrive(author.store)
  await drive.ready()
  const files: Record<string, string> = {}
  const put = async (name: string): Promise<void> => {
    files[name] = `content of ${name}`
    await drive.put(name, Buffer.from(files[name]))
  }
  for (const name of ['/a', '/b', '/c']) await put(name)
  await author.swarm.join(drive.discoveryKey).flushed()
  const blobs = (await drive.getBlobs())!.core
  const supporter = await supporterOf(t, network)
  for (const { key } of [drive.core, blobs]) {
    const original = await supporter.inspect(key, drive.discoveryKey)
    await supporter.sponsor(key, original, planOf(1, 'wrap', drive.discoveryKey), DONATION_GRAINS)
  }
  await network.until('copies of both', () => network.observer.copies.size === 2)

  const early = await driveReader(t, network, drive.key)
  assert.deepEqual(await filesOf(early), files)
  const held = [drive.core, blobs].map(({ key }) =>
    tailHeld(network, key, () => (key === drive.key ? drive.core : blobs).length)
  )
  for (const name of ['/d', '/e']) await put(name)
  const known = early.core.length < drive.core.length ? once(early.core, 'append') : undefined
  await Promise.all([...held, known])
  await author.end()
  assert.deepEqual(await filesOf(early), files, 'the reader that was there')
  assert.deepEqual(await filesOf(await driveReader(t, network, drive.key)), files, 'a reader that comes now')
  await network.audit()
})

test('a hypercore that nobody signs, since its key fixes its blocks, is kept and read when its maker has left', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  await network.startRole('signer', 'signer-1')
  await network.startRole('pinner', 'pinner-1')
  const maker = await stockPeer(t, network.network)
  const source = maker.store.get({ name: 'source' })
  const blocks = noiseBlocks(20, 3_000, 'fixed')
  await source.append(blocks)
  const core = await fixedCore(maker.store, source)
  await maker.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  await maker.end()
  assert.deepEqual(await readBlocks(t, network, core.key, 20), blocks)
  await network.audit()
})
