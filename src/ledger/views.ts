import { hash } from '#crypto/hash.js'
import { codecNames } from '../chunk/header.js'
import { segmentId, segmentSalt } from '../protocol/segment.js'
import { reputationPpm } from './rules/reputation.js'
import { sliceWalkSeed } from '../evidence/slice-walk.js'
import type {
  WalkSegment,
  AssignmentView,
  BountyView,
  ChallengeView,
  CopyView,
  DrawView,
  HypercoreView,
  OpeningView,
  RefusalView,
  RoleView,
  SegmentView,
  TaskView
} from '../protocol/views.js'
import { beaconOf } from './apply/draws.js'
import { openedOf } from './apply/openings.js'
import { countedCopies, wantedCopies } from './apply/copies.js'
import type { Row } from './database.js'
import {
  copyById,
  hypercoreById,
  liveCopies,
  taskOfCopy,
  type Copy,
  type Hypercore,
  type Task
} from './rows.js'
import { effectivePpm, type Role, type State } from './state.js'

export function roleView(state: State, role: Role): RoleView {
  const { epochMs } = state.parameters
  const { pause, pauseDue } = role
  return {
    key: state.keyOf(role),
    payout: state.account(role.payout).key,
    role: role.role,
    state: (['active', 'retiring', 'retired'] as const)[role.state],
    capacityBytes: role.capacity,
    usedBytes: role.used,
    deposit: state.account(role.account).balance,
    locked: role.locked,
    reputationPpm: effectivePpm(role),
    storagePpm: reputationPpm(role.main),
    retrievalPpm: reputationPpm(role.retrieval),
    barredUntil: role.barredUntil,
    awaySince: role.awaySince,
    shortCopies: role.short,
    pause:
      pause === null || pauseDue === null
        ? null
        : { from: pause.epoch * epochMs, until: (pause.epoch + pause.epochs) * epochMs }
  }
}

/** What can be won for a segment, by its hash; null if there is none of it. */
export function bountyView(state: State, segment: Uint8Array): BountyView | null {
  const row = state.db.get('SELECT * FROM segments WHERE hash = ?', segment)
  if (!row) return null
  const copy = copyById(state, Number(row.copy))
  const { key } = hypercoreById(state, copy.hypercore)
  const signer = row.signer_key as Buffer
  const [fork, start, draw] = [Number(row.fork), Number(row.start), Number(row.draw)]
  const claim = state.db.get('SELECT wallet, amount, round FROM bounties WHERE segment = ?', segment)
  return {
    segment: row.hash as Buffer,
    id: segmentId({ chain: state.chainId, key, fork, copy: copy.id, start, signer, draw }),
    hypercore: key,
    copy: copy.id,
    number: Number(row.segment),
    signer,
    publicKey: row.public_key as Buffer,
    round: Number(row.round),
    locked: row.locked as bigint,
    unlockClock: Number(row.unlock_clock),
    claim: claim
      ? {
          by: state.account(Number(claim.wallet)).key,
          amount: claim.amount as bigint,
          round: Number(claim.round)
        }
      : null
  }
}

export function hypercoreView(state: State, h: Hypercore): HypercoreView {
  const live = liveCopies(state, h.id)
  return {
    key: h.key,
    state: (['active', 'grace', 'lapsed'] as const)[h.state],
    balance: state.account(h.account).balance,
    fork: h.fork,
    length: h.length,
    byteLength: h.byteLength,
    treeHash: h.treeHash,
    grownClock: h.grownClock,
    waits: h.seen && { fork: h.seen.fork, until: h.seen.clock + state.parameters.evidenceWindowMs },
    conflict: h.conflictClock,
    graceUntil: h.graceUntil === null ? null : h.graceUntil * state.parameters.epochMs,
    unserved: h.unserved,
    plan: {
      copies: h.copies,
      targetPpm: h.targetPpm,
      codec: h.codec,
      every: h.every,
      steps: h.steps,
      maxBytes: h.maxBytes,
      topic: h.topic,
      refreshAfterMs: h.refreshAfterMs
    },
    wanted: wantedCopies(state, h, countedCopies(state, h.id)),
    copies: live.map((copy) => copyView(state, h, copy))
  }
}

