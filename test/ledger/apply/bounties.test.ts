import test from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../../src/audit/file.js'
import { equal } from '../../../src/bytes.js'
import { segmentReward, signerLock } from '../../../src/ledger/rules/economics.js'
import type { CopyView } from '../../../src/protocol/views.js'
import { identity, smallNetwork } from '../network.js'
import { factorOf, rootOf, sealed, type Sealed } from '../sealed.js'
import { closeAfter } from '../../helpers/close-after.js'

/** Somebody without an account. */
const finder = identity('finder')

function role({ network }: Sealed, key: Uint8Array) {
  return network.ledger.account(key).roles[0]!
}

const balance = ({ network }: Sealed, key: Uint8Array): bigint => network.ledger.account(key).balance

test('a signer locks a deposit for each live segment of seal, until its time is over', (t) => {
  const of = sealed(t, { lockMs: 3_000 })
  const { network, segment, signer } = of
  const wanted = signerLock(segment.bytes, network.ledger.parameters())
  assert.equal(role(of, signer.publicKey).locked, wanted)
  assert.equal(network.ledger.bounty(segment.hash)!.locked, wanted)
  network.tick(31)
  assert.equal(role(of, signer.publicKey).locked, 0n)
  assert.equal(network.code(finder, rootOf(of, finder)), 'BOUNTY_NONE')
})

test('a segment of wrap locks nothing, and a sealed copy that is given up keeps nothing locked', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const key = network.sponsor('film', { copies: 1 })
  while (network.ledger.hypercore(key)!.copies[0]?.state !== 'active') {
    network.tick()
    network.work()
  }
  const [copy] = network.ledger.hypercore(key)!.copies
  assert.equal(network.ledger.account(copy!.segments[0]!.signer).roles[0]!.locked, 0n)

  const of = sealed(t, { failuresMax: 1 })
  while (of.copy().state === 'active') {
    of.network.tick()
    of.network.work({ outcome: () => 'failure' })
  }
  assert.equal(role(of, of.signer.publicKey).locked, 0n)
})

test('a root that only the living key makes convicts its signer, and pays a finder that had no account', (t) => {
  const of = sealed(t)
  const { network, key, segment, signer } = of
  const before = {
    deposit: role(of, signer.publicKey).deposit,
    hypercore: network.ledger.hypercore(key)!.balance,
    burned: network.ledger.summary().burned
  }
  const { locked } = network.ledger.bounty(segment.hash)!
  const price = segmentReward(segment.bytes, network.ledger.parameters())
  network.send(finder, rootOf(of, finder))
  const { deposit, barredUntil, locked: left } = role(of, signer.publicKey)
  assert.equal(deposit, before.deposit - locked)
  assert.equal(left, 0n)
  assert.ok(barredUntil! > network.ledger.chain().clock)
  assert.equal(network.ledger.hypercore(key)!.balance, before.hypercore + price)
  assert.equal(network.ledger.summary().burned, before.burned + locked - locked / 2n - price)
  assert.equal(balance(of, finder.publicKey), 0n, 'an older claim may still come')
  network.tick(5)
  assert.equal(balance(of, finder.publicKey), locked / 2n)
  assert.equal(network.code(finder, rootOf(of, finder)), 'BOUNTY_NONE')
})

test('of two who know a factor the one with the older commitment is paid, whoever shows it first', (t) => {
  const of = sealed(t)
  const { network, segment } = of
  const other = identity('other finder')
  const [first, second] = [factorOf(of, finder), factorOf(of, other)]
  network.send(finder, first.commit)
  network.send(other, second.commit)
  network.tick(1)
  assert.equal(network.code(other, second.claim), 'REVEAL_EARLY')
  network.tick(1)
  network.send(other, second.claim)
  const { amount } = network.ledger.bounty(segment.hash)!.claim!
  // Who has all primes now can make roots; that is no older claim.
  assert.equal(network.code(identity('thief'), rootOf(of, identity('thief'))), 'BOUNTY_CLAIMED')
  network.send(finder, first.claim)
  assert.equal(network.code(other, second.claim), 'FACTOR_UNCOMMITTED')
  network.tick(5)
  assert.deepEqual([balance(of, finder.publicKey), balance(of, other.publicKey)], [amount, 0n])
})

