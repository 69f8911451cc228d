import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import type { LoggedVerdict } from '../../src/audit/report.js'
import { blake3 } from '../../src/crypto/hash.js'
import { parameters } from '../../src/protocol/parameters.js'
import { refusalHash } from '../../src/evidence/refusal-format.js'
import { newReputation, reputationPpm, updateReputation } from '../../src/ledger/rules/reputation.js'
import { refusalEvidenceMs } from '../../src/ledger/rules/schedule.js'
import { segmentId, segmentSalt } from '../../src/protocol/segment.js'
import type { Effect, EffectKind } from '../../src/protocol/effects.js'
import type { AssignmentView, RoleView } from '../../src/protocol/views.js'
import { DEPOSIT, TestNetwork, identity, original, quick } from './network.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

const EVIDENCE = blake3(Buffer.from('what the signer signed'))
const rules = parameters(quick)

interface Drawn {
  network: TestNetwork
  key: Buffer
  assignment: AssignmentView
}

/** One copy of one hypercore, drawn; as far as `state`. */
function drawn(t: TestContext, state: 'asked' | 'delivering' | 'delivered' = 'delivered'): Drawn {
  const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2']
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.tick(3)
  const key = network.sponsor('film', { copies: 1 })
  const find = (): AssignmentView =>
    names.flatMap((name) => network.ledger.assignments(identity(name).publicKey))[0]!
  network.tick(2)
  network.acknowledge()
  network.tick(2)
  if (state !== 'asked') network.acknowledge()
  if (state === 'delivered') network.deliver(find())
  const assignment = find()
  assert.equal(assignment.task.state, state)
  return { network, key, assignment }
}

function refuse({ network, assignment }: Drawn, evidence: Buffer | null = EVIDENCE): void {
  const { draw, pinner } = assignment
  network.send(network.keyPair(pinner), { kind: 'refuse', body: { draw, reason: 'mismatch', evidence } })
}

function roleOf({ network }: Drawn, key: Uint8Array): RoleView {
  return network.ledger.account(key).roles[0]!
}

/** What a role has after one outcome that cost it what a failed delivery does. */
function after(outcome: 'failure' | 'refused' | 'unknown'): { deposit: bigint; reputationPpm: number } {
  const reputation = updateReputation(newReputation(), outcome, rules)
  return { deposit: DEPOSIT - rules.failedFee, reputationPpm: reputationPpm(reputation) }
}

const untouched = { deposit: DEPOSIT, reputationPpm: reputationPpm(newReputation()) }

function has(of: Drawn, key: Uint8Array, wanted: { deposit: bigint; reputationPpm: number }): void {
  const { deposit, locked, usedBytes, storagePpm, reputationPpm } = roleOf(of, key)
  const rated = equal(of.assignment.pinner, key) ? storagePpm : reputationPpm
  assert.deepEqual({ deposit, reputationPpm: rated }, wanted)
  assert.deepEqual([locked, usedBytes], [0n, 0], 'the draw is undone')
}

/** The effects of the log's last entry. */
function lastEffects({ network: { ledger } }: Drawn): { kind: string }[] {
  return ledger.effects(ledger.length() - 1)!.effects
}

/** All effects of a kind that the log has. */
function effectsSince<K extends EffectKind>(
  { network: { ledger } }: Drawn,
  kind: K
): Extract<Effect, { kind: K }>[] {
  return Array.from({ length: ledger.length() }, (_, seq) => ledger.effects(seq)!.effects)
    .flat()
    .filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind)
}

/** What must be so whoever paid: all money accounted for, X back with the hypercore, a replay leads here too. */
async function checkSums({ network, key }: Drawn, burnedBefore: bigint, burned: bigint): Promise<void> {
  const summary = network.ledger.summary()
  assert.equal(summary.sum, 0n)
  assert.equal(summary.reserved, 0n)
  assert.equal(summary.burned - burnedBefore, burned)
  assert.equal(network.ledger.hypercore(key)!.balance, 95_000_000n)
  assert.equal((await auditFile(network.path)).failure, null)
}

