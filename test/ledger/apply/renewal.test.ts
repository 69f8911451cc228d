import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../../src/audit/file.js'
import { equal } from '../../../src/bytes.js'
import type { Plan } from '../../../src/protocol/operations.js'
import type { Parameters } from '../../../src/protocol/parameters.js'
import type { AssignmentView, CopyView } from '../../../src/protocol/views.js'
import { identity, original, smallNetwork, type TestNetwork } from '../network.js'
import { rootOf, sealed } from '../sealed.js'
import { closeAfter } from '../../helpers/close-after.js'

const finder = identity('finder')
const AFTER_MS = 6_000

interface Renewing {
  network: TestNetwork
  key: Buffer
  copy: () => CopyView
}

/** One sealed copy that is to be sealed anew after six seconds. */
function sealedFor(
  t: TestContext,
  { plan = {}, changes = {} }: { plan?: Partial<Plan>; changes?: Partial<Parameters> } = {}
): Renewing {
  const network = smallNetwork(changes)
  closeAfter(t, () => network.close())
  const key = network.sponsor('film', { copies: 1, codec: 'seal', refreshAfterMs: AFTER_MS, ...plan })
  const copy = (): CopyView => network.ledger.copy(0)!
  until(network, () => copy().segments[0]?.reserved === 0n)
  return { network, key, copy }
}

/** Everybody does what is asked of them until something is so. */
function until(network: TestNetwork, is: () => boolean, work = (): void => network.work()): void {
  for (let ticks = 0; !is(); ticks++) {
    assert.ok(ticks < 400, 'it does not come about')
    network.tick()
    work()
  }
}

/** Everybody does what is asked of them, but nobody delivers or accepts. */
function idle({ network }: Renewing): void {
  network.acknowledge()
  for (const keyPair of network.identities.values()) network.answer(keyPair)
  network.settle()
}

function assignmentOf({ network, copy }: Renewing): AssignmentView {
  const { signer } = copy().task!
  return network.ledger.assignments(signer!)[0]!
}

test('a sealed segment is sealed anew by another signer when its time comes, and proven as it was until then', async (t) => {
  const of = sealedFor(t)
  const { network, key, copy } = of
  const { ledger } = network
  const before = copy()
  const [old] = before.segments
  const pinner = ledger.account(before.pinner!).roles[0]!
  until(
    network,
    () => copy().task?.state === 'delivering',
    () => idle(of)
  )

  const task = copy().task!
  assert.equal(task.renewal, true)
  assert.deepEqual([task.start, task.end], [0, 100])
  assert.ok(equal(task.pinner!, before.pinner!), 'who holds it goes on holding it')
  assert.ok(!equal(task.signer!, old!.signer), 'who has sealed it does not seal it again')
  assert.deepEqual(copy().segments, before.segments)
  assert.equal(ledger.account(before.pinner!).roles[0]!.usedBytes, pinner.usedBytes + old!.bytes)

  // A challenge that was asked before is over what was there then, whatever takes its place meanwhile.
  const challenges = () => ledger.challenges(before.pinner!)
  while (challenges().length === 0) {
    network.tick()
    network.acknowledge()
  }
  const [asked] = challenges()
  assert.deepEqual(
    asked!.segments.map(({ id }) => id),
    [old!.id]
  )
  const assignment = assignmentOf(of)
  network.deliver(assignment)
  network.accept(assignment)
  const [renewed, ...others] = copy().segments
  assert.deepEqual(others, [])
  assert.ok(equal(renewed!.signer, task.signer!))
  assert.deepEqual([renewed!.segment, renewed!.start, renewed!.end], [1, 0, 100])
  assert.deepEqual([copy().length, copy().bytes, copy().state], [100, before.bytes, 'active'])
  assert.equal(ledger.account(before.pinner!).roles[0]!.usedBytes, pinner.usedBytes)
  assert.deepEqual(challenges(), [asked])
  assert.equal(ledger.account(old!.signer).roles[0]!.locked, 0n, 'its lock ends with it')
  assert.equal(
    network.code(finder, rootOf({ network, segment: old! }, finder)),
    'BOUNTY_NONE',
    'what is gone wins nobody anything'
  )

  // The next challenge is over the new one, which is paid for when it has passed.
  network.answer(network.keyPair(before.pinner!))
  network.settle()
  assert.ok(copy().segments[0]!.reserved > 0n)
  until(network, () => copy().segments[0]!.reserved === 0n)
  assert.equal(ledger.hypercore(key)!.copies.length, 1)
  assert.equal((await auditFile(network.path)).failure, null)
})

