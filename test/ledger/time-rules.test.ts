import assert from 'node:assert/strict'
import test from 'node:test'
import { isAnchorOld } from '../../src/ledger/rules/anchor.js'
import { clockOfRound, dateRange, isFarOff, roundAt } from '../../src/ledger/rules/time.js'

// Expected values by hand, from docs/protocol.md, sections 2 and 5.

const base = { baseRound: 7, baseClock: 1_000 }
const p = { tickMs: 250 }

test('rounds begin a tick apart from where they are counted', () => {
  assert.deepEqual(
    [1_000, 1_249, 1_250, 1_499, 1_500, 3_499].map((clock) => roundAt(clock, base, p)),
    [7, 7, 8, 8, 9, 16]
  )
  assert.deepEqual(
    [7, 8, 16].map((round) => clockOfRound(round, base, p)),
    [1_000, 1_250, 3_250]
  )
})

test('a date goes on by what went by, at most a twentieth more or less, and never back', () => {
  const range = (passedMs: number, sinceMs: number, stalledMs: number): number[] => {
    const { least, most } = dateRange({ at: 50_000, passedMs, sinceMs, stalledMs })
    return [least, most]
  }
  assert.deepEqual(range(1_000, 1_000, 0), [49_950, 50_050])
  assert.deepEqual(range(1_019, 1_019, 0), [49_950, 50_050], 'rounded down')
  assert.deepEqual(range(1_000, 30, 0), [49_970, 50_050], 'not before the entry before')
  assert.deepEqual(range(1_000, 0, 600), [50_520, 50_680], 'a standstill went by too')
  assert.deepEqual(range(10_000, 10, 20), [49_990, 50_521], 'not before the entry before, after a standstill')
})

test('a date is corrected by an entry of its own when it is off by more than an hour, either way', () => {
  const at = 10_000_000
  assert.deepEqual(
    [at, at + 3_600_000, at - 3_600_000, at + 3_600_001, at - 3_600_001].map((date) => isFarOff(at, date)),
    [false, false, false, true, true]
  )
})

test('an entry is too old to be named by entries and time together, and by neither alone', () => {
  const limits = { anchorEntries: 10, anchorMs: 1_000 }
  assert.equal(isAnchorOld({ entries: 11, ms: 1_001 }, limits), true)
  assert.equal(isAnchorOld({ entries: 10, ms: 1e9 }, limits), false)
  assert.equal(isAnchorOld({ entries: 1e9, ms: 1_000 }, limits), false)
})