test('upheld: the signer pays and is trusted less, the pinner is not touched', async (t) => {
  const of = drawn(t)
  const { network, assignment } = of
  const { burned } = network.ledger.summary()
  refuse(of)
  has(of, assignment.signer, untouched)
  has(of, assignment.pinner, untouched)
  network.ledger.judge(assignment.draw, true)
  has(of, assignment.signer, after('failure'))
  has(of, assignment.pinner, untouched)
  assert.deepEqual(
    lastEffects(of).map(({ kind }) => kind),
    ['penalised', 'judged']
  )
  await checkSums(of, burned, 10_000n)
})

test('not upheld: the pinner that refused pays and is trusted less, the signer is not touched', async (t) => {
  const of = drawn(t)
  const { network, assignment } = of
  const { burned } = network.ledger.summary()
  refuse(of)
  network.ledger.judge(assignment.draw, false)
  has(of, assignment.signer, untouched)
  has(of, assignment.pinner, after('refused'))
  await checkSums(of, burned, 10_000n)
})

test('not judged in time: nobody pays, and no verdict is taken any more', async (t) => {
  const of = drawn(t)
  const { network, assignment } = of
  const { burned } = network.ledger.summary()
  refuse(of)
  const { clock } = network.ledger.chain()
  const [refusal] = network.ledger.refusals()
  assert.equal(refusal!.evidenceBy, clock + refusalEvidenceMs(rules))
  while (network.ledger.chain().clock <= refusal!.evidenceBy) network.tick()
  assert.deepEqual(
    network.ledger.overdueRefusals(network.ledger.chain().clock, 10).map(({ draw }) => draw),
    [assignment.draw]
  )
  while (network.ledger.chain().clock <= refusal!.evidenceBy + rules.settleGraceMs) {
    assert.equal(network.ledger.refusals().length, 1)
    network.tick()
  }
  assert.deepEqual(network.ledger.refusals(), [])
  assert.throws(() => network.ledger.judge(assignment.draw, true), { code: 'REFUSAL_UNKNOWN' })
  const summary = network.ledger.summary()
  // Others were drawn meanwhile and did not acknowledge, which costs them a fee: nobody pays for the refusal.
  const declined = effectsSince(of, 'penalised').map(({ burned }) => burned)
  assert.deepEqual(new Set(declined), new Set([rules.declineFee]))
  assert.equal(summary.burned - burned, rules.declineFee * BigInt(declined.length))
  assert.equal(summary.sum, 0n)
  assert.equal((await auditFile(network.path)).failure, null)
})

test('both roles are drawn again in a later round, without waiting for the verdict', (t) => {
  const of = drawn(t)
  const { network, assignment, key } = of
  refuse(of)
  const [copy] = network.ledger.hypercore(key)!.copies
  const { state, draw, pinner, signer } = copy!.task!
  assert.deepEqual([state, draw, pinner, signer], ['wanted', null, null, null])
  network.tick(2)
  const again = network.ledger.hypercore(key)!.copies[0]!.task!
  assert.equal(again.state, 'asked')
  assert.ok(again.draw! > assignment.draw)
  network.acknowledge()
  network.tick(2)
  const { signer: other } = network.ledger.hypercore(key)!.copies[0]!.task!
  assert.ok(!equal(other!, assignment.signer), 'whoever is said to be at fault is out for this copy')
  // The verdict finds the roles of the draw that was refused.
  network.ledger.judge(assignment.draw, true)
  assert.equal(roleOf(of, assignment.signer).deposit, DEPOSIT - 10_000n)
})

