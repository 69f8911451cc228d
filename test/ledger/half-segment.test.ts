import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import { signSegment } from '../../src/protocol/segment.js'
import type { AssignmentView } from '../../src/protocol/views.js'
import { identity, smallNetwork, type TestNetwork } from './network.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

const NAMES = ['signer-1', 'signer-2', 'signer-3', 'pinner-1', 'pinner-2', 'pinner-3', 'pinner-4']

/** The open assignment of a pinner, if there is one. */
function pinnerOf({ ledger }: TestNetwork): AssignmentView | undefined {
  return NAMES.flatMap((name) => ledger.assignments(identity(name).publicKey)).find(
    ({ role }) => role === 'pinner'
  )
}

/** A network in which one copy of 100 chunks is being delivered. */
function delivering(t: TestContext): { network: TestNetwork; key: Buffer; assignment: AssignmentView } {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const key = network.sponsor('film', { copies: 1 })
  while (pinnerOf(network)?.task.state !== 'delivering') {
    network.tick()
    network.acknowledge()
  }
  const assignment = pinnerOf(network)!
  assert.equal(assignment.task.state, 'delivering')
  assert.deepEqual([assignment.task.start, assignment.task.end], [0, 100])
  return { network, key, assignment }
}

/** Ticks until the signer's time is over; returns the effects of it. */
function untilLate(network: TestNetwork): void {
  while (pinnerOf(network)?.task.state === 'delivering') network.tick()
  assert.equal(pinnerOf(network)?.task.state, 'late')
}

/** The record of the first `chunks` chunks. */
const first = (chunks: number): { end: number; chunks: number; bytes: number } => ({
  end: chunks,
  chunks,
  bytes: chunks * 1_140
})

