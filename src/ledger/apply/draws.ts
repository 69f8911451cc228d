import { hash } from '../../crypto/hash.js'
import { drawOrder, copyWeight, drawSeed, maxCopyWeight } from '../rules/draw.js'
import { backedBytes, copyLock, segmentReward } from '../rules/economics.js'
import { roundsPerEpoch } from '../rules/schedule.js'
import { roleNames, type RoleName } from '../../protocol/operations.js'
import { beginGrace } from './money.js'
import { isDrawable } from './roles.js'
import { taskBytes } from './copies.js'
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
import { effectivePpm, RESERVED, type Role, type State } from '../state.js'

/** Who already has a part in a hypercore; wallets. A pinner or signer of it must be in none of these. */
interface Taken {
  sponsors: Set<number>
  /** Of live copies and open draws, the copy itself left out where it says so. */
  pinners: Set<number>
  signers: Set<number>
}

function takenOf(state: State, hypercore: Hypercore, copy: Copy): Taken {
  const wallets = (sql: string, ...values: number[]) =>
    new Set(state.db.all(sql, ...values).map((row) => state.role(Number(row.role)).wallet))
  const sponsors = new Set(
    state.db
      .all('SELECT wallet FROM sponsors WHERE hypercore = ?', hypercore.id)
      .map((row) => Number(row.wallet))
  )
  const pinners = wallets(
    'SELECT pinner AS role FROM copies WHERE hypercore = ? AND state < 2 AND pinner IS NOT NULL',
    hypercore.id
  )
  // A signer may go on with the copy that it began, but begins no second one.
  const signers = wallets(
    `SELECT s.signer AS role FROM segments s JOIN copies c ON c.id = s.copy
     WHERE c.hypercore = ? AND c.state < 2 AND c.id <> ?
     UNION SELECT t.signer FROM tasks t JOIN copies c ON c.id = t.copy
     WHERE c.hypercore = ? AND t.signer IS NOT NULL AND c.id <> ?`,
    hypercore.id,
    copy.id,
    hypercore.id,
    copy.id
  )
  return { sponsors, pinners, signers }
}

/** What a copy of this hypercore locks of its pinner's deposit. */
export function lockOf(state: State, hypercore: Hypercore): bigint {
  return copyLock(taskBytes(hypercore, 0, 0), hypercore.every, state.parameters)
}

/** The weight of a role for a task; 0 where it may not have it. */
function weightFor(state: State, role: Role, task: Task, lock: bigint): bigint {
  if (!isDrawable(state, role)) return 0n
  const free = state.account(role.account).balance - role.locked
  if (free < lock) return 0n
  return copyWeight({
    freeBytes: BigInt(role.capacity - role.used),
    backedBytes: backedBytes(free, state.parameters),
    neededBytes: BigInt(task.bytes),
    reputationPpm: effectivePpm(role)
  })
}

function order(
  state: State,
  name: RoleName,
  task: Task,
  draw: number,
  beacon: Buffer,
  weight: (role: Role) => bigint
): Role[] {
  const code = roleNames.indexOf(name)
  const row = state.db.get(
    'SELECT count(*) AS slots, coalesce(max(stake), 0) AS stake FROM roles WHERE role = ?',
    code
  )!
  const slots = Number(row.slots)
  const maxWeight = maxCopyWeight(row.stake as bigint)
  const seed = drawSeed(state.chainId, name, task.id, hash('datdot/attempt/1', beacon, draw))
  const { observer } = state
  observer?.draw?.({ draw, role: name, seed, slots, maxWeight })
  const roles = new Map<number, Role>()
  const at = (slot: number) => {
    let role = roles.get(slot)
    if (!role) roles.set(slot, (role = state.roleAt(name, slot)))
    return role
  }
  const slotsDrawn = drawOrder(
    seed,
    { slots, maxWeight, weight: (slot) => weight(at(slot)) },
    1 + state.parameters.drawFallbacks,
    observer?.step && ((step) => observer.step!({ ...step, role: name, key: state.keyOf(at(step.slot)) }))
  )
  return slotsDrawn.map(at)
}

/** Draws the tasks whose beacon round has come. Returns the steps done, at most `work` tasks. */
export function drawTasks(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT * FROM tasks WHERE state = 0 AND round <= ? ORDER BY round, id LIMIT ?',
    state.head.round,
    work
  )
  for (const row of rows) drawTask(state, taskFrom(row))
  return rows.length
}

