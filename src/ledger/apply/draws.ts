import { isPauseNear } from '../rules/pause.js'
import { earlierValue } from '../rules/beacon.js'
import { drawSeed } from '../rules/draw.js'
import { copyLock, encodedBytesMax, segmentPrice, signerLock } from '../rules/economics.js'
import { roundsPerEpoch } from '../rules/schedule.js'
import { roleNames, type RoleName } from '../../protocol/operations.js'
import { taskStates } from '../../protocol/views.js'
import { dropRenewal, taskBytes } from './copies.js'
import { renewedBytes } from './renewal.js'
import { queueTask } from './turns.js'
import {
  copyById,
  hypercoreById,
  saveCopy,
  saveTask,
  taskFrom,
  type Copy,
  type Hypercore,
  type Task
} from '../rows.js'
import { RESERVED, type Role, type State } from '../state.js'

/** Roles looked at that count as one step of a tick. */
const ROLES_PER_STEP = 8
/** Candidates that a draw passes over, since they lack room or deposit, before the task rests. */
const MISFITS_MAX = 256
/** Waiting tasks that are looked at for each one that a round may draw: those that cannot be paid take no place. */
const LOOKED_AT = 4

const RESTING = taskStates.indexOf('resting')
const WANTED = taskStates.indexOf('wanted')
const FROZEN = taskStates.indexOf('frozen')

/**
 * Roles with a part in the live copies of a hypercore, each once for a copy and a part: pinners, signers of segments, and those that
 * are drawn to sign. Only what is of segments lets a signer go on.
 */
const PARTS = `
  SELECT id AS copy, pinner AS role, 0 AS signed FROM copies
    WHERE hypercore = ? AND state < 2 AND pinner IS NOT NULL
  UNION SELECT c.id, s.signer, 1 FROM segments s JOIN copies c ON c.id = s.copy
    WHERE c.hypercore = ? AND c.state < 2 AND s.replaced_by IS NULL
  UNION SELECT c.id, t.signer, 0 FROM tasks t JOIN copies c ON c.id = t.copy
    WHERE c.hypercore = ? AND t.signer IS NOT NULL
  ORDER BY role`

interface Parts {
  /** Wallets. */
  sponsors: number[]
  roles: { copy: number; role: number; signed: boolean }[]
}

function partsOf(state: State, hypercore: number): Parts {
  const sponsors = state.db.all('SELECT wallet FROM sponsors WHERE hypercore = ?', hypercore)
  const roles = state.db.all(PARTS, hypercore, hypercore, hypercore)
  return {
    sponsors: sponsors.map(({ wallet }) => Number(wallet)),
    roles: roles.map(({ copy, role, signed }) => ({
      copy: Number(copy),
      role: Number(role),
      signed: signed === 1n
    }))
  }
}

function walletsOf(state: State, { sponsors, roles }: Parts): Set<number> {
  return new Set([...sponsors, ...roles.map(({ role }) => state.role(role).wallet)])
}

/** Wallets that have a part in a hypercore: its sponsors, and the pinners and signers of its live copies. */
export function partakers(state: State, hypercore: number): Set<number> {
  return walletsOf(state, partsOf(state, hypercore))
}

/**
 * Wallets that a draw for a live copy passes over: partakers, and whoever is out for this copy. A signer may go on with a copy that
 * it has segments of, but begins no second one; what is refreshed somebody else encodes.
 */
function excluded(state: State, copy: Copy, name: RoleName, anew: boolean): Set<number> {
  const parts = partsOf(state, copy.hypercore)
  const wallets = walletsOf(state, parts)
  if (name === 'signer' && !anew) {
    const signed = parts.roles.filter((of) => of.signed)
    const elsewhere = new Set(signed.filter((of) => of.copy !== copy.id).map(({ role }) => role))
    for (const { copy: of, role } of signed) {
      if (of === copy.id && !elsewhere.has(role)) wallets.delete(state.role(role).wallet)
    }
  }
  for (const { wallet } of state.db.all('SELECT wallet FROM passed WHERE copy = ?', copy.id)) {
    wallets.add(Number(wallet))
  }
  return wallets
}

