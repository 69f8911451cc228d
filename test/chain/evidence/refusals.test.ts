import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import Hyperswarm from 'hyperswarm'
import { readEvidence } from '../../../src/client/evidence-core.js'
import { chainCoreKey } from '../../../src/client/chain-cores.js'
import { MAX_REFUSAL_EVIDENCE_BYTES } from '../../../src/evidence/refusal-format.js'
import { judgeRefusal } from '../../../src/evidence/refusal-judge.js'
import { refusalTools } from '../../../src/ledger/refusal-tools.js'
import { parameters } from '../../../src/protocol/parameters.js'
import { createDht } from '../../../src/swarm/dht.js'
import { identity } from '../../ledger/network.js'
import { BAD, delivered, judged, refuse, silences, source, verdictIn, type Delivered } from '../refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const { failedFee: FAILED, declineFee: DECLINED } = parameters()

function deposits({ chain }: Delivered): [signer: bigint, pinner: bigint] {
  const of = (name: string): bigint =>
    chain.network.ledger.account(identity(name).publicKey).roles[0]!.deposit
  return [of('signer'), of('pinner')]
}

test('evidence of a bad chunk is upheld and public: anybody comes to the same verdict', async (t) => {
  const of = await delivered(t)
  const { chain, pinner, draw } = of
  const sent = await of.evidence(BAD)
  await refuse(of, sent)
  const refusal = chain.network.ledger.refusal(draw)!
  assert.deepEqual(await pinner.refusalsDue(), [draw])
  await pinner.sendRefusalEvidence(draw, source(sent))
  assert.equal(await judged(of), true)
  assert.deepEqual(await pinner.refusalsDue(), [])
  assert.deepEqual(deposits(of), [50_000_000n - 10_000n, 50_000_000n])

  const record = (await chain.client('anybody').findRefusalEvidence(draw))!
  assert.deepEqual(record.hash, refusal.evidence)
  const folder = await mkdtemp(join(tmpdir(), 'datdot-follower-'))
  const store = new Corestore(folder)
  const swarm = new Hyperswarm({ dht: createDht({ bootstrap: chain.bootstrap, host: '127.0.0.1' }) })
  closeAfter(t, async () => {
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
  const { upheld, code } = judgeRefusal(Buffer.concat(parts), refusal, refusalTools)
  assert.deepEqual([upheld, code], [true, 'CODEC_SIGNATURE'])
})

test('evidence that does not fit into the memory of uploads is judged from the disk', async (t) => {
  const of = await delivered(t, { scale: 2_000 })
  const sent = await of.evidence(BAD)
  assert.ok(sent.byteLength > 4 << 20)
  await refuse(of, sent)
  await of.pinner.sendRefusalEvidence(of.draw, source(sent))
  assert.equal(await judged(of), true)
})

test('a refusal whose evidence shows a good chunk is paid by the pinner', async (t) => {
  const of = await delivered(t)
  const sent = await of.evidence(BAD + 1)
  await refuse(of, sent)
  await of.pinner.sendRefusalEvidence(of.draw, source(sent))
  assert.equal(await judged(of), false)
  assert.deepEqual(deposits(of), [50_000_000n, 50_000_000n - FAILED])
  assert.ok(of.chain.lines.some((line) => line.includes('REFUSAL_UNFOUNDED')))
})

test('evidence that does not come in time is not upheld, and is not taken later', async (t) => {
  const of = await delivered(t)
  const sent = await of.evidence(BAD)
  await refuse(of, sent)
  const { evidenceBy } = of.chain.network.ledger.refusal(of.draw)!
  while (of.chain.service.time() <= evidenceBy) {
    assert.equal(verdictIn(of), undefined)
    await of.chain.tick()
  }
  assert.equal(await judged(of), false)
  assert.deepEqual(deposits(of), [50_000_000n, 50_000_000n - FAILED - silences(of) * DECLINED])
  await assert.rejects(of.pinner.sendRefusalEvidence(of.draw, source(sent)), { code: 'EVIDENCE_NOT_ASKED' })
})

test('evidence is taken from the refusing pinner only, after its refusal, and within its size', async (t) => {
  const of = await delivered(t)
  const { chain, signer, pinner, draw } = of
  const sent = source(await of.evidence(BAD))
  await assert.rejects(pinner.sendRefusalEvidence(draw, sent), { code: 'EVIDENCE_NOT_ASKED' })
  await refuse(of, await of.evidence(BAD))
  for (const other of [signer, chain.client('stranger')]) {
    await assert.rejects(other.sendRefusalEvidence(draw, sent), { code: 'EVIDENCE_NOT_ASKED' })
    assert.deepEqual(await other.refusalsDue(), [])
  }
  await assert.rejects(pinner.sendRefusalEvidence(draw + 1, sent), { code: 'EVIDENCE_NOT_ASKED' })
  for (const byteLength of [0, MAX_REFUSAL_EVIDENCE_BYTES + 1, 2 ** 48, sent.byteLength - 1]) {
    await assert.rejects(pinner.sendRefusalEvidence(draw, { ...sent, byteLength }), {
      code: 'EVIDENCE_TOO_LARGE'
    })
  }
  await pinner.sendRefusalEvidence(draw, sent)
  assert.equal(await judged(of), true)
})

test('bytes that the refusal did not name are no evidence; those that it named may still come', async (t) => {
  const of = await delivered(t)
  await refuse(of, await of.evidence(BAD))
  await of.pinner.sendRefusalEvidence(of.draw, source(await of.evidence(BAD + 1)))
  await of.chain.until(
    'they are looked at',
    () => of.chain.lines.some((line) => line.includes('REFUSAL_HASH')),
    false
  )
  assert.equal(verdictIn(of), undefined)
  assert.equal(await of.pinner.findRefusalEvidence(of.draw), null)
  await of.pinner.sendRefusalEvidence(of.draw, source(await of.evidence(BAD)))
  assert.equal(await judged(of), true)
})

test('an upload that was interrupted begins again after the chain was restarted', async (t) => {
  const of = await delivered(t)
  const sent = await of.evidence(BAD)
  await refuse(of, sent)
  let restarted = false
  await of.pinner.sendRefusalEvidence(of.draw, {
    byteLength: sent.byteLength,
    async *parts() {
      yield sent.subarray(0, 100)
      if (!restarted) await of.chain.restart()
      restarted = true
      yield sent.subarray(100)
    }
  })
  assert.equal(restarted, true)
  assert.equal(await judged(of), true)
})

test('a chain that was down when the time for evidence ended lets it be sent again, for a while', async (t) => {
  for (const sends of [true, false]) {
    const of = await delivered(t)
    const { network } = of.chain
    const sent = await of.evidence(BAD)
    await refuse(of, sent)
    const { evidenceBy } = network.ledger.refusal(of.draw)!
    // Nobody judges while the ledger alone goes on.
    while (network.ledger.chain().clock <= evidenceBy) network.tick()
    await of.chain.restart()
    await of.chain.tick()
    assert.equal(verdictIn(of), undefined)
    assert.deepEqual(await of.pinner.refusalsDue(), [of.draw])
    if (sends) await of.pinner.sendRefusalEvidence(of.draw, source(sent))
    else await of.chain.tick(6)
    assert.equal(await judged(of), sends)
  }
})

test('a refusal that the chain cannot judge for a reason of its own expires, and nobody pays for it', async (t) => {
  const of = await delivered(t, { judge: () => Promise.reject(new Error('no thread is left')) })
  const sent = await of.evidence(BAD)
  await refuse(of, sent)
  await of.pinner.sendRefusalEvidence(of.draw, source(sent))
  const { ledger } = of.chain.network
  await of.chain.until('it expires', () => ledger.refusal(of.draw) === null)
  assert.equal(verdictIn(of), undefined)
  assert.deepEqual(deposits(of), [50_000_000n, 50_000_000n - silences(of) * DECLINED])
})
