import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Parameters } from '../../src/protocol/parameters.js'
import { closeAfter } from '../helpers/close-after.js'
import { smallNetwork, type TestNetwork } from './network.js'

function network(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const made = smallNetwork(changes)
  closeAfter(t, () => made.close())
  return made
}

/** Copies that each entry since `from` challenged. */
function challengedSince(
  { ledger }: TestNetwork,
  from: number
): { copy: number; challenge: number; seq: number }[] {
  const out: { copy: number; challenge: number; seq: number }[] = []
  for (let seq = from; seq < ledger.length(); seq++) {
    for (const effect of ledger.effects(seq)!.effects) {
      if (effect.kind === 'challenged') out.push({ copy: effect.copy, challenge: effect.challenge, seq })
    }
  }
  return out
}

function active({ ledger }: TestNetwork): number {
  return Number(ledger.state.db.get('SELECT count(*) AS n FROM copies WHERE state = 1')!.n)
}

/** Plays until a number of copies is active. */
function until(of: TestNetwork, copies: number): void {
  for (let n = 0; n < 300 && active(of) < copies; n++) {
    of.tick()
    of.work()
  }
  assert.equal(active(of), copies)
}

/** Plays to the beginning of the next epoch, before its first round. */
function toEpoch(of: TestNetwork): void {
  const { epochMs, tickMs } = of.ledger.parameters()
  while ((of.clock + tickMs) % epochMs !== 0) {
    of.tick()
    of.work()
  }
}

test('each copy is challenged once in every slot, in whichever rounds', (t) => {
  const of = network(t, { epochMs: 2_000 })
  of.sponsor('film')
  of.sponsor('book')
  until(of, 4)
  toEpoch(of)
  const rounds = new Set<number>()
  for (let epoch = 0; epoch < 8; epoch++) {
    const from = of.ledger.length()
    for (let round = 0; round < 20; round++) {
      const before = of.ledger.length()
      of.tick()
      if (challengedSince(of, before).length > 0) rounds.add(round)
      of.work()
    }
    const copies = challengedSince(of, from).map(({ copy }) => copy)
    assert.equal(new Set(copies).size, 4, `epoch ${epoch}`)
    assert.equal(copies.length, 4, `epoch ${epoch}`)
  }
  assert.ok(rounds.size > 10, `${[...rounds].join()}`)
})

test('copies of a slower rate are challenged once in their longer slot', (t) => {
  const of = network(t)
  of.sponsor('film', { every: 4 })
  until(of, 2)
  while (of.clock % 4_000 !== 3_900) {
    of.tick()
    of.work()
  }
  for (let slot = 0; slot < 3; slot++) {
    const from = of.ledger.length()
    for (let round = 0; round < 40; round++) {
      of.tick()
      of.work()
    }
    const copies = challengedSince(of, from).map(({ copy }) => copy)
    assert.deepEqual(copies.sort(), [...new Set(copies)].sort())
    assert.equal(copies.length, 2)
  }
})

test('it does not matter which rounds a tick shows, nor how much one does: the same copies are drawn by the same rounds', (t) => {
  const rounds = (ticks: number[], work: number): unknown[] => {
    const of = network(t, { openMax: 1, settleGraceMs: 100_000, roundTripMs: 50_000 })
    of.sponsor('film')
    of.sponsor('book')
    until(of, 4)
    toEpoch(of)
    for (const ms of ticks) {
      of.at += ms
      while (of.ledger.tick(work).more);
    }
    const { db } = of.ledger.state
    return [
      db.all('SELECT every, waiting, slot, round, quota, lot FROM slots'),
      db.all('SELECT place, copy FROM slot_places ORDER BY place'),
      db.all('SELECT copy FROM challenges UNION SELECT copy FROM due_copies ORDER BY copy')
    ]
  }
  const often = rounds(new Array<number>(8).fill(100), 1_000)
  assert.deepEqual(rounds([800], 1_000), often)
  assert.deepEqual(rounds([300, 500], 1), often)
})

test('of a pinner at most openMax challenges are open; the next one is asked for with the answer to one', (t) => {
  const of = network(t, { openMax: 2, walkStepUs: 4_000 })
  const names = ['film', 'book', 'song', 'play', 'poem']
  for (const name of names) of.sponsor(name)
  until(of, 10)
  toEpoch(of)
  const { roundTripMs, walkStepUs } = of.ledger.parameters()
  // What is asked with an answer is answered too: who misses one is asked for more.
  for (let n = 0; n < 10; n++) of.work()
  // All rounds of the slot at once: all copies are due.
  of.at += 1_000
  while (of.ledger.tick(1_000).more);
  let asked = 0
  for (const pinner of of.identities.values()) {
    for (;;) {
      const open = of.ledger.challenges(pinner.publicKey)
      if (open.length === 0) break
      assert.ok(open.length <= 2, `${open.length} open`)
      const from = of.ledger.length()
      for (const { answerBy } of open.slice(-1)) {
        // Steps of all that are open, 8 each.
        assert.ok(answerBy <= of.clock + 2 * roundTripMs + Math.ceil((2 * 8 * walkStepUs) / 1_000))
      }
      const [first] = open
      of.answer(pinner, ({ id }) => (id === first!.id ? 'success' : 'silent'))
      asked++
      assert.ok(challengedSince(of, from).every(({ seq }) => seq === from))
      of.settle()
    }
  }
  assert.ok(asked >= 10)
  assert.equal(of.ledger.state.db.all('SELECT * FROM due_copies').length, 0)
})

test('a copy that is gone is drawn no more, and the others are still drawn once', (t) => {
  const of = network(t, { epochMs: 2_000, failuresMax: 1 })
  of.sponsor('film')
  of.sponsor('book')
  until(of, 4)
  toEpoch(of)
  const lost = 0
  const from = of.ledger.length()
  for (let round = 0; round < 20; round++) {
    of.tick()
    of.work({ outcome: ({ copy }) => (copy === lost ? 'failure' : 'success') })
  }
  assert.equal(of.ledger.copy(lost)!.state, 'lost')
  const { db } = of.ledger.state
  const places = db.all('SELECT place, copy FROM slot_places ORDER BY place')
  assert.deepEqual(
    places.map(({ place }) => Number(place)),
    places.map((_, n) => n)
  )
  assert.ok(!places.some(({ copy }) => Number(copy) === lost))
  const [slots] = db.all('SELECT * FROM slots')
  assert.equal(Number(slots!.copies), places.length)
  assert.equal(challengedSince(of, from).filter(({ copy }) => copy === lost).length, 1)
})

test('a copy is lost when its score comes to failuresMax failures, however many successes lie between', (t) => {
  const of = network(t, { failuresMax: 2, failureForgivenBy: 10, noNewCopiesPpm: 0, losesCopiesPpm: 0 })
  of.sponsor('film')
  until(of, 2)
  const seen: number[] = []
  const asked = new Map<number, number>()
  for (let n = 0; n < 400 && of.ledger.copy(0)!.state === 'active'; n++) {
    of.tick()
    of.work({
      outcome: ({ copy, id }) => {
        if (copy === 0 && !asked.has(id)) asked.set(id, asked.size)
        return copy === 0 && [0, 2, 9].includes(asked.get(id)!) ? 'failure' : 'success'
      }
    })
    seen.push(of.ledger.copy(0)!.score)
  }
  assert.ok(seen.includes(10) && seen.includes(9))
  assert.equal(of.ledger.copy(0)!.state, 'lost')
})
