import test from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { outcomeNames } from '../../src/protocol/operations.js'
import { PPM, parameters } from '../../src/protocol/parameters.js'
import { OnionBeacon, opensLayer } from '../../src/ledger/rules/beacon.js'
import {
  copiesFor,
  copyLock,
  donationBurn,
  paidFor,
  retrievalReward,
  segmentReward,
  storageReward
} from '../../src/ledger/rules/economics.js'
import {
  isServed,
  lowerMedian,
  medianMeasurement,
  newReputation,
  reputationPpm,
  updateReputation
} from '../../src/ledger/rules/reputation.js'
import { maxSliceEvidenceBytes } from '../../src/evidence/slice-evidence.js'
import { answerMs, evidenceMs } from '../../src/ledger/rules/schedule.js'

const p = parameters()
const outcomes = fc.constantFrom(...outcomeNames)

test('every round of the onion opens the one before, across onions', () => {
  const beacon = new OnionBeacon(Buffer.alloc(32, 5), 7)
  for (let round = 1; round <= 30; round++) {
    const first = (round - 1) % 7 === 0
    const shown = first ? beacon.commitment(Math.floor((round - 1) / 7)) : beacon.value(round - 1)
    assert.ok(opensLayer(shown, beacon.value(round)), `round ${round}`)
    assert.ok(!opensLayer(shown, beacon.value(round + 1)))
  }
  assert.deepEqual(new OnionBeacon(Buffer.alloc(32, 5), 7).value(19), beacon.value(19), 'any order of asking')
  assert.notDeepEqual(new OnionBeacon(Buffer.alloc(32, 6), 7).value(19), beacon.value(19))
})

test('reputation stays within its range and goes where outcomes point', () => {
  fc.assert(
    fc.property(fc.array(outcomes, { maxLength: 300 }), (list) => {
      let reputation = newReputation()
      for (const outcome of list) {
        const before = reputationPpm(reputation)
        reputation = updateReputation(reputation, outcome, p)
        const after = reputationPpm(reputation)
        assert.ok(Number.isSafeInteger(reputation.alpha) && Number.isSafeInteger(reputation.beta))
        assert.ok(after >= 0 && after <= PPM)
        if (outcome === 'success') assert.ok(after >= before)
        else if (outcome === 'unknown') assert.equal(after, before)
        else assert.ok(after <= before)
      }
    })
  )
  let steady = newReputation()
  for (let n = 0; n < 2_000; n++) steady = updateReputation(steady, 'success', p)
  assert.ok(reputationPpm(steady) > 990_000)
  assert.ok(steady.alpha <= 100 * PPM, 'what lies back is forgotten')
})

test('one liar among three verifiers cannot move the result out of the range of the other two', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (a, b, lie) => {
      const of = (value: number) => ({ firstByteUs: value, bytesPerSecond: value, misses: value })
      const { firstByteUs } = medianMeasurement([of(a), of(b), of(lie)])
      assert.ok(firstByteUs >= Math.min(a, b) && firstByteUs <= Math.max(a, b))
    })
  )
  assert.equal(lowerMedian([4, 1, 3, 2]), 2)
  assert.throws(() => lowerMedian([]), RangeError)
  const good = { firstByteUs: p.maxFirstByteUs, bytesPerSecond: p.minBytesPerSecond, misses: 0 }
  assert.ok(isServed(good, p))
  assert.ok(!isServed({ ...good, firstByteUs: good.firstByteUs + 1 }, p))
  assert.ok(!isServed({ ...good, bytesPerSecond: good.bytesPerSecond - 1 }, p))
  assert.ok(!isServed({ ...good, misses: 1 }, p))
})

test('income does not depend on how often a copy is challenged, but for rounding', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 64 }), (bytes, parts) => {
      const once = storageReward(bytes, 64, p)
      const often = storageReward(bytes, 1, p) * 64n
      assert.ok(often <= once && once - often < 64n)
      assert.ok(paidFor(once, PPM) === once && paidFor(once, 0) === 0n && paidFor(once, 500_000) <= once / 2n)
      const split = donationBurn(once, p)
      assert.ok(donationBurn(once / BigInt(parts), p) * BigInt(parts) + BigInt(parts) * 2n >= split)
    })
  )
  assert.equal(storageReward(2 ** 40, 1_000_000, p), storageReward(2 ** 40, p.rewardEpochsMax, p))
})

test('what a pinner locks exceeds what dropping the data until the loss could save', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 0, max: 10 }), (bytes, power) => {
      const every = 1 << power
      const saved =
        (storageReward(bytes, every, p) + retrievalReward(bytes, every, p)) * BigInt(p.failuresMax)
      assert.ok(copyLock(bytes, every, p) >= saved * BigInt(p.depositSigma) + segmentReward(bytes, p))
    })
  )
})

test('a target takes the fewest copies that reach it', () => {
  assert.equal(copiesFor(500_000, [], p), 1)
  assert.equal(copiesFor(990_000, [], p), 7, '1 - 0.5^7 is the first above 0.99')
  assert.equal(copiesFor(990_000, [900_000, 900_000], p), 2)
  assert.equal(copiesFor(999_999, [1], parameters({ copiesMax: 3 })), 3)
})

test('deadlines grow with the steps alone', () => {
  for (const steps of [1, 2, 43, 511]) {
    const walk = Math.ceil((steps * p.walkStepUs) / 1_000)
    assert.equal(answerMs(steps, p), walk + 2 * p.roundTripMs)
    assert.ok(answerMs(steps + 1, p) > answerMs(steps, p))
    const bytes = maxSliceEvidenceBytes({ steps })
    const upload = Math.ceil((bytes * 1_000) / p.evidenceBytesPerSecond)
    assert.equal(evidenceMs(steps, p), upload + 2 * p.roundTripMs + p.tickMs)
  }
})
