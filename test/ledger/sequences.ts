import { anchorAt } from '../../src/protocol/anchor.js'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { auditLog } from '../../src/audit/replay.js'
import { defaultParameters, parameters } from '../../src/protocol/parameters.js'
import {
  answerOf,
  decodeOperation,
  kinds,
  outcomeNames,
  signOperation,
  type Kind,
  type Outcome,
  type Statement
} from '../../src/protocol/operations.js'
import { signSegment } from '../../src/protocol/segment.js'
import { brokenIn } from '../simulator/invariants.js'
import { NO_FORK_PROOF } from '../../src/protocol/fork-proof.js'
import { claimOf, identity, original, smallNetwork, type TestNetwork } from './network.js'
import { factorOf, rootOf, seal } from './sealed.js'

const { feePerUnit, feePerByte, segmentFee, challengeFee } = defaultParameters
const FEES = { feePerUnit, feePerByte, segmentFee, challengeFee }

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
export type Command = { kind: string; a: number; b: number }

export const command: fc.Arbitrary<Command> = fc.record({
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
      'extend',
      'rewrite',
      'torn'
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
      'outage',
      'parameters',
      'unasked',
      'retire',
      'refuse',
      'donate',
      'claim',
      'claim',
      'claim',
      'payout',
      'payout',
      'replace',
      'pause'
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
      // The chain's date is set at times, which no rule goes by.
      if (b % 3 === 0) {
        network.code(network.chain, { kind: 'setTime', body: { at: ledger.chain().at + 7_200_000 } })
      }
      return network.tick()
    case 'work':
      network.work({ served: a % 5 !== 0 })
      return network.settleOpenings(who)
    case 'outcomes':
      return network.work({
        outcome: ({ id }) => [...outcomeNames, 'silent' as const][(id + a) % 7] as Outcome | 'silent'
      })
    case 'transfer':
      network.code(who, { kind, body: { to: other.publicKey, amount: BigInt(a) * BigInt(b % 3_000) } })
      return
    case 'donate':
      network.code(who, { kind, body: { key, amount: BigInt(a % 10_000) * BigInt(b % 500_000) } })
      return
    case 'sponsor': {
      const claim = original(`core ${a % 3}`, 10 + (b % 50), 50_000)
      const target = a % 2 ? { copies: 1 + (b % 3), targetPpm: 0 } : { copies: 0, targetPpm: 600_000 }
      const plan = {
        ...target,
        codec: a % 3 === 2 ? ('seal' as const) : ('wrap' as const),
        every: 1 << (a % 3),
        steps: 4,
        maxBytes: 100_000,
        topic: Buffer.alloc(32, 9),
        refreshAfterMs: 0
      }
      const body = { key: claim.key, original: claim.original, plan, donation: BigInt(b) * 100n }
      network.code(network.supporter, { kind, body })
      return
    }
    case 'extend': {
      const name = `core ${a % 3}`
      const known = ledger.hypercore(original(name, 1, 1).key)
      const longer = b % 3 === 0 ? 0 : 1 + (b % 20)
      const length = (known?.length ?? 70) + longer
      const { roots } = original(name, length, (known?.byteLength ?? 60_000) + longer * 600).original
      const claim = claimOf(name, length, roots, known?.fork ?? 0)
      network.code(who, { kind, body: { key: claim.key, original: claim.original } })
      return
    }
    case 'rewrite': {
      // Of roots that fit nothing it can only be said that nothing is kept.
      const name = `core ${a % 3}`
      const known = ledger.hypercore(original(name, 1, 1).key)
      const fork = (known?.waits?.fork ?? known?.fork ?? 0) + (b % 3)
      const length = b % 7 === 0 ? 0 : 1 + (b % 90)
      const { roots } = original(name, length, length * 600).original
      const claim = claimOf(name, length, roots, fork)
      const proof = b % 5 ? NO_FORK_PROOF : { ...NO_FORK_PROOF, kept: 1 }
      network.code(who, { kind: 'fork', body: { ...claim, proof } })
      return
    }
    case 'torn': {
      // The author of the last one signs twice, now and then.
      const name = a % 8 ? 'core 9' : `core ${a % 3}`
      const { key, original: one } = original(name, 3, 10 + (b % 4))
      const other = original(name, 3, b % 4 ? 10 : 20).original
      network.code(who, { kind: 'conflict', body: { key, one, other } })
      return
    }
    case 'claim':
      return claims(network, { kind, a, b })
    case 'parameters':
      ledger.changeParameters(ledger.parameters())
      return
    case 'unasked':
      return unasked(network, { kind, a, b })
    case 'register': {
      const role = (['signer', 'pinner', 'verifier'] as const)[b % 3]!
      network.code(who, {
        kind,
        body: {
          role,
          capacityBytes: a * 1_000,
          deposit: BigInt(a) * 20n,
          payout: a % 4 === 0 ? other.publicKey : null
        }
      })
      return
    }
    case 'payout': {
      const role = (['signer', 'pinner', 'verifier'] as const)[b % 3]!
      const { roles } = ledger.account(who.publicKey)
      const of = a % 3 === 0 ? role : (roles[0]?.role ?? role)
      if (a % 5 > 0) {
        network.code(who, {
          kind: 'register',
          body: { role: of, capacityBytes: 1 << 30, deposit: 0n, payout: other.publicKey }
        })
      }
      const body = {
        key: who.publicKey,
        role: of,
        payout: a % 2 ? network.supporter.publicKey : who.publicKey
      }
      network.code(b % 2 ? other : who, { kind: 'setPayout', body })
      return
    }
    case 'replace': {
      // Under its next name; who has none yet has nothing to be replaced.
      const old = ledger.account(who.publicKey).roles.length > 0 ? who : other
      const by = identity(`successor ${a % 50}`)
      const [role] = ledger.account(old.publicKey).roles
      const payer = role && network.identities.get(Buffer.from(role.payout).toString('hex'))
      network.code(b % 4 ? (payer ?? who) : who, {
        kind: 'replaceKey',
        body: { key: old.publicKey, by: by.publicKey }
      })
      if (ledger.account(by.publicKey).roles.length > 0)
        network.identities.set(Buffer.from(by.publicKey).toString('hex'), by)
      return
    }
    case 'pause': {
      const epoch = ledger.chain().epoch + (b % 5)
      // One that is announced is ended, now and then.
      const [pauses] = ledger.account(who.publicKey).roles.flatMap(({ pause }) => pause ?? [])
      const known = pauses && a % 3 === 0 ? pauses.from / ledger.parameters().epochMs : epoch
      network.code(who, { kind, body: { epoch: known, epochs: a % 3 === 0 ? 0 : a % 15 } })
      return
    }
    case 'retire':
      network.code(who, { kind, body: { role: (['signer', 'pinner', 'verifier'] as const)[b % 3]! } })
      return
    case 'refuse':
    case 'acknowledge': {
      if (kind === 'refuse') {
        // Far enough for a refusal with evidence, if anything is drawn.
        network.acknowledge()
        network.tick(2)
        network.acknowledge()
      }
      // Whoever is asked or drawn, or, now and then, somebody who is not.
      const open = NAMES.flatMap((name) => {
        const { publicKey } = identity(name)
        const draws = [...ledger.asks(publicKey), ...ledger.assignments(publicKey)].map(({ draw }) => draw)
        return draws.map((draw) => ({ sender: identity(name), draw }))
      })
      const { sender, draw } = open[b % (open.length + 1)] ?? { sender: who, draw: b % 20 }
      if (kind === 'acknowledge') network.code(sender, { kind, body: { draw } })
      else {
        const evidence = b % 2 === 0 ? null : Buffer.alloc(32, b)
        network.code(sender, { kind, body: { draw, reason: 'other', evidence } })
        for (const refusal of ledger.refusals()) ledger.judge(refusal.draw, a % 2 === 0)
      }
      return
    }
    default:
      return attack(network, { kind, a, b })
  }
}

