import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { trendOf, type Reading } from './trend.js'

const hour = (value: (minute: number) => number): Reading[] =>
  Array.from({ length: 121 }, (_, i) => ({ minute: i / 2, value: value(i / 2) }))

test('a figure that rises by as much every minute is found, however little', () => {
  const trend = trendOf(
    hour((minute) => 100 + 0.5 * minute),
    { rise: 20 }
  )
  assert.equal(trend.perHour, 30)
  assert.equal(trend.rise, 22.5)
  assert.equal(trend.fault, 'rises')
})

test('what fills while a program warms up, and peaks that pass, are no trend', () => {
  const trend = trendOf(
    hour((minute) => (minute < 15 ? 10 * minute : 150) + (minute % 10 === 0 ? 80 : 0)),
    { rise: 1, most: 250 }
  )
  assert.equal(trend.perHour, 0)
  assert.equal(trend.fault, null)
})

test('a peak above the most that is allowed is found, also while a program warms up', () => {
  const peak = hour((minute) => (minute === 4 ? 65 : 1))
  assert.equal(trendOf(peak, { most: 64 }).fault, 'too much')
  assert.equal(trendOf(peak, { most: 65 }).fault, null)
})

test('noise around a level has a trend within the noise, and a slope is found through it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 121, maxLength: 121 }),
      fc.integer({ min: -3, max: 3 }),
      (noise, slope) => {
        const { perHour } = trendOf(
          hour((minute) => 500 + slope * minute + noise[minute * 2]!),
          {}
        )
        assert.ok(Math.abs(perHour - slope * 60) <= 60)
      }
    ),
    { seed: 5, numRuns: 50 }
  )
})

test('too few readings are no trend', () => {
  assert.throws(() => trendOf(hour(() => 1).slice(0, 7), {}), RangeError)
})
