import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Statement } from '../../src/protocol/operations.js'
import { defaultParameters, type Parameters } from '../../src/protocol/parameters.js'
import { MIB, original, smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const MINUTES = 10
const TICK_MS = MINUTES * 60_000
const TICKS_A_DAY = (24 * 60) / MINUTES

function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const network = smallNetwork(changes)
  closeAfter(t, () => network.close())
  return network
}

function extend(length: number, byteLength = length * 1_000): Statement {
  return { kind: 'extend', body: original('film', length, byteLength) }
}

function pass(network: TestNetwork): void {
  network.tick()
  network.work()
}

/** A hypercore with a copy that somebody holds. */
function held(network: TestNetwork, grains = 100_000_000n): Buffer {
  const key = network.sponsor('film', { copies: 1 }, grains)
  for (let n = 0; n < 200 && network.ledger.hypercore(key)!.copies[0]!.length < 100; n++) pass(network)
  assert.equal(network.ledger.hypercore(key)!.copies[0]!.length, 100)
  return key
}

/** Whole days at the default rules but for longer rounds; what all of it cost the supporters, and how often the hypercore grew. */
function days(
  t: TestContext,
  count: number,
  { blocks, blocksPerMinute }: { blocks: number; blocksPerMinute: number }
): { spent: bigint; segments: number; grown: number; length: number } {
  const network = networkOf(t, {
    ...defaultParameters,
    tickMs: TICK_MS,
    acknowledgeMs: 2 * TICK_MS,
    deliverBaseMs: 2 * TICK_MS,
    agingRounds: 1,
    reportRounds: 3,
    revealRounds: 2
  })
  const key = network.sponsor('film', { copies: 1 }, 100_000_000n, blocks)
  const { balance } = network.ledger.hypercore(key)!
  let length = blocks
  let grown = 0
  for (let tick = 0; tick < count * TICKS_A_DAY; tick++) {
    network.at += TICK_MS
    network.ledger.tick(500)
    network.work()
    length += MINUTES * blocksPerMinute
    if (blocksPerMinute > 0 && network.code(network.supporter, extend(length)) === 'ok') grown++
  }
  const view = network.ledger.hypercore(key)!
  const segments = view.copies[0]!.segments.length
  return { spent: balance - view.balance, segments, grown, length: view.length }
}

test('a log of a block a second grows at most twice an hour, and costs no more than as much held from the beginning, twice', (t) => {
  const growing = days(t, 1, { blocks: 100, blocksPerMinute: 60 })
  const whole = days(t, 1, { blocks: growing.length, blocksPerMinute: 0 })
  t.diagnostic(
    `${growing.grown} growths in a day, ${growing.segments} segments: ${growing.spent} grains, and ${whole.spent} for one`
  )
  assert.equal(whole.segments, 1)
  assert.ok(growing.grown > 10 && growing.grown <= 48, `${growing.grown}`)
  assert.ok(growing.spent <= 2n * whole.spent)
})

test('a log of a line a minute grows once or twice a day, but for the time before its first copy', (t) => {
  const growing = days(t, 2, { blocks: 100, blocksPerMinute: 1 })
  const whole = days(t, 2, { blocks: growing.length, blocksPerMinute: 0 })
  t.diagnostic(
    `${growing.grown} growths in two days, ${growing.segments} segments: ${growing.spent} grains, and ${whole.spent} for one`
  )
  assert.ok(growing.grown >= 2 && growing.grown <= 4 + 2 * 2, `${growing.grown}`)
  assert.ok(growing.spent <= 2n * whole.spent)
})

test('small growth is gathered until its time has come and what is due meanwhile comes to its price', (t) => {
  const network = networkOf(t, { growthMs: 15_000 })
  const key = held(network)
  const p = network.ledger.parameters()
  const { grownClock } = network.ledger.hypercore(key)!
  const age = (): number => network.clock - grownClock
  // 543 grains are due each second.
  const earned = Math.ceil(Number(p.segmentRewardBase * 1_000n) / 543)
  while (age() < earned - 100) pass(network)
  assert.equal(network.code(network.supporter, extend(101)), 'GROWTH_EARLY')
  pass(network)
  assert.ok(age() >= earned)
  assert.equal(network.code(network.supporter, extend(101)), 'ok')
  assert.equal(network.ledger.hypercore(key)!.grownClock, network.clock)
  assert.equal(network.code(network.supporter, extend(102)), 'GROWTH_EARLY')
})

test('a copy that can well pay for it grows after growthMs, and not before', (t) => {
  const network = networkOf(t, { growthMs: 15_000, segmentRewardBase: 1n })
  const key = held(network)
  const { grownClock } = network.ledger.hypercore(key)!
  while (network.clock - grownClock < 14_900) pass(network)
  assert.equal(network.code(network.supporter, extend(101)), 'GROWTH_EARLY')
  pass(network)
  assert.equal(network.code(network.supporter, extend(101)), 'ok')
})

test('16 MiB are taken at once, and as soon again', (t) => {
  const network = networkOf(t, { growthMs: 1_000_000 })
  held(network)
  const bytes = 100_000 + 16 * MIB
  assert.equal(network.code(network.supporter, extend(101, bytes - 1)), 'GROWTH_EARLY')
  assert.equal(network.code(network.supporter, extend(101, bytes)), 'ok')
  assert.equal(network.code(network.supporter, extend(102, bytes + 16 * MIB)), 'ok')
})

test('an author that signs more than its supporters gave for begins no grace', (t) => {
  const network = networkOf(t, { growthMs: 0, growthBytes: 0 })
  const key = held(network, 1_000_000n)
  assert.equal(network.code(network.supporter, extend(101, 2 ** 30)), 'GROWTH_UNPAID')
  const { length, state } = network.ledger.hypercore(key)!
  assert.deepEqual({ length, state }, { length: 100, state: 'active' })
  network.send(network.supporter, { kind: 'donate', body: { key, amount: 20_000_000n } })
  assert.equal(network.code(network.supporter, extend(101, 2 ** 30)), 'ok')
})
