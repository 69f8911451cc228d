import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { join } from 'node:path'
import Corestore from 'corestore'
import { EvidenceStore } from '../../../src/chain/evidence/store.js'
import { evidenceOf } from '../../../src/client/upload.js'
import { openingHash } from '../../../src/evidence/opening.js'
import type { Effect } from '../../../src/protocol/effects.js'
import { verifyEvidenceReceipt } from '../../../src/protocol/receipt.js'
import type { OpeningView } from '../../../src/protocol/views.js'
import { run, remote } from '../../audit/audit-run.js'
import { answer, challenged, hosted, settled, type Hosted } from '../hosted.js'
import { opened } from '../openings.js'

const rules = { openingBytesPerWeek: 2 ** 40, openingMs: 2_000 }

/** Answers challenges until a chunk of them is to be opened. */
async function asked(
  t: TestContext,
  invent?: (blocks: Buffer[]) => Buffer[],
  chosen: (opening: OpeningView) => boolean = () => true
): Promise<Hosted & { opening: OpeningView }> {
  const hosting = await hosted(t, {}, { rules, ...(invent && { invent }) })
  for (let n = 0; n < 60; n++) {
    const challenge = await challenged(hosting)
    await answer(hosting, challenge, hosting.copy.reader)
    assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
    await hosting.chain.tick(2)
    const [opening] = await hosting.pinner.openings(10)
    if (!opening) continue
    if (chosen(opening)) return { ...hosting, opening }
    await hosting.pinner.sendOpening(opening.challenge, await opened([hosting.copy], hosting.blocks, opening))
    await outcomeOf(hosting, opening.challenge)
  }
  assert.fail('nothing is to be opened')
}

async function outcomeOf(
  { chain }: Hosted,
  challenge: number
): Promise<{ seq: number; effect: Effect & { kind: 'openingSettled' } }> {
  const { ledger } = chain.network
  return chain.until('the opening is settled', () => {
    for (let seq = 0; seq < ledger.length(); seq++) {
      for (const effect of ledger.effects(seq)?.effects ?? []) {
        if (effect.kind === 'openingSettled' && effect.challenge === challenge) return { seq, effect }
      }
    }
    return null
  })
}

/** Waits until the chain has looked at so many that were none. */
async function refusedSoFar({ chain }: Hosted, count: number): Promise<void> {
  const seen = (): number => chain.lines.filter((line) => line.includes('chain.opening-refused')).length
  await chain.until('it is looked at', () => seen() >= count, false)
}

test('an opening is receipted, judged, public, and found again by an audit; what is not it is not taken', async (t) => {
  const of = await asked(t)
  const { chain, pinner, copy, blocks, opening } = of
  const { challenge } = opening
  const whole = await opened([copy], blocks, opening)
  const other = await opened([copy], blocks, { ...opening, index: (opening.index + 1) % blocks.length })
  await assert.rejects(pinner.sendOpening(challenge + 1_000, whole), { code: 'EVIDENCE_NOT_ASKED' })
  await assert.rejects(chain.client('signer').sendOpening(challenge, whole), { code: 'EVIDENCE_NOT_ASKED' })
  await pinner.sendOpening(challenge, other)
  await refusedSoFar(of, 1)
  await chain.tick(2)
  assert.equal(chain.network.ledger.opening(challenge)!.openBy, null, 'it is as if nothing had come')
  const receipt = await pinner.sendOpening(challenge, whole)
  assert.deepEqual([receipt.challenge, receipt.evidence], [challenge, whole.hash])
  assert.ok(verifyEvidenceReceipt(await pinner.chainId(), pinner.chainKey, receipt, 'opening'))
  assert.ok(!verifyEvidenceReceipt(await pinner.chainId(), pinner.chainKey, receipt))
  const { effect } = await outcomeOf(of, challenge)
  assert.equal(effect.outcome, 'success')
  assert.deepEqual((await pinner.findOpening(challenge))!.hash, whole.hash)
  for (const target of [remote(chain), [chain.dir]]) {
    const { code, report } = await run(...target, '--require-evidence')
    assert.deepEqual([code, report.failure, report.evidence!.missing], [0, null, 0])
  }
})

