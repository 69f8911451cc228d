import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../src/audit/file.js'
import { verifyDraw } from '../../src/audit/draw.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { DEPOSIT, identity, TestNetwork } from './network.js'
import { equal, toHex } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

const hexOf = (key: Uint8Array | null | undefined): string | undefined => (key ? toHex(key) : undefined)

function networkOf(
  t: TestContext,
  counts: { signer: number; pinner: number },
  changes: Partial<Parameters> = {}
): TestNetwork {
  const names = (['signer', 'pinner'] as const).flatMap((role) =>
    Array.from({ length: counts[role] }, (_, n) => `${role}-${n + 1}`)
  )
  const network = new TestNetwork(changes, [...names, 'late'])
  closeAfter(t, () => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.tick(3)
  return network
}

const taskOf = (network: TestNetwork, key: Buffer, copy = 0) =>
  network.ledger.hypercore(key)!.copies[copy]!.task!

test('a pinner is drawn first; its signer is drawn from a round after it said yes', (t) => {
  const network = networkOf(t, { signer: 3, pinner: 3 })
  const key = network.sponsor('film', { copies: 1 })
  assert.equal(taskOf(network, key).state, 'wanted')
  network.tick()
  assert.equal(taskOf(network, key).state, 'frozen')
  network.tick()
  const asked = taskOf(network, key)
  assert.deepEqual([asked.state, asked.signer, asked.round], ['asked', null, network.ledger.chain().round])
  const [ask] = network.ledger.asks(asked.pinner!)
  assert.equal(ask!.draw, asked.draw)
  assert.deepEqual(network.ledger.assignments(asked.pinner!), [], 'nothing to do before a signer is there')
  network.acknowledge()
  const { round } = network.ledger.chain()
  network.tick(2)
  const drawn = taskOf(network, key)
  assert.equal(drawn.state, 'asked')
  assert.ok(drawn.signer && equal(drawn.pinner!, asked.pinner!) && drawn.round > round)
})

test('who registers, adds deposit or leaves after the freeze changes no draw of that round', (t) => {
  const drawnAfter = (change: (network: TestNetwork) => void): (Uint8Array | null)[] => {
    const network = networkOf(t, { signer: 2, pinner: 6 }, { agingRounds: 0 })
    const keys = ['a', 'b', 'c'].map((name) => network.sponsor(name, { copies: 1 }))
    network.tick()
    change(network)
    network.tick()
    return keys.map((key) => taskOf(network, key).pinner)
  }
  const before = drawnAfter(() => {})
  assert.ok(before.every((pinner) => pinner !== null))
  const register = (network: TestNetwork, name: string, deposit: bigint): void => {
    const body = { role: 'pinner' as const, capacityBytes: 2 ** 40, deposit, payout: null }
    network.send(identity(name), { kind: 'register', body })
  }
  assert.deepEqual(
    drawnAfter((network) => register(network, 'late', 900_000_000n)),
    before
  )
  assert.deepEqual(
    drawnAfter((network) => {
      for (let n = 1; n <= 6; n++) register(network, `pinner-${n}`, 500_000_000n)
    }),
    before
  )
})

test('no choice of work by the operator changes a draw: what one tick leaves the next does with the same value', (t) => {
  const drawn = (works: number[]): (string | undefined)[] => {
    const network = networkOf(t, { signer: 3, pinner: 20 })
    const keys = Array.from({ length: 12 }, (_, n) =>
      network.sponsor(`core ${n}`, { copies: 1 }, 10_000_000n)
    )
    while (keys.some((key) => taskOf(network, key).state !== 'frozen')) network.tick()
    for (const work of works) {
      // Within the same round: the value is the same.
      network.at += 1
      network.ledger.tick(work)
    }
    network.tick(1, 1_000)
    for (const work of works) {
      network.at += 1
      network.ledger.tick(work)
    }
    return keys.map((key) => hexOf(taskOf(network, key).pinner))
  }
  const whole = drawn([])
  assert.ok(whole.every((key) => key !== undefined))
  assert.deepEqual(drawn([1, 2, 3]), whole)
})

test('a round that a tick draws in part gives the same as one drawn at once, and rooms are counted once', (t) => {
  const drawn = (work: number): { pinners: (string | undefined)[]; used: number[] } => {
    const network = networkOf(t, { signer: 3, pinner: 20 })
    const keys = Array.from({ length: 12 }, (_, n) =>
      network.sponsor(`core ${n}`, { copies: 1 }, 10_000_000n)
    )
    while (keys.some((key) => taskOf(network, key).state !== 'frozen')) network.tick()
    network.tick(1, work)
    while (keys.some((key) => taskOf(network, key).state === 'frozen')) {
      network.at += 1
      network.ledger.tick(work)
    }
    return {
      pinners: keys.map((key) => hexOf(taskOf(network, key).pinner)),
      used: network.ledger.roles().rows.map(({ usedBytes }) => usedBytes)
    }
  }
  const whole = drawn(1_000)
  assert.equal(whole.pinners.filter((key) => key !== undefined).length, 12)
  assert.deepEqual(drawn(1), whole)
  assert.deepEqual(drawn(5), whole)
})

test('tasks of one round do not all fit the room that one pinner had when it was frozen', (t) => {
  const names = ['signer-1', 'pinner-1']
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  network.register('signer-1', 'signer')
  // Room for one copy, whose room is set aside generously, and not for two.
  network.register('pinner-1', 'pinner', DEPOSIT, 25_000_000)
  network.tick(3)
  const keys = ['a', 'b'].map((name) => network.sponsor(name, { copies: 1 }, 100_000_000n, 10_000))
  network.tick(2)
  const states = keys.map((key) => taskOf(network, key).state)
  assert.deepEqual(states.sort(), ['asked', 'resting'])
})

test('who declines or is silent is out for this copy, and another is drawn from a later round', (t) => {
  const network = networkOf(t, { signer: 2, pinner: 4 })
  const key = network.sponsor('film', { copies: 1 })
  const seen = new Set<string>()
  for (let n = 0; n < 2; n++) {
    network.tick(2)
    const { pinner, draw } = taskOf(network, key)
    seen.add(toHex(pinner!))
    network.send(network.keyPair(pinner!), {
      kind: 'refuse',
      body: { draw: draw!, reason: 'other', evidence: null }
    })
  }
  network.tick(2)
  seen.add(toHex(taskOf(network, key).pinner!))
  // Nobody says anything: the time to say yes goes by.
  while (taskOf(network, key).state === 'asked') network.tick()
  network.tick(2)
  seen.add(toHex(taskOf(network, key).pinner!))
  assert.equal(seen.size, 4)
  while (taskOf(network, key).state === 'asked') network.tick()
  network.tick(3)
  assert.equal(taskOf(network, key).state, 'resting', 'nobody is left who was not asked')
})

test('hypercores take turns: many tasks of one do not keep another’s waiting', (t) => {
  const network = networkOf(t, { signer: 3, pinner: 12 }, { drawsPerRound: 2 })
  const many = network.sponsor('many', { copies: 10 })
  network.tick()
  const one = network.sponsor('one', { copies: 1 })
  network.tick(3)
  assert.equal(taskOf(network, one).state, 'asked')
  const states = network.ledger.hypercore(many)!.copies.map(({ task }) => task!.state)
  assert.deepEqual(
    states.slice(0, 3),
    ['asked', 'asked', 'asked'],
    'the first two, and one beside the other hypercore'
  )
  assert.ok(states.slice(7).every((state) => state === 'wanted'))
})

test('tasks that cannot be paid take no place among the draws of a round', (t) => {
  const network = networkOf(t, { signer: 3, pinner: 12 }, { drawsPerRound: 2 })
  const broke = Array.from({ length: 6 }, (_, n) => network.sponsor(`broke ${n}`, { copies: 1 }, 1n))
  const one = network.sponsor('one', { copies: 2 })
  network.tick(2)
  const states = (key: Uint8Array): string[] =>
    network.ledger.hypercore(key)!.copies.map(({ task }) => task!.state)
  assert.deepEqual(states(one), ['asked', 'asked'])
  assert.deepEqual(new Set(broke.flatMap(states)), new Set(['resting']))
})

test('a ledger that is opened again draws as one that was not closed, and the log leads there too', async (t) => {
  const play = (network: TestNetwork, reopen: () => void): unknown[] => {
    const keys = ['a', 'b', 'c', 'd'].map((name) => network.sponsor(name, { copies: 2 }))
    for (let n = 0; n < 30; n++) {
      network.tick(1, 1 + (n % 3))
      if (n % 4 === 1) reopen()
      network.work()
    }
    return keys.map((key) => network.ledger.hypercore(key))
  }
  const steady = networkOf(t, { signer: 4, pinner: 6 })
  const restarted = networkOf(t, { signer: 4, pinner: 6 })
  const expected = play(steady, () => {})
  assert.deepEqual(
    play(restarted, () => restarted.reopen()),
    expected
  )
  assert.deepEqual(restarted.ledger.stateHash(), steady.ledger.stateHash())
  const report = await auditFile(restarted.path)
  assert.equal(report.failure, null)
  assert.deepEqual(report.stateHash, restarted.ledger.stateHash())
})

test('each draw can be made again from the log alone', async (t) => {
  const network = networkOf(t, { signer: 3, pinner: 4 })
  network.sponsor('film', { copies: 2 })
  for (let n = 0; n < 12; n++) {
    network.tick()
    network.work()
  }
  const log = network.ledger.entries(0, 10_000)
  for (let id = 0; network.ledger.draw(id); id++) {
    const proof = await verifyDraw(log, id)
    const logged = network.ledger
      .effects(proof.seq)!
      .effects.find((effect) => effect.kind === 'drawn' && effect.draw === id)
    assert.ok(logged?.kind === 'drawn' && equal(logged.key, proof.lots.at(-1)!.key))
  }
})

test('a pinner that serves well is drawn more often than one that serves badly, all else equal', (t) => {
  const network = networkOf(t, { signer: 1, pinner: 2 })
  const { state } = network.ledger
  const [good, bad] = [1, 2].map((n) =>
    state.roleOf(state.wallet(identity(`pinner-${n}`).publicKey)!, 'pinner')!
  )
  good!.quality = 1_000
  bad!.quality = 100
  for (const role of [good!, bad!]) state.refresh(role)
  assert.ok(state.urn('pinner').weight(good!.id) > 9 * state.urn('pinner').weight(bad!.id))
})
