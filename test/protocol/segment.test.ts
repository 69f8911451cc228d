import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { decode, encode } from '../../src/protocol/codec.js'
import {
  decodeOffer,
  decodeSignedRecord,
  encodeOffer,
  encodeSignedRecord
} from '../../src/protocol/hand-over.js'
import {
  segmentHash,
  segmentRecordType,
  signSegment,
  verifySegment,
  type SegmentRecord
} from '../../src/protocol/segment.js'
import { MAX_PRIME_PROOF_BYTES } from '../../src/crypto/prime-proof-bytes.js'
import { toHex } from '../../src/bytes.js'

const bytes = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const chain = bytes(90)
const signer = keyPairFromSeed(bytes(7))
const other = keyPairFromSeed(bytes(8))

const record: SegmentRecord = {
  key: bytes(1),
  fork: 2,
  copy: 3,
  segment: 4,
  pinner: bytes(5),
  signer: bytes(6),
  codec: 'seal',
  version: 7,
  start: 8,
  end: 9,
  publicKey: bytes(10, 256),
  primeProof: bytes(16),
  salt: bytes(11),
  chunks: 12,
  bytes: 13,
  root: bytes(14),
  treeHash: bytes(15)
}

/** The record as often as it has fields, each time with another value in one of them. */
const changed = Object.entries(record).map(([name, value]) => {
  const another = typeof value === 'number' ? value + 1 : name === 'codec' ? 'wrap' : bytes(99)
  return { name, record: { ...record, [name]: another } }
})

test('a segment has another hash in every field, and on every chain', () => {
  const hash = toHex(segmentHash(chain, record))
  assert.equal(toHex(segmentHash(chain, { ...record })), hash)
  for (const of of changed) assert.notEqual(toHex(segmentHash(chain, of.record)), hash, of.name)
  assert.notEqual(toHex(segmentHash(bytes(91), record)), hash)
})

test('a signature over a segment holds for its signer, chain and every field, and for no other', () => {
  const signature = signSegment(chain, signer, record)
  assert.equal(verifySegment(chain, signer.publicKey, record, signature), true)
  for (const of of changed) {
    assert.equal(verifySegment(chain, signer.publicKey, of.record, signature), false, of.name)
  }
  assert.equal(verifySegment(bytes(91), signer.publicKey, record, signature), false)
  assert.equal(verifySegment(chain, other.publicKey, record, signature), false)
})

test('a signature or key of another length is no signature, and throws nothing', () => {
  const signature = signSegment(chain, signer, record)
  const longer = new Uint8Array(65)
  longer.set(signature)
  for (const wrong of [signature.subarray(1), longer, new Uint8Array(0)]) {
    assert.equal(verifySegment(chain, signer.publicKey, record, wrong), false)
  }
  for (const wrong of [signer.publicKey.subarray(1), bytes(1, 33), new Uint8Array(0)]) {
    assert.equal(verifySegment(chain, wrong, record, signature), false)
  }
})

test('a record travels with its fields in the order of the description', () => {
  const wire = toHex(encode(segmentRecordType, record))
  const key = (byte: number, length = 32) => toHex(bytes(byte, length))
  const expected = [
    ...[key(1), '02', '03', '04', key(5), key(6), '01', '07', '08', '09'],
    ...['fd0001', key(10, 256), `20${key(16)}`, key(11), '0c', '0d', key(14), key(15)]
  ]
  assert.equal(wire, expected.join(''))
  assert.equal(
    toHex(segmentHash(chain, decode(segmentRecordType, Buffer.from(wire, 'hex')))),
    toHex(segmentHash(chain, record))
  )
})

test('a record with a key, salt or version that none has is refused', () => {
  for (const wrong of [
    { key: bytes(1, 31) },
    { pinner: bytes(1, 33) },
    { signer: bytes(1, 31) },
    { salt: bytes(1, 31) },
    { root: bytes(1, 33) },
    { treeHash: bytes(1, 31) },
    { publicKey: bytes(1, 513) },
    { primeProof: bytes(1, 33) },
    { version: 256 },
    { codec: 'plain' as 'wrap' }
  ]) {
    assert.throws(() => encode(segmentRecordType, { ...record, ...wrong }), { code: 'OPERATION_MALFORMED' })
  }
  const longest = { ...record, publicKey: bytes(1, 512), version: 255 }
  assert.equal(decode(segmentRecordType, encode(segmentRecordType, longest)).publicKey.byteLength, 512)
})

test('what a signer offers, and what both sign, come back as they were, and cut or longer are refused', () => {
  const holes = [
    { start: 0, end: 2 },
    { start: 3, end: 300 }
  ]
  const wire = encodeOffer({ draw: 300, publicKey: bytes(1), primeProof: bytes(2, 3), known: 7, holes })
  assert.equal(toHex(wire), `fd2c0120${'01'.repeat(32)}0302020207` + '02' + '0002' + '03fd2c01')
  const back = decodeOffer(wire)
  assert.deepEqual(back.holes, holes)
  assert.deepEqual([back.draw, back.known, toHex(back.publicKey)], [300, 7, '01'.repeat(32)])

  const signed = { record, signature: signSegment(chain, signer, record) }
  const both = encodeSignedRecord(signed)
  const read = decodeSignedRecord(both)
  assert.equal(verifySegment(chain, signer.publicKey, read.record, read.signature), true)

  for (const wrong of [both.subarray(1), both.subarray(0, -1), Buffer.concat([both, bytes(0, 1)])]) {
    assert.throws(() => decodeSignedRecord(wrong), { code: 'OPERATION_MALFORMED' })
  }
  for (const wrong of [wire.subarray(0, -1), Buffer.concat([wire, bytes(0, 1)])]) {
    assert.throws(() => decodeOffer(wrong), { code: 'OPERATION_MALFORMED' })
  }
  assert.throws(() => encodeSignedRecord({ record, signature: bytes(1, 63) }), {
    code: 'OPERATION_MALFORMED'
  })
})

test('an offer carries a key of at most 512 bytes, and a proof of at most 22,318', () => {
  const offer = (length: number, proof = 0) =>
    encodeOffer({ draw: 0, publicKey: bytes(1, length), primeProof: bytes(2, proof), known: 0, holes: [] })
  assert.equal(decodeOffer(offer(1, MAX_PRIME_PROOF_BYTES)).primeProof.byteLength, MAX_PRIME_PROOF_BYTES)
  assert.throws(() => offer(1, MAX_PRIME_PROOF_BYTES + 1), { code: 'OPERATION_MALFORMED' })
  assert.equal(decodeOffer(offer(512)).publicKey.byteLength, 512)
  assert.throws(() => offer(513), { code: 'OPERATION_MALFORMED' })
})

test('holes that are empty, reversed, out of order or touch each other are refused', () => {
  const offered = (...holes: [number, number][]) =>
    encodeOffer({
      draw: 1,
      publicKey: bytes(1),
      primeProof: bytes(2, 3),
      known: 0,
      holes: holes.map(([start, end]) => ({ start, end }))
    })
  assert.equal(decodeOffer(offered([1, 2], [3, 4])).holes.length, 2)
  for (const wrong of [
    [[2, 2]],
    [[3, 2]],
    [
      [1, 2],
      [2, 3]
    ],
    [
      [5, 6],
      [1, 2]
    ],
    [
      [1, 5],
      [2, 3]
    ]
  ] as const) {
    assert.throws(() => decodeOffer(offered(...(wrong as unknown as [number, number][]))), {
      code: 'OPERATION_MALFORMED'
    })
  }
})
