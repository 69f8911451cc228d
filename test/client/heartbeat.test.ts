import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Heartbeat, LOOK_MS } from '../../src/client/heartbeat.js'

/** A channel whose other end answers beats or not, looked at in time that the test counts. */
function looked() {
  let [now, beats, answered] = [0, 0, 0]
  const channel = { heardAt: 0, waiting: true, beat: () => void beats++ }
  const heartbeat = new Heartbeat(channel, { now: () => now })
  /** Goes on; returns after how many ms the other end was silent, undefined if it was not. */
  const pass = (ms: number, hear = false): number | undefined => {
    const began = now
    while (now < began + ms) {
      now += LOOK_MS
      if (hear && beats > answered) [channel.heardAt, answered] = [now, beats]
      if (heartbeat.silent()) return now - began
    }
    return undefined
  }
  const standStill = (ms: number): void => void (now += ms)
  return { channel, pass, standStill, beats: () => beats }
}

test('an end that answers is asked once in a while, and is never silent', () => {
  const { pass, beats } = looked()
  assert.equal(pass(60_000, true), undefined)
  assert.ok(beats() > 10 && beats() <= 80, `${beats()} beats in a minute`)
})

test('an end that does not answer is silent within 1.75 s, and stays so', () => {
  const { pass } = looked()
  assert.equal(pass(10_000), 1_250)
  assert.equal(pass(10_000), LOOK_MS)
})

test('nobody is silent who owes nothing', () => {
  const { channel, pass, beats } = looked()
  channel.waiting = false
  assert.equal(pass(60_000), undefined)
  assert.equal(beats(), 0)
})

test('what this process missed while it stood still is not held against the other end', () => {
  const { pass, standStill } = looked()
  pass(1_000)
  standStill(20_000)
  const after = pass(10_000)
  assert.ok(after !== undefined && after >= 1_250, `silent after ${after} ms`)
})