function drawTask(state: State, task: Task): void {
  const { head, parameters: p } = state
  const copy = copyById(state, task.copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  // The original is what the log says before the round's value is shown: a late extension joins in.
  task.end = hypercore.length
  task.treeHash = hypercore.treeHash
  task.byteLength = hypercore.byteLength
  task.bytes = taskBytes(hypercore, task.start, copy.bytes)
  const later = (why: 'candidates' | 'balance', round: number) => {
    task.bytes = 0
    task.round = round
    saveTask(state, task)
    state.emit({ kind: 'undrawn', task: task.id, why, round })
  }
  const account = state.account(hypercore.account)
  const price = segmentReward(task.bytes, p)
  if (account.balance < price) {
    beginGrace(state, hypercore)
    return later('balance', head.round + Math.max(1, Math.ceil(roundsPerEpoch(p) / 4)))
  }
  const beacon = state.db.get('SELECT value FROM rounds WHERE round = ?', task.round)!.value as Buffer
  const draw = head.nextDraw
  const taken = takenOf(state, hypercore, copy)
  const lock = copy.pinner === null ? lockOf(state, hypercore) : 0n
  const pinners =
    copy.pinner === null
      ? order(state, 'pinner', task, draw, beacon, (role) =>
          taken.sponsors.has(role.wallet) || taken.pinners.has(role.wallet) || taken.signers.has(role.wallet)
            ? 0n
            : weightFor(state, role, task, lock)
        )
      : [state.role(copy.pinner)]
  const signersBeside = (apart: readonly Role[]) => {
    const wallets = new Set(apart.map((role) => role.wallet))
    return order(state, 'signer', task, draw, beacon, (role) =>
      taken.sponsors.has(role.wallet) ||
      taken.pinners.has(role.wallet) ||
      taken.signers.has(role.wallet) ||
      wallets.has(role.wallet)
        ? 0n
        : weightFor(state, role, task, 0n)
    )
  }
  let chosen = pinners
  let signers = pinners.length > 0 ? signersBeside(chosen) : []
  // Where identities have both roles, fall-backs may use up all signers: then the first pinner has none.
  if (signers.length === 0 && pinners.length > 1) signers = signersBeside((chosen = pinners.slice(0, 1)))
  const [pinner] = chosen
  const [signer] = signers
  if (!pinner || !signer) {
    return later('candidates', head.round + Math.max(1, Math.ceil(roundsPerEpoch(p) / 4)))
  }
  head.nextDraw++
  state.move(account, state.account(RESERVED), price)
  task.reserved = price
  task.draw = draw
  task.signer = signer.id
  task.state = 'drawn'
  task.deadline = head.clock + p.acknowledgeMs
  signer.used += task.bytes
  state.touch(signer)
  takePinner(state, copy, task, pinner, lock)
  saveTask(state, task)
  state.db.run(
    'INSERT INTO draws (id, task, copy, round, seq, pinners, signers) VALUES (?, ?, ?, ?, ?, ?, ?)',
    draw,
    task.id,
    copy.id,
    task.round,
    head.length,
    packRoles(copy.segments === 0 ? chosen : []),
    packRoles(signers)
  )
  state.emit({
    kind: 'drawn',
    draw,
    task: task.id,
    copy: copy.id,
    pinners: copy.segments === 0 ? chosen.map((role) => state.keyOf(role)) : [],
    signers: signers.map((role) => state.keyOf(role))
  })
}

/** Sets room and deposit of a pinner aside for a task. */
function takePinner(state: State, copy: Copy, task: Task, pinner: Role, lock: bigint): void {
  task.pinner = pinner.id
  pinner.used += task.bytes
  if (copy.pinner === null) {
    copy.pinner = pinner.id
    copy.locked = lock
    pinner.locked += lock
    saveCopy(state, copy)
  }
  state.touch(pinner)
}

/**
 * The next in a draw's order takes the place of one who did not acknowledge.
 *
 * @returns false if nobody is left
 */
export function passOn(state: State, task: Task, side: 'pinner' | 'signer'): boolean {
  const row = state.db.get('SELECT pinners, signers FROM draws WHERE id = ?', task.draw)!
  const ids = unpackRoles(row[side === 'pinner' ? 'pinners' : 'signers'] as Buffer)
  const from = state.role(task[side]!)
  const copy = copyById(state, task.copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  const taken = takenOf(state, hypercore, copy)
  const lock = side === 'pinner' ? copy.locked : 0n
  const other = state.role(task[side === 'pinner' ? 'signer' : 'pinner']!)
  const next = ids
    .slice(ids.indexOf(from.id) + 1)
    .map((id) => state.role(id))
    .find(
      (role) =>
        role.wallet !== other.wallet &&
        !taken.sponsors.has(role.wallet) &&
        !taken.pinners.has(role.wallet) &&
        !taken.signers.has(role.wallet) &&
        weightFor(state, role, task, lock) > 0n
    )
  if (!next) return false
  from.used = Math.max(0, from.used - task.bytes)
  state.touch(from)
  if (side === 'pinner') {
    from.locked -= copy.locked
    copy.pinner = null
    takePinner(state, copy, task, next, lock)
  } else {
    task.signer = next.id
    next.used += task.bytes
    state.touch(next)
  }
  state.emit({ kind: 'passedOn', draw: task.draw!, from: state.keyOf(from), to: state.keyOf(next) })
  return true
}

function packRoles(roles: readonly Role[]): Buffer {
  const out = Buffer.alloc(8 * roles.length)
  for (const [index, role] of roles.entries()) out.writeBigUInt64LE(BigInt(role.id), 8 * index)
  return out
}

export function unpackRoles(packed: Buffer): number[] {
  const ids: number[] = []
  for (let at = 0; at < packed.byteLength; at += 8) ids.push(Number(packed.readBigUInt64LE(at)))
  return ids
}
