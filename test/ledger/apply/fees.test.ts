import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../../src/audit/file.js'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { segmentReward } from '../../../src/ledger/rules/economics.js'
import { feeOf } from '../../../src/ledger/rules/fees.js'
import type { Statement } from '../../../src/protocol/operations.js'
import { defaultParameters } from '../../../src/protocol/parameters.js'
import { closeAfter } from '../../helpers/close-after.js'
import { DEPOSIT, identity, original, smallNetwork, type TestNetwork } from '../network.js'
import { rootOf, seal } from '../sealed.js'

const { feePerUnit, feePerByte, segmentFee, challengeFee } = defaultParameters
const FEES = { feePerUnit, feePerByte, segmentFee, challengeFee }
/** Nobody is paid, so that all that a hypercore spends is fees. */
const UNPAID = { storageRewardPerGiBEpoch: 0n, retrievalRewardPerGiBEpoch: 0n, checkReward: 0n }

function networkOf(t: TestContext, changes = {}): TestNetwork {
  const network = smallNetwork({ ...FEES, ...changes })
  closeAfter(t, () => network.close())
  return network
}

const feeFor = ({ ledger }: TestNetwork, statement: Statement): bigint =>
  feeOf(statement, ledger.parameters())
const walletOf = ({ ledger }: TestNetwork, { publicKey }: KeyPair): bigint =>
  ledger.account(publicKey).balance
const roleOf = ({ ledger }: TestNetwork, { publicKey }: KeyPair) => ledger.account(publicKey).roles[0]!

/** What a wallet and a deposit, what is burned, and what a hypercore have after something, less before. */
function changed(network: TestNetwork, who: KeyPair, key: Buffer | null, work: () => void) {
  const look = () => ({
    wallet: walletOf(network, who),
    deposit: network.ledger.account(who.publicKey).roles[0]?.deposit ?? 0n,
    burned: network.ledger.summary().burned,
    hypercore: (key && network.ledger.hypercore(key)?.balance) ?? 0n
  })
  const before = look()
  work()
  const after = look()
  assert.equal(network.ledger.summary().sum, 0n)
  return {
    wallet: after.wallet - before.wallet,
    deposit: after.deposit - before.deposit,
    burned: after.burned - before.burned,
    hypercore: after.hypercore - before.hypercore
  }
}

/** Leaves somebody just so much. */
function spend(network: TestNetwork, who: KeyPair, left: bigint): void {
  const all = walletOf(network, who)
  const to = identity('verifier-1').publicKey
  const fee = feeFor(network, { kind: 'transfer', body: { to, amount: all } })
  network.send(who, { kind: 'transfer', body: { to, amount: all - fee - left } })
  assert.equal(walletOf(network, who), left)
}

/** A hypercore with copies that are held, and have passed a challenge. */
function held(network: TestNetwork, copies = 1): Buffer {
  const key = network.sponsor('film', { copies })
  const isHeld = (): boolean => {
    const { copies: all } = network.ledger.hypercore(key)!
    return all.length === copies && all.every(({ segments }) => segments[0]?.reserved === 0n)
  }
  while (!isHeld()) {
    network.tick()
    network.work()
  }
  return key
}

test('what nobody asked for burns its fee of the wallet of who sends it', (t) => {
  const network = networkOf(t)
  const { supporter } = network
  const to = identity('pinner-1').publicKey
  const transfer: Statement = { kind: 'transfer', body: { to, amount: 5_000n } }
  const fee = feeFor(network, transfer)
  assert.ok(fee > 150n && fee < 250n, `${fee}`)
  assert.deepEqual(
    changed(network, supporter, null, () => network.send(supporter, transfer)),
    { wallet: -5_000n - fee, deposit: 0n, burned: fee, hypercore: 0n }
  )
  const claim = original('film', 100, 100_000)
  const plan = {
    copies: 2,
    targetPpm: 0,
    codec: 'wrap' as const,
    every: 1,
    steps: 8,
    maxBytes: 1 << 30,
    topic: Buffer.alloc(32, 9),
    refreshAfterMs: 0
  }
  const sponsor: Statement = { kind: 'sponsor', body: { ...claim, plan, donation: 1_000_000n } }
  assert.deepEqual(
    changed(network, supporter, claim.key, () => network.send(supporter, sponsor)),
    {
      wallet: -1_000_000n - feeFor(network, sponsor),
      deposit: 0n,
      burned: 50_000n + feeFor(network, sponsor),
      hypercore: 950_000n
    }
  )
  const donate: Statement = { kind: 'donate', body: { key: claim.key, amount: 100n } }
  assert.deepEqual(
    changed(network, supporter, claim.key, () => network.send(supporter, donate)),
    {
      wallet: -100n - feeFor(network, donate),
      deposit: 0n,
      burned: 5n + feeFor(network, donate),
      hypercore: 95n
    }
  )
})

