import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import crypto from 'hypercore-crypto'
import Hyperdrive from 'hyperdrive'
import { codecNames } from '../../src/chunk/header.js'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { noiseBlocks } from '../storage/support.js'
import { RoleNetwork } from './network.js'
import { driveReader, filesOf, stockPeer, supporterOf } from './stock.js'

/** What a stock reader that comes now gets of some blocks. */
async function readSome(
  t: TestContext,
  network: RoleNetwork,
  key: Buffer,
  indices: number[]
): Promise<(Buffer | null)[]> {
  const { store, swarm, end } = await stockPeer(t, network.network)
  const core = store.get({ key })
  await core.ready()
  const found = core.findingPeers()
  swarm.join(core.discoveryKey, { server: false, client: true })
  void swarm.flush().then(found, found)
  const blocks: (Buffer | null)[] = []
  for (const index of indices) blocks.push(await core.get(index, { timeout: 30_000 }))
  await end()
  return blocks
}

for (const codec of codecNames) {
  test(`of a hypercore with holes the blocks that are there are kept in ${codec}, proven, opened and read, and nobody pays for the others`, async (t) => {
    const names = ['signer-1', 'pinner-1', 'verifier-1', 'verifier-2', 'verifier-3']
    const network = await RoleNetwork.start(t, names, { openingWithinMs: 1, deliverBaseMs: 60_000 })
    for (const name of names) {
      await network.startRole(name.split('-')[0] as 'signer' | 'pinner' | 'verifier', name)
    }
    const of = network.effects()
    const author = await stockPeer(t, network.network)
    const core = author.store.get({ name: 'log' })
    const blocks = noiseBlocks(40, 3_000, 'holes')
    await core.append(blocks)
    const holes = [0, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 24, 39]
    for (const index of holes) await core.clear(index, index + 1)
    await author.swarm.join(core.discoveryKey).flushed()
    const supporter = await supporterOf(t, network)
    const plan = planOf(1, codec, crypto.discoveryKey(core.key))
    await supporter.sponsor(core.key, await supporter.inspect(core.key), plan, DONATION_GRAINS)
    await network.until('a copy', () => network.observer.copies.size > 0)
    const [copy] = (await network.observer.member.chain.hypercore(core.key))!.copies
    assert.equal(copy!.length, 40)
    await author.end()
    await network.until('proofs', () => network.settled(copy!.id, 'success') >= 3)
    await network.until('openings', () => of('openingSettled').length >= 3)
    assert.ok(of('openingSettled').every(({ outcome }) => outcome === 'success'))
    const there = [...blocks.keys()].filter((index) => !holes.includes(index))
    assert.deepEqual(
      await readSome(t, network, core.key, there),
      there.map((index) => blocks[index])
    )
    assert.deepEqual(of('penalised'), [])
    await network.audit()
  })
}

test('a drive of which a file was cleared and deleted is kept, and its other files are read when its author has left', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'], { deliverBaseMs: 60_000 })
  await network.startRole('signer', 'signer-1')
  await network.startRole('pinner', 'pinner-1')
  const author = await stockPeer(t, network.network)
  const drive = new Hyperdrive(author.store)
  await drive.ready()
  await drive.put('/gone', Buffer.alloc(200_000, 7))
  await drive.put('/kept', Buffer.from('what is kept'))
  await drive.clear('/gone')
  await drive.del('/gone')
  await author.swarm.join(drive.discoveryKey).flushed()
  const supporter = await supporterOf(t, network)
  for (const { key } of [drive.core, (await drive.getBlobs())!.core]) {
    const original = await supporter.inspect(key, drive.discoveryKey)
    await supporter.sponsor(key, original, planOf(1, 'wrap', drive.discoveryKey), DONATION_GRAINS)
  }
  await network.until('copies of both', () => network.observer.copies.size === 2)
  await author.end()
  const read = await driveReader(t, network, drive.key)
  assert.deepEqual(await filesOf(read), { '/kept': 'what is kept' })
  await network.audit()
})
