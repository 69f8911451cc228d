import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import Hyperdrive from 'hyperdrive'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { fixedCore, noiseBlocks } from '../storage/support.js'
import { RoleNetwork } from './network.js'
import { driveReader, filesOf, readBlocks, sponsored, stockPeer, supporterOf, tailHeld } from './stock.js'

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
