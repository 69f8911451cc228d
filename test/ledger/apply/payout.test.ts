import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../../src/audit/file.js'
import { equal } from '../../../src/bytes.js'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { signOperation, type RoleName, type Statement } from '../../../src/protocol/operations.js'
import { anchorAt } from '../../../src/protocol/anchor.js'
import type { CopyView } from '../../../src/protocol/views.js'
import { closeAfter } from '../../helpers/close-after.js'
import { brokenIn } from '../../simulator/invariants.js'
import { DEPOSIT, identity, smallNetwork, type TestNetwork } from '../network.js'
import { rootOf, seal } from '../sealed.js'

const safe = identity('safe')
const thief = identity('thief')

function networkOf(t: TestContext, changes = {}): TestNetwork {
  const network = smallNetwork(changes)
  closeAfter(t, () => network.close())
  return network
}

const register = (role: RoleName, payout: KeyPair | null, deposit = 0n): Statement => ({
  kind: 'register',
  body: { role, capacityBytes: 1 << 30, deposit, payout: payout && payout.publicKey }
})
const setPayout = (of: KeyPair, role: RoleName, to: KeyPair): Statement => ({
  kind: 'setPayout',
  body: { key: of.publicKey, role, payout: to.publicKey }
})
const replace = (of: KeyPair, by: KeyPair): Statement => ({
  kind: 'replaceKey',
  body: { key: of.publicKey, by: by.publicKey }
})
const walletOf = ({ ledger }: TestNetwork, { publicKey }: KeyPair): bigint =>
  ledger.account(publicKey).balance
const roleOf = ({ ledger }: TestNetwork, { publicKey }: KeyPair) => ledger.account(publicKey).roles[0]

/** Everybody pays out to the safe, which has an account. */
function guarded(t: TestContext, changes = {}): TestNetwork {
  const network = networkOf(t, changes)
  for (const [name, role] of [
    ['signer', 'signer'],
    ['pinner', 'pinner'],
    ['verifier', 'verifier']
  ] as const) {
    for (let n = 1; network.identities.has(identity(`${name}-${n}`).publicKey.toString('hex')); n++) {
      network.send(identity(`${name}-${n}`), register(role, safe))
    }
  }
  return network
}

/** Goes on until a copy is held and its signer was paid. */
function held(network: TestNetwork): CopyView {
  const key = network.sponsor('film', { copies: 1 })
  const copy = (): CopyView | undefined => network.ledger.hypercore(key)!.copies[0]
  while (copy()?.segments[0]?.reserved !== 0n) {
    network.tick()
    network.work()
  }
  return copy()!
}

test('rewards of pinner, signer and verifiers go to the payout account, and none to the wallets of their keys', (t) => {
  const network = guarded(t)
  const wallets = [...network.identities.values()].map((who) => [who, walletOf(network, who)] as const)
  held(network)
  network.tick(20)
  network.work()
  for (const [who, before] of wallets) {
    if (!equal(who.publicKey, network.supporter.publicKey)) assert.equal(walletOf(network, who), before)
  }
  assert.equal(walletOf(network, safe), network.ledger.summary().minted)
  assert.ok(walletOf(network, safe) > 10_000n)
})

test('a deposit comes back to the payout account', async (t) => {
  const network = guarded(t)
  const who = identity('pinner-1')
  const before = [walletOf(network, who), walletOf(network, safe)]
  network.send(who, { kind: 'retire', body: { role: 'pinner' } })
  while (roleOf(network, who)!.state !== 'retired') network.tick()
  assert.deepEqual([walletOf(network, who), walletOf(network, safe)], [before[0], before[1]! + DEPOSIT])
  assert.equal((await auditFile(network.path)).failure, null)
})

test('who has named another account does not name it again; that one does', (t) => {
  const network = guarded(t)
  const who = identity('pinner-1')
  network.send(network.supporter, {
    kind: 'transfer',
    body: { to: safe.publicKey, amount: 1_000_000n }
  })
  assert.ok(equal(roleOf(network, who)!.payout, safe.publicKey))
  assert.equal(network.code(who, register('pinner', thief)), 'PAYOUT_OTHER')
  assert.equal(network.code(who, setPayout(who, 'pinner', thief)), 'PAYOUT_OTHER')
  assert.equal(network.code(who, register('pinner', null)), 'ok')
  assert.equal(network.code(who, register('pinner', safe)), 'ok')
  assert.equal(network.code(identity('pinner-2'), setPayout(who, 'pinner', thief)), 'PAYOUT_OTHER')
  assert.equal(network.code(safe, setPayout(who, 'signer', who)), 'ROLE_UNKNOWN')
  assert.equal(network.code(safe, setPayout(thief, 'pinner', who)), 'ROLE_UNKNOWN')
  assert.equal(network.code(safe, setPayout(who, 'pinner', safe)), 'PAYOUT_KNOWN')
  assert.equal(network.code(safe, setPayout(who, 'pinner', who)), 'ok')
  assert.ok(equal(roleOf(network, who)!.payout, who.publicKey))
  // From here on it is its own again.
  assert.equal(network.code(safe, setPayout(who, 'pinner', safe)), 'PAYOUT_OTHER')
  assert.equal(network.code(who, setPayout(who, 'pinner', safe)), 'ok')
})

test('a payout stays named when a role is left and joined again', (t) => {
  const network = guarded(t)
  const who = identity('verifier-1')
  network.send(who, { kind: 'retire', body: { role: 'verifier' } })
  while (roleOf(network, who)!.state !== 'retired') network.tick()
  assert.equal(network.code(who, register('verifier', thief, DEPOSIT)), 'PAYOUT_OTHER')
  assert.equal(network.code(who, register('verifier', null, DEPOSIT)), 'ok')
  assert.ok(equal(roleOf(network, who)!.payout, safe.publicKey))
})