test('what grew meanwhile is sealed after a renewal, and half of a renewal is not accepted', (t) => {
  const of = sealedFor(t, { changes: { growthBytes: 1 } })
  const { network, copy } = of
  until(
    network,
    () => copy().task?.state === 'delivering',
    () => idle(of)
  )
  const grown = original('film', 130, 130_000)
  network.send(network.supporter, { kind: 'extend', body: grown })
  assert.deepEqual([copy().task!.start, copy().task!.end], [0, 100])
  const assignment = assignmentOf(of)
  until(
    network,
    () => copy().task?.state === 'late',
    () => network.answer(network.keyPair(copy().pinner!))
  )
  const half = { end: 40, chunks: 40, bytes: 40 * 1_140 }
  assert.throws(() => network.accept(assignment, half), { code: 'SEGMENT_SHORT' })
  network.accept(assignment)
  assert.deepEqual(
    copy().segments.map(({ segment, start, end }) => [segment, start, end]),
    [[1, 0, 100]]
  )
  assert.deepEqual([copy().task!.renewal, copy().task!.start, copy().task!.end], [false, 100, 130])
})

test('segments that were cut short are sealed anew together with what completes them', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 1, codec: 'seal', refreshAfterMs: AFTER_MS })
  const copy = (): CopyView => network.ledger.copy(0)!
  const of = { network, key: Buffer.alloc(0), copy }
  until(
    network,
    () => copy().task?.state === 'delivering',
    () => network.acknowledge()
  )
  const assignment = assignmentOf(of)
  until(
    network,
    () => copy().task?.state === 'late',
    () => {}
  )
  // More than twice what follows, or they would become one before.
  network.accept(assignment, { end: 90, chunks: 90, bytes: 90 * 1_140 })
  until(network, () => copy().segments.length === 2 && copy().segments[1]!.reserved === 0n)
  const signers = copy().segments.map(({ signer }) => signer)
  // Those who have sealed parts of it are out: one of three is left.
  until(network, () => copy().segments.length === 1)
  const [whole] = copy().segments
  assert.deepEqual([whole!.segment, whole!.start, whole!.end], [2, 0, 100])
  assert.ok(signers.every((signer) => !equal(signer, whole!.signer)))
  assert.equal(copy().bytes, 100 * 1_140)
})

test('a renewal for which there is no other signer or no money is given up and tried again later; nothing is lost by it', (t) => {
  const of = sealedFor(t)
  const { network, copy, key } = of
  const before = copy()
  const leaving = ['signer-1', 'signer-2', 'signer-3']
    .map((name) => identity(name))
    .filter(({ publicKey }) => !equal(publicKey, before.segments[0]!.signer))
  for (const signer of leaving) network.send(signer, { kind: 'retire', body: { role: 'signer' } })
  const effects = (): string[] => {
    const { length } = network.ledger.chain()
    const kinds: string[] = []
    for (let seq = 0; seq < length; seq++) {
      for (const effect of network.ledger.effects(seq)!.effects) kinds.push(effect.kind)
    }
    return kinds
  }
  until(network, () => effects().filter((kind) => kind === 'renewalDropped').length >= 2)
  assert.equal(copy().task, null)
  assert.deepEqual(copy().segments, before.segments)
  assert.equal(network.ledger.hypercore(key)!.state, 'active')
  assert.equal(network.ledger.summary().reserved, 0n)
})

test('the copies of seal are sealed anew when the lock of their signer ends, where the plan says nothing; those of wrap never', (t) => {
  const of = sealed(t, { lockMs: 6_000 })
  until(of.network, () => of.copy().segments[0]!.segment === 1)
  const wrapped = smallNetwork({ lockMs: 6_000 })
  closeAfter(t, () => wrapped.close())
  wrapped.sponsor('film', { copies: 1 })
  for (let ticks = 0; ticks < 150; ticks++) {
    wrapped.tick()
    wrapped.work()
  }
  assert.deepEqual(
    wrapped.ledger.copy(0)!.segments.map(({ segment }) => segment),
    [0]
  )
})