/** Claims on the bounty of a segment, by somebody who has an account or not, with what is true or false of it. */
function claims(network: TestNetwork, { a, b }: Command): void {
  const { ledger } = network
  const finder = identity(a % 2 ? NAMES[a % NAMES.length]! : `finder ${a % 7}`)
  const all = ledger.hypercores().rows.flatMap(({ copies }) => copies.flatMap(({ segments }) => segments))
  // A bounty is on sealed segments alone.
  const sealed = all.filter(({ codec }) => codec === 'seal')
  const among = a % 5 > 0 && sealed.length > 0 ? sealed : all
  const segment = among[b % Math.max(1, among.length)]
  if (!segment) return
  if (segment.codec === 'wrap') {
    const body = { segment: segment.hash, round: ledger.chain().round, root: Buffer.alloc(256, b) }
    assert.equal(network.code(finder, { kind: 'claimRoot', body }), 'BOUNTY_NONE')
    return
  }
  if (b % 3 === 0) {
    const { kind, body } = rootOf({ network, segment }, finder)
    network.code(finder, { kind, body: b % 2 ? { ...body, root: Buffer.alloc(256, b) } : body })
    return
  }
  const { commit, claim } = factorOf({ network, segment }, finder)
  network.code(finder, commit)
  if (b % 4 > 0) network.tick(b % 4)
  network.code(finder, claim)
}

