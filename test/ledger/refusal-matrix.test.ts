import { anchorAt } from '../../src/protocol/anchor.js'
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { feeOf } from '../../src/ledger/rules/fees.js'
import { MAX_AMOUNT } from '../../src/protocol/codec.js'
import { signOperation, type Statement } from '../../src/protocol/operations.js'
import { signSegment } from '../../src/protocol/segment.js'
import type { AssignmentView, SegmentView } from '../../src/protocol/views.js'
import { modulusBytes, seededPrimes, weakModulus } from '../crypto/weak-keys.js'
import { shapedModulus } from '../helpers/moduli.js'
import { UINT_MAX } from '../../src/bounds.js'
import { identity, smallNetwork, type TestNetwork } from './network.js'
import { drawnCases, type Case } from './refusal-cases.js'
import { factorOf, rootOf, seal } from './sealed.js'
import { closeAfter } from '../helpers/close-after.js'

/**
 * For each kind of operation, each reason to refuse it, with the operation that is just allowed beside it. Every code that the rules throw must be
 * here, or in a test beside the rules that holds that nothing was changed.
 */
const RULES = new URL('../../../src/ledger/apply/', import.meta.url)
const TESTS = new URL('../../../test/ledger/apply/', import.meta.url)
/** Files whose every code is in this very matrix. */
const COVERED = ['money.ts', 'bounties.ts', 'fees.ts', 'pauses.ts']
/** What no operation that is submitted meets, but an entry of a log: held by the audit's tests. */
const OF_LOGS = ['RULES_UNKNOWN', 'TIME_BACKWARDS']

const SENDER = identity('pinner-1')
const OTHER_PINNER = identity('pinner-2')
const OTHER = OTHER_PINNER.publicKey

const transfer = (to: Buffer, amount: bigint): Statement => ({ kind: 'transfer', body: { to, amount } })
const donate = (key: Uint8Array, amount: bigint): Statement => ({ kind: 'donate', body: { key, amount } })
const balance = ({ ledger }: TestNetwork): bigint => ledger.account(SENDER.publicKey).balance
const film = ({ ledger }: TestNetwork): Uint8Array => ledger.hypercores().rows[0]!.key
const sponsored = (network: TestNetwork): void => void network.sponsor('film', { copies: 1 })

/** A hypercore whose grace has ended without a donation. */
function lapsed(network: TestNetwork): void {
  // Its copies are made, and then there is nothing to pay for what they hold.
  network.sponsor('film', { copies: 1 }, 10_900n)
  for (let n = 0; n < 400 && network.ledger.hypercores().rows[0]!.state !== 'lapsed'; n++) {
    network.tick()
    network.work()
  }
  assert.equal(network.ledger.hypercores().rows[0]!.state, 'lapsed')
}

/** A network with a sealed segment, and all that can be said of it. */
function claimed(network: TestNetwork): { network: TestNetwork; segment: SegmentView } {
  return { network, segment: network.ledger.copy(0)!.segments[0]! }
}
const bounty = (network: TestNetwork): void => void seal(network)
const factor = (network: TestNetwork, by = SENDER) => factorOf(claimed(network), by)
const root = (network: TestNetwork) => rootOf(claimed(network), SENDER)
const commit = (network: TestNetwork, of: { commit: Statement }, by = SENDER): void => {
  network.send(by, of.commit)
  network.tick(2)
}
/** What is refused is claimed once more, committed to and all. */
const commitFirst = (network: TestNetwork): Statement => {
  commit(network, factor(network))
  return factor(network).claim
}
/** Committed to before the matrix looks at the state. */
const committed = (network: TestNetwork): void => {
  bounty(network)
  commit(network, factor(network))
}
const unworked = ({ ledger }: TestNetwork): Statement => ({
  kind: 'commitFactor',
  body: { commitment: Buffer.alloc(32, 0xff >> (ledger.parameters().commitmentBits - 1)) }
})
const other = { ...SENDER, ...identity('finder') }

/** So many epochs from one that lies so many after the first that may be. */
const pause = ({ ledger, clock }: TestNetwork, after: number, epochs: number): Statement => {
  const { epochMs } = ledger.parameters()
  return { kind: 'pause', body: { epoch: Math.ceil(clock / epochMs) + 1 + after, epochs } }
}
const MONTH = 2_592_000

