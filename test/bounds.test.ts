import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCKS_MAX, BYTES_MAX, UINT_MAX } from '../src/bounds.js'
import { HEADER_BYTES, bodyBytesOf } from '../src/chunk/header.js'
import { readTrailer } from '../src/client/evidence-core.js'
import { hash } from '../src/crypto/hash.js'
import { size, wholeNumber } from '../src/daemon/setting.js'
import { routes } from '../src/dashboard/api/routes.js'
import { parseKey } from '../src/drive/key.js'
import { decodeOpening, openingType } from '../src/evidence/opening.js'
import { decodeRefusalEvidence, refusalEvidenceType } from '../src/evidence/refusal-format.js'
import { ByteReader } from '../src/evidence/varint.js'
import { decodeNode } from '../src/merkle/node.js'
import { decode, encode, uint, type Type } from '../src/protocol/codec.js'
import { effectsType } from '../src/protocol/effects.js'
import { entryType } from '../src/protocol/entry.js'
import { offerType, signedRecordType } from '../src/protocol/hand-over.js'
import { answerDetailType, bodies } from '../src/protocol/operations.js'
import { rootIndices, verifyOriginalLeaf } from '../src/protocol/original-tree.js'
import { methods } from '../src/protocol/rpc/messages.js'
import { decodeProgress, decodeTail } from '../src/storage/progress.js'
import { readData, readNumber } from '../src/swarm/segment-messages.js'
import { drawFrom, numbersOf, unbounded, valueOf } from './helpers/layouts.js'

/** Every format that is written as a codec, by what reads it, and the code with which that refuses. */
const formats: [string, Type<unknown>, code: string, read: (from: Uint8Array) => unknown][] = [
  ...Object.entries(bodies).map(([kind, type]) => codec(`operation ${kind}`, type)),
  codec('detail answer', answerDetailType),
  codec('effects', effectsType),
  codec('entry', entryType),
  codec('offer', offerType),
  codec('signed record', signedRecordType),
  ...Object.entries(methods).flatMap(([name, { request, response }]) => [
    codec(`${name}, asked`, request),
    codec(`${name}, answered`, response)
  ]),
  ['opening', openingType, 'OPENING_MALFORMED', decodeOpening],
  ['refusal', refusalEvidenceType, 'REFUSAL_MALFORMED', decodeRefusalEvidence]
]

function codec(name: string, type: unknown): (typeof formats)[number] {
  return [name, type as Type<unknown>, 'OPERATION_MALFORMED', (from) => decode(type as Type<unknown>, from)]
}

/** Values small enough that only the number in question can be refused. */
const small = { listMost: 1, bytesMost: 3 }

for (const [name, type, code, read] of formats) {
  const numbers = numbersOf(type)
  if (numbers.length === 0) continue
  test(`${name}: each of its ${numbers.length} numbers has a bound, and one beyond it is refused`, () => {
    const wild = unbounded(type)
    for (const [seed, { path, most }] of numbers.entries()) {
      const where = path.join('.')
      assert.ok(most <= UINT_MAX, `${where} may be ${most}`)
      const made = (value: number | bigint): Uint8Array =>
        encode(wild, valueOf(type, { ...small, draw: drawFrom(seed + 1), special: { path, value } }))
      decode(type, made(most))
      for (const value of [most + 1, Number.MAX_SAFE_INTEGER, 2n ** 57n, 2n ** 64n - 1n]) {
        assert.throws(() => read(made(value)), { code }, `${where} as ${value}`)
      }
    }
  })
}

const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
const leaf = { size: 1, hash: Buffer.alloc(32) }

