import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LastingProblems, holesProblem, problemText, saidProblem } from '../../src/daemon/problems.js'
import { isErrorCode } from '../../src/errors.js'
import { problemsOf } from '../../src/ledger/rules/problems.js'
import { parameters } from '../../src/protocol/parameters.js'
import {
  taskTroubles,
  type CopyView,
  type HypercoreView,
  type TaskTrouble,
  type TaskView
} from '../../src/protocol/views.js'

const key = (byte: number): Buffer => Buffer.alloc(32, byte)
const p = parameters({})

const task: TaskView = {
  id: 1,
  copy: 2,
  state: 'resting',
  start: 0,
  end: 10,
  round: 5,
  draw: null,
  pinner: null,
  signer: null,
  deadline: null,
  renewal: false,
  trouble: null
}

const copy: CopyView = {
  id: 2,
  hypercore: key(1),
  state: 'pending',
  pinner: null,
  length: 0,
  bytes: 0,
  segments: [],
  task,
  score: 0,
  missedSince: null,
  goneSince: null,
  unpaidUntil: null
}

const hypercore: HypercoreView = {
  key: key(1),
  state: 'active',
  balance: 10n ** 12n,
  fork: 0,
  length: 10,
  byteLength: 1_000,
  treeHash: key(3),
  grownClock: 0,
  waits: null,
  conflict: null,
  graceUntil: null,
  unserved: false,
  plan: {
    copies: 1,
    targetPpm: 0,
    codec: 'wrap',
    every: 1,
    steps: 9,
    maxBytes: 2 ** 30,
    topic: key(4),
    refreshAfterMs: 0
  },
  wanted: 1,
  copies: [copy]
}

const held: CopyView = { ...copy, state: 'active', pinner: key(7), length: 10, bytes: 1_100, task: null }

const codesOf = (view: HypercoreView): string[] => problemsOf(view, p).map(({ code }) => code)

test('of each trouble that a task may have it is said what it is, and whose doing', () => {
  const codes: Record<TaskTrouble, string> = {
    candidates: 'DRAW_NOBODY',
    balance: 'COPY_UNPAID',
    silent: 'DRAW_SILENT',
    busy: 'DRAW_BUSY',
    unreachable: 'HYPERCORE_UNREACHABLE',
    mismatch: 'ORIGINAL_MISMATCH',
    declined: 'DRAW_DECLINED',
    fault: 'SIGNER_FAULT',
    late: 'SIGNER_LATE',
    unaccepted: 'PINNER_SILENT',
    unserved: 'HYPERCORE_UNREACHABLE'
  }
  for (const what of taskTroubles) {
    const troubled = { ...copy, task: { ...task, trouble: { what, by: key(9) } } }
    const [problem, ...more] = problemsOf({ ...hypercore, copies: [troubled] }, p)
    assert.equal(problem!.code, codes[what])
    assert.ok(isErrorCode(problem!.code))
    assert.deepEqual(problem!.who, key(9))
    assert.deepEqual(more, [])
  }
})

test('a hypercore of which all is well, or only young, has no problem', () => {
  assert.deepEqual(codesOf(hypercore), [])
  assert.deepEqual(codesOf({ ...hypercore, copies: [held] }), [])
})

test('what ends a plan, or its growth, is said of the hypercore, with what is deleted and when', () => {
  const grace = problemsOf({ ...hypercore, state: 'grace', graceUntil: 77_000 }, p)
  assert.deepEqual(
    grace.map(({ code, who }) => [code, who]),
    [['PLAN_IN_GRACE', hypercore.key]]
  )
  assert.match(grace[0]!.message, /from chain time 77000 ms on pinners delete .* nobody can take back/)
  const lapsed = problemsOf({ ...hypercore, state: 'lapsed', copies: [] }, p)
  assert.equal(lapsed[0]!.code, 'HYPERCORE_LAPSED')
  assert.match(lapsed[0]!.message, /pinners delete their copies, .* nobody can take back/)
  assert.deepEqual(codesOf({ ...hypercore, state: 'lapsed', unserved: true }), ['HYPERCORE_UNREACHABLE'])
  assert.deepEqual(codesOf({ ...hypercore, length: 0 }), ['HYPERCORE_EMPTY'])
  assert.deepEqual(codesOf({ ...hypercore, conflict: 5 }), ['HYPERCORE_CONFLICTED'])
  assert.deepEqual(codesOf({ ...hypercore, waits: { fork: 2, until: 9 } }), ['FORK_EARLY'])
  assert.deepEqual(codesOf({ ...hypercore, balance: 0n, copies: [held] }), ['GROWTH_UNPAID'])
})

test('a copy that is missed or fails is its pinner’s', () => {
  const missed = problemsOf({ ...hypercore, copies: [{ ...held, missedSince: 4, goneSince: 8 }] }, p)
  assert.deepEqual(
    missed.map(({ code, who }) => [code, who]),
    [['COPY_MISSED', held.pinner]]
  )
  assert.match(missed[0]!.message, /another copy is made/)
  assert.deepEqual(codesOf({ ...hypercore, copies: [{ ...held, score: p.failureForgivenBy }] }), [
    'COPY_FAILING'
  ])
})

test('holes are named, the first of them one by one', () => {
  assert.equal(holesProblem(key(1), []), null)
  const some = holesProblem(key(1), [
    { start: 3, end: 4 },
    { start: 7, end: 10 }
  ])!
  assert.equal(some.code, 'HYPERCORE_HOLES')
  assert.match(some.message, /^4 blocks .*\(3, 7 to 9\)/)
  const many = Array.from({ length: 8 }, (_, i) => ({ start: 2 * i, end: 2 * i + 1 }))
  assert.match(holesProblem(key(1), many)!.message, /^8 blocks .*\(0, 2, 4, 6, 8 and 3 more ranges\)/)
})

test('only what lasts is told, and once for as long as it does', () => {
  const one = saidProblem({ code: 'DRAW_SILENT', message: 'silent', who: key(2) })
  const lasting = new LastingProblems(3)
  assert.deepEqual([lasting.look([one]), lasting.look([one])], [[], []])
  assert.deepEqual(lasting.look([one]), [one])
  assert.deepEqual(lasting.look([one]), [])
  assert.deepEqual(lasting.look([]), [])
  assert.deepEqual([lasting.look([one]), lasting.look([one]), lasting.look([one])], [[], [], [one]])
  assert.equal(
    problemText(one, () => 'pinner-1'),
    'pinner-1: silent [DRAW_SILENT]'
  )
})