const cases: Case[] = [
  {
    kind: 'pause',
    code: 'ROLE_UNKNOWN',
    refused: (network) => pause(network, 0, 1),
    sender: () => identity('supporter'),
    allowed: (network) => {
      network.register('supporter', 'pinner')
      return pause(network, 0, 1)
    }
  },
  {
    kind: 'pause',
    code: 'PAUSE_TIME',
    refused: (network) => pause(network, -1, 1),
    allowed: (network) => pause(network, 0, 1)
  },
  {
    kind: 'pause',
    code: 'PAUSE_TIME',
    refused: (network) => pause(network, MONTH, 1),
    allowed: (network) => pause(network, MONTH - 2, 1)
  },
  {
    kind: 'pause',
    code: 'PAUSE_TOO_LONG',
    given: (network) =>
      void network.ledger.changeParameters({ ...network.ledger.parameters(), pauseMs: 7_999 }),
    refused: (network) => pause(network, 0, 8),
    allowed: (network) => pause(network, 0, 7)
  },
  {
    kind: 'pause',
    code: 'PAUSE_KNOWN',
    given: (network) => void network.send(SENDER, pause(network, 5, 1)),
    refused: (network) => pause(network, 9, 1),
    allowed: (network) => pause(network, 5, 0)
  },
  {
    kind: 'pause',
    code: 'PAUSE_UNKNOWN',
    given: (network) => void network.send(SENDER, pause(network, 5, 1)),
    refused: (network) => pause(network, 4, 0),
    allowed: (network) => pause(network, 5, 0)
  },
  {
    kind: 'pause',
    code: 'FEE_UNPAID',
    sender: () => OTHER_PINNER,
    given: (network) => {
      const { balance } = network.ledger.account(OTHER_PINNER.publicKey)
      network.send(OTHER_PINNER, transfer(SENDER.publicKey, balance))
      const { deposit } = network.ledger.account(OTHER_PINNER.publicKey).roles[0]!
      network.ledger.changeParameters({ ...network.ledger.parameters(), feePerUnit: deposit })
    },
    refused: (network) => pause(network, 0, 1),
    allowed: (network) => {
      network.ledger.changeParameters({ ...network.ledger.parameters(), feePerUnit: 10n })
      return pause(network, 0, 1)
    }
  },
  {
    kind: 'transfer',
    code: 'AMOUNT_ZERO',
    refused: () => transfer(OTHER, 0n),
    allowed: () => transfer(OTHER, 1n)
  },
  {
    kind: 'transfer',
    code: 'TRANSFER_TO_SELF',
    refused: () => transfer(SENDER.publicKey, 1n),
    allowed: () => transfer(Buffer.alloc(32, 1), 1n)
  },
  {
    kind: 'transfer',
    code: 'BALANCE_TOO_LOW',
    refused: (network) => transfer(OTHER, balance(network) + 1n),
    allowed: (network) => transfer(OTHER, balance(network))
  },
  {
    kind: 'transfer',
    code: 'BALANCE_TOO_LOW',
    refused: () => transfer(OTHER, MAX_AMOUNT),
    allowed: () => transfer(OTHER, 1n)
  },
  {
    kind: 'transfer',
    code: 'FEE_UNPAID',
    given: (network) =>
      void network.ledger.changeParameters({ ...network.ledger.parameters(), feePerByte: 7n }),
    refused: (network) => transfer(OTHER, balance(network)),
    allowed: (network) => {
      const fee = feeOf(transfer(OTHER, balance(network)), network.ledger.parameters())
      return transfer(OTHER, balance(network) - fee)
    }
  },
  {
    kind: 'donate',
    code: 'HYPERCORE_UNKNOWN',
    given: sponsored,
    refused: () => donate(Buffer.alloc(32, 1), 1n),
    allowed: (network) => donate(film(network), 1n)
  },
  {
    kind: 'donate',
    code: 'AMOUNT_ZERO',
    given: sponsored,
    refused: (network) => donate(film(network), 0n),
    allowed: (network) => donate(film(network), 1n)
  },
  {
    kind: 'donate',
    code: 'BALANCE_TOO_LOW',
    given: sponsored,
    refused: (network) => donate(film(network), balance(network) + 1n),
    allowed: (network) => donate(film(network), balance(network))
  },
  {
    kind: 'donate',
    code: 'HYPERCORE_LAPSED',
    given: lapsed,
    refused: (network) => donate(film(network), 1n),
    // Sponsoring it again is what its message says to do; then it takes donations.
    allowed: (network) => {
      network.sponsor('film', { copies: 1 })
      return donate(film(network), 1n)
    }
  },
  {
    kind: 'commitFactor',
    code: 'COMMITMENT_WORK',
    refused: unworked,
    allowed: () => ({ kind: 'commitFactor', body: { commitment: Buffer.alloc(32, 0x0f) } })
  },
  {
    kind: 'commitFactor',
    code: 'COMMITMENT_KNOWN',
    given: (network) =>
      void network.send(SENDER, { kind: 'commitFactor', body: { commitment: Buffer.alloc(32) } }),
    refused: () => ({ kind: 'commitFactor', body: { commitment: Buffer.alloc(32) } }),
    allowed: () => ({ kind: 'commitFactor', body: { commitment: Buffer.alloc(32, 1) } })
  },
  {
    kind: 'claimFactor',
    code: 'FACTOR_UNCOMMITTED',
    given: bounty,
    refused: (network) => factor(network).claim,
    allowed: commitFirst
  },
  {
    kind: 'claimFactor',
    code: 'REVEAL_EARLY',
    given(network) {
      bounty(network)
      network.send(SENDER, factor(network).commit)
      network.tick(1)
    },
    refused: (network) => factor(network).claim,
    allowed(network) {
      network.tick(1)
      return factor(network).claim
    }
  },
  {
    kind: 'claimFactor',
    code: 'FACTOR_WRONG',
    given(network) {
      committed(network)
      commit(network, factorOf(claimed(network), SENDER, Buffer.alloc(256, 1)))
    },
    refused: (network) => factorOf(claimed(network), SENDER, Buffer.alloc(256, 1)).claim,
    allowed: (network) => factor(network).claim
  },
  {
    kind: 'claimFactor',
    code: 'BOUNTY_NONE',
    given: committed,
    refused(network) {
      const { body } = factor(network).claim
      return { kind: 'claimFactor', body: { ...body, segment: Buffer.alloc(32, 1) } }
    },
    allowed: (network) => factor(network).claim
  },
  {
    kind: 'claimFactor',
    code: 'BOUNTY_CLAIMED',
    // Both have committed; the one whose commitment is the older shows it first.
    given(network) {
      bounty(network)
      network.send(other, factor(network, other).commit)
      commit(network, factor(network))
      network.send(other, factor(network, other).claim)
    },
    refused: (network) => factor(network).claim,
    // Nothing of this segment is left to win; somebody else may still commit.
    allowed: () => ({ kind: 'commitFactor', body: { commitment: Buffer.alloc(32) } })
  },
  {
    kind: 'claimRoot',
    code: 'ROOT_EARLY',
    given: bounty,
    refused(network) {
      const { round } = network.ledger.bounty(claimed(network).segment.hash)!
      return rootOf(claimed(network), SENDER, round)
    },
    allowed(network) {
      const { round } = network.ledger.bounty(claimed(network).segment.hash)!
      return rootOf(claimed(network), SENDER, round + 1)
    }
  },
  {
    kind: 'claimRoot',
    code: 'BEACON_ROUND',
    given: bounty,
    refused: (network) => rootOf(claimed(network), SENDER, network.ledger.chain().round + 1),
    allowed: root
  },
  {
    kind: 'claimRoot',
    code: 'ROOT_WRONG',
    given: bounty,
    // The root that another finder was given.
    refused: (network) => rootOf(claimed(network), other),
    allowed: root
  },
  {
    kind: 'claimRoot',
    code: 'BOUNTY_NONE',
    given: bounty,
    refused: (network) => ({
      kind: 'claimRoot',
      body: { ...root(network).body, segment: Buffer.alloc(32, 1) }
    }),
    allowed: root
  },
  ...modulusCases(),
  ...drawnCases
]

