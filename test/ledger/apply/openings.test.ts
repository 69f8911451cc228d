import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { blake3 } from '../../../src/crypto/hash.js'
import type { KeyPair } from '../../../src/crypto/keys.js'
import type { Effect, EffectKind } from '../../../src/protocol/effects.js'
import type { Statement } from '../../../src/protocol/operations.js'
import type { OpeningItem } from '../../../src/ledger/types.js'
import type { OpeningView } from '../../../src/protocol/views.js'
import { auditFile } from '../../../src/audit/file.js'
import { smallNetwork, type TestNetwork } from '../network.js'
import { refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const EVIDENCE = blake3(Buffer.from('an opening'))
/** As often as the rules let it: after one answer in four. */
const OFTEN = { openingBytesPerWeek: 2 ** 40, openingMs: 300 }

interface Asked {
  network: TestNetwork
  pinner: KeyPair
  opening: OpeningView
}

/** A network in which somebody is asked to open a chunk. */
function asked(t: TestContext, changes = {}): Asked {
  const network = smallNetwork({ ...OFTEN, ...changes })
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 3 })
  for (let n = 0; n < 400; n++) {
    network.tick()
    for (const pinner of network.identities.values()) {
      const [opening] = network.ledger.openings(pinner.publicKey)
      if (opening) return { network, pinner, opening }
    }
    network.work()
  }
  assert.fail('no opening was asked for')
}

function effects<K extends EffectKind>(network: TestNetwork, kind: K): (Effect & { kind: K })[] {
  const { ledger } = network
  return Array.from({ length: ledger.length() }, (_, seq) => ledger.effects(seq)!.effects)
    .flat()
    .filter((effect): effect is Effect & { kind: K } => effect.kind === kind)
}

const settle = (item: OpeningItem): Statement => ({ kind: 'settleOpenings', body: { items: [item] } })

/** The pinner answers something: its time counts from then on. */
function answers({ network, pinner, opening }: Asked): number {
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work()
    const { openBy } = network.ledger.opening(opening.challenge)!
    if (openBy !== null) return openBy
  }
  assert.fail(`${pinner.publicKey.toString('hex')} answers nothing`)
}

test('an opening is drawn by the first round that begins after the answer came, and names a chunk of the copy', (t) => {
  const { network, opening } = asked(t)
  const { ledger } = network
  assert.ok(opening.round <= ledger.chain().round)
  assert.ok(opening.index >= 0 && opening.index < ledger.copy(opening.copy)!.length)
  assert.deepEqual([opening.openBy, opening.missed], [null, 0])
  const drawn = effects(network, 'openingDrawn').find(({ challenge }) => challenge === opening.challenge)
  assert.deepEqual(drawn, {
    kind: 'openingDrawn',
    challenge: opening.challenge,
    copy: opening.copy,
    round: opening.round
  })
  const answered = Array.from({ length: ledger.length() }, (_, seq) => ledger.entry(seq)!).find(
    ({ operation }) => operation.kind === 'answer' && operation.body.answered.includes(opening.challenge)
  )
  // Rounds are 100 ms long here.
  assert.equal(opening.round, Math.floor(answered!.arrived! / 100) + 1)
})

test('a copy has one opening at a time, about one answer in four is opened, and a replay agrees', async (t) => {
  const { network } = asked(t)
  for (let n = 0; n < 400; n++) {
    network.tick()
    network.work()
    const open = [...network.identities.values()].flatMap(({ publicKey }) =>
      network.ledger.openings(publicKey)
    )
    assert.equal(new Set(open.map(({ copy }) => copy)).size, open.length)
    const items = open.map(({ challenge }) => ({
      challenge,
      outcome: 'success' as const,
      evidence: EVIDENCE
    }))
    network.ledger.settleOpenings(items)
  }
  const answered = effects(network, 'answered').length
  const drawn = effects(network, 'openingDrawn').length
  assert.ok(answered > 80, `${answered}`)
  // Five standard deviations on either side.
  const spread = 5 * Math.sqrt(answered * 0.25 * 0.75)
  assert.ok(Math.abs(drawn - answered / 4) < spread, `${drawn} of ${answered}`)
  for (const { outcome } of effects(network, 'openingSettled')) assert.equal(outcome, 'success')
  assert.equal((await auditFile(network.path)).failure, null)
})