test('who has the amount and not the fee is refused, and nothing has changed', (t) => {
  const network = networkOf(t)
  const who = identity('pinner-1')
  const to = network.supporter.publicKey
  spend(network, who, 10_000n)
  const all: Statement = { kind: 'transfer', body: { to, amount: 10_000n } }
  const refused = changed(network, who, null, () => assert.equal(network.code(who, all), 'FEE_UNPAID'))
  assert.deepEqual(refused, { wallet: 0n, deposit: 0n, burned: 0n, hypercore: 0n })
  const rest = 10_000n - feeFor(network, all)
  assert.equal(network.code(who, { kind: 'transfer', body: { to, amount: rest + 1n } }), 'FEE_UNPAID')
  assert.equal(network.code(who, { kind: 'transfer', body: { to, amount: rest } }), 'ok')
  assert.equal(walletOf(network, who), 0n)
})

test('what is owed is free: who has nothing acknowledges, delivers, accepts, answers and reports', (t) => {
  const network = networkOf(t)
  for (const name of ['signer-1', 'signer-2', 'signer-3', 'pinner-1', 'pinner-2', 'pinner-3', 'pinner-4'])
    spend(network, identity(name), 0n)
  const key = network.sponsor('film', { copies: 3 })
  const everybody = [...network.identities.values()].filter((who) => walletOf(network, who) === 0n)
  const wallets = everybody.map((who) => walletOf(network, who))
  const deposits = everybody.map((who) => roleOf(network, who).deposit)
  while (network.ledger.summary().minted < 30_000n) {
    network.tick()
    network.work()
  }
  assert.equal(network.ledger.hypercore(key)!.copies.length, 3)
  for (const [index, who] of everybody.entries()) {
    assert.ok(walletOf(network, who) >= wallets[index]!)
    assert.equal(roleOf(network, who).deposit, deposits[index])
  }
})

test('a role pays of its deposit what its wallet has not, down to the least deposit', (t) => {
  const network = networkOf(t)
  const who = identity('pinner-1')
  const least = network.ledger.parameters().pinnerDepositMin
  const register = (deposit: bigint): Statement => ({
    kind: 'register',
    body: { role: 'pinner', capacityBytes: 1 << 20, deposit, payout: null }
  })
  const fee = feeFor(network, register(0n))
  spend(network, who, 100n)
  assert.deepEqual(
    changed(network, who, null, () => network.send(who, register(0n))),
    { wallet: -100n, deposit: 100n - fee, burned: fee, hypercore: 0n }
  )
  const newcomer = identity('newcomer')
  const joining = feeFor(network, register(least))
  network.send(network.supporter, {
    kind: 'transfer',
    body: { to: newcomer.publicKey, amount: least + joining }
  })
  assert.equal(network.code(newcomer, register(least + joining)), 'ok')
  assert.deepEqual([walletOf(network, newcomer), roleOf(network, newcomer).deposit], [0n, least])
  assert.equal(network.code(newcomer, register(0n)), 'FEE_UNPAID')
})

test('an empty wallet can always leave: the fee comes of the deposit, and is given where all of that is locked', (t) => {
  const network = networkOf(t)
  const retire: Statement = { kind: 'retire', body: { role: 'signer' } }
  const fee = feeFor(network, retire)
  const who = identity('signer-1')
  spend(network, who, 0n)
  assert.deepEqual(
    changed(network, who, null, () => network.send(who, retire)),
    { wallet: 0n, deposit: -fee, burned: fee, hypercore: 0n }
  )
  const bound = networkOf(t, { signerDepositMin: 0n, lockMin: DEPOSIT })
  const { segment } = seal(bound)
  const signer = bound.keyPair(segment.signer)
  spend(bound, signer, 1n)
  assert.equal(roleOf(bound, signer).locked, DEPOSIT)
  assert.deepEqual(
    changed(bound, signer, null, () => bound.send(signer, retire)),
    { wallet: -1n, deposit: 0n, burned: 1n, hypercore: 0n }
  )
})

