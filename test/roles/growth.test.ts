import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { noiseBlocks } from '../storage/support.js'
import { RoleNetwork } from './network.js'
import { driveReader, filesOf, readBlocks, sponsored, stockPeer, supporterOf } from './stock.js'

/** A network in which a segment costs next to nothing: what authors append is taken as soon as it may be. */
async function quickNetwork(
  t: TestContext,
  { rules = {}, tailBytes }: { rules?: Partial<Parameters>; tailBytes?: number } = {}
): Promise<RoleNetwork> {
  const names = ['signer-1', 'pinner-1']
  const network = await RoleNetwork.start(t, names, { segmentRewardBase: 100n, ...rules })
  const options = tailBytes === undefined ? {} : { tailBytes }
  for (const name of names) await network.startRole(name.split('-')[0] as 'signer', name, options)
  return network
}

/** Waits until copies of a hypercore have all that its author has written, in segments. */
async function pinned(network: RoleNetwork, core: Hypercore): Promise<void> {
  await network.untilAnswered(`${core.length} blocks in segments`, async () => {
    const { copies } = (await network.observer.member.chain.hypercore(core.key))!
    return copies.length > 0 && copies.every(({ length }) => length === core.length)
  })
}

test('what the author of a log goes on writing comes into segments, and is proven and read when it has left', async (t) => {
  const network = await quickNetwork(t)
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  const blocks = noiseBlocks(20, 3_000, 'log')
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  for (let n = 0; n < 30; n++) {
    blocks.push(Buffer.from(`entry ${n}`))
    await core.append(blocks.at(-1)!)
  }
  await pinned(network, core)
  const [holder] = (await network.observer.member.chain.hypercore(core.key))!.copies
  const { segments } = holder!
  assert.equal(segments.at(-1)!.end, 50)
  assert.ok(segments.length <= 4, 'thirty blocks are not a segment each')
  await author.end()
  const before = network.settled(holder!.id, 'success')
  await network.until('two more proofs', () => network.settled(holder!.id, 'success') >= before + 2)
  assert.deepEqual(await readBlocks(t, network, core.key, 50), blocks)
  await network.audit()
})

test('what came in pieces is made one segment while it is proven and served, and its author need not be there', async (t) => {
  const network = await quickNetwork(t)
  const of = network.effects()
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  const blocks = noiseBlocks(4, 1_000, 'log')
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  for (let n = 0; n < 6; n++) {
    const more = noiseBlocks(2, 1_000, `piece ${n}`)
    blocks.push(...more)
    await core.append(more)
    await pinned(network, core)
  }
  await author.end()
  const copy = async () => (await network.observer.member.chain.hypercore(core.key))!.copies[0]!
  await network.until('a merge', () => of('renewed').length > 0)
  const { id } = await copy()
  const before = network.settled(id, 'success')
  await network.until('two more proofs', () => network.settled(id, 'success') >= before + 2)
  const { segments, length, score } = await copy()
  assert.ok(of('accepted').filter((effect) => effect.copy === id).length > segments.length)
  assert.ok(segments.length <= 4, `${segments.length} segments`)
  assert.deepEqual([length, score], [16, 0])
  const { storage } = network.observer.copies.get(id)!
  assert.deepEqual([storage.failure ?? 0, storage.refused ?? 0, storage.lie ?? 0], [0, 0, 0])
  assert.deepEqual(await readBlocks(t, network, core.key, 16), blocks)
  assert.equal(of('judged').length + of('lost').length, 0)
  await network.audit()
})

test('what is too much to be held plainly is said to the chain once all of it has been there', async (t) => {
  const network = await quickNetwork(t, { tailBytes: 10_000 })
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  const blocks = noiseBlocks(20, 3_000, 'log')
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  const more = noiseBlocks(20, 3_000, 'more')
  blocks.push(...more)
  await core.append(more)
  await pinned(network, core)
  await author.end()
  assert.deepEqual(await readBlocks(t, network, core.key, 40), blocks)
  await network.audit()
})

test('what an author has signed and nobody serves is not said to the chain, however much it is', async (t) => {
  const network = await quickNetwork(t, { tailBytes: 10_000, rules: { growthBytes: 1 } })
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  await core.append(noiseBlocks(20, 3_000, 'log'))
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  await author.swarm.suspend()
  await core.append(noiseBlocks(20, 3_000, 'gone'))
  await core.clear(30, 40)
  await author.swarm.resume()
  const reader = await stockPeer(t, network.network)
  const seen = reader.store.get({ key: core.key })
  await seen.ready()
  reader.swarm.join(core.discoveryKey, { server: false, client: true })
  await seen.get(25, { timeout: 60_000 })
  assert.equal(seen.length, 40)
  const { round } = network.observer
  await network.until('some rounds', () => network.observer.round > round + 30)
  assert.equal((await network.observer.member.chain.hypercore(core.key))!.length, 20)
  await network.audit()
})

test('a hyperdrive that was written again is pinned anew, and read whole with ranges of its hyperbee when its author has left', async (t) => {
  const network = await quickNetwork(t)
  const author = await stockPeer(t, network.network)
  const drive = new Hyperdrive(author.store)
  await drive.ready()
  const files: Record<string, string> = {}
  const put = async (name: string): Promise<void> => {
    files[name] = `content of ${name}`
    await drive.put(name, Buffer.from(files[name]))
  }
  for (let n = 0; n < 20; n++) await put(`/a${String(n).padStart(3, '0')}`)
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
  for (let n = 0; n < 3; n++) await put(`/b${n}`)
  await pinned(network, drive.core)
  await pinned(network, blobs)
  const { length } = drive.core
  await author.end()
  const late = await driveReader(t, network, drive.key)
  assert.deepEqual(await filesOf(late), files)
  const range: string[] = []
  for await (const { key } of late.list('/', { recursive: true })) if (key >= '/a005') range.push(key)
  assert.equal(range.length, 18)
  await early.core.get(length - 1, { timeout: 30_000 })
  assert.deepEqual(await filesOf(early), files)
  await network.audit()
})
