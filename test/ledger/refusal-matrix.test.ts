import { anchorAt } from '../../src/protocol/anchor.js'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { MAX_AMOUNT } from '../../src/protocol/codec.js'
import { signOperation, type Statement } from '../../src/protocol/operations.js'
import { identity, smallNetwork, type TestNetwork } from './network.js'

/**
 * For each kind of operation, each reason to refuse it, with the operation that is just allowed beside it. Kinds whose rules
 * have a matrix here are listed with the file of their rules: every code thrown there must be in it.
 */
const COVERED = { transfer: 'money', donate: 'money' } as const

interface Case {
  kind: keyof typeof COVERED
  code: string
  /** Makes the network that both are tried on. */
  given?: (network: TestNetwork) => void
  refused: (network: TestNetwork) => Statement
  allowed: (network: TestNetwork) => Statement
}

const SENDER = identity('pinner-1')
const OTHER = identity('pinner-2').publicKey

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

const cases: Case[] = [
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
  }
]

function networkOf(t: TestContext, given?: (network: TestNetwork) => void): TestNetwork {
  const network = smallNetwork({ graceEpochs: 1 })
  t.after(() => network.close())
  network.tick(3)
  given?.(network)
  return network
}

for (const { kind, code, given, refused, allowed } of cases) {
  test(`${kind} is refused with ${code}, and changes nothing; beside it one is taken`, (t) => {
    const network = networkOf(t, given)
    const before = network.ledger.stateHash()
    assert.equal(network.code(SENDER, refused(network)), code)
    assert.deepEqual(network.ledger.stateHash(), before)
    assert.equal(network.code(SENDER, allowed(network)), 'ok')
    assert.equal(network.ledger.summary().sum, 0n)
  })
}

test('every reason that the rules of money give is in the matrix', () => {
  for (const file of new Set(Object.values(COVERED))) {
    const path = new URL(`../../../src/ledger/apply/${file}.ts`, import.meta.url)
    const thrown = [...readFileSync(path, 'utf8').matchAll(/ChainError\(\s*'([A-Z_]+)'/g)].map(
      (match) => match[1]!
    )
    assert.ok(thrown.length > 0)
    for (const code of thrown)
      assert.ok(
        cases.some((one) => one.code === code),
        `${file}: ${code}`
      )
  }
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
  assert.equal(submit(signed({ anchor: { ...anchor, seq: Number.MAX_SAFE_INTEGER } })), 'ANCHOR_UNKNOWN')
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
