import { encodedBytesMax, segmentPrice } from '../rules/economics.js'
import { BUCKETS, roundsPerEpoch } from '../rules/schedule.js'
import {
  copyById,
  hypercoreById,
  liveCopies,
  saveAbsence,
  saveCopy,
  saveTask,
  taskOfCopy,
  type Copy,
  type Hypercore,
  type Task
} from '../rows.js'
import { BURNED, effectivePpm, RESERVED, type State } from '../state.js'
import type { EffectBody } from '../../protocol/effects.js'
import { unlockCopy } from './locks.js'
import { isFull, merge } from './merging.js'
import { askPinner, leaveSlots } from './slots.js'
import { segmentsIn } from './renewal.js'
import { nextTurn, passOver, queueTask } from './turns.js'
import { copiesFor } from '../rules/economics.js'

/** Asks for one more copy of a hypercore, or for the successor of one whose pinner is leaving. */
export function addCopy(state: State, hypercoreId: number, predecessor: number | null = null): void {
  const hypercore = hypercoreById(state, hypercoreId)
  const id = state.head.nextCopy++
  state.db.run(
    'INSERT INTO copies (id, hypercore, state, predecessor, every, bucket) VALUES (?, ?, 0, ?, ?, ?)',
    id,
    hypercore.id,
    predecessor,
    hypercore.every,
    id % BUCKETS
  )
  addTask(state, hypercore, id, { start: 0 })
}

/**
 * Has a copy made anew by others, if that is not under way: it is held, proven and served until the new one is complete. Both
 * are drawn again, its pinner too: whoever can open a key that should be gone need not have kept the bytes.
 */
export function renewCopy(state: State, { id, hypercore }: Copy): void {
  const under = state.db.get('SELECT 1 FROM copies WHERE predecessor = ? AND state < 2', id)
  if (!under) addCopy(state, hypercore, id)
}

