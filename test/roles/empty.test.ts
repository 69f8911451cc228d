import assert from 'node:assert/strict'
import { test } from 'node:test'
import crypto from 'hypercore-crypto'
import { codecNames } from '../../src/chunk/header.js'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { noiseBlocks } from '../storage/support.js'
import { RoleNetwork } from './network.js'
import { readBlocks, stockPeer, supporterOf } from './stock.js'

for (const codec of codecNames) {
  test(`empty blocks at the beginning, in the middle and at the end are kept in ${codec}, proven and read when their author has left`, async (t) => {
    const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1', 'verifier-1'])
    for (const role of ['signer', 'pinner', 'verifier'] as const) await network.startRole(role, `${role}-1`)
    const author = await stockPeer(t, network.network)
    const core = author.store.get({ name: 'holes of nothing' })
    const [first, second, third] = noiseBlocks(3, 3_000, 'log') as [Buffer, Buffer, Buffer]
    const none = Buffer.alloc(0)
    const blocks = [none, first, none, second, none, none, third, none]
    await core.append(blocks)
    await author.swarm.join(core.discoveryKey).flushed()
    const supporter = await supporterOf(t, network)
    const plan = planOf(1, codec, crypto.discoveryKey(core.key))
    await supporter.sponsor(core.key, await supporter.inspect(core.key), plan, DONATION_GRAINS)
    await network.until('a copy', () => network.observer.copies.size > 0)
    await author.end()
    const [holder] = (await network.observer.member.chain.hypercore(core.key))!.copies
    await network.until('two proofs', () => network.settled(holder!.id, 'success') >= 2)
    assert.deepEqual(await readBlocks(t, network, core.key, blocks.length), blocks)
    await network.audit()
  })
}

test('a hypercore of nothing but empty blocks is kept and read when its author has left', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  for (const role of ['signer', 'pinner'] as const) await network.startRole(role, `${role}-1`)
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'nothing' })
  const blocks = [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)]
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()
  const supporter = await supporterOf(t, network)
  const plan = planOf(1, 'wrap', crypto.discoveryKey(core.key))
  await supporter.sponsor(core.key, await supporter.inspect(core.key), plan, DONATION_GRAINS)
  await network.until('a copy', () => network.observer.copies.size > 0)
  await author.end()
  const [holder] = (await network.observer.member.chain.hypercore(core.key))!.copies
  await network.until('a proof', () => network.settled(holder!.id, 'success') >= 1)
  assert.deepEqual(await readBlocks(t, network, core.key, 3), blocks)
  await network.audit()
})

test('a hypercore without blocks is registered, waits, and is kept once its author has written', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  for (const role of ['signer', 'pinner'] as const) await network.startRole(role, `${role}-1`)
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'later' })
  await core.ready()
  await author.swarm.join(core.discoveryKey).flushed()
  const supporter = await supporterOf(t, network)
  const { chain } = supporter.member
  const plan = planOf(1, 'wrap', crypto.discoveryKey(core.key))
  const empty = await supporter.inspect(core.key)
  assert.equal(empty.length, 0)
  await supporter.sponsor(core.key, empty, plan, DONATION_GRAINS)
  const waiting = (await chain.hypercore(core.key))!
  assert.deepEqual([waiting.length, waiting.copies.length], [0, 0])
  const blocks = noiseBlocks(5, 1_000, 'later')
  await core.append(blocks)
  assert.equal(await supporter.extend(core.key, await supporter.inspect(core.key)), true)
  await network.until('a copy', () => network.observer.copies.size > 0)
  await author.end()
  assert.deepEqual(await readBlocks(t, network, core.key, 5), blocks)
  await network.audit()
})
