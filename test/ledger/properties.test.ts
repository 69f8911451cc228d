import test from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { auditLog } from '../../src/audit/replay.js'
import { parameters } from '../../src/protocol/parameters.js'
import { outcomeNames, signOperation, type Outcome } from '../../src/protocol/operations.js'
import { DEPOSIT, identity, original, smallNetwork, type TestNetwork } from './network.js'

const NAMES = [
  'signer-1',
  'signer-2',
  'signer-3',
  'pinner-1',
  'pinner-2',
  'pinner-3',
  'pinner-4',
  'verifier-1',
  'supporter'
]

/** One thing that somebody does, honest or not; `a` and `b` choose among what there is. */
type Command = { kind: string; a: number; b: number }

const command: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom(
    ...[
      'tick',
      'tick',
      'tick',
      'work',
      'work',
      'work',
      'outcomes',
      'outcomes',
      'transfer',
      'donate',
      'sponsor',
      'extend'
    ],
    ...[
      'register',
      'retire',
      'refuse',
      'acknowledge',
      'garbage',
      'forged',
      'replayed',
      'reordered',
      'usurped',
      'wrong segment',
      'outage'
    ]
  ),
  a: fc.nat(1_000_000),
  b: fc.nat(1_000_000)
})

function play(network: TestNetwork, { kind, a, b }: Command): void {
  const { ledger } = network
  const who = identity(NAMES[a % NAMES.length]!)
  const other = identity(NAMES[b % NAMES.length]!)
  const keys = ledger.hypercores().rows.map(({ key }) => key)
  const key = keys[b % Math.max(1, keys.length)] ?? Buffer.alloc(32)
  switch (kind) {
    case 'tick':
      return network.tick(1 + (a % 4), 1 + (b % 50))
    case 'outage':
      network.at += a
      return network.tick()
    case 'work':
      return network.work({ served: a % 5 !== 0 })
    case 'outcomes':
      return network.work({
        outcome: ({ id }) => [...outcomeNames, 'silent' as const][(id + a) % 7] as Outcome | 'silent'
      })
    case 'transfer':
      network.code(who, { kind, body: { to: other.publicKey, amount: BigInt(a) * BigInt(b) } })
      return
    case 'donate':
      network.code(who, { kind, body: { key, amount: BigInt(a) * 100n } })
      return
    case 'sponsor': {
      const claim = original(`core ${a % 3}`, 10 + (b % 50), 50_000)
      const target = a % 2 ? { copies: 1 + (b % 3), targetPpm: 0 } : { copies: 0, targetPpm: 600_000 }
      const plan = {
        ...target,
        codec: 'wrap' as const,
        every: 1 << (a % 3),
        steps: 4,
        maxBytes: 100_000,
        topic: Buffer.alloc(32, 9)
      }
      const body = { key: claim.key, original: claim.original, plan, donation: BigInt(b) * 100n }
      network.code(network.supporter, { kind, body })
      return
    }
    case 'extend': {
      const claim = original(`core ${a % 3}`, 70 + (b % 20), 60_000 + b)
      network.code(who, { kind, body: { key: claim.key, original: claim.original } })
      return
    }
    case 'register': {
      const role = (['signer', 'pinner', 'verifier'] as const)[b % 3]!
      network.code(who, { kind, body: { role, capacityBytes: a * 1_000, deposit: BigInt(a) * 20n } })
      return
    }
    case 'retire':
      network.code(who, { kind, body: { role: (['signer', 'pinner', 'verifier'] as const)[b % 3]! } })
      return
    case 'refuse':
    case 'acknowledge': {
      const [assignment] = ledger.assignments(who.publicKey)
      const draw = assignment?.draw ?? b % 20
      if (kind === 'acknowledge') network.code(who, { kind, body: { draw } })
      else {
        network.code(who, {
          kind,
          body: { draw, reason: 'other', evidence: b % 2 === 0 ? null : Buffer.alloc(32, b) }
        })
        for (const refusal of ledger.refusals()) ledger.judge(refusal.draw, a % 2 === 0)
      }
      return
    }
    default:
      return attack(network, { kind, a, b })
  }
}