/** Asks for the segment from chunk `start` of a copy to the hypercore's present end. */
function addTask(
  state: State,
  hypercore: Hypercore,
  copy: number,
  { start, forks = false }: { start: number; forks?: boolean }
): void {
  const id = state.head.nextTask++
  const { fork, length, byteLength, treeHash, signature, key } = hypercore
  state.db.run(
    `INSERT INTO tasks (id, copy, state, fork, start, end, tree_hash, signature, byte_length, round, turn, renewal)
     VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    copy,
    fork,
    start,
    length,
    treeHash,
    signature,
    byteLength,
    state.round,
    nextTurn(state, hypercore),
    forks ? 3 : 0
  )
  state.emit({ kind: 'wanted', task: id, copy, hypercore: key, start, end: length })
}

/** Asks for what a copy without a task lacks: what its hypercore has grown by, or that some of its segments are one. */
export function askNext(state: State, hypercore: Hypercore, copy: Copy): void {
  if (taskOfCopy(state, copy.id)) return
  if (!grow(state, hypercore, copy)) merge(state, hypercore, copy)
}

/** Asks for what the hypercore has more than a copy, unless that has as many segments as it may; or has otherwise, since its author has rewritten it. */
export function grow(state: State, hypercore: Hypercore, copy: Copy): boolean {
  if (copy.kept !== null) {
    addTask(state, hypercore, copy.id, { start: keptEnd(state, hypercore, copy), forks: true })
    return true
  }
  if (copy.length >= hypercore.length || isFull(state, copy)) return false
  addTask(state, hypercore, copy.id, { start: copy.length })
  return true
}

/** Copies that a hypercore's plan asks for now. */
export function wantedCopies(state: State, hypercore: Hypercore, live: readonly Copy[]): number {
  if (hypercore.copies > 0) return hypercore.copies
  const reputations = live
    .filter((copy) => copy.pinner !== null)
    .map((copy) => effectivePpm(state.role(copy.pinner!)))
    .sort((a, b) => b - a)
  return copiesFor(hypercore.targetPpm, reputations, state.parameters)
}

/** Copies that count for a plan: not those that were missed for too long, nor a successor before the copy it takes over from is gone. */
export function countedCopies(state: State, hypercore: number): Copy[] {
  const here = liveCopies(state, hypercore).filter((copy) => copy.goneSince === null)
  const ids = new Set(here.map((copy) => copy.id))
  return here.filter((copy) => copy.predecessor === null || !ids.has(copy.predecessor))
}

/** Asks for the copies that are missing; returns how many. */
export function fillCopies(state: State, hypercore: Hypercore): number {
  // Without blocks it waits for its author.
  if (hypercore.length === 0) return 0
  const counted = countedCopies(state, hypercore.id)
  const missing = Math.max(0, wantedCopies(state, hypercore, counted) - counted.length)
  for (let n = 0; n < missing; n++) addCopy(state, hypercore.id)
  return missing
}

/**
 * Encoded bytes that a task may come to: what may follow the last end of which the plain bytes are known, without what the copy has of that. What whole
 * segments took less than they might have is not asked for again.
 */
export function taskBytes(state: State, hypercore: Hypercore, copy: Copy, start = copy.length): number {
  const whole = state.db.get(
    `SELECT end, byte_length FROM segments WHERE copy = ? AND replaced_by IS NULL AND byte_length IS NOT NULL AND end <= ?
     ORDER BY end DESC LIMIT 1`,
    copy.id,
    start
  )
  const end = Number(whole?.end ?? 0)
  const rest = encodedBytesMax(hypercore.byteLength - Number(whole?.byte_length ?? 0), hypercore.length - end)
  const beyond = segmentsIn(state, copy.id, { start: end, end: start })
  const has = beyond.reduce((sum, row) => sum + Number(row.bytes), 0)
  return Math.max(hypercore.length - start, rest - has)
}

/**
 * Where what a copy keeps of a fork before its hypercore's ends: with the last segment up to a length that the author has signed and the new fork has too; what
 * a segment before that is shown by lies in the tree of that length. Not all of it: something new must be under the new fork's signature.
 */
function keptEnd(state: State, hypercore: Hypercore, copy: Copy): number {
  const row = state.db.get(
    `SELECT max(end) AS end FROM segments
     WHERE copy = ? AND replaced_by IS NULL AND signature IS NOT NULL AND end <= ? AND end < ?`,
    copy.id,
    copy.kept,
    hypercore.length
  )
  return Number(row?.end ?? 0)
}

/** A hypercore's author has rewritten it but for the first `kept` blocks: ends what is on its way to a copy, and asks for the new. */
export function followFork(state: State, hypercore: Hypercore, copy: Copy, kept: number): void {
  const task = taskOfCopy(state, copy.id)
  if (task) {
    clearTask(state, hypercore, copy, task)
    state.db.run('DELETE FROM tasks WHERE id = ?', task.id)
  }
  if (copy.segments > 0) {
    copy.kept = Math.min(copy.kept ?? kept, kept)
    saveCopy(state, copy)
  }
  grow(state, hypercore, copy)
}

/** Most encoded bytes that it takes for a copy to follow a fork. */
export function forkBytes(state: State, hypercore: Hypercore, copy: Copy, kept: number): number {
  const start = keptEnd(state, hypercore, { ...copy, kept: Math.min(copy.kept ?? kept, kept) })
  return taskBytes(state, hypercore, copy, start)
}

/** Undoes what draws set aside for a task: X, room, and for a copy without segments its pinner's deposit. */
function clearTask(state: State, hypercore: Hypercore, copy: Copy, task: Task): void {
  state.move(state.account(RESERVED), state.account(hypercore.account), task.reserved)
  clearSigner(state, task)
  clearPinner(state, copy, task)
  task.reserved = 0n
  task.bytes = 0
  task.draw = null
  task.deadline = null
  task.delivered = null
  task.sought = false
}

function clearSigner(state: State, task: Task): void {
  if (task.signer === null) return
  state.role(task.signer).locked -= task.locked
  task.locked = 0n
  giveBack(state, task.signer, task.bytes)
  task.signer = null
}

function clearPinner(state: State, copy: Copy, task: Task): void {
  if (task.pinner === null) return
  giveBack(state, task.pinner, task.bytes)
  task.pinner = null
  if (copy.segments > 0 || copy.pinner === null) return
  state.role(copy.pinner).locked -= copy.locked
  copy.pinner = null
  copy.locked = 0n
  saveCopy(state, copy)
}

function giveBack(state: State, id: number, bytes: number): void {
  const role = state.role(id)
  role.used = Math.max(0, role.used - bytes)
  state.touch(role)
}

/** A renewal for which nobody or nothing is there is given up, so that growth of its copy does not wait for it; it is due again later. */
export function dropRenewal(
  state: State,
  hypercore: Hypercore,
  copy: Copy,
  task: Task,
  why: 'candidates' | 'balance' | 'attempts'
): void {
  clearTask(state, hypercore, copy, task)
  state.db.run('DELETE FROM tasks WHERE id = ?', task.id)
  state.emit({ kind: 'renewalDropped', task: task.id, copy: copy.id, why })
  grow(state, hypercore, copy)
}

type Side = 'pinner' | 'signer'

/**
 * Puts a task back to be drawn: at once, or after many failures with the next epoch.
 *
 * @param drop whose place is to be drawn again; where that is only the signer's, the pinner stays
 * @param out who of them is not drawn for this copy any more. @param rest rounds until it is wanted again
 */
export function redraw(
  state: State,
  task: Task,
  why: EffectBody<'redraw'>['why'],
  { drop, out = drop, rest }: { drop: readonly Side[]; out?: readonly Side[]; rest?: number }
): void {
  const p = state.parameters
  const draw = task.draw!
  const copy = copyById(state, task.copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  for (const side of out) {
    const id = task[side]
    // Who holds segments of the copy stays its pinner.
    if (id !== null && !(side === 'pinner' && copy.segments > 0)) passOver(state, copy.id, state.role(id))
  }
  if (drop.includes('pinner') || copy.segments > 0) clearTask(state, hypercore, copy, task)
  else {
    clearSigner(state, task)
    task.draw = null
    task.delivered = null
    task.sought = false
  }
  task.attempts++
  const tired = task.attempts >= p.redrawsMax
  if (tired && task.renewal && !task.forks) {
    dropRenewal(state, hypercore, copy, task, 'attempts')
    return state.emit({ kind: 'redraw', draw, why, round: state.round })
  }
  if (tired) task.attempts = 0
  if (tired || rest !== undefined) {
    task.state = 'resting'
    task.deadline = null
    task.round = state.round + (rest ?? roundsPerEpoch(p))
  } else queueTask(state, task, hypercore)
  saveTask(state, task)
  state.emit({
    kind: 'redraw',
    draw,
    why,
    round: task.state === 'resting' ? task.round : state.round + 1
  })
}

/** Gives the room, lock and unminted X of a copy back, ends its challenges and its task. */
function dismantle(state: State, hypercore: Hypercore, copy: Copy): void {
  const task = taskOfCopy(state, copy.id)
  if (task) {
    clearTask(state, hypercore, copy, task)
    state.db.run('DELETE FROM tasks WHERE id = ?', task.id)
  }
  const unpaid = state.db.all(
    'SELECT segment, reserved FROM segments WHERE copy = ? AND reserved > 0 ORDER BY segment',
    copy.id
  )
  for (const { reserved } of unpaid) {
    state.move(state.account(RESERVED), state.account(hypercore.account), reserved as bigint)
  }
  state.db.run('UPDATE segments SET reserved = 0 WHERE copy = ? AND reserved > 0', copy.id)
  unlockCopy(state, copy.id)
  state.db.run('UPDATE segments SET renew_clock = NULL WHERE copy = ? AND renew_clock IS NOT NULL', copy.id)
  leaveSlots(state, copy)
  state.db.run('DELETE FROM challenges WHERE copy = ?', copy.id)
  state.db.run('DELETE FROM openings WHERE copy = ?', copy.id)
  state.db.run('DELETE FROM passed WHERE copy = ?', copy.id)
  copy.unpaid = 0
  if (copy.pinner !== null) {
    const pinner = state.role(copy.pinner)
    pinner.used = Math.max(0, pinner.used - copy.bytes)
    pinner.locked -= copy.locked
    copy.locked = 0n
    if (copy.short) pinner.short--
    state.touch(pinner)
    askPinner(state, pinner.id)
  }
  Object.assign(copy, { missedSince: null, goneSince: null, unpaidUntil: null, short: false })
  saveAbsence(state, copy)
}

/** A copy whose pinner is no longer wanted for it, or not needed: no penalty. */
export function releaseCopy(state: State, copy: Copy): void {
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = copy.pinner
  const had = copy.state === 1
  dismantle(state, hypercore, copy)
  copy.state = 3
  saveCopy(state, copy)
  if (had) {
    state.emit({
      kind: 'released',
      copy: copy.id,
      hypercore: hypercore.key,
      pinner: state.keyOf(state.role(pinner!))
    })
  }
}

/**
 * A copy that failed too often, was missed for too long, or lied: its lock pays for encoding another, the rest of it is burned; a lie burns several
 * times as much. Another copy is asked for.
 */
export function loseCopy(state: State, copy: Copy, lied: boolean): void {
  const p = state.parameters
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = state.role(copy.pinner!)
  const lock = copy.locked
  const isReplaced = copy.goneSince !== null
  dismantle(state, hypercore, copy)
  const deposit = state.account(pinner.account)
  const free = deposit.balance > pinner.locked ? deposit.balance - pinner.locked : 0n
  const due = lied ? lock * BigInt(p.lieFactor) : lock
  const taken = due < free ? due : free
  // A substitute is paid already.
  const price = isReplaced ? 0n : segmentPrice(copy.bytes, p)
  const compensation = price < taken ? price : taken
  state.move(deposit, state.account(hypercore.account), compensation)
  state.move(deposit, state.account(BURNED), taken - compensation)
  state.touch(pinner)
  copy.state = 2
  saveCopy(state, copy)
  state.emit({
    kind: 'lost',
    copy: copy.id,
    hypercore: hypercore.key,
    pinner: state.keyOf(pinner),
    burned: taken - compensation
  })
  if (hypercore.state !== 2) fillCopies(state, hypercoreById(state, hypercore.id))
}