test('without evidence both sides pay at once, neither is rated, and nothing waits for a verdict', async (t) => {
  const of = drawn(t)
  const { network, assignment } = of
  const { burned } = network.ledger.summary()
  refuse(of, null)
  assert.deepEqual(network.ledger.refusals(), [])
  has(of, assignment.pinner, after('unknown'))
  has(of, assignment.signer, after('unknown'))
  const [refused] = lastEffects(of) as unknown as [{ evidence: Buffer }]
  assert.deepEqual(refused.evidence, refusalHash(Buffer.alloc(0)))
  await checkSums(of, burned, 20_000n)
})

test('a refusal says what the draw asked for, also when the hypercore has grown since', (t) => {
  const of = drawn(t)
  const { network, assignment, key } = of
  refuse(of)
  const grown = original('film', 150, 150_000)
  network.send(network.supporter, { kind: 'extend', body: grown })
  assert.equal(network.ledger.hypercore(key)!.length, 150)
  const { fork, copy, segment, pinner, signer, codec, treeHash, draw, beacon } = assignment
  const { chainId: chain } = network.ledger
  const id = segmentId({ chain, key, fork, copy, start: 0, signer, draw })
  const { evidenceBy, ...refusal } = network.ledger.refusal(draw)!
  assert.deepEqual(refusal, {
    chain,
    draw,
    key,
    fork,
    treeHash,
    copy,
    segment,
    pinner,
    signer,
    codec,
    id,
    salt: segmentSalt(beacon, id),
    start: 0,
    end: 100,
    evidence: EVIDENCE
  })
  assert.ok(evidenceBy > network.ledger.chain().clock)
  assert.deepEqual(network.ledger.refusalsOf(pinner, 10), [network.ledger.refusal(draw)])
  assert.deepEqual(network.ledger.refusalsOf(signer, 10), [])
})

test('whoever replays the log learns of every verdict, with all that it rests on', async (t) => {
  const of = drawn(t)
  const { network, assignment } = of
  refuse(of)
  const refusal = network.ledger.refusal(assignment.draw)!
  network.ledger.judge(assignment.draw, true)
  const seq = network.ledger.length() - 1
  const verdicts: LoggedVerdict[] = []
  const report = await auditFile(network.path, { onVerdict: (verdict) => verdicts.push(verdict) })
  assert.equal(report.failure, null)
  assert.deepEqual(verdicts, [{ seq, refusal, upheld: true }])
})

test('only the drawn pinner refuses with evidence, only once it acknowledged, and only the chain judges', (t) => {
  const of = drawn(t, 'delivering')
  const { network, assignment } = of
  const { draw, pinner, signer } = assignment
  const statement = { kind: 'refuse', body: { draw, reason: 'mismatch', evidence: EVIDENCE } } as const
  const others = ['pinner-1', 'pinner-2'].map(identity).find(({ publicKey }) => !publicKey.equals(pinner))!
  assert.equal(network.code(network.keyPair(signer), statement), 'EVIDENCE_NOT_ASKED')
  assert.equal(network.code(others, statement), 'NOT_DRAWN')
  assert.equal(network.code(network.keyPair(pinner), statement), 'ok')
  assert.equal(network.code(network.keyPair(pinner), statement), 'DRAW_NOT_OPEN')
  for (const who of [pinner, signer]) {
    assert.equal(
      network.code(network.keyPair(who), { kind: 'judge', body: { draw, upheld: 1 } }),
      'NOT_THE_CHAIN'
    )
  }
  network.ledger.judge(draw, false)
  assert.throws(() => network.ledger.judge(draw, true), { code: 'REFUSAL_UNKNOWN' })

  const early = drawn(t, 'asked')
  const { assignment: asked } = early
  const refused = { ...statement, body: { ...statement.body, draw: asked.draw } }
  assert.equal(early.network.code(early.network.keyPair(asked.pinner), refused), 'ACKNOWLEDGED')
  assert.deepEqual(early.network.ledger.refusals(), [], 'nothing was delivered that could be at fault')
})
