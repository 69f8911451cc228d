import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, type Type } from '../../../src/protocol/codec.js'
import { parameters, parametersType } from '../../../src/protocol/parameters.js'
import { methods } from '../../../src/protocol/rpc/messages.js'
import { questions } from '../../../src/protocol/rpc/questions.js'
import { chainViewType } from '../../../src/protocol/rpc/views.js'

/** Hex of bytes that all are the same. */
const of = (byte: string, length = 32): string => byte.repeat(length)
const key = Buffer.from(of('07'), 'hex')
const piece = Buffer.from('abcd', 'hex')
/** 256 KiB of an operation, and 8 MiB of its detail. */
const LARGEST = (256 << 10) + (8 << 20)

interface Row {
  /** Number on the wire. */
  code: number
  request: unknown
  /** The request, written by hand from docs/formats.md. */
  asked: string
  response: unknown
  answered: string
  /** Requests that are out of bounds. */
  refused?: unknown[]
}

const none = { response: null, answered: '00' }
const noRows = { response: [], answered: '00' }
const byKey = { request: [key], asked: of('07'), refused: [[Buffer.alloc(31)], [Buffer.alloc(33)]] }
const byId = { request: [5], asked: '05', refused: [[-1], [0.5], [2 ** 53]] }
const upload = { upload: 1, offset: 2, bytes: piece }
const uploaded = {
  request: upload,
  asked: '0102' + '02abcd',
  refused: [
    { ...upload, bytes: Buffer.alloc((256 << 10) + 1) },
    { ...upload, offset: -1 }
  ]
}
const begun = { response: { upload: 3, pieceBytes: 4 }, answered: '0304' }
/** A page after the last row of the one before, and the end of all pages. */
const page = {
  request: [300],
  asked: '01' + 'fd2c01',
  response: { rows: [], next: 9 },
  answered: '00' + '0109',
  refused: [[-1]]
}

/** What goes over the wire, by name of the method. */
const table: Record<string, Row> = {
  submit: {
    code: 1,
    request: { wires: [piece, Buffer.alloc(0)], again: 1 },
    asked: '02' + '02abcd' + '00' + '01',
    response: [{ receipt: null, code: 'X', message: 'né' }],
    answered: '01' + '00' + '0158' + '036ec3a9',
    refused: [
      { wires: [], again: 2 },
      { wires: Array(257).fill(piece), again: 0 },
      { wires: [Buffer.alloc(LARGEST + 1)], again: 0 }
    ]
  },
  events: {
    code: 2,
    request: { from: 253, most: 1024, waitMs: 30_000 },
    asked: 'fdfd00' + 'fd0004' + 'fd3075',
    response: { length: 3, events: [] },
    answered: '0300',
    refused: [
      { from: 0, most: 1025, waitMs: 0 },
      { from: 0, most: 0, waitMs: 30_001 },
      { from: -1, most: 0, waitMs: 0 }
    ]
  },
  account: { code: 16, ...byKey, response: account(), answered: of('07') + '02' + '03' + '00' },
  roles: { code: 17, ...page },
  hypercore: { code: 18, ...byKey, ...none },
  copy: { code: 19, ...byId, ...none },
  draw: { code: 20, ...byId, ...none },
  summary: { code: 21, request: [], asked: '', response: undefined, answered: '' },
  beaconValue: { code: 22, ...byId, response: key, answered: '01' + of('07') },
  challenge: { code: 23, ...byId, ...none },
  hypercores: { code: 24, ...page },
  bounty: { code: 28, ...byKey, ...none },
  assignments: { code: 32, request: [], asked: '', ...noRows },
  challenges: { code: 33, request: [2048], asked: 'fd0008', ...noRows, refused: [[2049], [-1]] },
  checkEpochs: { code: 35, request: [], asked: '', ...noRows },
  checks: {
    code: 36,
    request: [7, 2048],
    asked: '07' + 'fd0008',
    ...noRows,
    refused: [
      [7, 2049],
      [-1, 1]
    ]
  },
  asks: { code: 38, request: [], asked: '', ...noRows },
  evidenceDue: {
    code: 34,
    request: { limit: 2048 },
    asked: 'fd0008',
    ...noRows,
    refused: [{ limit: 2049 }, { limit: -1 }]
  },
  refusalsDue: { code: 37, request: {}, asked: '', response: [1, 2], answered: '020102' },
  beginEvidence: {
    code: 48,
    request: { challenge: 1, bytes: 2 },
    asked: '0102',
    ...begun,
    refused: [{ challenge: -1, bytes: 2 }]
  },
  evidence: { code: 49, ...uploaded, response: { received: 5, receipt: null }, answered: '0500' },
  findEvidence: { code: 50, request: { challenge: 6 }, asked: '06', ...none, refused: [{ challenge: -1 }] },
  beginRefusalEvidence: {
    code: 51,
    request: { draw: 1, bytes: 2 },
    asked: '0102',
    ...begun,
    refused: [{ draw: -1, bytes: 2 }]
  },
  refusalEvidence: { code: 52, ...uploaded, response: { received: 5 }, answered: '05' },
  findRefusalEvidence: { code: 53, request: { draw: 6 }, asked: '06', ...none, refused: [{ draw: -1 }] },
  openings: { code: 39, request: [2048], asked: 'fd0008', ...noRows, refused: [[2049], [-1]] },
  beginOpening: {
    code: 54,
    request: { challenge: 1, bytes: 2 },
    asked: '0102',
    ...begun,
    refused: [{ challenge: -1, bytes: 2 }]
  },
  opening: { code: 55, ...uploaded, response: { received: 5, receipt: null }, answered: '0500' },
  findOpening: { code: 56, request: { challenge: 6 }, asked: '06', ...none, refused: [{ challenge: -1 }] },
  hello: {
    code: 57,
    request: { instance: Buffer.from(of('09', 16), 'hex') },
    asked: of('09', 16),
    response: {},
    answered: '',
    refused: [{ instance: Buffer.alloc(15) }, { instance: Buffer.alloc(17) }]
  }
}

