import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import Hyperswarm from 'hyperswarm'
import { encode } from '../../../src/protocol/codec.js'
import { readTrailer, readEvidence } from '../../../src/client/evidence-core.js'
import { chainCoreKey } from '../../../src/client/chain-cores.js'
import { methods } from '../../../src/protocol/rpc/messages.js'
import { evidenceOf } from '../../../src/client/upload.js'
import { verifyEvidenceReceipt } from '../../../src/protocol/receipt.js'
import { createDht } from '../../../src/swarm/dht.js'
import { walked } from '../../evidence/slice-copy.js'
import { rawChannel } from '../chain.js'
import { answer, answered, challenged, forged, hosted, settled } from '../hosted.js'
import { closeAfter } from '../../helpers/close-after.js'

test('an honest answer passes; its evidence is public and the log tells what was checked', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  // The first may come in the epoch in which the copy was made, of which nothing is paid.
  const first = await challenged(hosting)
  await answer(hosting, first, copy.reader)
  assert.equal((await settled(hosting, first.id)).outcome, 'success')
  const challenge = await challenged(hosting)
  const sent = await answer(hosting, challenge, copy.reader)
  const { outcome, paid } = await settled(hosting, challenge.id)
  assert.equal(outcome, 'success')
  assert.ok(paid > 0n)

  const record = (await pinner.findEvidence(challenge.id))!
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
  assert.deepEqual(Buffer.concat(parts), Buffer.from(sent))
  const trailer = readTrailer((await core.get(record.end - 1))!, record.end - 1)!
  assert.deepEqual([trailer.id, trailer.hash], [challenge.id, record.hash])
})

test('evidence with a changed byte that its pinner answered with is a proven lie, and costs the copy', async (t) => {
  const hosting = await hosted(t)
  const { chain, copy } = hosting
  const challenge = await challenged(hosting)
  const { steps } = await walked(copy.reader, challenge)
  await answer(hosting, challenge, forged(copy, steps[0]!.place.index))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'lie')
  assert.equal(chain.network.ledger.copy(challenge.copy)!.state, 'lost')
})

test('bytes that the answer did not name are not taken, and what it named is taken after them', async (t) => {
  const hosting = await hosted(t)
  const { pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  const other = Uint8Array.from(evidence)
  other[other.length - 1]! ^= 1
  await assert.rejects(pinner.sendEvidence(challenge.id, evidenceOf(other, hash)), { code: 'EVIDENCE_CLAIM' })
  await pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('who has sent all of an evidence has the word of the chain for it, for this challenge and these bytes', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  const receipt = await pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  assert.deepEqual(
    [receipt.challenge, receipt.evidence, receipt.at],
    [challenge.id, hash, chain.service.time()]
  )
  const { chainId } = chain.network.ledger
  const holds = (changes: Partial<typeof receipt>): boolean =>
    verifyEvidenceReceipt(chainId, pinner.chainKey, { ...receipt, ...changes })
  const changes = [
    {},
    { challenge: challenge.id + 1 },
    { evidence: Buffer.alloc(32) },
    { at: receipt.at + 1 }
  ]
  assert.deepEqual(changes.map(holds), [true, false, false, false])
  assert.ok(!verifyEvidenceReceipt(Buffer.alloc(32), pinner.chainKey, receipt))
})

test('a signed state that the slices do not lead to is a proven lie', async (t) => {
  const hosting = await hosted(t)
  const challenge = await challenged(hosting)
  await answer(hosting, challenge, hosting.copy.reader, Buffer.alloc(32, 1))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'lie')
})

test('an answer without evidence fails when its time is over, and late evidence is refused', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  while (chain.service.time() <= challenge.evidenceBy) await chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  await assert.rejects(pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash)), {
    code: 'EVIDENCE_NOT_ASKED'
  })
})

test('evidence that comes after its time, but before the tick that ends it, is refused as late', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  while (chain.service.time() + 100 <= challenge.evidenceBy) await chain.tick()
  chain.network.at += 100
  assert.ok(chain.service.time() > challenge.evidenceBy)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash)), {
    code: 'EVIDENCE_LATE'
  })
})

test('a piece of an upload that was never begun, or of another connection, is refused', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  for (const method of [methods.evidence, methods.refusalEvidence]) {
    const { channel, end } = await rawChannel(chain, 'pinner')
    closeAfter(t, end)
    const body = encode(method.request, { upload: 77, offset: 0, bytes: Buffer.alloc(10) })
    await assert.rejects(channel.request(method.code, body, { timeoutMs: 5000 }), {
      name: 'PeerError',
      code: 'EVIDENCE_UPLOAD'
    })
  }
})

test('evidence is taken from the challenged pinner only, after its answer, and within its size', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await walked(copy.reader, challenge)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash)), {
    code: 'EVIDENCE_NOT_ASKED'
  })
  await answered(hosting, challenge, copy.reader)
  const stranger = chain.client('stranger')
  await assert.rejects(stranger.sendEvidence(challenge.id, evidenceOf(evidence, hash)), {
    code: 'EVIDENCE_NOT_ASKED'
  })
  for (const byteLength of [2 ** 40, evidence.byteLength - 1]) {
    const other = { ...evidenceOf(evidence, hash), byteLength }
    await assert.rejects(pinner.sendEvidence(challenge.id, other), { code: 'EVIDENCE_TOO_LARGE' })
  }
  await pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('an upload that was interrupted begins again after the chain was restarted', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  let restarted = false
  const interrupted = {
    ...evidenceOf(evidence, hash),
    async *parts() {
      yield evidence.subarray(0, 100)
      if (!restarted) {
        restarted = true
        await chain.restart()
      }
      yield evidence.subarray(100)
    }
  }
  await pinner.sendEvidence(challenge.id, interrupted)
  assert.equal(restarted, true)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('an honest pinner passes though the chain crashed with its evidence after the time for it', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  // The process ends with all of the evidence in its memory, and is back when the time for it has passed.
  chain.crashWhileVerifying()
  await pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  assert.deepEqual(await pinner.evidenceDue(), [])
  while (chain.service.time() <= challenge.evidenceBy) await chain.tick()
  await chain.restart()
  await chain.tick()
  assert.deepEqual(
    (await pinner.evidenceDue()).map(({ id }) => id),
    [challenge.id]
  )
  await pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('what does not come again after a restart of the chain fails', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const { evidence, hash } = await answered(hosting, challenge, copy.reader)
  await chain.restart()
  const again = chain.service.time() + chain.network.ledger.parameters().settleGraceMs / 2
  while (chain.service.time() <= Math.max(again, challenge.evidenceBy)) await chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  await assert.rejects(pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash)), {
    code: 'EVIDENCE_NOT_ASKED'
  })
})

test('an upload that the chain slows down gets through in the end', async (t) => {
  const hosting = await hosted(t, { perSecond: 200, burst: 32 }, { scale: 100, steps: 512 })
  const challenge = await challenged(hosting)
  await answer(hosting, challenge, hosting.copy.reader)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})