const code = (accept: () => unknown): string => {
  try {
    accept()
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('half a segment of a signer that was late is accepted; X is paid in proportion, the next task writes the rest', async (t) => {
  const { network, key, assignment } = delivering(t)
  const { ledger } = network
  const reserved = ledger.summary().reserved
  const balance = ledger.hypercore(key)!.balance
  assert.ok(reserved > 0n)
  untilLate(network)
  const { signer, pinner } = assignment
  const rated = ledger.account(signer).roles[0]!
  network.accept(assignment, first(37))

  const [copy] = ledger.hypercore(key)!.copies
  assert.ok(copy)
  assert.deepEqual([copy.state, copy.length, copy.bytes], ['active', 37, 37 * 1_140])
  assert.deepEqual(
    copy.segments.map(({ start, end, reserved: left }) => [start, end, left]),
    [[0, 37, (reserved * 37n) / 100n]]
  )
  assert.equal(ledger.summary().reserved, (reserved * 37n) / 100n)
  assert.equal(ledger.hypercore(key)!.balance, balance + reserved - (reserved * 37n) / 100n)
  const after = ledger.account(signer).roles[0]!
  assert.ok(after.reputationPpm < rated.reputationPpm, 'who does not finish is rated as absent')
  assert.equal(after.deposit, rated.deposit, 'what was delivered costs nothing')

  // The same pinner goes on, with whatever signer the lots name, from where the first one stopped.
  assert.deepEqual([copy.task?.start, copy.task?.end, copy.task?.state], [37, 100, 'wanted'])
  while (pinnerOf(network)?.task.state !== 'delivering') {
    network.tick()
    network.acknowledge()
  }
  const second = pinnerOf(network)!
  assert.deepEqual([second.task.start, second.task.end, second.segment], [37, 100, 1])
  assert.ok(equal(second.pinner, pinner))
  network.deliver(second)
  network.accept(second)
  const [whole] = ledger.hypercore(key)!.copies
  assert.deepEqual([whole!.length, whole!.segments.length, whole!.task], [100, 2, null])

  for (let n = 0; n < 30; n++) {
    network.tick()
    network.work()
  }
  const summary = ledger.summary()
  assert.ok(summary.storage.success > 0 && summary.storage.failure + summary.storage.offline === 0)
  assert.deepEqual([summary.reserved, summary.sum], [0n, 0n], 'X of both segments was minted')
  assert.equal((await auditFile(network.path)).failure, null)
})

test('half a segment is refused while the signer has time, and when all of it was delivered', (t) => {
  const { network, assignment } = delivering(t)
  assert.equal(
    code(() => network.accept(assignment, first(37))),
    'SEGMENT_SHORT'
  )
  assert.equal(
    code(() => network.deliver(assignment, first(37))),
    'SEGMENT_MISMATCH'
  )
  untilLate(network)
  assert.equal(
    code(() => network.deliver(assignment, first(37))),
    'SEGMENT_MISMATCH'
  )
  network.deliver(assignment)
  assert.equal(
    code(() => network.accept(assignment, first(37))),
    'SEGMENT_MISMATCH'
  )
  network.accept(assignment)
  assert.equal(network.ledger.copy(assignment.copy)!.length, 100)
})

test('a pinner cannot accept what its signer did not sign, or what was not drawn', (t) => {
  const { network, assignment } = delivering(t)
  untilLate(network)
  const { chainId } = network.ledger
  const pinner = network.keyPair(assignment.pinner)
  const record = network.record(assignment, first(37))
  const signature = signSegment(chainId, pinner, record)
  const signed = signSegment(chainId, network.keyPair(assignment.signer), record)
  const longer = network.record(assignment, first(38))
  const attempts = [
    { record, signerSignature: signature, signature },
    { record, signerSignature: Buffer.alloc(64), signature },
    // One chunk more than the signer signed.
    { record: longer, signerSignature: signed, signature: signSegment(chainId, pinner, longer) }
  ]
  for (const body of attempts) {
    assert.equal(
      network.code(pinner, { kind: 'accept', body: { draw: assignment.draw, ...body } }),
      'SIGNATURE_WRONG'
    )
  }
  const signer = network.keyPair(assignment.signer)
  const body = { draw: assignment.draw, record, signerSignature: signed, signature }
  assert.notEqual(network.code(signer, { kind: 'accept', body }), 'ok', 'the signer is not the pinner')
  assert.equal(network.ledger.copy(assignment.copy)!.length, 0)
  network.send(pinner, { kind: 'accept', body })
  assert.equal(network.ledger.copy(assignment.copy)!.length, 37)
})

test('no chunk at all is no segment; one chunk and all chunks are', (t) => {
  for (const chunks of [1, 99, 100]) {
    const { network, assignment } = delivering(t)
    const signer = network.ledger.account(assignment.signer).roles[0]!.reputationPpm
    untilLate(network)
    assert.equal(
      code(() => network.accept(assignment, first(0))),
      'SEGMENT_MISMATCH'
    )
    assert.equal(
      code(() => network.accept(assignment, first(101))),
      'SEGMENT_MISMATCH'
    )
    const reserved = network.ledger.summary().reserved
    network.accept(assignment, first(chunks))
    const copy = network.ledger.copy(assignment.copy)!
    assert.equal(copy.length, chunks)
    assert.equal(copy.segments[0]!.reserved, (reserved * BigInt(chunks)) / 100n)
    assert.equal(copy.task?.start, chunks === 100 ? undefined : chunks)
    // All of it is all that was asked for, late or not.
    const after = network.ledger.account(assignment.signer).roles[0]!.reputationPpm
    assert.equal(after > signer, chunks === 100)
  }
})

test('where nothing is offered in time the signer pays and the whole segment is drawn again', (t) => {
  const { network, assignment } = delivering(t)
  const { ledger } = network
  const deposit = ledger.account(assignment.signer).roles[0]!.deposit
  untilLate(network)
  while (pinnerOf(network)?.draw === assignment.draw) network.tick()
  assert.ok(ledger.account(assignment.signer).roles[0]!.deposit < deposit)
  assert.equal(
    code(() => network.accept(assignment, first(37))),
    'DRAW_NOT_OPEN'
  )
  while (!pinnerOf(network)) {
    network.tick()
    network.acknowledge()
  }
  const again = pinnerOf(network)!
  assert.deepEqual([again.task.start, again.task.end], [0, 100])
  assert.notEqual(again.draw, assignment.draw)
})