/** What is well formed and signed, and owed by nobody: all of it must be refused. */
function unasked(network: TestNetwork, { a, b }: Command): void {
  const { ledger } = network
  const who = identity(NAMES[a % NAMES.length]!)
  const before = ledger.chain()
  const draw = 1_000_000 + b
  const record = {
    key: Buffer.alloc(32, 1),
    fork: 0,
    copy: b,
    segment: 0,
    pinner: who.publicKey,
    signer: who.publicKey,
    codec: 'wrap',
    version: 1,
    start: 0,
    end: 4,
    publicKey: who.publicKey,
    primeProof: Buffer.alloc(0),
    salt: Buffer.alloc(32),
    chunks: 4,
    bytes: 1_000,
    root: Buffer.alloc(32, 2),
    treeHash: Buffer.alloc(32, 3)
  } as const
  const signature = signSegment(ledger.chainId, who, record)
  const { body, detail } = answerOf(
    [{ challenge: draw, state: Buffer.alloc(32), evidence: Buffer.alloc(32) }],
    [draw + 1]
  )
  const statements: { statement: Statement; detail?: Uint8Array }[] = [
    { statement: { kind: 'deliver', body: { draw, record, signature } } },
    { statement: { kind: 'accept', body: { draw, record, signerSignature: signature, signature } } },
    { statement: { kind: 'answer', body }, detail },
    { statement: { kind: 'commitReport', body: { epoch: draw, commitment: Buffer.alloc(32) } } },
    { statement: { kind: 'revealReport', body: { epoch: draw, salt: Buffer.alloc(32), reports: [] } } },
    { statement: { kind: 'settle', body: { items: [{ challenge: draw, outcome: 'success' }] } } },
    {
      statement: {
        kind: 'settleOpenings',
        body: { items: [{ challenge: draw, outcome: 'failure', evidence: null }] }
      }
    }
  ]
  for (const { statement, detail: bytes } of statements) {
    const taken = network.code(who, statement, bytes)
    assert.notEqual(taken, 'ok', statement.kind)
  }
  assert.deepEqual(ledger.chain(), before, 'nothing of it changed anything')
}

/** What must be refused, whatever the state is. */
function attack(network: TestNetwork, { kind, a, b }: Command): void {
  const { ledger } = network
  const who = identity(NAMES[a % NAMES.length]!)
  const before = ledger.chain()
  const transfer = { kind: 'transfer' as const, body: { to: Buffer.alloc(32, b), amount: 1n } }
  const wires: Uint8Array[] = []
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
      const anchor = anchorAt(ledger.chain())
      wires.push(signOperation(transfer, { chainId: ledger.chainId, keyPair: who, nonce, anchor }))
      wires.push(
        signOperation(transfer, { chainId: Buffer.alloc(32, 1), keyPair: who, nonce: nonce - 1, anchor })
      )
      break
    }
    case 'usurped':
      wires.push(network.wire(who, { kind: 'parameters', body: { parameters: parameters() } }))
      wires.push(network.wire(who, { kind: 'judge', body: { draw: b % 10, upheld: 1 } }))
      wires.push(network.wire(who, { kind: 'setTime', body: { at: before.at + 7_200_000 } }))
      wires.push(
        network.wire(identity('nobody'), {
          kind: 'commitFactor',
          body: { commitment: Buffer.alloc(32, 255) }
        })
      )
      wires.push(
        network.wire(who, {
          kind: 'tick',
          body: {
            at: network.at,
            stalledMs: 0,
            round: before.round + 1,
            value: Buffer.alloc(32, b),
            nextOnion: null,
            work: 1
          }
        })
      )
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

export function checkInvariants({ ledger }: TestNetwork): void {
  assert.deepEqual(brokenIn(ledger), [])
  assert.deepEqual(ledger.state.db.raw.pragma('foreign_key_check'), [])
}

/** How often operations of each kind were taken and refused. */
export type Tally = Record<Kind, { accepted: number; refused: number }>

export function emptyTally(): Tally {
  return Object.fromEntries(kinds.map((kind) => [kind, { accepted: 0, refused: 0 }])) as Tally
}

/** Plays a sequence on a network of its own, holds the invariants after every ten steps, and replays its log. */
export async function playSequence(commands: readonly Command[], tally = emptyTally()): Promise<void> {
  const network = smallNetwork({
    failuresMax: 2,
    graceEpochs: 2,
    redrawsMax: 3,
    openingBytesPerWeek: 2 ** 40,
    ...FEES
  })
  try {
    countRefused(network, tally)
    // There is a bounty to claim from the beginning.
    seal(network)
    network.sponsor('core 0', {}, 1_000_000n)
    for (const [index, step] of commands.entries()) {
      play(network, step)
      if (index % 10 === 9) checkInvariants(network)
    }
    checkInvariants(network)
    for (let seq = 0; seq < network.ledger.length(); seq++) {
      tally[network.ledger.entry(seq)!.operation.kind].accepted++
    }
    const report = await auditLog(network.ledger.entries(0, 10_000))
    assert.equal(report.failure, null)
    assert.deepEqual(report.stateHash, network.ledger.stateHash())
  } finally {
    network.close()
  }
}

/** Counts what the ledger refuses, where it is an operation at all. */
function countRefused({ ledger }: TestNetwork, tally: Tally): void {
  const submit = ledger.submit.bind(ledger)
  ledger.submit = (wires, verified) => {
    const results = submit(wires, verified)
    for (const [index, { ok }] of results.entries()) {
      if (ok) continue
      try {
        tally[decodeOperation(wires[index]!).kind].refused++
      } catch {
        // Garbage has no kind.
      }
    }
    return results
  }
}
