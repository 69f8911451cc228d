import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import Hyperswarm from 'hyperswarm'
import HyperDHT from 'hyperdht'
import { signClaim, verifyClaim } from '../../../src/protocol/claim.js'
import { encode } from '../../../src/protocol/codec.js'
import { readTrailer, readEvidence } from '../../../src/client/evidence-core.js'
import { chainCoreKey } from '../../../src/client/chain-cores.js'
import { methods } from '../../../src/protocol/rpc/messages.js'
import { buildEvidence } from '../../../src/evidence/format.js'
import { walk } from '../../../src/evidence/walk.js'
import { identity } from '../../ledger/network.js'
import { rawChannel } from '../chain.js'
import { answer, challenged, forged, hosted, settled } from '../hosted.js'

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
  const trailer = readTrailer((await core.get(record.end - 1))!, record.end - 1)!
  const claim = { challenge: challenge.id, hash: record.hash }
  assert.ok(verifyClaim(await pinner.chainId(), pinner.publicKey, claim, trailer.signature))
})

test('evidence with a byte changed after s_k was signed is a proven lie, and costs the copy', async (t) => {
  const hosting = await hosted(t)
  const { chain, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await answer(hosting, challenge, forged(copy, steps[0]!.index))
  assert.equal((await settled(hosting, challenge.id)).outcome, 'lie')
  assert.equal(chain.network.ledger.copy(challenge.copy)!.state, 'lost')
})

test('forged bytes that the pinner did not sign for are a failure, no lie, and are not published', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  // The leaves, and so the hash that is signed for, are those of the true chunks.
  const reader = {
    ...forged(copy, steps[0]!.index),
    leaf: (ordinal: number, index: number) => copy.reader.leaf(ordinal, index)
  }
  await answer(hosting, challenge, reader)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  assert.equal(await pinner.findEvidence(challenge.id), null)
  const said = chain.lines.filter((line) => line.includes('chain.answer-refused'))
  assert.deepEqual(
    said.map((line) => (JSON.parse(line) as { code: string }).code),
    ['EVIDENCE_CLAIM']
  )
  assert.notEqual(chain.network.ledger.copy(challenge.copy)!.state, 'lost')
})

test('an upload is refused without the signature of the pinner for this evidence of this challenge', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  const { hash, byteLength: bytes } = await buildEvidence(copy.reader, challenge, steps)
  const { chainId } = chain.network.ledger
  const { channel, end } = await rawChannel(chain, 'pinner')
  t.after(end)
  const begin = async (signature: Uint8Array): Promise<Uint8Array> => {
    const request = { challenge: challenge.id, bytes, hash, signature }
    const body = encode(methods.beginEvidence.request, request)
    return channel.request(methods.beginEvidence.code, body, { timeoutMs: 5000 })
  }
  const own = identity('pinner')
  for (const [keyPair, claim] of [
    [identity('stranger'), { challenge: challenge.id, hash }],
    [own, { challenge: challenge.id + 1, hash }],
    [own, { challenge: challenge.id, hash: Buffer.alloc(32, 1) }]
  ] as const) {
    await assert.rejects(begin(signClaim(chainId, keyPair, claim)), { code: 'EVIDENCE_SIGNATURE' })
  }
  await begin(signClaim(chainId, own, { challenge: challenge.id, hash }))
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
  while (chain.service.time() <= challenge.evidenceBy) await chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_NOT_ASKED' })
})

test('evidence that comes after its time, but before the tick that ends it, is refused as late', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  while (chain.service.time() + 100 <= challenge.evidenceBy) await chain.tick()
  chain.network.at += 100
  assert.ok(chain.service.time() > challenge.evidenceBy)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_LATE' })
})

test('a piece of an upload that was never begun, or of another connection, is refused', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  for (const method of [methods.evidence, methods.refusalEvidence]) {
    const { channel, end } = await rawChannel(chain, 'pinner')
    t.after(end)
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

test('an honest pinner passes though the chain crashed with its evidence after the time for it', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  // The process ends with all of the evidence in its memory, and is back when the time for it has passed.
  chain.crashWhileVerifying()
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  await pinner.sendEvidence(challenge.id, evidence)
  assert.deepEqual(await pinner.evidenceDue(), [])
  while (chain.service.time() <= challenge.evidenceBy) await chain.tick()
  await chain.restart()
  await chain.tick()
  assert.deepEqual(
    (await pinner.evidenceDue()).map(({ id }) => id),
    [challenge.id]
  )
  await pinner.sendEvidence(challenge.id, evidence)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})

test('what does not come again after a restart of the chain fails', async (t) => {
  const hosting = await hosted(t)
  const { chain, pinner, copy } = hosting
  const challenge = await challenged(hosting)
  const steps = await walk(copy.reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: steps.at(-1)!.state }])
  await chain.restart()
  const again = chain.service.time() + chain.network.ledger.parameters().settleGraceMs / 2
  while (chain.service.time() <= Math.max(again, challenge.evidenceBy)) await chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'failure')
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  await assert.rejects(pinner.sendEvidence(challenge.id, evidence), { code: 'EVIDENCE_NOT_ASKED' })
})

test('an upload that the chain slows down gets through in the end', async (t) => {
  const hosting = await hosted(t, { perSecond: 40, burst: 4 }, 100)
  const challenge = await challenged(hosting)
  await answer(hosting, challenge, hosting.copy.reader)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
})
