import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type Hyperswarm from 'hyperswarm'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { closeAfter } from '../helpers/close-after.js'
import { temporaryFolder } from '../helpers/folder.js'
import { quorumCore, noiseBlocks } from '../storage/support.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { RoleNetwork } from './network.js'
import { readBlocks, stockPeer, supporterOf } from './stock.js'

/** A network of one signer, pinner and verifier, which keeps what `make` writes; the author leaves, and a reader comes. */
async function keptAndRead(
  t: TestContext,
  make: (author: Awaited<ReturnType<typeof stockPeer>>) => Promise<{ core: Hypercore; blocks: Buffer[] }>,
  rules: Partial<Parameters> = {}
): Promise<void> {
  const names = ['signer-1', 'pinner-1', 'verifier-1', 'verifier-2', 'verifier-3']
  const network = await RoleNetwork.start(t, names, rules)
  for (const name of ['signer-1', 'pinner-1', 'verifier-1', 'verifier-2', 'verifier-3']) {
    await network.startRole(name.split('-')[0] as 'signer' | 'pinner' | 'verifier', name)
  }
  const author = await stockPeer(t, network.network)
  const { core, blocks } = await make(author)
  await author.swarm.join(core.discoveryKey).flushed()
  const supporter = await supporterOf(t, network)
  const plan = planOf(1, 'wrap', crypto.discoveryKey(core.key))
  await supporter.sponsor(core.key, await supporter.inspect(core.key), plan, DONATION_GRAINS)
  await network.until('a copy', () => network.observer.copies.size > 0)
  const [copy] = (await network.observer.member.chain.hypercore(core.key))!.copies
  assert.equal(copy!.length, blocks.length)
  await author.end()
  await network.until('a proof', () => network.settled(copy!.id, 'success') > 0)
  await network.until('a check', () => (network.observer.copies.get(copy!.id)!.retrieval.success ?? 0) > 0)
  assert.deepEqual(await readBlocks(t, network, core.key, blocks.length), blocks)
  await network.audit()
}

/** A hypercore of its own, beside the author's store. */
async function apart(
  t: TestContext,
  swarm: Hyperswarm,
  options: { compat?: boolean; encryptionKey?: Buffer }
): Promise<Hypercore> {
  const core = new Hypercore(join(temporaryFolder(t), 'core'), options)
  closeAfter(t, () => core.close())
  await core.ready()
  swarm.on('connection', (connection) => void core.replicate(connection))
  return core
}

test('a hypercore of which two of three signers sign each length is kept, checked and read', (t) =>
  keptAndRead(t, async ({ store }) => {
    const blocks = noiseBlocks(20, 3_000, 'quorum')
    return { core: await quorumCore(store, blocks), blocks }
  }))

test('a hypercore whose key is the public key of its author, as of hypercore 10, is kept, checked and read', (t) =>
  keptAndRead(t, async ({ swarm }) => {
    const core = await apart(t, swarm, { compat: true })
    const blocks = noiseBlocks(20, 3_000, 'legacy')
    await core.append(blocks)
    assert.deepEqual(core.key, core.keyPair!.publicKey)
    return { core, blocks }
  }))

test('an encrypted hypercore is kept as it is, checked, and read by who has its key', async (t) => {
  const encryptionKey = randomBytes(32)
  const plain = noiseBlocks(20, 3_000, 'encrypted')
  await keptAndRead(t, async ({ store }) => {
    const core = store.get({ name: 'encrypted', encryptionKey })
    await core.append(plain)
    const blocks: Buffer[] = []
    for (const index of plain.keys()) {
      const block = (await core.get(index, { raw: true }))!
      assert.ok(!block.includes(plain[index]!))
      blocks.push(Buffer.from(block))
    }
    return { core, blocks }
  })
})

test('blocks of 15 MiB are kept, checked and read', (t) =>
  keptAndRead(
    t,
    async ({ store }) => {
      const blocks = [randomBytes(15 << 20), randomBytes(15 << 20)]
      const core = store.get({ name: 'large' })
      await core.append(blocks)
      return { core, blocks }
    },
    // Three verifiers fetch 90 MB in an epoch, on a machine that does much else too.
    { epochMs: 9_000, reportRounds: 34 }
  ))

test('20,000 blocks of 10 bytes are kept, checked and read', (t) =>
  keptAndRead(t, async ({ store }) => {
    const blocks = Array.from({ length: 20_000 }, () => randomBytes(10))
    const core = store.get({ name: 'small' })
    await core.append(blocks)
    return { core, blocks }
  }))
