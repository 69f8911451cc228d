import assert from 'node:assert/strict'
import test from 'node:test'
import type { KeyPair } from '../../src/crypto/keys.js'
import { Absence } from './absent.js'
import { DEPOSIT, identity } from './network.js'

const EPOCH_MS = 1_000

/** One that has announced a pause of so many epochs, and is gone from when it begins. */
function paused(of: Absence, pinner: KeyPair, epochs: number): { first: number; from: number } {
  const { network } = of
  const first = Math.ceil(network.clock / EPOCH_MS) + 1
  network.send(pinner, { kind: 'pause', body: { epoch: first, epochs } })
  while (network.ledger.chain().epoch < first) of.play(1)
  const from = network.ledger.length()
  // What was open when it began is owed.
  network.work()
  of.leave(pinner)
  return { first, from }
}

function own(of: Absence, pinner: KeyPair): number[] {
  return of.copies.filter(({ pinner: by }) => by && pinner.publicKey.equals(by)).map(({ id }) => id)
}

test('a pause costs the pay of its epochs, and nothing else: nobody is asked, away, replaced or walked further', (t) => {
  const of = new Absence(t, { pauseMs: 8_000 })
  const { pinner } = of.someone
  const copies = own(of, pinner)
  const reputation = of.role(pinner).storagePpm
  const { first, from } = paused(of, pinner, 8)
  assert.deepEqual(of.role(pinner).pause, { from: first * EPOCH_MS, until: (first + 8) * EPOCH_MS })
  const before = of.network.ledger.length()
  while (of.network.ledger.chain().epoch < first + 7) of.play(1)
  const asked = of.effects('challenged', before).filter(({ copy }) => copies.includes(copy))
  assert.deepEqual(asked, [])
  of.back()
  while (of.network.ledger.chain().epoch < first + 8) of.play(1)
  // Each is asked once, for the slots that it missed, in the tick that ends the pause.
  const walks = of.network.ledger.challenges(pinner.publicKey)
  assert.ok(of.effects('challenged', before).some(({ copy }) => copies.includes(copy)))
  assert.ok(walks.every(({ steps }) => steps === 8))
  of.play(20)
  for (const kind of ['wentAway', 'missing', 'lost', 'penalised'] as const) {
    assert.deepEqual(of.effects(kind, from), [], kind)
  }
  assert.equal(of.role(pinner).pause, null)
  assert.deepEqual([of.role(pinner).deposit, of.role(pinner).storagePpm >= reputation], [DEPOSIT, true])
  for (const copy of copies) {
    assert.ok(of.outcomes(copy, from).every(({ outcome }) => outcome === 'success'))
    assert.equal(of.copy(copy).missedSince, null)
  }
})

test('of a copy that is asked seldom all epochs are paid but those of pauses', (t) => {
  const paidOf = (pauses: boolean): bigint => {
    const of = new Absence(t, { pauseMs: 3_000 }, { every: 8 })
    const { pinner } = of.someone
    const copies = own(of, pinner)
    const start = of.network.ledger.chain().epoch
    const balance = of.network.ledger.account(pinner.publicKey).balance
    if (pauses) {
      paused(of, pinner, 3)
      of.play(25)
      of.back()
    }
    // To an epoch by which each was asked again.
    while (of.network.ledger.chain().epoch < start + 40) of.play(1)
    const last = Math.min(...copies.map((copy) => lastPaidEpoch(of, copy)))
    assert.ok(last > start + 20)
    return (of.network.ledger.account(pinner.publicKey).balance - balance) / BigInt(copies.length)
  }
  const [without, withPause] = [paidOf(false), paidOf(true)]
  assert.ok(withPause < without)
  // Three epochs of some forty, and not the eight or more of a whole interval.
  assert.ok(withPause * 100n > without * 78n, `${withPause} of ${without}`)
})

function lastPaidEpoch(of: Absence, copy: number): number {
  let last = 0
  let epoch = 0
  for (let seq = 0; seq < of.network.ledger.length(); seq++) {
    for (const effect of of.network.ledger.effects(seq)!.effects) {
      if (effect.kind === 'epochBegan') epoch = effect.epoch
      if (effect.kind === 'settled' && effect.copy === copy && effect.paid > 0n) last = epoch
    }
  }
  return last
}

test('nothing new is drawn to who pauses, from an epoch before it on, nor further segments of what it holds', (t) => {
  const of = new Absence(t, { pauseMs: 9_000, growthMs: 0 })
  const { pinner, copy } = of.someone
  const { network } = of
  // Until growth is paid for.
  of.play(130)
  const first = Math.ceil(network.clock / EPOCH_MS) + 3
  network.send(pinner, { kind: 'pause', body: { epoch: first, epochs: 9 } })
  while (network.ledger.chain().epoch < first - 1) of.play(1)
  of.play(2)
  const from = network.ledger.length()
  const name = ['film', 'book', 'song'][of.keys.findIndex((key) => key.equals(copy.hypercore))]!
  network.grow(name, 140)
  for (const other of ['one', 'two', 'three', 'four']) network.sponsor(other, { copies: 3 })
  while (network.ledger.chain().epoch < first + 8) of.play(1)
  const drawn = of.effects('drawn', from).filter(({ key }) => pinner.publicKey.equals(key))
  assert.deepEqual(drawn, [])
  assert.equal(of.copy(copy.id).length, 100)
  of.until(() => of.copy(copy.id).length === 140, 'it has grown after the pause')
})

