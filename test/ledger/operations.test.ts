import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { ChainError } from '../../src/errors.js'
import {
  answerOf,
  chainIdOf,
  decodeOperation,
  detailHash,
  operationHash,
  reportCommitment,
  signOperation,
  unsignedBytes,
  verifySignatures,
  type Statement
} from '../../src/protocol/operations.js'
import {
  segmentHash,
  segmentSalt,
  signSegment,
  verifySegment,
  type SegmentRecord
} from '../../src/protocol/segment.js'
import { verifyOriginal } from '../../src/crypto/author-signature.js'
import { decode, encode, list, uint } from '../../src/protocol/codec.js'
import { identity, original } from './network.js'
import { toHex } from '../../src/bytes.js'
import { sumsOf } from '../../src/protocol/original.js'
import { shapedSeal } from '../helpers/moduli.js'
import { assertSame } from '../helpers/bytes.js'

const chainId = Buffer.alloc(32, 3)
const sender = identity('sender')
const file = new URL('../../../test/vectors/operations.json', import.meta.url)
interface Vector {
  name: string
  wire: string
  hash: string
}

/** Statements of the fixed vectors, one of every shape that senders make. */
function statements(): { name: string; statement: Statement; detail?: Uint8Array }[] {
  const claim = original('vector', 7, 900)
  const record = segment()
  const sealed: SegmentRecord = { ...record, codec: 'seal', ...shapedSeal('vector') }
  const answer = answerOf([{ challenge: 5, state: Buffer.alloc(32, 9), evidence: Buffer.alloc(32, 8) }], [6])
  const signature = signSegment(chainId, sender, record)
  return [
    {
      name: 'transfer',
      statement: { kind: 'transfer', body: { to: Buffer.alloc(32, 1), amount: 1_000_000n } }
    },
    {
      name: 'transfer of most',
      statement: { kind: 'transfer', body: { to: Buffer.alloc(32, 1), amount: (1n << 62n) - 1n } }
    },
    {
      name: 'register',
      statement: {
        kind: 'register',
        body: { role: 'pinner', capacityBytes: 2 ** 40, deposit: 70_000n, payout: null }
      }
    },
    {
      name: 'register with a payout',
      statement: {
        kind: 'register',
        body: { role: 'signer', capacityBytes: 1, deposit: 0n, payout: Buffer.alloc(32, 3) }
      }
    },
    {
      name: 'setPayout',
      statement: {
        kind: 'setPayout',
        body: { key: Buffer.alloc(32, 1), role: 'signer', payout: Buffer.alloc(32, 2) }
      }
    },
    {
      name: 'replaceKey',
      statement: { kind: 'replaceKey', body: { key: Buffer.alloc(32, 1), by: Buffer.alloc(32, 2) } }
    },
    { name: 'retire', statement: { kind: 'retire', body: { role: 'verifier' } } },
    { name: 'pause', statement: { kind: 'pause', body: { epoch: 300, epochs: 12 } } },
    {
      name: 'sponsor',
      statement: {
        kind: 'sponsor',
        body: {
          key: claim.key,
          original: claim.original,
          plan: {
            copies: 2,
            targetPpm: 0,
            codec: 'seal',
            every: 8,
            steps: 44,
            maxBytes: 65_536,
            topic: Buffer.alloc(32, 10),
            refreshAfterMs: 604_800_000
          },
          donation: 5_000_000n
        }
      }
    },
    {
      name: 'fork',
      statement: {
        kind: 'fork',
        body: {
          key: claim.key,
          original: claim.original,
          proof: {
            kept: 30,
            prefix: claim.original.roots,
            below: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
            before: claim.original.roots,
            after: []
          }
        }
      }
    },
    {
      name: 'conflict',
      statement: { kind: 'conflict', body: { key: claim.key, one: claim.original, other: claim.original } }
    },
    { name: 'deliver', statement: { kind: 'deliver', body: { draw: 300, record, signature } } },
    {
      name: 'deliver of seal',
      statement: {
        kind: 'deliver',
        body: { draw: 301, record: sealed, signature: signSegment(chainId, sender, sealed) }
      }
    },
    { name: 'commitFactor', statement: { kind: 'commitFactor', body: { commitment: Buffer.alloc(32, 2) } } },
    {
      name: 'claimFactor',
      statement: {
        kind: 'claimFactor',
        body: { segment: Buffer.alloc(32, 3), factor: Buffer.alloc(256, 4), salt: Buffer.alloc(32, 5) }
      }
    },
    {
      name: 'claimRoot',
      statement: {
        kind: 'claimRoot',
        body: { segment: Buffer.alloc(32, 3), round: 70_000, root: Buffer.alloc(256, 6) }
      }
    },
    { name: 'answer', statement: { kind: 'answer', body: answer.body }, detail: answer.detail },
    {
      name: 'settle',
      statement: {
        kind: 'settle',
        body: {
          items: [
            { challenge: 5, outcome: 'success' },
            { challenge: 300, outcome: 'lie' }
          ]
        }
      }
    },
    {
      name: 'tick',
      statement: {
        kind: 'tick',
        body: {
          at: 1_700_000_000_000,
          stalledMs: 0,
          round: 1,
          value: Buffer.alloc(32, 4),
          nextOnion: null,
          work: 500
        }
      }
    }
  ]
}