test('its time counts from the next answer of its pinner on: who is away owes it when it is back', (t) => {
  const of = asked(t)
  const { network, opening } = of
  network.tick(15)
  assert.equal(network.ledger.opening(opening.challenge)!.openBy, null)
  assert.equal(
    network.ledger.settleOpenings([{ challenge: opening.challenge, outcome: 'failure', evidence: null }]),
    null
  )
  const openBy = answers(of)
  assert.ok(openBy > network.ledger.chain().clock - 100 && openBy <= network.ledger.chain().clock + 300)
  const overdue = (clock: number) =>
    network.ledger.overdueOpenings(clock, 10).filter(({ challenge }) => challenge === opening.challenge)
  assert.deepEqual(overdue(openBy), [])
  assert.deepEqual(overdue(openBy + 1), [{ challenge: opening.challenge, openBy }])
})

test('what does not come though its pinner is there is a failure, asked for again, and a lie the second time', (t) => {
  const of = asked(t)
  const { network, opening } = of
  const item: OpeningItem = { challenge: opening.challenge, outcome: 'failure', evidence: null }
  const { deposit, locked } = network.ledger.account(of.pinner.publicKey).roles[0]!
  answers(of)
  refused(network, network.chain, settle(item), 'OPENING_VERDICT')
  network.tick(4)
  assert.ok(network.ledger.settleOpenings([item]))
  const again = network.ledger.opening(opening.challenge)!
  assert.deepEqual([again.missed, again.openBy, again.index], [1, null, opening.index], 'the same chunk')
  assert.equal(network.ledger.copy(opening.copy)!.state, 'active')
  assert.equal(network.ledger.copy(opening.copy)!.score, network.ledger.parameters().failureForgivenBy)
  answers(of)
  network.tick(4)
  assert.ok(network.ledger.settleOpenings([item]))
  assert.deepEqual(
    effects(network, 'openingSettled').map(({ outcome }) => outcome),
    ['failure', 'lie']
  )
  assert.equal(network.ledger.copy(opening.copy)!.state, 'lost')
  assert.equal(network.ledger.opening(opening.challenge), null)
  const after = network.ledger.account(of.pinner.publicKey).roles[0]!
  assert.ok(deposit - after.deposit > 2n * (locked - after.locked), 'more than the lock of the copy')
  assert.equal(effects(network, 'penalised').length, 0, 'silence convicts nobody else')
})

test('a chunk that shows a lie costs pinner and signer', (t) => {
  const { network, opening } = asked(t)
  const { ledger } = network
  const [segment] = ledger.copy(opening.copy)!.segments
  const signer = ledger.account(segment!.signer).roles[0]!
  assert.ok(ledger.settleOpenings([{ challenge: opening.challenge, outcome: 'lie', evidence: EVIDENCE }]))
  assert.equal(ledger.copy(opening.copy)!.state, 'lost')
  const after = ledger.account(segment!.signer).roles[0]!
  assert.ok(after.deposit < signer.deposit && after.reputationPpm < signer.reputationPpm)
})

test('what the chain does not judge in time costs nobody anything, and is asked for again', (t) => {
  const of = asked(t)
  const { network, opening } = of
  answers(of)
  // openingMs and settleGraceMs, and a tick that finds them over.
  network.tick(14)
  const again = network.ledger.opening(opening.challenge)!
  assert.deepEqual([again.missed, again.openBy], [0, null])
  assert.equal(
    effects(network, 'openingDrawn').filter(({ challenge }) => challenge === opening.challenge).length,
    2
  )
  assert.equal(effects(network, 'openingSettled').length, 0)
})

test('verdicts are the chain’s, on openings that are asked for, with evidence or for want of it', (t) => {
  const { network, pinner, opening } = asked(t)
  const { challenge } = opening
  const good: OpeningItem = { challenge, outcome: 'success', evidence: EVIDENCE }
  refused(network, pinner, settle(good), 'NOT_THE_CHAIN')
  refused(network, network.chain, settle({ ...good, challenge: challenge + 1_000 }), 'OPENING_UNKNOWN')
  refused(network, network.chain, settle({ ...good, evidence: null }), 'OPENING_VERDICT')
  refused(network, network.chain, settle({ ...good, outcome: 'lie', evidence: null }), 'OPENING_VERDICT')
  refused(network, network.chain, settle({ ...good, outcome: 'failure' }), 'OPENING_VERDICT')
  refused(network, network.chain, settle({ ...good, outcome: 'failure', evidence: null }), 'OPENING_VERDICT')
  network.send(network.chain, settle(good))
  refused(network, network.chain, settle(good), 'OPENING_UNKNOWN')
  assert.equal(network.ledger.copy(opening.copy)!.score, 0)
})

test('where the rules want none, none is drawn', (t) => {
  const network = smallNetwork({ openingBytesPerWeek: 0, openingWithinMs: 0 })
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 3 })
  for (let n = 0; n < 120; n++) {
    network.tick()
    network.work()
  }
  assert.ok(effects(network, 'answered').length > 10)
  assert.equal(effects(network, 'openingDrawn').length, 0)
})