/** What must be refused, whatever the state is. */
function attack(network: TestNetwork, { kind, a, b }: Command): void {
  const { ledger } = network
  const who = identity(NAMES[a % NAMES.length]!)
  const before = ledger.chain()
  const transfer = { kind: 'transfer' as const, body: { to: Buffer.alloc(32, b), amount: 1n } }
  const wires: Buffer[] = []
  switch (kind) {
    case 'garbage':
      wires.push(Buffer.alloc(a % 300, b), network.wire(who, transfer).subarray(0, a % 130))
      break
    case 'forged': {
      const wire = network.wire(who, transfer)
      wire[a % wire.byteLength]! ^= 1 + (b % 255)
      wires.push(wire, network.wire({ ...who, secretKey: identity('mallory').secretKey }, transfer))
      break
    }
    case 'replayed': {
      const old = ledger.entry(b % ledger.length())!.operation
      wires.push(old.detail ? Buffer.concat([old.core, old.detail]) : old.core)
      break
    }
    case 'reordered': {
      const nonce = ledger.account(who.publicKey).nonce + 1 + (b % 3)
      wires.push(signOperation(transfer, { chainId: ledger.chainId, keyPair: who, nonce }))
      wires.push(signOperation(transfer, { chainId: Buffer.alloc(32, 1), keyPair: who, nonce: nonce - 1 }))
      break
    }
    case 'usurped':
      wires.push(network.wire(who, { kind: 'parameters', body: { parameters: parameters() } }))
      wires.push(network.wire(who, { kind: 'judge', body: { draw: b % 10, upheld: 1 } }))
      break
    default:
      for (const assignment of ledger.assignments(who.publicKey)) {
        if (assignment.task.state !== 'delivering' || assignment.role !== 'signer') continue
        assert.throws(() => network.deliver(assignment, { bytes: 1 << 30 }), { code: 'SEGMENT_MISMATCH' })
        assert.throws(() => network.deliver(assignment, { salt: Buffer.alloc(32) }), {
          code: 'SEGMENT_MISMATCH'
        })
      }
  }
  for (const result of ledger.submit(wires)) assert.equal(result.ok, false, kind)
  assert.deepEqual(ledger.chain(), before, `${kind} changed nothing`)
}

function checkInvariants(network: TestNetwork): void {
  const { db } = network.ledger.state
  const none = (sql: string) => assert.deepEqual(db.all(sql), [], sql)
  assert.equal(network.ledger.summary().sum, 0n)
  none('SELECT * FROM accounts WHERE balance < 0 AND kind > 1')
  none(
    'SELECT hypercore, pinner FROM copies WHERE state < 2 AND pinner IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1'
  )
  none(`SELECT c.id FROM copies c JOIN roles p ON p.id = c.pinner JOIN sponsors s
        ON s.hypercore = c.hypercore AND s.wallet = p.wallet WHERE c.state < 2`)
  // Nobody signs and pins the same hypercore, and nobody signs two of its live copies.
  none(`SELECT c.id FROM copies c JOIN roles p ON p.id = c.pinner
        JOIN copies o ON o.hypercore = c.hypercore AND o.state < 2 JOIN segments s ON s.copy = o.id
        JOIN roles r ON r.id = s.signer WHERE c.state < 2 AND r.wallet = p.wallet`)
  none(`SELECT a.copy FROM segments a JOIN copies ca ON ca.id = a.copy AND ca.state < 2
        JOIN segments b ON b.signer = a.signer AND b.copy <> a.copy
        JOIN copies cb ON cb.id = b.copy AND cb.state < 2 AND cb.hypercore = ca.hypercore`)
  // What is reserved and locked is what rows say.
  none(`SELECT 1 FROM accounts WHERE id = 4 AND balance <>
        (SELECT coalesce(sum(reserved), 0) FROM tasks) + (SELECT coalesce(sum(reserved), 0) FROM segments)`)
  none(`SELECT r.id, r.locked FROM roles r WHERE r.locked <>
        (SELECT coalesce(sum(locked), 0) FROM copies c WHERE c.pinner = r.id AND c.state < 2)`)
  none('SELECT r.id FROM roles r JOIN accounts a ON a.id = r.account WHERE r.locked > a.balance')
  none(
    'SELECT id FROM copies WHERE state < 2 AND length <> (SELECT coalesce(max(end), 0) FROM segments WHERE copy = copies.id)'
  )
  assert.deepEqual(db.raw.pragma('foreign_key_check'), [])
}

test('no sequence of operations, valid and hostile, breaks an invariant or the audit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 30, maxLength: 90 }), async (commands) => {
      const network = smallNetwork({ failuresMax: 2, graceEpochs: 2, redrawsMax: 3 })
      try {
        network.sponsor('core 0', {}, 1_000_000n)
        for (const [index, step] of commands.entries()) {
          play(network, step)
          if (index % 10 === 9) checkInvariants(network)
        }
        checkInvariants(network)
        const report = await auditLog(network.ledger.entries(0, 10_000))
        assert.equal(report.failure, null)
        assert.deepEqual(report.stateHash, network.ledger.stateHash())
      } finally {
        network.close()
      }
    }),
    { numRuns: 15, seed: 20_261_123, endOnFailure: true }
  )
})

test('the state does not depend on how operations were batched', (t) => {
  const [one, many] = [smallNetwork(), smallNetwork()]
  t.after(() => [one, many].forEach((network) => network.close()))
  const from = one.ledger.length()
  one.sponsor('film')
  for (let n = 0; n < 5; n++)
    one.send(identity('pinner-1'), {
      kind: 'transfer',
      body: { to: identity('x').publicKey, amount: DEPOSIT }
    })
  const wires = one.ledger
    .entries(from, 100)
    .map((_, index) => one.ledger.entry(from + index)!.operation.core)
  assert.ok(many.ledger.submit(wires).every(({ ok }) => ok))
  assert.deepEqual(many.ledger.chain(), one.ledger.chain())
  assert.deepEqual(many.ledger.stateHash(), one.ledger.stateHash())
})