/** What a copy of this hypercore locks of its pinner's deposit. */
function lockOf(state: State, hypercore: Hypercore): bigint {
  return copyLock(encodedBytesMax(hypercore.byteLength, hypercore.length), hypercore.every, state.parameters)
}

/** What a segment locks of its signer's deposit: the keys of `wrap` open nothing that others could not. */
function signersLock(state: State, hypercore: Hypercore, task: Task): bigint {
  return hypercore.codec === 'seal' ? signerLock(task.bytes, state.parameters) : 0n
}

/** Roles whose time to be drawn has come. */
export function ageRoles(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT id FROM roles WHERE aged = 0 AND round <= ? ORDER BY round, id LIMIT ?',
    state.head.round - state.parameters.agingRounds,
    work * ROLES_PER_STEP
  )
  for (const { id } of rows) {
    const role = state.role(Number(id))
    role.aged = true
    state.touch(role)
  }
  return Math.ceil(rows.length / ROLES_PER_STEP)
}

/** Has draws see roles as they are now, at most `work` steps of them; says whether that was all. */
export function refreshRoles(state: State, name: RoleName, work: number): { done: number; all: boolean } {
  const limit = work * ROLES_PER_STEP
  const rows = state.db.all(
    'SELECT id FROM roles WHERE stale = 1 AND role = ? ORDER BY role, id LIMIT ?',
    roleNames.indexOf(name),
    limit
  )
  for (const { id } of rows) state.refresh(state.role(Number(id)))
  return { done: Math.ceil(rows.length / ROLES_PER_STEP), all: rows.length < limit }
}

/** Tasks that have rested long enough. */
export function wakeTasks(state: State, work: number): number {
  const rows = state.db.all(
    `SELECT * FROM tasks WHERE state = ${RESTING} AND round <= ? ORDER BY round, id LIMIT ?`,
    state.head.round,
    work
  )
  for (const row of rows) {
    const task = taskFrom(row)
    queueTask(state, task, hypercoreById(state, copyById(state, task.copy).hypercore))
    saveTask(state, task)
  }
  return rows.length
}

/**
 * Draws the tasks that an earlier tick has frozen, with the value of the round after it; then freezes the next: candidates as they are, and
 * the tasks whose turn it is. What is left over a later tick goes on with, from the same frozen state and with the same value.
 */
export function drawTasks(state: State, work: number): number {
  const { head } = state
  let done = 0
  if (head.drawRound !== null && head.round >= head.drawRound) {
    const beacon = beaconOf(state, head.drawRound)
    const rows = state.db.all(`SELECT * FROM tasks WHERE state = ${FROZEN} ORDER BY turn, id LIMIT ?`, work)
    for (const row of rows) {
      if (done >= work) return done
      done += drawTask(state, taskFrom(row), head.drawRound, beacon)
    }
    if (rows.length < work) head.drawRound = null
  }
  if (head.drawRound === null && done < work) done += freezeDraws(state, work - done)
  return done
}

/** Freezes the next draws, if any task waits for one. What cannot be paid rests at once: it would take the place of a draw that can. */
function freezeDraws(state: State, work: number): number {
  const { head, parameters: p } = state
  let done = 0
  for (const name of ['pinner', 'signer'] as const) {
    const refreshed = refreshRoles(state, name, work - done)
    done += refreshed.done
    if (!refreshed.all || done >= work) return done
  }
  const rows = state.db.all(
    `SELECT * FROM tasks WHERE state = ${WANTED} ORDER BY turn, id LIMIT ?`,
    Math.min(LOOKED_AT * p.drawsPerRound, work - done)
  )
  let frozen = 0
  for (const row of rows) {
    if (frozen === p.drawsPerRound) break
    done++
    const task = taskFrom(row)
    head.turn = Math.max(head.turn, task.turn)
    if (isBroke(state, task)) continue
    frozen++
    state.db.run(`UPDATE tasks SET state = ${FROZEN} WHERE id = ?`, task.id)
  }
  if (frozen > 0) head.drawRound = head.round + 1
  return done
}

