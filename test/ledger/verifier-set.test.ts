import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { TestNetwork } from './network.js'

const VERIFIERS = 20
/** Verifiers that a step looks at (docs/protocol.md, section 2). */
const A_STEP = 8

/** A hypercore with its copies in place, one pinner each, and many verifiers. */
function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const verifiers = Array.from({ length: VERIFIERS }, (_, n) => `verifier-${n + 1}`)
  const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2', ...verifiers]
  const network = new TestNetwork({ reportRounds: 8, epochMs: 3_000, ...changes }, names)
  t.after(() => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.sponsor('film')
  for (let n = 0; n < 100 && network.ledger.summary().activeCopies < 2; n++) {
    network.tick()
    network.work()
  }
  return network
}

/** Ticks that may do one step each, until an epoch begins; returns it. */
function beginEpoch(network: TestNetwork): number {
  // What the last epoch left is done with first.
  while (network.ledger.checkEpochs().length > 0) network.tick()
  const before = network.ledger.chain().epoch
  for (let n = 0; n < 100 && network.ledger.chain().epoch === before; n++) network.tick(1, 1)
  return network.ledger.chain().epoch
}

function setOf(
  { ledger }: TestNetwork,
  epoch: number
): { verifiers: number; complete: boolean; rows: number } {
  const { db } = ledger.state
  const row = db.get('SELECT verifiers, next_slot FROM check_epochs WHERE epoch = ?', epoch)!
  const rows = db.get('SELECT count(*) AS n FROM verifier_sets WHERE epoch = ?', epoch)!
  return { verifiers: Number(row.verifiers), complete: row.next_slot === null, rows: Number(rows.n) }
}

function drawn({ ledger, identities }: TestNetwork, epoch: number): number {
  return [...identities.values()].filter((key) => ledger.checksOf(key.publicKey, epoch).length > 0).length
}

function rowsOf({ ledger }: TestNetwork, epoch: number): number[] {
  return ['check_epochs', 'verifier_sets', 'commitments', 'reports'].map((table) =>
    Number(ledger.state.db.get(`SELECT count(*) AS n FROM ${table} WHERE epoch = ?`, epoch)!.n)
  )
}

test('an epoch’s verifiers are written a step at a time, and nobody is drawn before all are', (t) => {
  const network = networkOf(t)
  const epoch = beginEpoch(network)
  const seen = [setOf(network, epoch)]
  while (!seen.at(-1)!.complete) {
    assert.equal(drawn(network, epoch), 0)
    network.tick(1, 1)
    seen.push(setOf(network, epoch))
  }
  assert.deepEqual(
    seen.map(({ rows }) => rows),
    [A_STEP, 2 * A_STEP, VERIFIERS]
  )
  assert.ok(seen.every(({ verifiers, rows }) => verifiers === rows))
  assert.ok(drawn(network, epoch) > 0)
})

test('an epoch that closes before its set is complete checks nothing and blames nobody', async (t) => {
  const network = networkOf(t, { reportRounds: 1 })
  const reputations = (): number[] =>
    Array.from({ length: VERIFIERS }, (_, n) => {
      const { publicKey } = [...network.identities.values()][4 + n]!
      return network.ledger.account(publicKey).roles[0]!.reputationPpm
    })
  const epoch = beginEpoch(network)
  const [before, checked] = [reputations(), network.ledger.summary().retrieval]
  network.tick(1, 1)
  assert.deepEqual(setOf(network, epoch), { verifiers: A_STEP, complete: false, rows: A_STEP })
  while (network.ledger.checkEpochs().some((open) => open.epoch === epoch)) network.tick()
  assert.deepEqual(reputations(), before)
  assert.deepEqual(network.ledger.summary().retrieval, checked)
  assert.deepEqual(rowsOf(network, epoch), [0, 0, 0, 0])
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.deepEqual(report.stateHash, network.ledger.stateHash())
})

test('what a settled epoch leaves behind goes a step at a time', async (t) => {
  const network = networkOf(t)
  const epoch = beginEpoch(network)
  const { settleRound } = network.ledger.checkEpochs()[0]!
  while (network.ledger.chain().round < settleRound - 1) {
    network.tick()
    network.work()
  }
  assert.equal(rowsOf(network, epoch)[1], VERIFIERS)
  assert.ok(rowsOf(network, epoch)[3]! > 0, 'there were reports')
  const left: number[] = []
  while (rowsOf(network, epoch)[0] === 1) {
    network.tick(1, 1)
    left.push(rowsOf(network, epoch)[1]!)
  }
  for (const [n, rows] of left.entries()) assert.ok((left[n - 1] ?? VERIFIERS) - rows <= A_STEP)
  assert.deepEqual(rowsOf(network, epoch), [0, 0, 0, 0])
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.deepEqual(report.stateHash, network.ledger.stateHash())
})