/** What is no codec: field, largest value, the same read with any value, and the code of what is larger. */
const others: [field: string, most: bigint, code: string, read: (value: bigint) => unknown][] = [
  ['position of a transfer', BigInt(UINT_MAX), 'SEGMENT_PROTOCOL', (value) => readNumber(u64(value), 'it')],
  [
    'length of a sent chunk',
    16n << 20n,
    'SEGMENT_PROTOCOL',
    (value) => readData(Buffer.concat([Buffer.from([1, 0, 0, 0]), u64(value)]))
  ],
  [
    'number of an evidence',
    300n,
    'EVIDENCE_MALFORMED',
    (value) =>
      new ByteReader(
        encode(unbounded(uint() as Type<unknown>), value < 2n ** 53n ? Number(value) : value)
      ).varint(0, 300, 'it')
  ],
  [
    'blocks of an original',
    BigInt(BLOCKS_MAX),
    'ORIGINAL_PROOF_SHAPE',
    (value) => rootIndices(Number(value))
  ],
  [
    'size of a stored node',
    2n ** 53n - 1n,
    'PROOF_BYTES',
    (value) => decodeNode(Buffer.concat([u64(value), hash('node')]))
  ],
  [
    'end of a tail on the disk',
    BigInt(UINT_MAX),
    'STORAGE_CORRUPT',
    (value) => decodeTail(Buffer.concat([u64(value), u64(0n)]))
  ],
  [
    'position of a segment on the disk',
    BigInt(UINT_MAX),
    'STORAGE_CORRUPT',
    (value) => decodeProgress(Buffer.concat([u64(value), u64(0n)]))
  ],
  [
    'index of a tree node on the disk',
    BigInt(UINT_MAX),
    'STORAGE_CORRUPT',
    (value) => decodeProgress(Buffer.concat([u64(0n), u64(0n), u64(value), u64(1n), Buffer.alloc(32)]))
  ]
]

for (const [field, most, code, read] of others) {
  test(`${field}: ${most} is taken, what is larger is refused`, () => {
    read(most)
    for (const value of [most + 1n, 2n ** 57n, 2n ** 64n - 1n]) {
      if (field !== 'length of a sent chunk' || value < 2n ** 32n) assert.throws(() => read(value), { code })
    }
  })
}

test('an original of more blocks than a hypercore has is refused before its tree is worked out', () => {
  for (const length of [BLOCKS_MAX + 1, 2 ** 53 - 1, 2 ** 57, 2 ** 64]) {
    const original = { length, treeHash: Buffer.alloc(32) }
    const proof = Buffer.from([1, 0, 0])
    assert.throws(() => verifyOriginalLeaf(leaf, proof, original, 0), { code: 'ORIGINAL_PROOF_SHAPE' })
    assert.throws(() => verifyOriginalLeaf(leaf, proof, original, 2 ** 53 - 2), {
      code: 'ORIGINAL_PROOF_SHAPE'
    })
  }
})

test('a trailer with a number beyond its bound is none', () => {
  const block = Buffer.alloc(74)
  block[0] = 1
  block[1] = 3
  assert.ok(readTrailer(block, 0))
  for (const at of [2, 42, 50, 58, 66]) {
    const large = Buffer.from(block)
    large.writeBigUInt64LE(BigInt(UINT_MAX) + 1n, at)
    assert.equal(readTrailer(large, 0), undefined, `the number at ${at}`)
  }
})

test('the length in a chunk’s header says nothing but what its bytes are', () => {
  const header = Buffer.alloc(HEADER_BYTES.seal)
  header.set([2, 1])
  header.writeUInt32LE(0xffffffff, 4)
  assert.throws(() => bodyBytesOf('seal', header, 0), { code: 'CODEC_LENGTH' })
})

test('settings, addresses and questions by HTTP have the same bounds', () => {
  assert.equal(wholeNumber(0, 9).parse('10'), undefined)
  assert.equal(size(0).parse(String(BYTES_MAX)), BYTES_MAX)
  for (const text of [String(BYTES_MAX + 1), '999999TiB', '1'.repeat(400)]) {
    assert.equal(size(0).parse(text), undefined)
  }
  const key = 'a'.repeat(64)
  assert.equal(parseKey(`${key}+${BLOCKS_MAX}`)?.length, BLOCKS_MAX)
  assert.equal(parseKey(`${key}+${BLOCKS_MAX + 1}`), null)
  const numbers = routes.flatMap(({ params, query }) =>
    [params, query].flatMap((of) =>
      Object.values((of?.schema.properties ?? {}) as Record<string, { type?: string; maximum?: number }>)
    )
  )
  for (const { type, maximum } of numbers) if (type === 'integer') assert.ok(maximum! <= UINT_MAX)
  assert.ok(numbers.length > routes.length)
})
