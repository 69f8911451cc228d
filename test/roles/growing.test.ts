import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
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

test('a hypercore that its author goes on writing is copied as it was sponsored', async (t) => {
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
      await core.append(Buffer.from(`entry ${n}`))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  await network.until('a copy', () => network.observer.copies.size > 0)
  writing = false
  await written
  const [holder] = await network.holders(core.key)
  assert.equal(holder!.chunks, 20)
  await author.end()
  assert.deepEqual(await readBlocks(t, network, core.key, 20), blocks)
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