function segment(): SegmentRecord {
  const fill = (byte: number) => Buffer.alloc(32, byte)
  return {
    key: fill(1),
    fork: 0,
    copy: 4,
    segment: 0,
    pinner: fill(2),
    signer: sender.publicKey,
    codec: 'wrap',
    version: 1,
    start: 0,
    end: 16,
    publicKey: sender.publicKey,
    primeProof: Buffer.alloc(0),
    salt: segmentSalt(fill(5), fill(6)),
    chunks: 16,
    bytes: 70_000,
    root: fill(7),
    treeHash: fill(8)
  }
}

function signed(statement: Statement, detail?: Uint8Array): Uint8Array {
  return signOperation(statement, {
    chainId,
    keyPair: sender,
    nonce: 253,
    anchor: { seq: 254, hash: Buffer.alloc(32, 12) },
    ...(detail && { detail })
  })
}

test('operations have the bytes and hashes of the fixed vectors', () => {
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
  assert.deepEqual(
    statements().map(({ name, statement, detail }) => {
      const wire = signed(statement, detail)
      const hash = operationHash(chainId, unsignedBytes(decodeOperation(wire)))
      return { name, wire: toHex(wire), hash: toHex(hash) }
    }),
    vectors
  )
})

test('an operation is read back as it was said', () => {
  for (const { statement, detail } of statements()) {
    const operation = decodeOperation(signed(statement, detail))
    assertSame({ kind: operation.kind, body: operation.body }, statement)
    assertSame([operation.sender, operation.nonce], [sender.publicKey, 253])
    assertSame(operation.detail, detail ?? null)
  }
})

test('a changed byte, another chain and a foreign signer are found', () => {
  for (const { statement, detail } of statements()) {
    const wire = signed(statement, detail)
    assert.deepEqual([...verifySignatures(chainId, [wire])], [1])
    assert.deepEqual([...verifySignatures(Buffer.alloc(32), [wire])], [0])
    const broken = Array.from({ length: wire.byteLength }, (_, at) => {
      const copy = Buffer.from(wire)
      copy[at]! ^= 1
      return copy
    })
    assert.ok(verifySignatures(chainId, broken).every((flag) => flag === 0))
    assert.ok(
      verifySignatures(
        chainId,
        broken.map((_, at) => wire.subarray(0, at))
        // Without any of its detail it is what a log that was pruned holds.
      ).every(
        (flag, at) => flag === Number(detail !== undefined && at === wire.byteLength - detail.byteLength)
      )
    )
  }
})

test('in deliver the signer has signed the segment, in accept both have, whoever sends it', () => {
  const other = identity('other')
  const record = { ...segment(), pinner: other.publicKey }
  const bySigner = signSegment(chainId, sender, record)
  const byPinner = signSegment(chainId, other, record)
  const holds = (statement: Statement): number => verifySignatures(chainId, [signed(statement)])[0]!
  assert.equal(holds({ kind: 'deliver', body: { draw: 1, record, signature: bySigner } }), 1)
  assert.equal(holds({ kind: 'deliver', body: { draw: 1, record, signature: byPinner } }), 0)
  const accept = (signerSignature: Uint8Array, signature: Uint8Array): number =>
    holds({ kind: 'accept', body: { draw: 1, record, signerSignature, signature } })
  assert.equal(accept(bySigner, byPinner), 1)
  assert.equal(accept(byPinner, byPinner), 0)
  assert.equal(accept(bySigner, bySigner), 0)
})

test('hostile bytes are refused with a code and never crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), fc.nat(255), (noise, at, byte) => {
      const wire = signed(statements()[at % 8]!.statement)
      wire[at % wire.byteLength] = byte
      for (const bytes of [noise, Buffer.concat([wire.subarray(0, 35), noise]), wire]) {
        try {
          decodeOperation(bytes)
        } catch (error) {
          assert.ok(error instanceof ChainError, String(error))
        }
      }
    }),
    { numRuns: 500 }
  )
})

