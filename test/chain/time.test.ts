import assert from 'node:assert/strict'
import test from 'node:test'
import { ChainTime } from '../../src/chain/time.js'
import type { Body } from '../../src/protocol/operations.js'
import { answer, challenged, hosted, settled, type Hosted } from './hosted.js'

const HOUR_MS = 3_600_000

/** A clock that a test moves, and chain time that goes on with it. */
function timed(beat?: { everyMs: number; stallMs: number }): { pass: (ms: number) => void; time: ChainTime } {
  let now = 5_000.25
  const time = new ChainTime({ now: () => now }, beat)
  return { pass: (ms) => void (now += ms), time }
}

test('chain time goes on from where the ledger has it, with the time of the process', () => {
  const { pass, time } = timed()
  time.raise(700)
  pass(1_000)
  assert.equal(time.now(), 1_700)
  time.raise(1_200)
  pass(0.9)
  assert.deepEqual([time.now(), time.stalledMs], [1_700, 0])
})

test('a gap between two looks is a standstill, of which one beat counts', () => {
  const { pass, time } = timed({ everyMs: 50, stallMs: 100 })
  for (let n = 0; n < 10; n++) {
    pass(50)
    time.look()
  }
  pass(100)
  assert.deepEqual([time.now(), time.stalledMs], [600, 0])
  pass(101)
  assert.deepEqual([time.now(), time.stalledMs], [650, 51])
  pass(HOUR_MS)
  assert.deepEqual([time.now(), time.stalledMs], [700, 51 + HOUR_MS - 50])
  time.told(51)
  assert.equal(time.stalledMs, HOUR_MS - 50)
})

test('while it is held it stands still, and goes on afterwards', () => {
  const { pass, time } = timed()
  pass(100)
  time.hold(1_000)
  pass(600)
  assert.deepEqual([time.now(), time.stalledMs], [100, 600])
  pass(600)
  assert.deepEqual([time.now(), time.stalledMs], [300, 1_000])
})

/** Answers a challenge that was open before, and passes. */
async function passes(hosting: Hosted, challenge: Awaited<ReturnType<typeof challenged>>): Promise<void> {
  await answer(hosting, challenge, hosting.copy.reader)
  assert.equal((await settled(hosting, challenge.id)).outcome, 'success')
}

test('a chain that was down for hours in the midst of a challenge costs its pinner nothing, and sets its date', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  const challenge = await challenged(hosting)
  const { clock, at, length } = chain.network.ledger.chain()
  await chain.restart(5 * HOUR_MS)
  assert.equal(chain.service.time(), clock)
  const set = chain.network.ledger.entry(length)!
  assert.deepEqual([set.operation.kind, set.clock, set.at], ['setTime', clock, at + 5 * HOUR_MS])
  await chain.tick()
  await passes(hosting, challenge)
})

test('a chain that stands still for an hour costs nobody a challenge, and its tick says for how long', async (t) => {
  const hosting = await hosted(t, {}, { beat: { everyMs: 10, stallMs: 1_000 } })
  const { chain } = hosting
  const challenge = await challenged(hosting)
  const { clock } = chain.network.ledger.chain()
  chain.network.at += HOUR_MS
  assert.ok(chain.service.time() <= clock + 10)
  await chain.tick()
  const { ledger } = chain.network
  const { operation } = ledger.entry(ledger.length() - 1)!
  assert.ok((operation.body as Body<'tick'>).stalledMs >= HOUR_MS - 1_000)
  await passes(hosting, challenge)
})
