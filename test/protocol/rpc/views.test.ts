import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, type Type } from '../../../src/protocol/codec.js'
import {
  accountViewType,
  askViewType,
  assignmentViewType,
  bountyViewType,
  chainViewType,
  challengeViewType,
  checkEpochViewType,
  checkViewType,
  copyViewType,
  drawViewType,
  eventType,
  evidenceViewType,
  flag,
  hypercoreViewType,
  receiptType,
  roleViewType,
  segmentViewType,
  summaryViewType,
  taskViewType
} from '../../../src/protocol/rpc/views.js'

const bytes = (byte: number, length = 32) => Buffer.alloc(length, byte)

const role = {
  key: bytes(1),
  payout: bytes(9),
  role: 'pinner' as const,
  state: 'retiring' as const,
  capacityBytes: 300,
  usedBytes: 4,
  deposit: 5n,
  locked: 6n,
  reputationPpm: 1_000_000,
  storagePpm: 8,
  retrievalPpm: 9,
  barredUntil: null,
  awaySince: 5_000,
  shortCopies: 1,
  pause: { from: 7_200_000, until: 10_800_000 }
}
const segment = {
  key: bytes(1),
  fork: 2,
  copy: 3,
  segment: 4,
  pinner: bytes(5),
  signer: bytes(6),
  codec: 'wrap' as const,
  version: 7,
  start: 8,
  end: 9,
  publicKey: bytes(10),
  primeProof: new Uint8Array(0),
  salt: bytes(11),
  chunks: 12,
  bytes: 13,
  root: bytes(14),
  treeHash: bytes(15),
  hash: bytes(16),
  id: bytes(17),
  draw: 18,
  reserved: 19n
}
const task = {
  id: 1,
  copy: 2,
  state: 'late' as const,
  start: 3,
  end: 4,
  round: 5,
  draw: 6,
  pinner: bytes(7),
  signer: bytes(8),
  deadline: 9,
  renewal: true,
  trouble: { what: 'late' as const, by: bytes(8) }
}
const waiting = {
  ...task,
  state: 'resting' as const,
  draw: null,
  pinner: null,
  signer: null,
  deadline: null,
  trouble: null
}
const copy = {
  id: 1,
  hypercore: bytes(2),
  state: 'active' as const,
  pinner: bytes(3),
  length: 4,
  bytes: 5,
  segments: [segment, { ...segment, segment: 5 }],
  task,
  score: 6,
  missedSince: 5_000,
  goneSince: null,
  unpaidUntil: 9_000
}
const outcomes = { success: 1, failure: 2, offline: 3, refused: 4, unknown: 5, lie: 6 }

