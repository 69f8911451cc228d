import assert from 'node:assert/strict'
import test from 'node:test'
import { signOperation, type Body } from '../../../src/protocol/operations.js'
import { anchorAt } from '../../../src/protocol/anchor.js'
import { LAYERS_MAX } from '../../../src/ledger/rules/time.js'
import { identity, smallNetwork, TestNetwork } from '../network.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

/** A network at some round, a tick's time after it, and the tick of its chain that would be the next one. */
function next(t: { after(close: () => void): void }): { network: TestNetwork; body: Body<'tick'> } {
  const network = new TestNetwork()
  closeAfter(t, () => network.close())
  network.tick(3)
  network.at += 100
  const { round } = network.ledger.chain()
  const value = network.beacon.value(round + 1)
  return {
    network,
    body: { at: network.at, stalledMs: 0, round: round + 1, value, nextOnion: null, work: 100 }
  }
}

const tick = (body: Body<'tick'>) => ({ kind: 'tick' as const, body })

test('a tick that may do nothing is refused', (t) => {
  const { network, body } = next(t)
  refused(network, network.chain, tick({ ...body, work: 0 }), 'WORK_ZERO')
  accepted(network, network.chain, tick({ ...body, work: 1 }))
})

test('a tick shows the value of a round that has begun, or none within the same one', (t) => {
  const { network, body } = next(t)
  const { round } = body
  for (const other of [round - 1, round + 1, 0]) {
    refused(network, network.chain, tick({ ...body, round: other }), 'BEACON_ROUND')
  }
  refused(network, network.chain, tick({ ...body, value: null }), 'BEACON_ROUND')
  accepted(network, network.chain, tick({ ...body, round: round - 1, value: null }))
  accepted(network, network.chain, tick(body))
})

test('a round begins a tick after the one before, not sooner', (t) => {
  const { network, body } = next(t)
  network.at -= 1
  refused(network, network.chain, tick({ ...body, at: network.at }), 'BEACON_ROUND')
  network.at += 1
  accepted(network, network.chain, tick(body))
})

test('one value shows several rounds at once, and only the right one does', (t) => {
  const { network, body } = next(t)
  network.at += 400
  const later = { ...body, at: network.at, round: body.round + 4 }
  const of = (round: number): Uint8Array => network.beacon.value(round)
  for (const wrong of [of(later.round - 1), of(later.round + 1), of(body.round)]) {
    refused(network, network.chain, tick({ ...later, value: wrong }), 'BEACON_FORGED')
  }
  accepted(network, network.chain, tick({ ...later, value: of(later.round) }))
  for (let round = body.round; round <= later.round; round++) {
    assert.deepEqual(network.ledger.beaconValue(round), of(round), `round ${round}`)
  }
  assert.equal(network.ledger.beaconValue(later.round + 1), null)
})

test('no value shows more rounds than its onion has, so that each round has its own', (t) => {
  const { network, body } = next(t)
  const { length } = network.beacon
  network.at += 100 * 2 * length
  const at = network.at
  for (const round of [length + 1, length + 2, 2 * length]) {
    const value = network.beacon.value(round)
    refused(network, network.chain, tick({ ...body, at, round, value }), 'BEACON_ROUND')
  }
  const nextOnion = network.beacon.commitment(1)
  const last = { ...body, at, round: length, value: network.beacon.value(length), nextOnion }
  accepted(network, network.chain, tick(last))
  const over = { ...body, at, round: 2 * length, value: network.beacon.value(2 * length) }
  accepted(network, network.chain, tick(over))
  assert.deepEqual(network.ledger.beaconValue(length), network.beacon.value(length))
  assert.deepEqual(network.ledger.beaconValue(length + 1), network.beacon.value(length + 1))
})

test('one value shows at most as many rounds as are checked in milliseconds', (t) => {
  const network = new TestNetwork({}, [], 2 * LAYERS_MAX)
  closeAfter(t, () => network.close())
  network.at += 100 * (LAYERS_MAX + 1)
  const body = { at: network.at, stalledMs: 0, nextOnion: null, work: 100 }
  const of = (round: number) => tick({ ...body, round, value: network.beacon.value(round) })
  refused(network, network.chain, of(LAYERS_MAX + 1), 'BEACON_ROUND')
  accepted(network, network.chain, of(LAYERS_MAX))
  accepted(network, network.chain, of(LAYERS_MAX + 1))
})

test('the next onion is committed to once', (t) => {
  const { network, body } = next(t)
  const nextOnion = network.beacon.commitment(1)
  accepted(network, network.chain, tick({ ...body, nextOnion }))
  network.at += 100
  const again = {
    ...body,
    at: network.at,
    round: body.round + 1,
    value: network.beacon.value(body.round + 1)
  }
  refused(network, network.chain, tick({ ...again, nextOnion }), 'ONION_KNOWN')
  accepted(network, network.chain, tick(again))
})