test('a convicted signer is not drawn until its time is over', (t) => {
  const of = sealed(t, { barMs: 2_000 })
  const { network, signer } = of
  network.send(finder, rootOf(of, finder))
  const until = role(of, signer.publicKey).barredUntil!
  const weight = (): number =>
    Number(
      network.ledger.state.db.get('SELECT weight FROM roles WHERE barred_until = ?', until)?.weight ?? -1
    )
  network.sponsor('other film', { copies: 1, codec: 'seal' })
  network.tick(3)
  assert.equal(weight(), 0)
  while (network.ledger.chain().clock < until) network.tick()
  assert.equal(role(of, signer.publicKey).barredUntil, null)
})

test('a copy under a key that is not gone is made anew by others; its pinner is paid until then, but not for ever', (t) => {
  const of = sealed(t, { repairMs: 3_000, acknowledgeMs: 60_000 })
  const { network, key, copy, segment } = of
  const pinner = network.keyPair(segment.pinner)
  network.send(finder, rootOf(of, finder))
  const convictedAt = network.ledger.chain().clock
  const earned = (): bigint => balance(of, pinner.publicKey)
  const others = (): CopyView[] => network.ledger.hypercore(key)!.copies.filter(({ id }) => id !== 0)
  assert.equal(others().length, 1, 'another one is asked for')
  const proves = (): void => {
    network.tick()
    network.answer(pinner)
    network.settle()
  }
  const before = earned()
  while (network.ledger.chain().clock < convictedAt + 2_500) proves()
  const paid = earned()
  assert.ok(paid > before)
  while (network.ledger.chain().clock < convictedAt + 3_000) proves()
  const last = earned()
  while (network.ledger.chain().clock < convictedAt + 6_000) proves()
  assert.equal(earned(), last)
  assert.equal(copy().state, 'active')
  while (copy().state === 'active') {
    network.tick()
    network.work()
  }
  assert.equal(copy().state, 'released')
  const [made] = others()
  assert.equal(made!.state, 'active')
  assert.ok(!equal(made!.segments[0]!.signer, segment.signer))
})

test('what is claimed cannot be saved by giving the copy up, and a signer leaves once nothing is locked', (t) => {
  const of = sealed(t, { failuresMax: 1, evidenceWindowMs: 500, lockMs: 8_000 })
  const { network, copy, segment, signer } = of
  network.send(signer, { kind: 'retire', body: { role: 'signer' } })
  for (let n = 0; n < 10; n++) {
    network.tick()
    network.work()
  }
  assert.equal(role(of, signer.publicKey).state, 'retiring')
  const { locked } = network.ledger.bounty(segment.hash)!
  network.send(finder, rootOf(of, finder))
  while (copy().state === 'active') {
    network.tick()
    network.work({ outcome: () => 'failure' })
  }
  network.tick(5)
  assert.equal(balance(of, finder.publicKey), locked / 2n)
  while (role(of, signer.publicKey).state !== 'retired') network.tick()
})

test('a signer with a lock leaves when its time is over, whatever becomes of the segment', (t) => {
  const of = sealed(t, { evidenceWindowMs: 500, lockMs: 3_000 })
  const { network, signer } = of
  network.send(signer, { kind: 'retire', body: { role: 'signer' } })
  const began = network.ledger.chain().clock
  while (role(of, signer.publicKey).state !== 'retired') network.tick()
  assert.ok(network.ledger.chain().clock - began <= 3_000)
})

test('commitments that nobody opens are forgotten', (t) => {
  const of = sealed(t, { commitmentRounds: 3 })
  const { network } = of
  const { commit, claim } = factorOf(of, finder)
  network.send(finder, commit)
  network.tick(4)
  assert.equal(network.code(finder, claim), 'FACTOR_UNCOMMITTED')
  network.send(finder, commit)
})

test('an audit comes to the same state, whoever was convicted', async (t) => {
  const of = sealed(t)
  const { network } = of
  const { commit, claim } = factorOf(of, finder)
  network.send(finder, commit)
  network.tick(2)
  network.send(finder, claim)
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work()
  }
  assert.equal(of.copy().state, 'released')
  const { ok, failure, stateHash } = await auditFile(network.path)
  assert.ok(ok, JSON.stringify(failure))
  assert.deepEqual(stateHash, network.ledger.stateHash())
})
