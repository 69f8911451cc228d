import assert from 'node:assert/strict'
import test from 'node:test'
import { WEIGHT_MAX } from '../../src/ledger/rules/lots.js'
import { copyWeight, stakeWeight, trustOf, updateQuality } from '../../src/ledger/rules/weights.js'

// Expected values by hand, from docs/protocol.md, sections 6 and 8.

test('trust is what R has of 1,024 steps, times the quality', () => {
  assert.equal(trustOf(1_000_000, 1_024), 2 ** 20)
  assert.equal(trustOf(500_000, 512), 2 ** 18)
  assert.equal(trustOf(999_999, 1_024), 1_023 * 1_024)
  assert.equal(trustOf(976, 1_024), 0)
  assert.equal(trustOf(977, 1_024), 1_024)
})

test('a pinner weighs what it has room for and what its deposit backs, in 64 KiB, times trust', () => {
  const weight = (roomBytes: number, backedBytes: bigint, trust = 2 ** 20): number =>
    copyWeight({ roomBytes, backedBytes, trust })
  assert.equal(weight(65_535, 2n ** 40n), 0)
  assert.equal(weight(65_536, 2n ** 40n), 1)
  assert.equal(weight(2 ** 30, 3n * 65_536n + 65_535n), 3, 'the deposit backs less')
  assert.equal(weight(5 * 65_536, 5n * 65_536n), 5)
  assert.equal(weight(-65_536, 2n ** 40n), 0, 'more in use than offered')
  assert.equal(weight(7 * 65_536, 2n ** 40n, 2 ** 19), 3, 'rounded down')
  assert.equal(weight(2 ** 52, 2n ** 60n), WEIGHT_MAX)
})

test('a verifier weighs a thousandth of its deposit in grains, times trust', () => {
  assert.equal(stakeWeight(999n, 2 ** 20), 0)
  assert.equal(stakeWeight(1_000n, 2 ** 20), 1)
  assert.equal(stakeWeight(7_999n, 2 ** 19), 3)
  assert.equal(stakeWeight(10n ** 18n, 2 ** 20), WEIGHT_MAX)
})

test('quality goes by a sixteenth towards a check: half at the limits of a check, all far within them', () => {
  const limits = { maxFirstByteUs: 1_000, minBytesPerSecond: 500 }
  const after = (before: number, firstByteUs: number, bytesPerSecond: number): number =>
    updateQuality(before, { firstByteUs, bytesPerSecond }, limits)
  // ceil((15 before + (prompt + fast) / 2) / 16), prompt and fast in 1,024 steps.
  assert.equal(after(512, 1_000, 500), 512)
  assert.equal(after(0, 1_000, 500), 32)
  assert.equal(after(1_024, 0, 2 ** 50), 1_024, '1,023 of 1,024 is rounded up')
  assert.equal(after(1_024, 2 ** 50, 0), 960)
  assert.equal(after(0, 3_000, 1_500), 32, '256 and 768')
  assert.equal(after(160, 0, 0), 182, '1,024 and 0')
  assert.equal(
    updateQuality(0, { firstByteUs: 0, bytesPerSecond: 0 }, { maxFirstByteUs: 0, minBytesPerSecond: 0 }),
    0
  )
})