/** A view of each kind, with another value in every field. */
const views: [string, Type<unknown>, object][] = [
  [
    'receipt',
    receiptType,
    { seq: 1, operation: bytes(2), entry: bytes(3), at: 4, clock: 6, arrived: 7, signature: bytes(5, 64) }
  ],
  [
    'chain',
    chainViewType,
    {
      chainId: bytes(1),
      chainKey: bytes(2),
      name: 'né',
      length: 3,
      head: bytes(4),
      at: 5,
      clock: 6,
      epoch: 7,
      round: 8,
      beacon: bytes(9)
    }
  ],
  ['role', roleViewType, role],
  [
    'account',
    accountViewType,
    { key: bytes(1), balance: 2n, nonce: 3, roles: [role, { ...role, role: 'signer' }] }
  ],
  ['segment', segmentViewType, segment],
  ['task', taskViewType, task],
  ['task that waits', taskViewType, waiting],
  ['copy', copyViewType, copy],
  [
    'copy without pinner',
    copyViewType,
    { ...copy, state: 'pending', pinner: null, segments: [], task: null }
  ],
  [
    'hypercore',
    hypercoreViewType,
    {
      key: bytes(1),
      state: 'grace',
      balance: 2n,
      fork: 3,
      length: 4,
      byteLength: 5,
      treeHash: bytes(6),
      grownClock: 10,
      waits: { fork: 11, until: 12 },
      conflict: 13,
      graceUntil: 14,
      unserved: true,
      plan: {
        copies: 3,
        targetPpm: 4,
        codec: 'seal',
        every: 5,
        steps: 6,
        maxBytes: 7,
        topic: bytes(8),
        refreshAfterMs: 9
      },
      wanted: 9,
      copies: [copy]
    }
  ],
  [
    'assignment',
    assignmentViewType,
    {
      role: 'signer',
      task,
      draw: 1,
      hypercore: bytes(2),
      fork: 3,
      length: 4,
      byteLength: 5,
      treeHash: bytes(6),
      manifest: bytes(12, 7),
      signature: bytes(13, 64),
      copy: 7,
      segment: 8,
      codec: 'seal',
      pinner: bytes(9),
      signer: bytes(10),
      beacon: bytes(11),
      topic: bytes(14),
      acknowledge: true
    }
  ],
  [
    'ask',
    askViewType,
    {
      draw: 1,
      task: 2,
      copy: 3,
      hypercore: bytes(4),
      codec: 'seal',
      length: 5,
      byteLength: 6,
      bytes: 7,
      deadline: 8
    }
  ],
  [
    'challenge',
    challengeViewType,
    {
      id: 1,
      copy: 2,
      hypercore: bytes(3),
      pinner: bytes(4),
      state: 'answered',
      steps: 5,
      round: 6,
      beacon: bytes(7),
      seed: bytes(8),
      segments: [
        {
          codec: 'seal',
          id: bytes(1),
          publicKey: bytes(2, 256),
          salt: bytes(3),
          start: 4,
          chunks: 5,
          bytes: 6,
          root: bytes(7),
          treeHash: bytes(8)
        }
      ],
      answerBy: 9,
      evidenceBy: 10,
      answer: bytes(11),
      evidence: bytes(41)
    }
  ],
  [
    'check',
    checkViewType,
    { epoch: 1, copy: 2, hypercore: bytes(3), pinner: bytes(4), length: 5, closeRound: 6, settleRound: 7 }
  ],
  ['epoch of checks', checkEpochViewType, { epoch: 1, startRound: 2, closeRound: 3, settleRound: 4 }],
  [
    'bounty',
    bountyViewType,
    {
      segment: bytes(1),
      id: bytes(2),
      hypercore: bytes(3),
      copy: 4,
      number: 5,
      signer: bytes(6),
      publicKey: bytes(7, 256),
      round: 8,
      locked: 9n,
      unlockClock: 10,
      claim: { by: bytes(11), amount: 12n, round: 13 }
    }
  ],
  ['draw', drawViewType, { id: 1, task: 2, copy: 3, round: 4, seq: 5, role: 'pinner', key: bytes(6) }],
  [
    'summary',
    summaryViewType,
    {
      hypercores: 1,
      copies: 2,
      activeCopies: 3,
      storage: outcomes,
      retrieval: { ...outcomes, success: 9 },
      issued: 4n,
      minted: 5n,
      burned: 6n,
      reserved: 7n,
      sum: -8n
    }
  ],
  ['evidence', evidenceViewType, { id: 1, hash: bytes(2), start: 3, end: 4, bytes: 5, at: 6 }],
  ['event', eventType, { entry: bytes(1, 9), effects: bytes(2, 300) }],
  ['event without effects', eventType, { entry: bytes(1, 9), effects: null }]
]

/** The value with all bytes as hexadecimal text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

for (const [name, type, view] of views) {
  test(`a view travels with all that is in it: ${name}`, () => {
    const wire = encode(type, view)
    assert.deepEqual(plain(decode(type, wire)), plain(view))
    assert.throws(() => decode(type, wire.subarray(0, -1)), { code: 'OPERATION_MALFORMED' })
    assert.throws(() => decode(type, Buffer.concat([wire, bytes(0, 1)])), { code: 'OPERATION_MALFORMED' })
  })
}

test('every state and role that a view may have keeps its name', () => {
  for (const state of ['active', 'retiring', 'retired'] as const) {
    assert.equal(decode(roleViewType, encode(roleViewType, { ...role, state })).state, state)
  }
  const taskStates = [
    'resting',
    'wanted',
    'frozen',
    'asked',
    'delivering',
    'late',
    'delivered',
    'refused'
  ] as const
  for (const state of taskStates) {
    assert.equal(decode(taskViewType, encode(taskViewType, { ...task, state })).state, state)
  }
  const taskTroubles = [
    'candidates',
    'balance',
    'silent',
    'busy',
    'unreachable',
    'mismatch',
    'declined',
    'fault',
    'late',
    'unaccepted',
    'unserved'
  ] as const
  for (const what of taskTroubles) {
    const trouble = { what, by: null }
    assert.deepEqual(decode(taskViewType, encode(taskViewType, { ...task, trouble })).trouble, trouble)
  }
  for (const state of ['pending', 'active', 'lost', 'released'] as const) {
    assert.equal(decode(copyViewType, encode(copyViewType, { ...copy, state })).state, state)
  }
})

test('a flag is 0 or 1 and nothing else', () => {
  assert.equal(Buffer.from(encode(flag, true)).toString('hex'), '01')
  assert.equal(Buffer.from(encode(flag, false)).toString('hex'), '00')
  assert.equal(decode(flag, Buffer.of(1)), true)
  assert.equal(decode(flag, Buffer.of(0)), false)
  assert.throws(() => decode(flag, Buffer.of(2)), { code: 'OPERATION_MALFORMED' })
})

test('a reputation above one is refused', () => {
  for (const name of ['reputationPpm', 'storagePpm', 'retrievalPpm']) {
    assert.throws(() => encode(roleViewType, { ...role, [name]: 1_000_001 }), { code: 'OPERATION_MALFORMED' })
  }
})