export function copyView(state: State, h: Hypercore, copy: Copy): CopyView {
  const task = taskOfCopy(state, copy.id)
  return {
    id: copy.id,
    hypercore: h.key,
    state: (['pending', 'active', 'lost', 'released'] as const)[copy.state],
    pinner: copy.pinner === null ? null : state.keyOf(state.role(copy.pinner)),
    length: copy.length,
    bytes: copy.bytes,
    segments: segmentViews(state, h, copy, copy.segments),
    task: task && viewTask(state, task),
    score: copy.score,
    missedSince: copy.missedSince,
    goneSince: copy.goneSince,
    unpaidUntil: copy.unpaidUntil
  }
}

/** Of what a copy consisted when `count` segments of it had been accepted, in order: what was renewed since is still there. */
function segmentViews(state: State, h: Hypercore, copy: Copy, count: number): SegmentView[] {
  const rows = state.db.all(
    `SELECT * FROM segments WHERE copy = ? AND segment < ? AND (replaced_by IS NULL OR replaced_by >= ?)
     ORDER BY start`,
    copy.id,
    count,
    count
  )
  // A copy without segments has no pinner; one that was lost keeps the one it had.
  return rows.map((row) => {
    const signer = row.signer_key as Buffer
    const start = Number(row.start)
    const fork = Number(row.fork)
    const draw = Number(row.draw)
    return {
      key: h.key,
      fork,
      copy: copy.id,
      segment: Number(row.segment),
      pinner: state.keyOf(state.role(copy.pinner!)),
      signer,
      codec: codecNames[Number(row.codec)]!,
      version: Number(row.version),
      start,
      end: Number(row.end),
      publicKey: row.public_key as Buffer,
      primeProof: row.prime_proof as Buffer,
      salt: row.salt as Buffer,
      chunks: Number(row.end) - start,
      bytes: Number(row.bytes),
      root: row.root as Buffer,
      treeHash: row.tree_hash as Buffer,
      hash: row.hash as Buffer,
      id: segmentId({ chain: state.chainId, key: h.key, fork, copy: copy.id, start, signer, draw }),
      draw,
      reserved: row.reserved as bigint
    }
  })
}

function viewTask(state: State, task: Task): TaskView {
  const keyOf = (id: number | null) => (id === null ? null : state.keyOf(state.role(id)))
  return {
    id: task.id,
    copy: task.copy,
    state: task.state,
    start: task.start,
    end: task.end,
    round: task.round,
    draw: task.draw,
    pinner: keyOf(task.pinner),
    signer: keyOf(task.signer),
    deadline: task.deadline,
    renewal: task.renewal,
    trouble: task.trouble && { what: task.trouble.what, by: keyOf(task.trouble.by) }
  }
}

export function assignmentView(state: State, side: 'signer' | 'pinner', task: Task): AssignmentView {
  const copy = copyById(state, task.copy)
  const h = hypercoreById(state, copy.hypercore)
  return {
    role: side,
    task: viewTask(state, task),
    draw: task.draw!,
    hypercore: h.key,
    fork: task.fork,
    length: task.end,
    byteLength: task.byteLength,
    treeHash: task.treeHash,
    manifest: h.manifest,
    signature: task.signature,
    copy: copy.id,
    segment: copy.segments,
    codec: h.codec,
    pinner: state.keyOf(state.role(task.pinner!)),
    signer: state.keyOf(state.role(task.signer!)),
    beacon: beaconOf(state, task.round),
    topic: h.topic,
    acknowledge: task.state === 'asked' && side === 'signer'
  }
}

export function drawView(state: State, id: number): DrawView | null {
  const row = state.db.get('SELECT * FROM draws WHERE id = ?', id)
  if (!row) return null
  const role = state.role(Number(row.role))
  return {
    id,
    task: Number(row.task),
    copy: Number(row.copy),
    round: Number(row.round),
    seq: Number(row.seq),
    role: role.role === 'pinner' ? 'pinner' : 'signer',
    key: state.keyOf(role)
  }
}

