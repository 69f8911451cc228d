import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import Hyperswarm from 'hyperswarm'
import HyperDHT from 'hyperdht'
import { readEvidence } from '../../../src/chain/evidence-store.js'
import { chainCoreKey } from '../../../src/chain/log.js'
import type { Effect } from '../../../src/chain/effects.js'
import type { Quotas } from '../../../src/chain/rpc/channel.js'
import type { ChainClient } from '../../../src/chain/rpc/client.js'
import type { ChallengeView } from '../../../src/chain/views.js'
import { buildEvidence } from '../../../src/chain/walk/evidence.js'
import { walk, type CopyReader } from '../../../src/chain/walk/walk.js'
import type { ProofReader } from '../../../src/chain/walk/evidence.js'
import { identity } from '../network.js'
import { evidenceBytes } from '../walk/copy.js'
import { testChain, type TestChain } from './chain.js'
import { drawSegment, encodeCopy, type HeldCopy } from './pinner.js'

interface Hosted {
  chain: TestChain
  pinner: ChainClient
  copy: HeldCopy
}

/** One hypercore with one copy, delivered and accepted over the network. */
async function hosted(t: TestContext, quotas: Partial<Quotas> = {}, scale = 1): Promise<Hosted> {
  const chain = await testChain(t, { names: ['signer', 'pinner'], parameters: { maxTickGapMs: 100 }, quotas })
  const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc((100 + 997 * (i % 7)) * scale, i + 1))
  const { signer, pinner, original, assignment } = await drawSegment(t, chain, blocks)
  const copy = await encodeCopy(await signer.chainId(), assignment, original, identity('signer'))
  await signer.deliver(assignment.draw, copy.record)
  await pinner.accept(assignment.draw, copy.record, copy.signerSignature)
  return { chain, pinner, copy }
}

async function challenged({ chain, pinner }: Hosted): Promise<ChallengeView> {
  return chain.until('the pinner is challenged', async () => (await pinner.challenges())[0])
}

async function settled({ chain }: Hosted, challenge: number): Promise<Effect & { kind: 'settled' }> {
  const { ledger } = chain.network
  const find = (): (Effect & { kind: 'settled' }) | null => {
    for (let seq = 0; seq < ledger.length(); seq++) {
      for (const effect of ledger.effects(seq)?.effects ?? []) {
        if (effect.kind === 'settled' && effect.challenge === challenge) return effect
      }
    }
    return null
  }
  return chain.until('the challenge is settled', find, false)
}

/** Walks, signs s_k and sends the evidence, as a pinner does. */
async function answer(
  { pinner }: Hosted,
  challenge: ChallengeView,
  reader: CopyReader & ProofReader,
  state?: Buffer
): Promise<Buffer> {
  const steps = await walk(reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: state ?? steps.at(-1)!.state }])
  const evidence = await buildEvidence(reader, challenge, steps)
  await pinner.sendEvidence(challenge.id, evidence)
  return evidenceBytes(evidence)
}

test('an honest answer passes; its evidence is public and the log tells what was checked', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const sent = await answer(hosting, challenge, copy.reader)
  const { outcome, paid } = await settled(hosting, challenge.id)
  assert.equal(outcome, 'success')
  assert.ok(paid > 0n)

  const record = (await pinner.findEvidence(challenge.id))!
  const folder = await mkdtemp(join(tmpdir(), 'datdot-follower-'))
  const store = new Corestore(folder)
  const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: chain.bootstrap, host: '127.0.0.1' }) })
  t.after(async () => {
    await swarm.destroy()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  const core = store.get({ key: chainCoreKey(pinner.chainKey, 'evidence') })
  await core.ready()
  swarm.join(core.discoveryKey, { server: false, client: true })
  const parts: Buffer[] = []
  for await (const part of readEvidence(core, record)) parts.push(part)
  assert.deepEqual(Buffer.concat(parts), sent)
})

test('evidence with a byte changed after s_k was signed is a proven lie, and costs the copy', async (t) => {
  const hosting = await hosted(t)
  const { chain, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  const changed = copy.chunks.map((chunk) => Buffer.from(chunk))
  changed[steps[0]!.index]![150]! ^= 1
  await answer(hosting, challenge, { ...copy.reader, chunk: (_, index) => changed[index]! })
  assert.equal((await settled(hosting, challenge.id)).outcome, 'lie')
  assert.equal(chain.network.ledger.copy(challenge.copy)!.state, 'lost')
})

test('a signed state that the chunks do not lead to is a proven lie', async (t) => {
  const hosting = await hosted(t)
  const challenge = await challenged(hosting)
  await answer(hosting, challenge, hosting.copy.reader, Buffer.alloc(32, 1))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'lie')
})

test('an answer without evidence fails when its time is over, and late evidence is refused', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  while (chain.service.clock() <= challenge.evidenceBy) chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_NOT_ASKED' })
})

test('evidence is taken from the challenged pinner only, after its answer, and within its size', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_NOT_ASKED' })
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  const stranger = chain.client('stranger')
  await assert.rejects(stranger.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_NOT_ASKED' })
  const huge = { ...evidence, byteLength: 2 ** 40 }
  await assert.rejects(pinner.sendEvidence(challenge.id, huge), { code: 'EVIDENCE_TOO_LARGE' })
  const longer = { ...evidence, byteLength: evidence.byteLength - 1 }
  await assert.rejects(pinner.sendEvidence(challenge.id, longer), { code: 'EVIDENCE_TOO_LARGE' })
  await pinner.sendEvidence(challenge.id, evidence)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('an upload that was interrupted begins again after the chain was restarted', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  let restarted = false
  const interrupted = {
    ...evidence,
    async *parts() {
      for await (const part of evidence.parts()) {
        yield part
        if (!restarted) {
          restarted = true
          await chain.restart()
        }
      }
    }
  }
  await pinner.sendEvidence(challenge.id, interrupted)
  assert.equal(restarted, true)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('an upload that the chain slows down gets through in the end', async (t) => {
  const hosting = await hosted(t, { perSecond: 40, burst: 4 }, 100)
  const challenge = await challenged(hosting)
  await answer(hosting, challenge, hosting.copy.reader)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})
