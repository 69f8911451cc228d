import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import { isLost, scoreAfter } from '../../src/ledger/rules/score.js'
import { answerMs } from '../../src/ledger/rules/schedule.js'
import { slotLot, slotOf, slotSeed, slotShare } from '../../src/ledger/rules/slots.js'
import type { Outcome } from '../../src/protocol/operations.js'
import { DEFAULT_STEPS, parameters } from '../../src/protocol/parameters.js'
import { blake3 } from '../../src/crypto/hash.js'
import { toHex } from '../../src/bytes.js'

/** Expected values made by test/vectors/independent.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-challenges.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  slots: {
    round: number
    every: number
    baseRound: number
    baseClock: number
    tickMs: number
    epochMs: number
    slot: number
    roundsLeft: number
  }[]
  draws: {
    chain: string
    every: number
    value: string
    waiting: number
    roundsLeft: number
    seed: string
    share: number
    lots: number[]
  }[]
  scores: { story: string; scores: number[]; lost: number | null }[]
  answerMs: { steps: number; ms: number }[]
}
const p = parameters()
const OUTCOMES: Record<string, Outcome> = {
  s: 'success',
  f: 'failure',
  r: 'refused',
  o: 'offline',
  u: 'unknown',
  l: 'lie'
}

test('slots and the rounds that they have left are those of the independent implementation', () => {
  for (const { round, every, slot, roundsLeft, ...base } of vectors.slots) {
    assert.deepEqual(slotOf(round, every, base, base), { slot, roundsLeft }, JSON.stringify(base))
  }
})

test('what a round draws of a slot is that of the independent implementation', () => {
  for (const { chain, every, value, waiting, roundsLeft, seed, share, lots } of vectors.draws) {
    const own = slotSeed(Buffer.from(chain, 'hex'), every, Buffer.from(value, 'hex'))
    assert.equal(toHex(own), seed)
    assert.equal(slotShare(own, waiting, roundsLeft), share)
    assert.deepEqual(
      lots.map((_, lot) => slotLot(own, lot, waiting - lot)),
      lots
    )
  }
})

test('scores are those of the independent implementation, and so is when a copy is lost', () => {
  for (const { story, scores, lost } of vectors.scores) {
    let score = 0
    const own = [...story].map((letter) => (score = scoreAfter(score, OUTCOMES[letter]!, p)))
    assert.deepEqual(own, scores, story)
    const first = own.findIndex((value) => isLost(value, p))
    assert.equal(first < 0 ? null : first, lost, story)
  }
})

test('time to answer is that of the independent implementation', () => {
  for (const { steps, ms } of vectors.answerMs) assert.equal(answerMs(steps, p), ms)
})

test('in every slot all copies are drawn once, however many rounds and copies it has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(200), fc.nat(), (rounds, copies, salt) => {
      let waiting = copies
      for (let left = rounds; left > 0; left--) {
        const seed = blake3(Buffer.from(`${salt} ${left}`))
        const share = slotShare(seed, waiting, left)
        assert.ok(Math.abs(share - waiting / left) < 1, 'no round has more than its share')
        for (let lot = 0; lot < share; lot++) assert.ok(slotLot(seed, lot, waiting - lot) < waiting - lot)
        waiting -= share
      }
      assert.equal(waiting, 0)
    })
  )
})

test('a single copy is as likely to be drawn in each round of its slot', () => {
  const [slots, rounds] = [6_000, 12]
  const counts = new Array<number>(rounds).fill(0)
  for (let slot = 0; slot < slots; slot++) {
    let round = 0
    while (
      slotShare(slotSeed(Buffer.alloc(32), 1, blake3(Buffer.from(`${slot} ${round}`))), 1, rounds - round) < 1
    )
      round++
    counts[round]!++
  }
  const mean = slots / rounds
  const chi = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0)
  // 11 degrees of freedom: beyond 31 in one of a thousand.
  assert.ok(chi < 31, `${counts.join(' ')}: ${chi}`)
})

test('six hours of slots find a tenth missing with 99 %, three days a hundredth', () => {
  const whole = (ms: number): number => Math.floor(ms / p.epochMs) - 1
  const HOUR_MS = 3_600_000
  assert.ok(DEFAULT_STEPS * whole(6 * HOUR_MS) >= 44)
  assert.ok(1 - 0.9 ** (DEFAULT_STEPS * whole(6 * HOUR_MS)) >= 0.99)
  assert.ok(1 - 0.99 ** (DEFAULT_STEPS * whole(72 * HOUR_MS)) >= 0.99)
  assert.ok(DEFAULT_STEPS <= p.stepsMax)
})

/** Challenges until a copy that fails each with some probability is lost, or null if it is not within `most`. */
function lostAfter(failing: number, most: number, salt: number): number | null {
  let score = 0
  for (let n = 1; n <= most; n++) {
    const draw = Buffer.from(blake3(Buffer.from(`${salt} ${n}`))).readUInt32LE() / 2 ** 32
    score = scoreAfter(score, draw < failing ? 'failure' : 'success', p)
    if (isLost(score, p)) return n
  }
  return null
}

test('who lacks a hundredth of the bytes loses its copy within days, who fails once in a thousand times keeps it', () => {
  const failing = 1 - 0.99 ** DEFAULT_STEPS
  const found = Array.from({ length: 40 }, (_, salt) => lostAfter(failing, 24 * 30, salt))
  assert.ok(found.every((after) => after !== null))
  const mean = found.reduce<number>((sum, after) => sum + after, 0) / found.length
  // (failuresMax - what the last one goes beyond it) / (p - (1 - p) / 50)
  assert.ok(mean > 25 && mean < 60, `${mean} challenges`)
  for (let salt = 0; salt < 10; salt++) assert.equal(lostAfter(0.001, 24 * 365, salt), null)
})

test('a pinner of 10,000 copies on a disk of 10 ms a read is never asked for more than it can read', () => {
  const [copies, readMs, readsPerStep] = [10_000, 10, 2]
  const walkMs = DEFAULT_STEPS * readsPerStep * readMs
  const rounds = p.epochMs / p.tickMs
  let waiting = copies
  let queue = 0
  /** When the walks of those that are open are done: the disk takes one after the other. */
  const open: { done: number; answerBy: number }[] = []
  let diskFree = 0
  let [answered, busyMs, longest] = [0, 0, 0]
  const ask = (now: number): void => {
    const asked = Math.min(p.openMax - open.length, queue)
    queue -= asked
    const answerBy = now + answerMs((open.length + asked) * DEFAULT_STEPS, p)
    for (let n = 0; n < asked; n++) {
      diskFree = Math.max(now, diskFree) + walkMs
      busyMs += walkMs
      open.push({ done: diskFree, answerBy })
    }
  }
  const until = (now: number): void => {
    while (open.length > 0 && open[0]!.done <= now) {
      const { done, answerBy } = open.shift()!
      assert.ok(done <= answerBy, `${done - answerBy} ms late`)
      answered++
      // The round trips that the deadline allows for besides are left out: they would only slow this down.
      ask(done)
    }
  }
  for (let round = 0; round < rounds; round++) {
    until(round * p.tickMs)
    const share = slotShare(blake3(Buffer.from(`${round}`)), waiting, rounds - round)
    waiting -= share
    queue += share
    ask(round * p.tickMs)
    longest = Math.max(longest, queue)
  }
  until(Infinity)
  assert.equal(answered, copies, 'all of them in their hour')
  assert.ok(busyMs <= 0.51 * p.epochMs, `${busyMs} ms`)
  assert.ok(longest < 40)
})