/** What `deliver` says of the shape of a modulus that is named for the first time. */
function modulusCases(): Case[] {
  const drawn = ({ ledger }: TestNetwork): AssignmentView =>
    signers.flatMap(({ publicKey }) => ledger.assignments(publicKey))[0]!
  const signers = ['signer-1', 'signer-2', 'signer-3'].map(identity)
  const deliver = (network: TestNetwork, publicKey: Buffer): Statement => {
    const record = network.record(drawn(network), { publicKey })
    const signature = signSegment(network.ledger.chainId, network.keyPair(record.signer), record)
    return { kind: 'deliver', body: { draw: drawn(network).draw, record, signature } }
  }
  const good = shapedModulus('matrix')
  const even = Buffer.from(good)
  even[255]! ^= 1
  const short = Buffer.from(good)
  short[0]! &= 0x7f
  const weak: [string, Buffer][] = [
    ['RSA_KEY', even],
    ['RSA_KEY', short],
    ['MODULUS_FACTOR', modulusBytes((1n << 2047n) + 1n)],
    ['MODULUS_POWER', modulusBytes(weakModulus([2], 1).n)],
    ['MODULUS_PRIME', modulusBytes(seededPrimes([2048], 1)[0]!)]
  ]
  return weak.map(([fault, publicKey]) => ({
    kind: 'deliver',
    code: 'MODULUS_WEAK',
    why: new RegExp(fault),
    given(network) {
      network.sponsor('film', { copies: 1, codec: 'seal' })
      network.tick(2)
      network.acknowledge()
      network.tick(2)
      network.acknowledge()
    },
    sender: (network) => network.keyPair(drawn(network).signer),
    refused: (network) => deliver(network, publicKey),
    allowed: (network) => deliver(network, good)
  }))
}

