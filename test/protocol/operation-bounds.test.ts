import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import {
  decodeOperation,
  detailHash,
  kindOnWire,
  openKinds,
  owedKinds,
  signOperation,
  verifySignatures,
  type Statement
} from '../../src/protocol/operations.js'
import { smallNetwork } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const keyPair = keyPairFromSeed(Buffer.alloc(32, 1))
const chainId = Buffer.alloc(32, 2)
const anchor = { seq: 1, hash: Buffer.alloc(32, 3) }
const OPERATION_BYTES = 256 << 10
const DETAIL_BYTES = 8 << 20

function wire(statement: Statement, detail?: Uint8Array): Uint8Array {
  return signOperation(statement, { chainId, keyPair, nonce: 1, anchor, ...(detail && { detail }) })
}

/** Version, sender, nonce and anchor come before the kind, in this operation a byte for each number. */
const KIND_AT = 1 + 32 + 1 + 1 + 32
const transfer = wire({ kind: 'transfer', body: { to: Buffer.alloc(32, 4), amount: 5n } })

test('what is owed, and what a key without an account may send, is as docs/protocol.md says', () => {
  const owed = ['acknowledge', 'deliver', 'accept', 'refuse', 'answer', 'commitReport', 'revealReport']
  for (const kind of owed) assert.ok(owedKinds.has(kind as Statement['kind']), kind)
  for (const kind of ['transfer', 'sponsor', 'donate', 'claimRoot'] as const) assert.ok(!owedKinds.has(kind))
  assert.deepEqual([...openKinds], ['commitFactor', 'claimFactor', 'claimRoot'])
})

test('the kind of an operation is read from its head alone, and of what is none there is none', () => {
  assert.equal(kindOnWire(transfer), 'transfer')
  assert.equal(kindOnWire(transfer.subarray(0, KIND_AT + 1)), 'transfer')
  for (const bytes of [Buffer.alloc(0), transfer.subarray(0, KIND_AT), Buffer.alloc(200, 0xff)]) {
    assert.equal(kindOnWire(bytes), null)
  }
  const unknown = Buffer.from(transfer)
  unknown[KIND_AT] = 0xfc
  assert.equal(kindOnWire(unknown), null)
})

test('more than the largest operation with the largest detail is refused before it is read, but for a genesis', () => {
  const bytes = Buffer.alloc(OPERATION_BYTES + DETAIL_BYTES + 1, 0xfb)
  assert.throws(() => decodeOperation(bytes), { code: 'OPERATION_TOO_LARGE' })
  assert.throws(() => decodeOperation(bytes.subarray(1)), { code: 'OPERATION_UNKNOWN' })
  bytes[33] = 0
  assert.throws(() => decodeOperation(bytes), { code: 'OPERATION_UNKNOWN' })
})

test('a detail may have 8 MiB and no more', () => {
  for (const [length, fits] of [
    [DETAIL_BYTES, true],
    [DETAIL_BYTES + 1, false]
  ] as const) {
    const detail = Buffer.alloc(length)
    const body = { answered: [], refused: [], detail: detailHash(detail) }
    const decode = () => decodeOperation(wire({ kind: 'answer', body }, detail))
    if (fits) assert.equal(decode().detail?.byteLength, length)
    else assert.throws(decode, { code: 'OPERATION_TOO_LARGE' })
  }
})

test('a genesis is signed under no chain, all else under its own', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const { core } = network.ledger.entry(0)!.operation
  assert.deepEqual([...verifySignatures(chainId, [core, transfer])], [1, 1])
  assert.deepEqual([...verifySignatures(Buffer.alloc(32), [core, transfer])], [1, 0])
})