test('a pause does not count as a part of an absence that begins before or after it', (t) => {
  const of = new Absence(t, { pauseMs: 10_000, repairMs: 6_000, offlineMaxMs: 60_000 })
  const { pinner, copy } = of.someone
  const { network } = of
  const first = Math.ceil(network.clock / EPOCH_MS) + 1
  network.send(pinner, { kind: 'pause', body: { epoch: first, epochs: 10 } })
  // Gone too early: something before the pause is missed.
  of.leave(pinner)
  while (network.ledger.chain().epoch < first) of.play(1)
  of.play(20)
  const { awaySince } = of.role(pinner)
  assert.notEqual(awaySince, null)
  while (network.ledger.chain().epoch < first + 10) of.play(1)
  of.play(15)
  assert.deepEqual(of.effects('missing'), [])
  // And is asked again in vain after it: now it is away for long enough.
  of.until(() => of.copy(copy.id).goneSince !== null, 'it is replaced in the end')
  assert.ok(of.copy(copy.id).goneSince! >= awaySince! + 10_000 + 6_000)
})

test('a pause is ended early with the epoch in which that is said, and may be taken back before it begins', (t) => {
  const of = new Absence(t, { pauseMs: 10_000 })
  const { pinner } = of.someone
  const { network } = of
  const later = network.ledger.chain().epoch + 9
  network.send(pinner, { kind: 'pause', body: { epoch: later, epochs: 10 } })
  network.send(pinner, { kind: 'pause', body: { epoch: later, epochs: 0 } })
  assert.equal(of.role(pinner).pause, null)
  assert.deepEqual(of.effects('pauseSet').at(-1), {
    kind: 'pauseSet',
    key: pinner.publicKey,
    epoch: later,
    epochs: 0
  })
  // What was taken back counts for nothing.
  const { first } = paused(of, pinner, 10)
  of.back()
  while (network.ledger.chain().epoch < first + 2) of.play(1)
  const before = network.ledger.length()
  network.send(pinner, { kind: 'pause', body: { epoch: first, epochs: 0 } })
  assert.deepEqual(network.ledger.challenges(pinner.publicKey), [])
  assert.equal(of.role(pinner).pause!.until, (first + 3) * EPOCH_MS)
  while (network.ledger.chain().epoch < first + 3) of.play(1)
  of.play(1)
  assert.ok(of.effects('challenged', before).some(({ copy }) => own(of, pinner).includes(copy)))
  // Three of the ten are used.
  const next = Math.ceil(network.clock / EPOCH_MS) + 1
  assert.equal(network.code(pinner, { kind: 'pause', body: { epoch: next, epochs: 8 } }), 'PAUSE_TOO_LONG')
  assert.equal(network.code(pinner, { kind: 'pause', body: { epoch: next, epochs: 7 } }), 'ok')
})

test('a check that finds a pinner in its pause serving nobody rates nobody, and costs no pay of what was before', (t) => {
  const of = new Absence(t, { pauseMs: 8_000 })
  const { network } = of
  for (const name of ['verifier-1', 'verifier-2', 'verifier-3']) {
    const keyPair = identity(name)
    network.identities.set(keyPair.publicKey.toString('hex'), keyPair)
    network.send(network.supporter, {
      kind: 'transfer',
      body: { to: keyPair.publicKey, amount: 100_000_000n }
    })
    network.register(name, 'verifier')
  }
  of.play(30)
  const { pinner } = of.someone
  const copies = own(of, pinner)
  const { retrievalPpm } = of.role(pinner)
  const { first, from } = paused(of, pinner, 8)
  const checked = () =>
    of.effects('checked', from).filter(({ copy, epoch }) => copies.includes(copy) && epoch > first)
  for (let n = 0; n < 70 && checked().length === 0; n++) {
    network.tick()
    network.work({ served: false })
  }
  assert.deepEqual([...new Set(checked().map(({ outcome }) => outcome))], ['offline'])
  assert.ok(of.role(pinner).retrievalPpm >= retrievalPpm)
})

test('who leaves during a pause leaves none behind', (t) => {
  const of = new Absence(t, { pauseMs: 8_000, evidenceWindowMs: 1_000 })
  const { network } = of
  const pinner = identity('pinner-6')
  network.identities.set(pinner.publicKey.toString('hex'), pinner)
  network.send(network.supporter, { kind: 'transfer', body: { to: pinner.publicKey, amount: 100_000_000n } })
  network.register('pinner-6', 'pinner')
  const first = network.ledger.chain().epoch + 3
  network.send(pinner, { kind: 'pause', body: { epoch: first, epochs: 8 } })
  network.send(pinner, { kind: 'retire', body: { role: 'pinner' } })
  of.until(() => of.role(pinner).state === 'retired', 'it has left')
  assert.equal(of.role(pinner).pause, null)
  network.register('pinner-6', 'pinner')
  const next = Math.ceil(network.clock / EPOCH_MS) + 1
  assert.equal(network.code(pinner, { kind: 'pause', body: { epoch: next, epochs: 8 } }), 'ok')
})