/** Most encoded bytes that a task may come to. */
function bytesOf(state: State, hypercore: Hypercore, copy: Copy, task: Task): number {
  const renews = task.renewal && !task.forks
  return renews ? renewedBytes(state, hypercore, task) : taskBytes(state, hypercore, copy, task.start)
}

/** Has a task rest whose X its hypercore cannot pay; says whether it does. */
function isBroke(state: State, task: Task): boolean {
  if (task.pinner !== null) return false
  const copy = copyById(state, task.copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  const bytes = bytesOf(state, hypercore, copy, task)
  if (state.account(hypercore.account).balance >= segmentPrice(bytes, state.parameters)) return false
  restTask(state, { hypercore, copy, task, why: 'balance' })
  return true
}

/** A task for which nobody or nothing is there is tried again later. */
function restTask(
  state: State,
  {
    hypercore,
    copy,
    task,
    why
  }: { hypercore: Hypercore; copy: Copy; task: Task; why: 'candidates' | 'balance' }
): void {
  // What is held is good as it is, and what is new need not wait for it.
  if (task.renewal && !task.forks) return dropRenewal(state, hypercore, copy, task, why)
  // What befell it says more than that nobody is left to ask.
  if (why === 'balance' || task.trouble === null || task.trouble.what === 'balance')
    task.trouble = { what: why, by: null }
  task.state = 'resting'
  task.round = state.round + Math.max(1, Math.ceil(roundsPerEpoch(state.parameters) / 4))
  saveTask(state, task)
  state.emit({ kind: 'undrawn', task: task.id, why, round: task.round })
}

/** Chain time at which the value of a round was shown, or one that it follows from; null before. */
export function shownAt(state: State, round: number): number | null {
  const shown = state.db.get('SELECT clock FROM rounds WHERE round >= ? ORDER BY round LIMIT 1', round)
  return shown ? Number(shown.clock) : null
}

/** Value of a round that was shown, or that follows from a later one: no tick skips the last round of an onion. */
export function beaconOf(state: State, round: number): Buffer {
  const shown = state.db.get(
    'SELECT round, value FROM rounds WHERE round >= ? ORDER BY round LIMIT 1',
    round
  )!
  return earlierValue(shown.value as Buffer, Number(shown.round) - round) as Buffer
}

/** Returns the steps that it took: more, the more candidates had to be passed over. */
function drawTask(state: State, task: Task, round: number, beacon: Buffer): number {
  const { head, parameters: p } = state
  const copy = copyById(state, task.copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  const later = (why: 'candidates' | 'balance', steps = 1): number => {
    restTask(state, { hypercore, copy, task, why })
    return steps
  }
  const name = task.pinner === null && copy.pinner === null ? 'pinner' : 'signer'
  if (task.pinner === null) {
    if (!task.renewal || task.forks) {
      // The original is what the log says before the round's value is shown: a late extension joins in.
      task.fork = hypercore.fork
      task.end = hypercore.length
      task.treeHash = hypercore.treeHash
      task.signature = hypercore.signature
      task.byteLength = hypercore.byteLength
    }
    task.bytes = bytesOf(state, hypercore, copy, task)
    // What cannot be paid waits; only what is due on what is held begins a grace.
    const price = segmentPrice(task.bytes, p)
    const account = state.account(hypercore.account)
    if (account.balance < price) return later('balance')
    if (name === 'signer' && !hasRoom(state, state.role(copy.pinner!), task)) return later('candidates')
    state.move(account, state.account(RESERVED), price)
    task.reserved = price
  }
  const lock = name === 'pinner' ? lockOf(state, hypercore) : signersLock(state, hypercore, task)
  const { winner, misfits } = drawRole(state, { task, copy, name, beacon, lock })
  const steps = 1 + Math.ceil(misfits / ROLES_PER_STEP)
  if (!winner) {
    if (task.pinner === null) {
      state.move(state.account(RESERVED), state.account(hypercore.account), task.reserved)
      task.reserved = 0n
    }
    return later('candidates', steps)
  }
  const draw = head.nextDraw++
  task.draw = draw
  task.round = round
  task.state = 'asked'
  task.deadline = head.clock + p.acknowledgeMs
  winner.used += task.bytes
  if (name === 'signer') {
    task.signer = winner.id
    task.locked = lock
    winner.locked += lock
    // A pinner that holds the copy already is not asked again.
    if (task.pinner === null) takeRoom(state, copy, task)
  } else {
    task.pinner = winner.id
    copy.pinner = winner.id
    copy.locked = lock
    winner.locked += lock
    saveCopy(state, copy)
  }
  state.touch(winner)
  take(state, winner, task.bytes, lock)
  saveTask(state, task)
  state.db.run(
    'INSERT INTO draws (id, task, copy, role, round, seq) VALUES (?, ?, ?, ?, ?, ?)',
    draw,
    task.id,
    copy.id,
    winner.id,
    round,
    head.length
  )
  state.emit({
    kind: 'drawn',
    draw,
    task: task.id,
    copy: copy.id,
    role: name,
    key: state.keyOf(winner),
    round
  })
  return steps
}

/** Sets the room for a further segment of a copy aside at the pinner that holds it. */
function takeRoom(state: State, copy: Copy, task: Task): void {
  const pinner = state.role(copy.pinner!)
  task.pinner = pinner.id
  pinner.used += task.bytes
  state.touch(pinner)
  take(state, pinner, task.bytes, 0n)
}

/** What a draw gives somebody, the other draws of its round no longer see there. */
function take(state: State, role: Role, bytes: number, lock: bigint): void {
  const { frozen } = role
  const roomBytes = Math.max(0, frozen.roomBytes - bytes)
  const backing = frozen.backing > lock ? frozen.backing - lock : 0n
  const { trust } = frozen
  const weight = frozen.weight === 0 ? 0 : state.weightOf(roomBytes, backing, trust)
  state.freeze(role, { weight, roomBytes, backing, trust })
}

function hasRoom(state: State, role: Role, task: Task): boolean {
  return (
    role.state === 0 &&
    role.awaySince === null &&
    !isPauseNear(role.pause, state.head.epoch) &&
    role.capacity - role.used >= task.bytes &&
    state.account(role.account).balance >= role.locked
  )
}

interface Wanted {
  task: Task
  copy: Copy
  name: 'pinner' | 'signer'
  beacon: Buffer
  lock: bigint
}

/** The first in the order of the lots who has the room and the deposit, and how many before had not. */
function drawRole(
  state: State,
  { task, copy, name, beacon, lock }: Wanted
): { winner: Role | null; misfits: number } {
  const { observer } = state
  const urn = state.urn(name)
  const out: Role[] = []
  for (const id of excluded(state, copy, name, task.renewal && !task.merges && !task.forks)) {
    const role = state.roleOf(state.account(id), name)
    if (role) out.push(role)
  }
  const seed = drawSeed(state.chainId, name, task.id, state.head.nextDraw, beacon)
  observer?.draw?.({
    draw: state.head.nextDraw,
    task: task.id,
    role: name,
    seed,
    total: urn.total,
    excluded: out.map((role) => state.keyOf(role)),
    out: out.map((role) => role.id),
    weights: () => urn.pairs()
  })
  let misfits = 0
  for (const id of urn.draw(
    seed,
    out.map((role) => role.id)
  )) {
    const role = state.role(id)
    const { roomBytes, backing } = role.frozen
    // As it was frozen, and still: a deposit may have been burned, or the role left, since.
    const fits =
      roomBytes >= task.bytes &&
      backing >= lock &&
      hasRoom(state, role, task) &&
      state.account(role.account).balance - role.locked >= lock
    observer?.lot?.({ candidate: id, key: state.keyOf(role), frozen: role.frozen, fits })
    if (fits) return { winner: role, misfits }
    if (++misfits >= MISFITS_MAX) break
  }
  return { winner: null, misfits }
}
