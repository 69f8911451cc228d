import assert from 'node:assert/strict'
import test from 'node:test'
import { pauseOf } from '../../src/cli/pause.js'
import { pauseRange } from '../../src/ledger/rules/pause.js'

const HOUR_MS = 3_600_000
const rules = { epochMs: HOUR_MS, tickMs: 10_000 }

test('a pause at once begins with the first epoch that may be named, also some rounds later', () => {
  for (const now of [0, 1, HOUR_MS / 2, HOUR_MS - 20_001, HOUR_MS - 20_000, HOUR_MS - 1, HOUR_MS]) {
    const { epoch, epochs } = pauseOf({ now, inMs: 0, forMs: 1 }, rules)
    assert.equal(epochs, 1)
    for (const late of [0, 10_000, 20_000]) {
      const { first } = pauseRange(now + late, rules)
      assert.ok(epoch >= first && epoch <= first + 1, `${now} + ${late}`)
    }
  }
})

test('a pause later covers all of the time that was said, in whole epochs', () => {
  for (const now of [0, 1_234_567, HOUR_MS]) {
    for (const inMs of [3 * HOUR_MS, 10 * HOUR_MS + 1]) {
      for (const forMs of [1, HOUR_MS, 2 * HOUR_MS + 1]) {
        const { epoch, epochs } = pauseOf({ now, inMs, forMs }, rules)
        assert.ok(epoch * HOUR_MS <= now + inMs && (epoch + 1) * HOUR_MS > now + inMs)
        const end = (epoch + epochs) * HOUR_MS
        assert.ok(end >= now + inMs + forMs && end - HOUR_MS < now + inMs + forMs)
      }
    }
  }
})
