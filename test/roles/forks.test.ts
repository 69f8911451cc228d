import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type Hypercore from 'hypercore'
import type { Parameters } from '../../src/protocol/parameters.js'
import { noiseBlocks } from '../storage/support.js'
import { RoleNetwork } from './network.js'
import { readBlocks, sponsored, stockPeer } from './stock.js'

/** A network in which a segment costs next to nothing: a fork is taken as soon as it may be. */
async function quickNetwork(t: TestContext, rules: Partial<Parameters> = {}): Promise<RoleNetwork> {
  const names = ['signer-1', 'pinner-1']
  const network = await RoleNetwork.start(t, names, { segmentRewardBase: 100n, ...rules })
  for (const name of names) await network.startRole(name.split('-')[0] as 'signer', name)
  return network
}

/** A hypercore with a copy, and its author, who stays. */
async function kept(t: TestContext, network: RoleNetwork, blocks: Buffer[]) {
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'log' })
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  await sponsored(t, network, core)
  await network.until('a copy', () => network.observer.copies.size > 0)
  return { author, core }
}

/** Waits until the copy is of this fork of a hypercore, and of all its blocks. */
async function followed(network: RoleNetwork, core: Hypercore): Promise<void> {
  await network.untilAnswered(`fork ${core.fork} in segments`, async () => {
    const { copies, fork } = (await network.observer.member.chain.hypercore(core.key))!
    const isOf = copies.every(
      ({ length, segments }) => length === core.length && segments.at(-1)?.fork === core.fork
    )
    return fork === core.fork && isOf
  })
}

/** Waits until a copy was proven so often more. */
async function proven(network: RoleNetwork, core: Hypercore, times: number): Promise<void> {
  const { id } = (await network.observer.member.chain.hypercore(core.key))!.copies[0]!
  const before = network.settled(id, 'success')
  await network.until('more proofs', () => network.settled(id, 'success') >= before + times)
  const { storage } = network.observer.copies.get(id)!
  assert.deepEqual([storage.failure ?? 0, storage.refused ?? 0, storage.lie ?? 0], [0, 0, 0])
}

test('what an author takes away and writes anew is followed: a stock reader gets the 31 blocks that there are, of pinners alone', async (t) => {
  const network = await quickNetwork(t)
  const of = network.effects()
  const blocks = noiseBlocks(50, 3_000, 'log')
  const { author, core } = await kept(t, network, blocks)
  await core.truncate(30)
  const anew = Buffer.from('written anew')
  await core.append(anew)
  await followed(network, core)
  assert.deepEqual(
    of('forked').map(({ fork, length, kept }) => [fork, length, kept]),
    [[1, 31, 30]]
  )
  await author.end()
  await proven(network, core, 2)
  assert.deepEqual(await readBlocks(t, network, core.key, 31), [...blocks.slice(0, 30), anew])
  const reader = await stockPeer(t, network.network)
  const read = reader.store.get({ key: core.key })
  await read.ready()
  reader.swarm.join(core.discoveryKey, { server: false, client: true })
  await read.get(30, { timeout: 30_000 })
  assert.deepEqual([read.fork, read.length], [1, 31])
  assert.equal(of('judged').length + of('lost').length, 0)
  await network.audit()
})

test('of a log that has grown only what its author took away is encoded anew, and it grows on from there', async (t) => {
  const network = await quickNetwork(t)
  const of = network.effects()
  const blocks = noiseBlocks(40, 1_000, 'log')
  const { author, core } = await kept(t, network, blocks)
  const more = noiseBlocks(10, 1_000, 'more')
  await core.append(more)
  await followed(network, core)
  const before = (await network.observer.member.chain.hypercore(core.key))!.copies[0]!.segments
  // A reader that has the old ones, and stays.
  const reader = await stockPeer(t, network.network)
  const read = reader.store.get({ key: core.key })
  await read.ready()
  reader.swarm.join(core.discoveryKey, { server: false, client: true })
  await read.get(49, { timeout: 30_000 })
  await core.truncate(45)
  await core.append(noiseBlocks(2, 1_000, 'anew'))
  await followed(network, core)
  const after = (await network.observer.member.chain.hypercore(core.key))!.copies[0]!.segments
  assert.deepEqual(
    after.map(({ start, end, fork }) => [start, end, fork]),
    [
      [0, 40, 0],
      [40, 47, 1]
    ]
  )
  assert.deepEqual(after[0]!.hash, before[0]!.hash, 'the first segment is the one that was signed')
  await core.append(noiseBlocks(3, 1_000, 'on'))
  await followed(network, core)
  const expected: Buffer[] = []
  for (let index = 0; index < core.length; index++) expected.push((await core.get(index))!)
  await author.end()
  await proven(network, core, 2)
  assert.deepEqual(await readBlocks(t, network, core.key, 50), expected)
  // Who was there before has what is there now, and nothing of both.
  for (let index = 0; index < 50; index++) {
    assert.deepEqual(await read.get(index, { timeout: 30_000 }), expected[index])
  }
  assert.equal(read.fork, 1)
  assert.equal(of('judged').length + of('lost').length, 0)
  await network.audit()
})

test('a fork that takes more than half away is told, and waits: readers have what there was until then', async (t) => {
  const network = await quickNetwork(t, { evidenceWindowMs: 600_000 })
  const of = network.effects()
  const blocks = noiseBlocks(50, 1_000, 'log')
  const { author, core } = await kept(t, network, blocks)
  await core.truncate(20)
  await core.append(Buffer.from('little'))
  await network.until('a fork that waits', () => of('forkSeen').length > 0)
  const view = (await network.observer.member.chain.hypercore(core.key))!
  assert.deepEqual([view.fork, view.length, view.waits?.fork], [0, 50, 1])
  await author.end()
  await proven(network, core, 2)
  assert.deepEqual(await readBlocks(t, network, core.key, 50), blocks)
  assert.equal(of('forked').length, 0)
  await network.audit()
})
