import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { OnionBeacon, opensLayer } from '../../src/ledger/rules/beacon.js'
import {
  backedBytes,
  copiesFor,
  copyLock,
  donationBurn,
  paidFor,
  retrievalReward,
  roundDue,
  segmentReward,
  signerLock,
  splitLock,
  storageReward
} from '../../src/ledger/rules/economics.js'
import { feeOf, feePayer, type FeePayer } from '../../src/ledger/rules/fees.js'
import { growthPrice, growthReserve, growthWaitMs } from '../../src/ledger/rules/growth.js'
import { driftReputation, lowerMedian } from '../../src/ledger/rules/reputation.js'
import { kinds, type Kind } from '../../src/protocol/operations.js'
import { parameters, type Parameters } from '../../src/protocol/parameters.js'
import { statementOf, type Money } from '../browser/vectors.js'

/** Expected values made by test/vectors/independent.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-money.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Money

/** The parameters that the vectors were made with: theirs, whatever the defaults are today. */
const p: Parameters = parameters(
  Object.fromEntries(
    Object.entries(vectors.parameters).map(([name, value]) => [
      name,
      typeof parameters()[name as keyof Parameters] === 'bigint' ? BigInt(value) : value
    ])
  )
)

test('what of a donation is burned is rounded up', () => {
  for (const { amount, burned } of vectors.donationBurn) {
    assert.equal(donationBurn(BigInt(amount), p), BigInt(burned), amount)
  }
})

test('Y follows billed bytes and epochs, which are capped', () => {
  for (const { bytes, epochs, reward } of vectors.storageReward) {
    assert.equal(storageReward(bytes, epochs, p), BigInt(reward), `storage ${bytes} ${epochs}`)
  }
  for (const { bytes, epochs, reward } of vectors.retrievalReward) {
    assert.equal(retrievalReward(bytes, epochs, p), BigInt(reward), `retrieval ${bytes} ${epochs}`)
  }
})

test('what is paid is Y times R, rounded down', () => {
  for (const { reward, ppm, paid } of vectors.paidFor) {
    assert.equal(paidFor(BigInt(reward), ppm), BigInt(paid), `${reward} at ${ppm}`)
  }
})

test('X is a sum for the segment and one for its bytes', () => {
  for (const { bytes, reward } of vectors.segmentReward) {
    assert.equal(segmentReward(bytes, p), BigInt(reward), `${bytes}`)
  }
})

test('a copy locks sigma times m times Y, and X', () => {
  for (const { bytes, every, lock } of vectors.copyLock) {
    assert.equal(copyLock(bytes, every, p), BigInt(lock), `${bytes} every ${every}`)
  }
})

test('a round of what is due is Y of storage and retrieval, Z and two fees, for each copy', () => {
  for (const { copies, every, due } of vectors.roundDue) {
    assert.equal(roundDue(copies, every, p), BigInt(due), `${copies.join()} every ${every}`)
  }
})

test('a growth costs X and what is burned for each held copy, and waits until what is due meanwhile comes to that', () => {
  for (const { price, waitMs, reserve, fee, ...sizes } of vectors.growth) {
    const what = JSON.stringify(sizes)
    const growth = { ...sizes, fee: BigInt(fee) }
    assert.equal(growthPrice(growth, p), BigInt(price), what)
    assert.equal(growthWaitMs(growth, p), waitMs, what)
    assert.equal(growthReserve(growth, p), BigInt(reserve), what)
  }
})

test('a fee follows the bytes and cost units of what nobody asked for; what is owed, or paid in work, has none', () => {
  for (const { kind, body, fee } of vectors.fees) {
    assert.equal(feeOf(statementOf({ kind, body }), p), BigInt(fee), kind)
    assert.equal(feePayer(kind) === null, fee === '0', kind)
  }
  const free = { ...p, feePerUnit: 0n, feePerByte: 0n }
  for (const vector of vectors.fees) assert.equal(feeOf(statementOf(vector), free), 0n)
})

test('who pays a fee is as docs/protocol.md says, of every kind', () => {
  const payers: Partial<Record<Kind, FeePayer>> = {
    transfer: 'sender',
    donate: 'sender',
    sponsor: 'sender',
    setPayout: 'sender',
    replaceKey: 'sender',
    conflict: 'sender',
    register: 'deposit',
    retire: 'deposit',
    pause: 'deposit',
    claimFactor: 'bounty',
    claimRoot: 'bounty',
    extend: 'hypercore',
    fork: 'hypercore'
  }
  for (const kind of kinds) assert.equal(feePayer(kind), payers[kind] ?? null, kind)
})

test('nothing but its size lets a hypercore grow where no share of what is due is for growth', () => {
  const growth = { bytes: p.growthBytes - 1, blocks: 1, ageMs: 2 ** 50, copies: [2 ** 20], every: 1, fee: 0n }
  assert.equal(growthWaitMs(growth, { ...p, growthSharePpm: 0 }), Infinity)
  assert.equal(growthWaitMs({ ...growth, bytes: p.growthBytes }, { ...p, growthSharePpm: 0 }), 0)
})

test('a signer locks some X for a segment, and at least a sum', () => {
  for (const { bytes, lock } of vectors.signerLock)
    assert.equal(signerLock(bytes, p), BigInt(lock), `${bytes}`)
})

test('of a lock half goes to the finder, the price of another segment to the hypercore, and the rest is burned', () => {
  for (const { lock, price, bounty, compensation, burned } of vectors.splitLock) {
    assert.deepEqual(splitLock(BigInt(lock), BigInt(price)), {
      bounty: BigInt(bounty),
      compensation: BigInt(compensation),
      burned: BigInt(burned)
    })
  }
})

test('a deposit backs bytes at the price of a GiB', () => {
  for (const { deposit, bytes } of vectors.backedBytes) {
    assert.equal(backedBytes(BigInt(deposit), p), BigInt(bytes), deposit)
  }
})

test('a target asks for the fewest copies that reach it', () => {
  for (const { target, reputations, copies } of vectors.copiesFor) {
    assert.equal(copiesFor(target, reputations, p), copies, `${target} with ${reputations.join()}`)
  }
})

test('alpha and beta drift back towards one, half of the way in 30 days', () => {
  for (const { value, days, after } of vectors.drift) {
    const drifted = driftReputation({ alpha: value, beta: value }, days)
    assert.deepEqual(drifted, { alpha: after, beta: after }, `${value} for ${days} days`)
  }
  assert.equal(driftReputation({ alpha: 3_000_000, beta: 1_000_000 }, 30).alpha, 1_999_990)
})

test('of an even number the lower of the middle two is the median', () => {
  for (const { values, median } of vectors.lowerMedian)
    assert.equal(lowerMedian(values), median, values.join())
})

test('an onion commits to its values, and each round shows the next', () => {
  for (const { secret, length, commitments, values } of vectors.onion) {
    const beacon = new OnionBeacon(Buffer.from(secret, 'hex'), length)
    const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
    assert.deepEqual(
      commitments.map((_, index) => shown(beacon.commitment(index))),
      commitments
    )
    assert.deepEqual(
      values.map((_, index) => shown(beacon.value(index + 1))),
      values
    )
    assert.ok(opensLayer(Buffer.from(commitments[0]!, 'hex'), Buffer.from(values[0]!, 'hex')))
    assert.ok(opensLayer(Buffer.from(commitments[1]!, 'hex'), Buffer.from(values[length]!, 'hex')))
    assert.ok(!opensLayer(Buffer.from(values[length - 1]!, 'hex'), Buffer.from(values[length]!, 'hex')))
  }
})
