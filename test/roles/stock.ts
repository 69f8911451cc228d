import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { silentLogger } from '../../src/log.js'
import { Supporter } from '../../src/roles/supporter.js'
import { createDht, type Network } from '../../src/swarm/dht.js'
import { leave } from '../../src/swarm/leave.js'
import { temporaryFolder } from '../helpers/folder.js'
import type { RoleNetwork } from './network.js'
import type { LogLine } from './process.js'
import { closeAfter, type Closing } from '../helpers/close-after.js'

/** A stock store on a stock swarm, as the packages' own READMEs have them. */
export async function stockPeer(
  t: Closing,
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
  closeAfter(t, end)
  return { store, swarm, end }
}

export async function supporterOf(t: TestContext, network: RoleNetwork): Promise<Supporter> {
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
  closeAfter(t, () => supporter.close())
  return supporter
}

export async function sponsored(t: TestContext, network: RoleNetwork, core: Hypercore): Promise<void> {
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
export async function readBlocks(
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
export async function tailHeld(network: RoleNetwork, key: Buffer, length: () => number): Promise<void> {
  let end = 0
  const heard = (line: LogLine): void => {
    if (line.event === 'pinner.tail' && line.key === key.toString('hex')) end = Math.max(end, line.end!)
  }
  network.events.on('line', heard)
  await network.until(`${length()} blocks at a pinner`, () => end >= length())
  network.events.off('line', heard)
}

/** Names and contents of all files of a drive. */
export async function filesOf(drive: Hyperdrive): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { key } of drive.list('/')) files[key] = (await drive.get(key))!.toString()
  return files
}

/** A stock reader of a drive, as the README of hyperdrive has it. */
export async function driveReader(t: TestContext, network: RoleNetwork, key: Buffer): Promise<Hyperdrive> {
  const { store, swarm } = await stockPeer(t, network.network)
  const drive = new Hyperdrive(store, key)
  await drive.ready()
  const found = drive.findingPeers()
  swarm.join(drive.discoveryKey, { server: false, client: true })
  void swarm.flush().then(found, found)
  await drive.update({ wait: true })
  return drive
}