test('numbers have one encoding', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const bytes = encode(uint(Number.MAX_SAFE_INTEGER), value)
      assert.equal(decode(uint(Number.MAX_SAFE_INTEGER), bytes), value)
    })
  )
  for (const hex of ['fdfc00', 'fe00ff0000', 'ff00ffffff00000000', 'ff000000000000ffff']) {
    assert.throws(() => decode(uint(Number.MAX_SAFE_INTEGER), Buffer.from(hex, 'hex')), {
      code: 'OPERATION_MALFORMED'
    })
  }
  assert.throws(() => decode(list(uint(Number.MAX_SAFE_INTEGER), 1_000), Buffer.from('fdff00', 'hex')), {
    code: 'OPERATION_MALFORMED'
  })
})

test('a detail must be the one that the operation binds', () => {
  const { body, detail } = answerOf([{ challenge: 1, state: Buffer.alloc(32), evidence: Buffer.alloc(32) }])
  const wire = signed({ kind: 'answer', body }, detail)
  assert.throws(() => decodeOperation(wire.subarray(0, -1)), { code: 'OPERATION_MALFORMED' })
  assert.throws(() => decodeOperation(wire.subarray(0, -detail.byteLength)), { code: 'OPERATION_MALFORMED' })
  assert.equal(decodeOperation(wire.subarray(0, -detail.byteLength), true).detail, null)
  assert.deepEqual(detailHash(detail), body.detail)
})

test('both sides of a segment sign the same hash, and every field is in it', () => {
  const record = segment()
  const signature = signSegment(chainId, sender, record)
  assert.ok(verifySegment(chainId, sender.publicKey, record, signature))
  const hashes = Object.entries(record).map(([name, value]) => {
    const changed = Buffer.isBuffer(value)
      ? Buffer.alloc(32, 99)
      : name === 'codec'
        ? 'seal'
        : Number(value) + 1
    return toHex(segmentHash(chainId, { ...record, [name]: changed }))
  })
  assert.equal(new Set([...hashes, toHex(segmentHash(chainId, record))]).size, hashes.length + 1)
})

test("an author's claim holds for its own fork, length and tree only", () => {
  const { key, original: made } = original('claim', 9, 99)
  const claim = { ...made, treeHash: sumsOf(made).treeHash }
  assert.ok(verifyOriginal(key, claim))
  assert.ok(!verifyOriginal(key, { ...claim, length: 10 }))
  assert.ok(!verifyOriginal(key, { ...claim, fork: 1 }))
  assert.ok(!verifyOriginal(key, { ...claim, treeHash: Buffer.alloc(32) }))
  assert.ok(!verifyOriginal(Buffer.alloc(32), claim))
  assert.ok(!verifyOriginal(key, { ...claim, manifest: Buffer.alloc(5) }))
})

test('a commitment binds verifier, epoch, reports and salt', () => {
  const report = { copy: 1, firstByteUs: 2, bytesPerSecond: 3, misses: 0, blocks: 4, bytes: 5 }
  const salt = Buffer.alloc(32, 1)
  const all = [
    reportCommitment(chainId, sender.publicKey, 1, [report], salt),
    reportCommitment(chainId, sender.publicKey, 2, [report], salt),
    reportCommitment(chainId, sender.publicKey, 1, [{ ...report, misses: 1 }], salt),
    reportCommitment(chainId, sender.publicKey, 1, [report], Buffer.alloc(32)),
    reportCommitment(chainId, identity('other').publicKey, 1, [report], salt)
  ]
  assert.equal(new Set(all.map((one) => toHex(one))).size, all.length)
})

test('the id of a chain is the hash of its genesis, whoever reads it', () => {
  const tick = decodeOperation(signed(statements().at(-1)!.statement))
  assert.deepEqual(chainIdOf(tick), operationHash(Buffer.alloc(32), unsignedBytes(tick)))
})

test('an operation has a largest size, with its detail and without', () => {
  const most = 262_144 + 8_388_608
  assert.throws(() => decodeOperation(Buffer.alloc(most + 1, 1)), { code: 'OPERATION_TOO_LARGE' })
  const { body } = answerOf([])
  const detail = Buffer.alloc(8_388_609)
  const bound = { ...body, detail: detailHash(detail) }
  assert.throws(() => decodeOperation(signed({ kind: 'answer', body: bound }, detail)), {
    code: 'OPERATION_TOO_LARGE'
  })
})