test('the payout account gives an identity another key, under which copies, deposit and reputation go on', async (t) => {
  const network = guarded(t)
  const copy = held(network)
  const old = network.keyPair(copy.pinner!)
  const next = identity('next')
  const before = roleOf(network, old)!
  const wallet = walletOf(network, old)
  const { nonce } = network.ledger.account(old.publicKey)
  assert.equal(network.code(safe, replace(old, next)), 'ok')
  const after = roleOf(network, next)!
  assert.ok(equal(after.key, next.publicKey))
  assert.deepEqual({ ...after, key: null }, { ...before, key: null })
  assert.deepEqual([walletOf(network, next), walletOf(network, old)], [wallet, 0n])
  assert.equal(network.ledger.account(old.publicKey).roles.length, 0)
  assert.ok(equal(network.ledger.copy(copy.id)!.pinner!, next.publicKey))
  // Both keys go on with the nonce, so that nothing that was signed is taken twice.
  assert.equal(network.ledger.account(next.publicKey).nonce, nonce)
  assert.equal(network.ledger.account(old.publicKey).nonce, nonce)

  network.identities.delete(old.publicKey.toString('hex'))
  network.identities.set(next.publicKey.toString('hex'), next)
  const { success } = network.ledger.summary().storage
  while (network.ledger.summary().storage.success === success) {
    network.tick()
    network.work()
  }
  assert.deepEqual(brokenIn(network.ledger), [])
  assert.equal((await auditFile(network.path)).failure, null)
})

test('a signer that goes on under another key is convicted by what it signed under its old one', (t) => {
  const network = guarded(t)
  const { segment } = seal(network)
  const old = network.keyPair(segment.signer)
  const next = identity('next')
  network.send(safe, replace(old, next))
  const [now] = network.ledger.copy(0)!.segments
  assert.deepEqual([now!.id, now!.signer], [segment.id, segment.signer])
  const finder = identity('finder')
  network.send(finder, rootOf({ network, segment: now! }, finder))
  assert.equal(roleOf(network, next)!.locked, 0n)
  assert.ok(roleOf(network, next)!.barredUntil !== null)
})

test('only another account that all roles of an identity pay out to replaces its key, by one without an account', (t) => {
  const network = guarded(t)
  network.send(network.supporter, {
    kind: 'transfer',
    body: { to: safe.publicKey, amount: 1_000_000n }
  })
  const who = identity('pinner-1')
  const next = identity('next')
  assert.equal(network.code(who, replace(who, next)), 'PAYOUT_OTHER')
  assert.equal(network.code(network.supporter, replace(who, next)), 'PAYOUT_OTHER')
  assert.equal(network.code(safe, replace(who, identity('pinner-2'))), 'KEY_KNOWN')
  assert.equal(network.code(safe, replace(who, who)), 'KEY_KNOWN')
  assert.equal(network.code(safe, replace(next, who)), 'ROLE_UNKNOWN')
  assert.equal(network.code(safe, replace(network.supporter, next)), 'ROLE_UNKNOWN')
  network.send(who, register('signer', who, DEPOSIT))
  assert.equal(network.code(safe, replace(who, next)), 'PAYOUT_OTHER')
  network.send(who, setPayout(who, 'signer', safe))
  assert.equal(network.code(safe, replace(who, next)), 'ok')
  assert.deepEqual(
    network.ledger.account(next.publicKey).roles.map(({ role, deposit }) => [role, deposit]),
    [
      ['signer', DEPOSIT],
      ['pinner', DEPOSIT]
    ]
  )
  // The old key begins anew, with a deposit of its own.
  network.send(network.supporter, { kind: 'transfer', body: { to: who.publicKey, amount: DEPOSIT } })
  network.send(who, register('pinner', null, DEPOSIT))
  assert.equal(roleOf(network, who)!.deposit, DEPOSIT)
  assert.equal(roleOf(network, next)!.deposit, DEPOSIT)
  assert.deepEqual(brokenIn(network.ledger), [])
})

test('nobody pays for a key that is replaced while a segment is on its way: it waits', (t) => {
  const network = guarded(t)
  network.send(network.supporter, {
    kind: 'transfer',
    body: { to: safe.publicKey, amount: 1_000_000n }
  })
  network.sponsor('film', { copies: 1 })
  const busy = () =>
    [...network.identities.values()].find((who) => {
      const [one] = network.ledger.assignments(who.publicKey)
      return one?.role === 'pinner' && one.task.state === 'delivering'
    })
  while (!busy()) {
    network.tick()
    network.acknowledge()
  }
  const who = busy()!
  assert.equal(network.code(safe, replace(who, identity('next'))), 'KEY_BUSY')
  network.work()
  network.work()
  assert.equal(network.ledger.assignments(who.publicKey).length, 0)
  assert.equal(network.code(safe, replace(who, identity('next'))), 'ok')
})

test('what the old key signed before is taken under neither key', (t) => {
  const network = guarded(t)
  const who = identity('pinner-1')
  const said: Statement = { kind: 'transfer', body: { to: thief.publicKey, amount: 5n } }
  const wire = signOperation(said, {
    chainId: network.ledger.chainId,
    keyPair: who,
    nonce: network.ledger.account(who.publicKey).nonce - 1,
    anchor: anchorAt(network.ledger.chain())
  })
  network.send(network.supporter, { kind: 'transfer', body: { to: safe.publicKey, amount: 1_000n } })
  network.send(safe, replace(who, identity('next')))
  network.send(network.supporter, { kind: 'transfer', body: { to: who.publicKey, amount: 1_000n } })
  const [result] = network.ledger.submit([wire])
  assert.equal(!result!.ok && result!.error.code, 'NONCE_WRONG')
})