function networkOf(t: TestContext, given?: (network: TestNetwork) => void): TestNetwork {
  const network = smallNetwork({ graceEpochs: 1 })
  closeAfter(t, () => network.close())
  network.tick(3)
  given?.(network)
  return network
}

for (const { kind, code, why, given, sender = () => SENDER, refused, allowed, details } of cases) {
  const name = why ? `${code} (${why.source})` : code
  test(`${kind} is refused with ${name}, and changes nothing; beside it one is taken`, (t) => {
    const network = networkOf(t, given)
    const before = network.ledger.stateHash()
    const by = sender(network)
    const [result] = network.ledger.submit([network.wire(by, refused(network), details?.refused(network))])
    assert.ok(result && !result.ok)
    assert.equal(result.error.code, code)
    if (why) assert.match(result.error.message, why)
    assert.deepEqual(network.ledger.stateHash(), before)
    assert.equal(network.code(by, allowed(network), details?.allowed(network)), 'ok')
    assert.equal(network.ledger.summary().sum, 0n)
  })
}

/** Codes that a source names where this matches them. */
function codesIn(source: URL, named: RegExp): string[] {
  return [...readFileSync(source, 'utf8').matchAll(named)].map((match) => match[1]!)
}

test('every reason that the rules give to refuse something is in the matrix, or in a test beside the rules', () => {
  const inMatrix = new Set(cases.map(({ code }) => code))
  const beside = readdirSync(TESTS)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => codesIn(new URL(name, TESTS), /'([A-Z]+_[A-Z_]+)'/g))
  const ofSenders = codesIn(new URL('../refusal-matrix.test.ts', TESTS), /equal\(submit\(.*'([A-Z_]+)'\)/g)
  const inLogs = codesIn(new URL('../../audit/audit.test.ts', TESTS), /'([A-Z]+_[A-Z_]+)'/g)
  for (const code of OF_LOGS) assert.ok(inLogs.includes(code), code)
  const elsewhere = new Set([...beside, ...ofSenders, ...OF_LOGS])
  const thrown = readdirSync(RULES)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      codesIn(new URL(file, RULES), /ChainError\(\s*'([A-Z_]+)'/g).map((code) => ({ file, code }))
    )
  assert.ok(thrown.length > 60)
  const missing = thrown.filter(
    ({ file, code }) => !inMatrix.has(code) && (COVERED.includes(file) || !elsewhere.has(code))
  )
  assert.deepEqual(missing, [])
})

test('whoever sends: an account, the next nonce, this network, signatures that hold, and kinds that are theirs', (t) => {
  const network = networkOf(t)
  const { chainId } = network.ledger
  const { nonce } = network.ledger.account(SENDER.publicKey)
  const anchor = anchorAt(network.ledger.chain())
  const one = transfer(OTHER, 1n)
  const submit = (wire: Uint8Array): string => {
    const [result] = network.ledger.submit([wire])
    return result!.ok ? 'ok' : result!.error.code
  }
  const signed = (changes: Partial<Parameters<typeof signOperation>[1]> = {}, statement = one): Uint8Array =>
    signOperation(statement, { chainId, keyPair: SENDER, nonce, anchor, ...changes })
  assert.equal(submit(signed({ keyPair: identity('nobody'), nonce: 0 })), 'ACCOUNT_UNKNOWN')
  assert.equal(submit(signed({ nonce: nonce + 1 })), 'NONCE_WRONG')
  assert.equal(submit(signed({ nonce: nonce - 1 })), 'NONCE_WRONG')
  assert.equal(submit(signed({ chainId: Buffer.alloc(32, 9) })), 'SIGNATURE_WRONG')
  assert.equal(submit(signed({ anchor: { ...anchor, seq: anchor.seq + 1 } })), 'ANCHOR_UNKNOWN')
  assert.equal(submit(signed({ anchor: { ...anchor, hash: Buffer.alloc(32, 9) } })), 'ANCHOR_UNKNOWN')
  assert.equal(submit(signed({ anchor: { ...anchor, seq: UINT_MAX } })), 'ANCHOR_UNKNOWN')
  const forged = signed()
  forged[forged.byteLength - 1]! ^= 1
  assert.equal(submit(forged), 'SIGNATURE_WRONG')
  assert.equal(submit(signed().subarray(0, -1)), 'OPERATION_MALFORMED')
  assert.equal(submit(Buffer.concat([signed(), Buffer.of(0)])), 'OPERATION_MALFORMED')
  const judge: Statement = { kind: 'judge', body: { draw: 0, upheld: 1 } }
  assert.equal(submit(signed({}, judge)), 'NOT_THE_CHAIN')
  assert.equal(network.ledger.account(SENDER.publicKey).nonce, nonce, 'none of these used the nonce')
  assert.equal(submit(signed()), 'ok')
})
