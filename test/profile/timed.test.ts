import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/clock.js'
import { Busy, timedItems } from '../../src/profile/ends/timed.js'

/** A clock that is moved by hand. */
function handClock(): Clock & { at: number } {
  const clock = { at: 0, now: () => clock.at }
  return clock as Clock & { at: number }
}

test('calls that overlap count once', async () => {
  const clock = handClock()
  const busy = new Busy(clock)
  const ends: (() => void)[] = []
  const call = () => busy.during(() => new Promise<void>((resolve) => ends.push(resolve)))
  const [first, second] = [call(), call()]
  clock.at = 5
  ends[0]!()
  await first
  clock.at = 8
  assert.equal(busy.take(), 8)
  clock.at = 10
  ends[1]!()
  await second
  clock.at = 20
  assert.equal(busy.take(), 2)
  assert.throws(() => busy.during(() => assert.fail('no')))
  assert.equal(busy.take(), 0)
})

test('time for items and time for their use are told apart', async () => {
  const clock = handClock()
  const turns = { itemsMs: 0, useMs: 0 }
  async function* items() {
    for (let i = 0; i < 3; i++) {
      clock.at += 2
      yield i
    }
  }
  for await (const item of timedItems(items(), clock, turns)) clock.at += 10 * (item + 1)
  assert.deepEqual(turns, { itemsMs: 6, useMs: 60 })
})