test('a claim pays of its bounty, so that who has nothing convicts', async (t) => {
  const network = networkOf(t)
  const { segment } = seal(network)
  const finder = identity('finder')
  const { locked } = network.ledger.bounty(segment.hash)!
  const root = rootOf({ network, segment }, finder)
  network.send(finder, root)
  const paid = locked / 2n - feeFor(network, root)
  assert.equal(network.ledger.bounty(segment.hash)!.claim!.amount, paid)
  network.tick(network.ledger.parameters().claimRounds + 1)
  assert.equal(walletOf(network, finder), paid)
  assert.equal(network.ledger.summary().sum, 0n)
  assert.equal((await auditFile(network.path)).failure, null)
})

test('a growth that is taken is paid by the hypercore, by its sender where nothing is held, and what is refused by nobody', (t) => {
  const network = networkOf(t, { growthBytes: 0 })
  const who = identity('pinner-1')
  const grown = (length: number): Statement => ({
    kind: 'extend',
    body: original('film', length, length * 1_000)
  })
  const key = network.sponsor('film', { copies: 1 })
  assert.deepEqual(
    changed(network, who, key, () => network.send(who, grown(101))),
    {
      wallet: -feeFor(network, grown(101)),
      deposit: 0n,
      burned: feeFor(network, grown(101)),
      hypercore: 0n
    }
  )
  while (network.ledger.hypercore(key)!.copies[0]?.state !== 'active') {
    network.tick()
    network.work()
  }
  assert.deepEqual(
    changed(network, who, key, () => network.send(who, grown(102))),
    {
      wallet: 0n,
      deposit: 0n,
      burned: feeFor(network, grown(102)),
      hypercore: -feeFor(network, grown(102))
    }
  )
  const again = changed(network, who, key, () =>
    assert.equal(network.code(who, grown(102)), 'LENGTH_NOT_LONGER')
  )
  assert.deepEqual(again, { wallet: 0n, deposit: 0n, burned: 0n, hypercore: 0n })
})

test('a segment burns what is owed because of it when it is accepted, and its signer gets all of X', (t) => {
  const network = networkOf(t)
  const key = network.sponsor('film', { copies: 1 })
  const given = network.ledger.hypercore(key)!.balance
  const burned = network.ledger.summary().burned
  while (network.ledger.hypercore(key)!.copies[0]?.state !== 'active') {
    network.tick()
    network.work()
  }
  const { balance, copies } = network.ledger.hypercore(key)!
  const [segment] = copies[0]!.segments
  assert.equal(network.ledger.summary().burned - burned, segmentFee)
  assert.equal(given - balance, segmentFee + segment!.reserved)
  const most = segmentReward(200_000, network.ledger.parameters())
  assert.ok(segment!.reserved > 10_000n && segment!.reserved <= most)
})

test('a challenge and a check burn their fee whatever comes of them, but what the chain did not judge costs nothing', async (t) => {
  for (const outcome of ['success', 'failure', 'refused', 'silent', 'unknown'] as const) {
    const network = networkOf(t, { ...UNPAID, failuresMax: 100 })
    const { ledger } = network
    const key = held(network)
    const before = { length: ledger.length(), balance: ledger.hypercore(key)!.balance }
    const ended = { settled: 0, unknown: 0, checked: 0 }
    while (ended.settled + ended.unknown === 0) {
      network.tick()
      network.answer(network.keyPair(ledger.hypercore(key)!.copies[0]!.pinner!), () => outcome)
      network.settle(() => outcome)
      for (; before.length < ledger.length(); before.length++) {
        for (const effect of ledger.effects(before.length)!.effects) {
          if (effect.kind === 'settled') ended[effect.outcome === 'unknown' ? 'unknown' : 'settled']++
          if (effect.kind === 'checked') ended.checked++
        }
      }
    }
    const spent = before.balance - ledger.hypercore(key)!.balance
    assert.equal(spent, challengeFee * BigInt(ended.settled + ended.checked), outcome)
    assert.equal(ended.unknown, outcome === 'unknown' ? 1 : 0)
    assert.equal((await auditFile(network.path)).failure, null)
  }
})

test('a hypercore that has not the fee of what it is asked begins its grace', (t) => {
  const network = networkOf(t, UNPAID)
  const key = network.sponsor('film', { copies: 1 }, 14_000n)
  for (let n = 0; n < 600 && network.ledger.hypercore(key)!.state === 'active'; n++) {
    network.tick()
    network.work()
  }
  const { state, balance } = network.ledger.hypercore(key)!
  assert.equal(state, 'grace')
  assert.ok(balance < challengeFee, `${balance}`)
})
