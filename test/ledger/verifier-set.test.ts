import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const VERIFIERS = 20
/** Verifiers that a step looks at (docs/protocol.md, section 2). */
const A_STEP = 8

/** A hypercore with its copies in place, one pinner each, and many verifiers. */
function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const verifiers = Array.from({ length: VERIFIERS }, (_, n) => `verifier-${n + 1}`)
  const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2', ...verifiers]
  const network = new TestNetwork({ reportRounds: 8, epochMs: 3_000, ...changes }, names)
  closeAfter(t, () => network.close())
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

/** How many verifiers weigh what they have now, and whether all do, so that the epoch can have checks. */
function frozen({ ledger }: TestNetwork, epoch: number): { stale: number; complete: boolean } {
  const { db } = ledger.state
  const row = db.get('SELECT state FROM check_epochs WHERE epoch = ?', epoch)!
  const { n } = db.get('SELECT count(*) AS n FROM roles WHERE role = 2 AND stale = 1')!
  return { stale: Number(n), complete: row.state !== 0n }
}

function drawn({ ledger, identities }: TestNetwork, epoch: number): number {
  return [...identities.values()].filter((key) => ledger.checks(key.publicKey, epoch).length > 0).length
}

function rowsOf({ ledger }: TestNetwork, epoch: number): number[] {
  return ['check_epochs', 'commitments', 'reports'].map((table) =>
    Number(ledger.state.db.get(`SELECT count(*) AS n FROM ${table} WHERE epoch = ?`, epoch)!.n)
  )
}

/** Everybody's deposit is raised, so that each weighs something else. */
function raise(network: TestNetwork): void {
  for (const keyPair of [...network.identities.values()].slice(4, 4 + VERIFIERS)) {
    const body = { role: 'verifier' as const, capacityBytes: 1 << 30, deposit: 1_000_000n, payout: null }
    network.send(keyPair, { kind: 'register', body })
  }
}

test('an epoch’s verifiers are frozen a step at a time, and nobody is drawn before all are', (t) => {
  const network = networkOf(t)
  raise(network)
  const epoch = beginEpoch(network)
  // A challenge that is left open would end meanwhile, and take a tick's only step.
  for (const keyPair of network.identities.values()) network.answer(keyPair)
  network.settle()
  const seen = [frozen(network, epoch)]
  while (!seen.at(-1)!.complete) {
    assert.equal(drawn(network, epoch), 0)
    network.tick(1, 1)
    seen.push(frozen(network, epoch))
  }
  assert.deepEqual(
    seen.map(({ stale }) => stale),
    [VERIFIERS - A_STEP, VERIFIERS - 2 * A_STEP, 0]
  )
  assert.ok(drawn(network, epoch) > 0)
})

test('what verifiers do once they are frozen changes nothing about who checks what in this epoch', (t) => {
  const checksOf = (change: (network: TestNetwork) => void): unknown => {
    const network = networkOf(t)
    const epoch = beginEpoch(network)
    while (!frozen(network, epoch).complete) network.tick(1, 1)
    change(network)
    network.tick()
    return [...network.identities.values()].map(({ publicKey }) =>
      network.ledger.checks(publicKey, epoch).map(({ copy }) => copy)
    )
  }
  const before = checksOf(() => {})
  assert.deepEqual(checksOf(raise), before)
  const leave = (network: TestNetwork): void => {
    for (const keyPair of [...network.identities.values()].slice(4, 14)) {
      network.send(keyPair, { kind: 'retire', body: { role: 'verifier' } })
    }
  }
  assert.deepEqual(checksOf(leave), before)
})

test('an epoch that closes before its verifiers are frozen checks nothing and blames nobody', async (t) => {
  const network = networkOf(t, { reportRounds: 1 })
  const reputations = (): number[] =>
    Array.from({ length: VERIFIERS }, (_, n) => {
      const { publicKey } = [...network.identities.values()][4 + n]!
      return network.ledger.account(publicKey).roles[0]!.reputationPpm
    })
  raise(network)
  const epoch = beginEpoch(network)
  const [before, checked] = [reputations(), network.ledger.summary().retrieval]
  network.tick(1, 1)
  assert.equal(frozen(network, epoch).complete, false)
  while (network.ledger.checkEpochs().some((open) => open.epoch === epoch)) network.tick()
  assert.deepEqual(reputations(), before)
  assert.deepEqual(network.ledger.summary().retrieval, checked)
  assert.deepEqual(rowsOf(network, epoch), [0, 0, 0])
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
  const reports = rowsOf(network, epoch)[2]!
  assert.ok(reports > 0, 'there were reports')
  // On copies that nobody checks any more, as after a loss: they are deleted with the epoch.
  const { db } = network.ledger.state
  const verifier = db.get('SELECT min(id) AS id FROM roles WHERE role = 2')!.id as bigint
  for (let n = 0; n < 20; n++) {
    const commitment = Buffer.alloc(32, n)
    db.run(
      'INSERT INTO commitments (epoch, verifier, commitment) VALUES (?, ?, ?)',
      epoch,
      verifier,
      commitment
    )
  }
  const left: number[] = []
  while (rowsOf(network, epoch)[0] === 1) {
    network.tick(1, 1)
    left.push(rowsOf(network, epoch)[1]!)
  }
  for (const [n, rows] of left.entries()) assert.ok((left[n - 1] ?? 20) - rows <= A_STEP)
  assert.deepEqual(rowsOf(network, epoch), [0, 0, 0])
})