test('a copy that encodes something else passes its challenges, and is found by the first opening of it', async (t) => {
  const bad = (index: number): boolean => index % 2 === 1
  const invent = (blocks: Buffer[]): Buffer[] =>
    blocks.map((block, index) => (bad(index) ? Buffer.alloc(block.byteLength, 0xee) : block))
  const of = await asked(t, invent, ({ index }) => bad(index))
  const { chain, pinner, copy, blocks, opening } = of
  await pinner.sendOpening(opening.challenge, await opened([copy], blocks, opening))
  const { effect, seq } = await outcomeOf(of, opening.challenge)
  assert.equal(effect.outcome, 'lie')
  assert.equal(chain.network.ledger.copy(opening.copy)!.state, 'lost')
  const { code, report } = await run(chain.dir, '--require-evidence')
  assert.deepEqual([code, report.failure], [0, null])
  const penalised = chain.network.ledger.effects(seq)!.effects.find(({ kind }) => kind === 'penalised')
  assert.equal((penalised as Effect & { kind: 'penalised' }).role, 'signer')
})

test('who is silent though it answers is asked for the same chunk again, and has lied the second time', async (t) => {
  const of = await asked(t)
  const { chain, pinner, opening } = of
  const outcomes: string[] = []
  for (let n = 0; n < 400 && chain.network.ledger.copy(opening.copy)!.state === 'active'; n++) {
    const [challenge] = await pinner.challenges(1)
    if (challenge) await answer(of, challenge, of.copy.reader)
    await chain.tick(1)
  }
  const { ledger } = chain.network
  for (let seq = 0; seq < ledger.length(); seq++) {
    for (const effect of ledger.effects(seq)!.effects) {
      if (effect.kind === 'openingSettled' && effect.challenge === opening.challenge)
        outcomes.push(effect.outcome)
    }
  }
  assert.deepEqual(outcomes, ['failure', 'lie'])
  assert.equal(ledger.copy(opening.copy)!.state, 'lost')
})

test('an audit finds an opening that was settled otherwise than it says, or that is missing', async (t) => {
  const of = await asked(t)
  const { chain, pinner, copy, blocks, opening } = of
  const { challenge } = opening
  const whole = await opened([copy], blocks, opening)
  await pinner.sendOpening(challenge, whole)
  const { seq } = await outcomeOf(of, challenge)
  await chain.stop()
  const subject = { kind: 'opening', id: challenge } as const
  const [sent] = [...(whole.parts() as Iterable<Uint8Array>)]
  const keep = async (bytes: Uint8Array | null): Promise<void> => {
    const store = new Corestore(join(chain.dir, 'cores'))
    await store.ready()
    const evidence = new EvidenceStore(chain.dir, store, chain.network.chain)
    await evidence.ready()
    await evidence.remove(subject)
    if (bytes) await evidence.add({ ...subject, hash: whole.hash, at: chain.network.at }, [bytes])
    await evidence.close()
    await store.close()
  }
  const found = async (...args: string[]) => {
    const { code, report } = await run(chain.dir, ...args)
    return [code, report.failure?.seq ?? null, report.failure?.code ?? null, report.evidence!.missing]
  }
  await keep(null)
  assert.deepEqual(await found(), [0, null, null, 1])
  assert.deepEqual(await found('--require-evidence'), [1, seq, 'EVIDENCE_UNAVAILABLE', 1])
  const changed = Buffer.from(sent!)
  changed[changed.byteLength - 1]! ^= 1
  await keep(changed)
  assert.deepEqual(await found(), [1, seq, 'EVIDENCE_DIFFERS', 0])
  await keep(sent!)
  assert.deepEqual(await found('--require-evidence'), [0, null, null, 0])
})

test('a chain that settles as a lie what an opening shows to hold is found out', async (t) => {
  const of = await asked(t)
  const { chain, pinner, copy, blocks, opening } = of
  chain.lieAboutOpenings((verdict) => ({ ...verdict, outcome: 'lie' }))
  await pinner.sendOpening(opening.challenge, await opened([copy], blocks, opening))
  const { seq } = await outcomeOf(of, opening.challenge)
  const { code, report } = await run(chain.dir)
  assert.deepEqual([code, report.failure?.seq, report.failure?.code], [1, seq, 'VERDICT_DIFFERS'])
  assert.match(report.failure!.reason, /it was settled as lie, its evidence says success/)
})

test('garbage of any size is not taken for an opening, and what is too large not at all', async (t) => {
  const of = await asked(t)
  const { chain, pinner, opening } = of
  for (const [n, bytes] of [Buffer.of(1), Buffer.alloc(70_000, 1)].entries()) {
    await pinner.sendOpening(opening.challenge, evidenceOf(bytes, openingHash(bytes)))
    await refusedSoFar(of, n + 1)
    await chain.tick(1)
  }
  assert.ok(chain.network.ledger.opening(opening.challenge))
  const large = { ...evidenceOf(Buffer.alloc(1), Buffer.alloc(32)), byteLength: 17 << 20 }
  await assert.rejects(pinner.sendOpening(opening.challenge, large), { code: 'EVIDENCE_TOO_LARGE' })
})