/** The segments of a copy as a walk goes over them, when `count` had been accepted. */
export function walkSegments(
  state: State,
  copy: Copy,
  count: number,
  hypercore: Hypercore = hypercoreById(state, copy.hypercore)
): WalkSegment[] {
  return segmentViews(state, hypercore, copy, count).map(
    ({ codec, id, publicKey, salt, start, chunks, bytes, root, treeHash }) => {
      return { codec, id, publicKey, salt, start, chunks, bytes, root, treeHash }
    }
  )
}

export function challengeView(state: State, row: Row): ChallengeView {
  const copy = copyById(state, Number(row.copy))
  const h = hypercoreById(state, copy.hypercore)
  const id = Number(row.id)
  const round = Number(row.round)
  const beacon = beaconOf(state, round)
  const segments = walkSegments(state, copy, Number(row.segments), h)
  return {
    id,
    copy: copy.id,
    hypercore: h.key,
    pinner: state.keyOf(state.role(Number(row.pinner))),
    state: row.state === 0n ? 'open' : 'answered',
    steps: Number(row.steps),
    round,
    beacon,
    seed: sliceWalkSeed({ chain: state.chainId, copy: copy.id, challenge: id, round, beacon }, segments, {
      hash
    }),
    segments,
    answerBy: Number(row.answer_by),
    evidenceBy: Number(row.evidence_by),
    answer: row.answer as Buffer | null,
    evidence: row.evidence as Buffer | null
  }
}

export function openingView(state: State, row: Row): OpeningView {
  const copy = copyById(state, Number(row.copy))
  const h = hypercoreById(state, copy.hypercore)
  const { ordinal, index } = openedOf(state, row)
  return {
    challenge: Number(row.challenge),
    copy: copy.id,
    hypercore: h.key,
    pinner: state.keyOf(state.role(Number(row.pinner))),
    round: Number(row.round),
    segment: walkSegments(state, copy, Number(row.segments), h)[ordinal]!,
    index,
    openBy: row.open_by === null ? null : Number(row.open_by),
    missed: Number(row.missed)
  }
}

/** Refusals with evidence that wait for a verdict: all, of a draw, of a pinner, or with overdue evidence; oldest first. */
export function refusalViews(
  state: State,
  by: { draw: number } | { pinner: Buffer } | { overdue: number } | 'all',
  limit: number
): RefusalView[] {
  const select = (where: string, ...values: number[]): Row[] =>
    state.db.all(`SELECT * FROM refusals ${where} ORDER BY deadline, draw LIMIT ?`, ...values, limit)
  let rows: Row[] = []
  if (by === 'all') rows = select('')
  else if ('draw' in by) rows = select('WHERE draw = ?', by.draw)
  else if ('overdue' in by) rows = select('WHERE evidence_by < ?', by.overdue)
  else {
    const wallet = state.wallet(by.pinner)
    const role = wallet && state.roleOf(wallet, 'pinner')
    if (role) rows = select('WHERE pinner = ?', role.id)
  }
  return rows.map((row) => refusalView(state, row))
}

function refusalView(state: State, row: Row): RefusalView {
  const draw = Number(row.draw)
  const drawn = state.db.get('SELECT copy, round FROM draws WHERE id = ?', draw)!
  const copy = Number(drawn.copy)
  const { key } = hypercoreById(state, copyById(state, copy).hypercore)
  const fork = Number(row.fork)
  const pinner = state.keyOf(state.role(Number(row.pinner)))
  const signer = state.keyOf(state.role(Number(row.signer)))
  const start = Number(row.start)
  const id = segmentId({ chain: state.chainId, key, fork, copy, start, signer, draw })
  return {
    chain: state.chainId,
    draw,
    key,
    fork,
    treeHash: row.tree_hash as Buffer,
    copy,
    segment: Number(row.segment),
    pinner,
    signer,
    codec: codecNames[Number(row.codec)]!,
    id,
    salt: segmentSalt(beaconOf(state, Number(drawn.round)), id),
    start,
    end: Number(row.end),
    evidence: row.evidence as Buffer,
    evidenceBy: Number(row.evidence_by)
  }
}