function account(): unknown {
  return { key, balance: 2n, nonce: 3, roles: [] }
}

/** Encoded as is written here, and read back; nothing less, nothing more. */
function isForm(type: Type<unknown>, value: unknown, hex: string, name: string): void {
  const bytes = Buffer.from(encode(type, value))
  assert.equal(bytes.toString('hex'), hex, name)
  assert.deepEqual(encode(type, decode(type, bytes)), new Uint8Array(bytes), name)
  assert.throws(() => decode(type, Buffer.concat([bytes, Buffer.alloc(1)])), { code: 'OPERATION_MALFORMED' })
  if (bytes.byteLength > 0) {
    assert.throws(() => decode(type, bytes.subarray(0, -1)), { code: 'OPERATION_MALFORMED' })
  }
}

for (const [name, row] of Object.entries(table)) {
  test(`${name} is asked and answered in one form, within bounds`, () => {
    const method = (methods as Record<string, { code: number; request: unknown; response: unknown }>)[name]!
    assert.equal(method.code, row.code)
    isForm(method.request as Type<unknown>, row.request, row.asked, `${name} as a request`)
    if (row.response !== undefined)
      isForm(method.response as Type<unknown>, row.response, row.answered, `${name} as an answer`)
    for (const request of row.refused ?? []) {
      assert.throws(() => encode(method.request as Type<unknown>, request), `${name} takes too much`)
    }
  })
}

test('info is answered with the chain, its parameters and its clock', () => {
  const { code, request, response } = methods.info
  assert.equal(code, 0)
  assert.equal(encode(request, {}).byteLength, 0)
  const head = { chainId: key, chainKey: key, name: 'net', length: 3, head: key }
  const chain = { ...head, at: 5, clock: 6, epoch: 7, round: 8, beacon: key }
  assert.deepEqual(
    Buffer.from(encode(response, { chain, parameters: parameters(), clockNow: 9 })),
    Buffer.concat([encode(chainViewType, chain), encode(parametersType, parameters()), Buffer.of(9)])
  )
})

test('the largest operation fits into a submit', () => {
  const wires = [Buffer.alloc(LARGEST)]
  assert.equal(
    decode(methods.submit.request, encode(methods.submit.request, { wires, again: 0 })).wires.length,
    1
  )
})

test('every method has its form in this table', () => {
  assert.deepEqual([...Object.keys(table), 'info'].sort(), Object.keys(methods).sort())
})

test('no two methods have the same number', () => {
  const codes = Object.values(methods).map(({ code }) => code)
  assert.equal(new Set(codes).size, codes.length)
})

test('questions say who asks them, and take as many arguments as their requests have', () => {
  const forms = {
    own: ['assignments', 'challenges', 'openings', 'checks', 'asks'],
    paged: ['roles', 'hypercores']
  }
  for (const [name, { form, arity }] of Object.entries(questions)) {
    const expected = Object.entries(forms).find(([, names]) => names.includes(name))?.[0] ?? 'anyone'
    assert.equal(form, expected, name)
    assert.equal(arity, (table[name]!.request as unknown[]).length, name)
  }
})
