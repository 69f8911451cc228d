import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import { paidEpochs } from '../../src/ledger/rules/absence.js'
import {
  isPausedIn,
  isPauseNear,
  pausedEpochs,
  pausedMs,
  pauseEpochsLeft,
  pauseRange,
  type Pause
} from '../../src/ledger/rules/pause.js'
import { parameters } from '../../src/protocol/parameters.js'

/** Expected values made by test/vectors/rules-pause.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-pause.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  begins: { clock: number; epochMs: number; first: number; last: number }[]
  left: (Pause & { before: Pause[]; epochMs: number; pauseMs: number; left: number })[]
  within: { pauses: Pause[]; from: number; until: number; epochs: number; paid: number }[]
  lasted: { pauses: Pause[]; from: number; until: number; epochMs: number; ms: string }[]
}

test('when a pause may begin and how long it may be is that of the independent implementation', () => {
  for (const { clock, epochMs, first, last } of vectors.begins) {
    assert.deepEqual(pauseRange(clock, { epochMs }), { first, last }, `${clock} of ${epochMs}`)
  }
  for (const { epoch, epochs, before, left, ...p } of vectors.left) {
    assert.equal(pauseEpochsLeft({ epoch, epochs }, before, p), left, `${epochs} from ${epoch}`)
  }
})

test('what of a time belongs to pauses, and is not paid, is that of the independent implementation', () => {
  for (const { pauses, from, until, epochs, paid } of vectors.within) {
    assert.equal(pausedEpochs(pauses, from, until), epochs)
    assert.equal(paidEpochs(until, { last: from, back: 0, pauses }), paid)
    assert.equal(paidEpochs(until, { last: 0, back: from, pauses }), paid)
  }
  for (const { pauses, ms, epochMs, ...time } of vectors.lasted) {
    assert.equal(String(pausedMs(pauses, time, { epochMs })), ms)
  }
})

test('no month has more of pauses than pauseMs, whichever month it is', () => {
  const p = parameters({ epochMs: 86_400_000, pauseMs: 5 * 86_400_000 })
  const wishes = fc.array(fc.record({ after: fc.nat(20), epochs: fc.integer({ min: 1, max: 6 }) }), {
    maxLength: 40
  })
  fc.assert(
    fc.property(wishes, (asked) => {
      const pauses: Pause[] = []
      let next = 0
      for (const { after, epochs } of asked) {
        const wish = { epoch: next + after, epochs }
        if (epochs > pauseEpochsLeft(wish, pauses, p)) continue
        pauses.push(wish)
        next = wish.epoch + epochs
      }
      for (let from = -30; from <= next; from++) assert.ok(pausedEpochs(pauses, from, from + 30) <= 5)
    })
  )
})

test('a pause is its own epochs, and near in the one before too', () => {
  const pause = { epoch: 7, epochs: 2 }
  assert.deepEqual(
    [5, 6, 7, 8, 9].map((epoch) => [isPausedIn(pause, epoch), isPauseNear(pause, epoch)]),
    [
      [false, false],
      [false, true],
      [true, true],
      [true, true],
      [false, false]
    ]
  )
  assert.equal(isPausedIn(null, 7), false)
  assert.equal(isPauseNear(null, 7), false)
})