test('rounds that have begun keep their numbers when their length changes, and later ones follow it', (t) => {
  const { network, body } = next(t)
  const { ledger } = network
  ledger.changeParameters({ ...ledger.parameters(), tickMs: 1_000 })
  network.at += 900
  const of = (round: number) => tick({ ...body, at: network.at, round, value: network.beacon.value(round) })
  refused(network, network.chain, of(body.round + 1), 'BEACON_ROUND')
  network.at += 100
  accepted(network, network.chain, of(body.round + 1))
})

test('a tick leads the date by a twentieth of what went by, and not back', (t) => {
  const { network, body } = next(t)
  network.at += 1_900
  const { at } = network
  const round = body.round + 19
  const dated = (at: number) => tick({ ...body, round, at, value: network.beacon.value(round) })
  refused(network, network.chain, dated(at + 101), 'TIME_SLEW')
  refused(network, network.chain, dated(at - 101), 'TIME_SLEW')
  accepted(network, network.chain, dated(at - 100))
  assert.equal(network.ledger.chain().at, at - 100)
  // Within the same moment there is nothing to lead it by.
  for (const off of [-1, 1]) {
    const still = { ...body, round, at: at - 100 + off, value: null }
    refused(network, network.chain, tick(still), 'TIME_SLEW')
  }
})

test('a standstill moves the date and no deadline', (t) => {
  const { network, body } = next(t)
  const { clock, at } = network.ledger.chain()
  const stalledMs = 3_600_000
  refused(network, network.chain, tick({ ...body, at: at + 100 + stalledMs }), 'TIME_SLEW')
  accepted(network, network.chain, tick({ ...body, at: at + 100 + stalledMs, stalledMs }))
  assert.deepEqual(
    [network.ledger.chain().clock, network.ledger.chain().at],
    [clock + 100, at + 100 + stalledMs]
  )
})

test('the date is set by an entry of its own if it is off by more than an hour, and chain time is not', (t) => {
  const { network } = next(t)
  const { at, clock } = network.ledger.chain()
  const set = (date: number) => ({ kind: 'setTime' as const, body: { at: date } })
  for (const near of [at + 100, at + 100 + 3_600_000, at + 100 - 3_600_000]) {
    refused(network, network.chain, set(near), 'TIME_NEAR')
  }
  refused(network, network.supporter, set(at + 10 ** 9), 'NOT_THE_CHAIN')
  for (const far of [at + 101 + 3_600_000, 0, at]) {
    accepted(network, network.chain, set(far))
    assert.deepEqual([network.ledger.chain().at, network.ledger.chain().clock], [far, clock + 100])
  }
})

test('what is owed came before it was logged, after what its sender saw, and not before what a tick had', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 1 })
  while (!askedOf(network)) network.tick()
  const asked = askedOf(network)!
  const { ledger, chain } = network
  const early = anchorAt(ledger.chain())
  const earlyClock = ledger.chain().clock
  const body = { to: identity('a').publicKey, amount: 1n }
  network.at += 40
  network.send(network.supporter, { kind: 'transfer', body })
  network.at += 40
  const now = earlyClock + 80
  const signed = (anchor = anchorAt(ledger.chain())): Uint8Array =>
    signOperation(
      { kind: 'acknowledge', body: { draw: asked.draw } },
      {
        chainId: ledger.chainId,
        keyPair: asked.keyPair,
        nonce: ledger.account(asked.keyPair.publicKey).nonce,
        anchor
      }
    )
  const submit = (wire: Uint8Array, arrived: number): string => {
    const [result] = ledger.submit([wire], undefined, { now, arrived: [arrived] })
    return result!.ok ? 'ok' : result!.error.code
  }
  assert.equal(submit(signed(), earlyClock + 39), 'ARRIVED_WRONG', 'before the entry that it names')
  assert.equal(submit(signed(early), earlyClock - 1), 'ARRIVED_WRONG', 'before the tick')
  network.at += 20
  ledger.tick(undefined, { heard: earlyClock + 50 })
  assert.equal(submit(signed(early), earlyClock + 49), 'ARRIVED_WRONG', 'all that came by then was there')
  const [result] = ledger.submit([signed(early)], undefined, { now: now + 20, arrived: [earlyClock + 50] })
  if (!result!.ok) throw result!.error
  const { clock, arrived, seq } = result!.receipt
  assert.deepEqual([clock, arrived], [now + 20, earlyClock + 50])
  assert.deepEqual([ledger.entry(seq)!.clock, ledger.entry(seq)!.arrived], [clock, arrived])
  const receipt = network.send(chain, { kind: 'parameters', body: { parameters: ledger.parameters() } })
  assert.equal(receipt.arrived, null)
})

function askedOf(network: TestNetwork): { draw: number; keyPair: ReturnType<typeof identity> } | undefined {
  for (const keyPair of network.identities.values()) {
    const [ask] = network.ledger.asks(keyPair.publicKey)
    if (ask) return { draw: ask.draw, keyPair }
  }
  return undefined
}
