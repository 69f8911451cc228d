import { codecNames } from '../../chunk/header.js'
import { SHAPE_FAULTS } from '../../crypto/modulus.js'
import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { segmentHash, segmentId, segmentSalt, type SegmentRecord } from '../../protocol/segment.js'
import { mulDiv, signerLock } from '../rules/economics.js'
import { deliverMs, epochOf, refusalEvidenceMs } from '../rules/schedule.js'
import { refusalHash } from '../../evidence/refusal-format.js'
import { grow, redraw, releaseCopy } from './copies.js'
import { beaconOf } from './draws.js'
import { topUpLock } from './locks.js'
import { chargeGrowth } from './merging.js'
import { joinSlots } from './slots.js'
import { renewClock, replaceSegments } from './renewal.js'
import { passOver, queueTask } from './turns.js'
import {
  chargeDecline,
  chargeFault,
  creditDelivery,
  endUnserved,
  failDelivery,
  failSilent,
  saySought
} from './deliveries.js'
import { rate } from './roles.js'
import { copyById, hypercoreById, saveCopy, saveTask, taskFrom, type Copy, type Task } from '../rows.js'
import { BURNED, RESERVED, type Account, type State } from '../state.js'
import { equal } from '../../bytes.js'

const BOTH = ['pinner', 'signer'] as const

function taskOfDraw(state: State, draw: number): Task {
  const found = state.db.get('SELECT task FROM draws WHERE id = ?', draw)
  const row = found && state.db.get('SELECT * FROM tasks WHERE id = ?', found.task as bigint)
  const task = row && taskFrom(row)
  if (task?.draw !== draw) {
    throw new ChainError('DRAW_NOT_OPEN', `draw ${draw} is unknown, done, or was drawn again`)
  }
  return task
}

/** Which side of a draw the sender is. @throws ChainError `NOT_DRAWN` */
function sideOf(state: State, task: Task, sender: Account): 'pinner' | 'signer' {
  if (task.pinner !== null && state.role(task.pinner).wallet === sender.id) return 'pinner'
  if (task.signer !== null && state.role(task.signer).wallet === sender.id) return 'signer'
  throw new ChainError('NOT_DRAWN', 'the sender was not drawn for this')
}

/**
 * Whether what a task waits for came after its time. Then that is logged, and the task goes on as if it had not come.
 */
function cameLate(
  state: State,
  task: Task,
  sender: Account,
  what: 'acknowledge' | 'deliver' | 'accept' | 'refuse'
): boolean {
  // A signer that misses its time has some more, in which part of a segment may be accepted too.
  if (task.state === 'delivering' && state.moment.arrived > task.deadline!) expireTask(state, task)
  const due = task.deadline
  if (due === null || state.moment.arrived <= due) return false
  state.emit({ kind: 'cameLate', what, id: task.draw!, by: sender.key, due })
  expireTask(state, task)
  return true
}

/** Who is asked says yes: a pinner, for which a signer is drawn now; or a signer, whose time to deliver begins. */
export function acknowledge(state: State, sender: Account, { draw }: Body<'acknowledge'>): void {
  const task = taskOfDraw(state, draw)
  const side = sideOf(state, task, sender)
  if (task.state !== 'asked' || side !== askedSide(task)) {
    throw new ChainError('ACKNOWLEDGED', 'this draw asks the sender for nothing')
  }
  if (cameLate(state, task, sender, 'acknowledge')) return
  state.emit({ kind: 'acknowledged', draw, by: sender.key })
  if (side === 'pinner') queueTask(state, task, hypercoreById(state, copyById(state, task.copy).hypercore))
  else {
    task.state = 'delivering'
    task.deadline = state.head.clock + deliverMs(task.bytes, state.parameters)
  }
  saveTask(state, task)
}

/** Whose yes a task waits for. */
function askedSide(task: Task): 'pinner' | 'signer' {
  return task.signer === null ? 'pinner' : 'signer'
}

/** Whether a record is what the task asked for. @throws ChainError `SEGMENT_MISMATCH` naming the field */
function checkRecord(state: State, task: Task, copy: Copy, record: SegmentRecord): void {
  const hypercore = hypercoreById(state, copy.hypercore)
  const id = segmentId({
    chain: state.chainId,
    key: hypercore.key,
    fork: task.fork,
    copy: copy.id,
    start: task.start,
    signer: record.signer,
    draw: task.draw!
  })
  const beacon = beaconOf(state, task.round)
  const wrong =
    (!equal(record.key, hypercore.key) && 'key') ||
    (record.fork !== task.fork && 'fork') ||
    (record.copy !== copy.id && 'copy') ||
    (record.segment !== copy.segments && 'segment') ||
    (!equal(record.pinner, state.keyOf(state.role(task.pinner!))) && 'pinner') ||
    (!equal(record.signer, state.keyOf(state.role(task.signer!))) && 'signer') ||
    (record.codec !== hypercore.codec && 'codec') ||
    (record.start !== task.start && 'start') ||
    ((record.end <= task.start || record.end > task.end) && 'end') ||
    (record.chunks !== record.end - record.start && 'chunks') ||
    // Every encoded chunk has a header, and no codec makes more of the plain bytes than this.
    ((record.bytes <= record.chunks || record.bytes > Math.max(task.bytes, record.chunks)) && 'bytes') ||
    (!equal(record.treeHash, task.treeHash) && 'treeHash') ||
    (record.publicKey.byteLength !== (record.codec === 'wrap' ? 32 : 256) && 'publicKey') ||
    (record.primeProof.byteLength !== (record.codec === 'wrap' ? 0 : 32) && 'primeProof') ||
    (!equal(record.salt, segmentSalt(beacon, id)) && 'salt')
  if (wrong) throw new ChainError('SEGMENT_MISMATCH', `the segment's ${wrong} is not what was drawn`)
}

/** Whether a modulus has the shape of one: checked where it is first named. @throws ChainError `MODULUS_WEAK` */
function checkModulus(state: State, { codec, publicKey }: SegmentRecord): void {
  if (codec !== 'seal') return
  const fault = state.shapes.faultOf(publicKey)
  if (fault) throw new ChainError('MODULUS_WEAK', `${SHAPE_FAULTS[fault]} [${fault}]`)
}

/** The signer has handed its segment over, and says which. */
export function deliver(state: State, sender: Account, { draw, record }: Body<'deliver'>): void {
  const task = taskOfDraw(state, draw)
  if (sideOf(state, task, sender) !== 'signer') throw new ChainError('NOT_DRAWN', 'only the signer delivers')
  if (task.state !== 'delivering' && task.state !== 'late') {
    throw new ChainError('NOT_WAITING', `this draw waits for nothing to be delivered`)
  }
  checkRecord(state, task, copyById(state, task.copy), record)
  if (record.end !== task.end) throw new ChainError('SEGMENT_MISMATCH', 'a signer delivers the whole task')
  checkModulus(state, record)
  if (cameLate(state, task, sender, 'deliver')) return
  task.delivered = segmentHash(state.chainId, record)
  task.state = 'delivered'
  task.deadline = state.head.clock + deliverMs(task.bytes, state.parameters)
  saveTask(state, task)
  state.emit({ kind: 'delivered', draw, segment: task.delivered })
}

/** The pinner has checked and stored the segment; from here on it is challenged. */
export function accept(state: State, sender: Account, { draw, record }: Body<'accept'>): void {
  const task = taskOfDraw(state, draw)
  if (sideOf(state, task, sender) !== 'pinner') throw new ChainError('NOT_DRAWN', 'only the pinner accepts')
  if (!DELIVERING.has(task.state)) {
    throw new ChainError('NOT_WAITING', `this draw waits for nothing to be accepted`)
  }
  const copy = copyById(state, task.copy)
  checkRecord(state, task, copy, record)
  const segment = segmentHash(state.chainId, record)
  if (task.delivered && !equal(task.delivered, segment)) {
    throw new ChainError('SEGMENT_MISMATCH', 'the signer delivered another segment')
  }
  if (cameLate(state, task, sender, 'accept')) return
  // Half a segment is taken only from a signer that has no more time: its last signed running root counts. What is held already needs no half.
  const signerIsDone = task.state === 'late' || task.state === 'refused'
  if (record.end !== task.end && (!signerIsDone || task.renewal)) {
    throw new ChainError('SEGMENT_SHORT', 'the signer still has time to deliver the rest')
  }
  if (record.codec === 'seal') {
    const used = state.db.get('SELECT 1 FROM segments WHERE codec = 1 AND public_key = ?', record.publicKey)
    if (used) throw new ChainError('MODULUS_USED', 'another segment has this modulus')
    if (!task.delivered) checkModulus(state, record)
  }
  addSegment(state, task, copy, record, segment)
}

function addSegment(state: State, task: Task, copy: Copy, record: SegmentRecord, segment: Uint8Array): void {
  const epoch = epochOf(state.head.clock, state.parameters)
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = state.role(task.pinner!)
  const signer = state.role(task.signer!)
  // What was set aside at the draw was for the most bytes that it could have been.
  const wanted = record.codec === 'seal' ? signerLock(record.bytes, state.parameters) : 0n
  const lock = wanted < task.locked ? wanted : task.locked
  signer.locked -= task.locked - lock
  const isWhole = record.end === task.end
  const { start, end } = record
  // Of what its author has rewritten all from there on is gone.
  const until = task.forks ? Math.max(copy.length, end) : end
  const replaced = task.renewal
    ? replaceSegments(state, hypercore, copy, { start, end: until, segment: record.segment })
    : 0
  const { segmentFee } = state.parameters
  const fee = segmentFee < task.reserved ? segmentFee : task.reserved
  state.move(state.account(RESERVED), state.account(BURNED), fee)
  const reserved = task.reserved - fee
  const reward = mulDiv(reserved, record.end - record.start, task.end - task.start)
  state.move(state.account(RESERVED), state.account(hypercore.account), reserved - reward)
  state.db.run(
    `INSERT INTO segments (copy, segment, signer, signer_key, draw, fork, codec, version, start, end, public_key, prime_proof, salt, bytes, root,
     tree_hash, hash, reserved, round, locked, unlock_clock, signature, byte_length, renew_clock)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    copy.id,
    record.segment,
    signer.id,
    record.signer,
    task.draw,
    record.fork,
    codecNames.indexOf(record.codec),
    record.version,
    record.start,
    record.end,
    record.publicKey,
    record.primeProof,
    record.salt,
    record.bytes,
    record.root,
    record.treeHash,
    segment,
    reward,
    state.head.round,
    lock,
    state.head.clock + state.parameters.lockMs,
    isWhole ? task.signature : null,
    isWhole ? task.byteLength : null,
    renewClock(state, hypercore)
  )
  signer.used = Math.max(0, signer.used - task.bytes)
  pinner.used = Math.max(0, pinner.used - task.bytes - replaced) + record.bytes
  state.touch(pinner)
  state.touch(signer)
  rate(state, signer, isWhole ? 'success' : 'offline')
  creditDelivery(state, isWhole ? [signer, pinner] : [pinner])
  // It was to be had after all.
  if (task.sought) chargeDecline(state, pinner)
  state.db.run('DELETE FROM tasks WHERE id = ?', task.id)
  copy.length = task.forks ? record.end : Math.max(copy.length, record.end)
  if (task.forks) copy.kept = null
  copy.bytes += record.bytes - replaced
  copy.segments++
  if (reward > 0n) copy.unpaid++
  state.emit({
    kind: 'accepted',
    draw: task.draw!,
    copy: copy.id,
    segment,
    start: record.start,
    end: record.end
  })
  if (copy.state === 0) {
    copy.state = 1
    copy.round = state.round
    copy.storageEpoch = epoch
    copy.retrievalEpoch = epoch
    state.db.run('INSERT OR IGNORE INTO buckets (every, bucket) VALUES (?, ?)', copy.every, copy.bucket)
    joinSlots(state, copy)
    state.emit({ kind: 'activated', copy: copy.id, hypercore: hypercore.key, pinner: state.keyOf(pinner) })
  }
  topUpLock(state, hypercore, copy, pinner)
  saveCopy(state, copy)
  if (task.merges) chargeGrowth(state, hypercore, reward + fee)
  if (copy.length < hypercore.length) grow(state, hypercore, copy)
  else if (copy.predecessor !== null) {
    const before = copyById(state, copy.predecessor)
    if (before.state < 2) releaseCopy(state, before)
  }
}

/** States in which both sides have said yes. */
const DELIVERING: ReadonlySet<Task['state']> = new Set(['delivering', 'late', 'delivered', 'refused'])

/** What stands in the effects for the evidence of a refusal that has none. */
const NO_EVIDENCE = refusalHash(Buffer.alloc(0))

/**
 * A drawn signer or pinner says no. Before it acknowledged, another takes its place; afterwards both roles are drawn again. Without evidence
 * both pay, unless one was silent in its time; with evidence the chain judges who does; a hypercore that each of them found nowhere pays itself.
 */
export function refuse(state: State, sender: Account, { draw, reason, evidence }: Body<'refuse'>): void {
  const task = taskOfDraw(state, draw)
  const side = sideOf(state, task, sender)
  // A pinner signs nothing before it accepts, so there is nothing that a signer could show.
  if (evidence && side === 'signer') {
    throw new ChainError('EVIDENCE_NOT_ASKED', 'only a pinner can show with evidence why it refuses')
  }
  if (task.state === 'asked' && side !== askedSide(task)) {
    throw new ChainError('ACKNOWLEDGED', 'this draw is acknowledged already')
  }
  if (cameLate(state, task, sender, 'refuse')) return
  const role = state.role(task[side]!)
  if (reason === 'unreachable' && !evidence && side === 'pinner' && DELIVERING.has(task.state)) {
    if (task.sought) throw new ChainError('UNSERVED_SAID', 'the pinner of this draw has said so already')
    if (task.state !== 'delivering') {
      throw new ChainError('NOT_WAITING', 'the signer has said its word, or its time is over')
    }
    return saySought(state, task, role)
  }
  // What the signer said stands: its pinner has only to say that nothing came.
  if (task.state !== 'refused') {
    task.trouble = {
      what: evidence ? 'fault' : reason === 'other' ? 'declined' : reason,
      by: evidence ? task.signer : role.id
    }
  }
  if (task.state === 'refused' && side === 'signer') {
    throw new ChainError('NOT_WAITING', 'its signer has refused this draw already')
  }
  state.emit({ kind: 'refused', draw, by: sender.key, evidence: evidence ?? NO_EVIDENCE })
  if (task.state === 'asked') {
    // Nothing follows for the pinner from a pinner's no; a signer knows its pinner, and would choose by it.
    if (side === 'pinner') chargeDecline(state, role)
    else chargeFault(state, role, 'refused')
    return redraw(state, task, 'refused', { drop: [side] })
  }
  if (task.state === 'wanted' || task.state === 'frozen' || task.state === 'resting') {
    // The pinner said yes, and thinks better of it before anybody has worked for it.
    rate(state, role, 'refused')
    chargeDecline(state, role)
    return redraw(state, task, 'refused', { drop: [side] })
  }
  if (evidence) {
    addRefusal(state, task, evidence)
    // A pinner that shows why is out only if that does not hold.
    return redraw(state, task, 'refused', { drop: BOTH, out: ['signer'] })
  }
  // The pinner's word came first, or it would only have to say what its signer says.
  if (reason === 'unreachable' && side === 'signer' && task.sought) return endUnserved(state, task)
  // The signer said no word in its time.
  if (task.state === 'late') return failSilent(state, task, 'signer')
  if (task.state === 'delivering' && side === 'signer') {
    task.state = 'refused'
    task.deadline = state.head.clock + state.parameters.acknowledgeMs
    return saveTask(state, task)
  }
  failDelivery(state, task)
}

/** A refusal waits for its evidence and for the chain's verdict. */
function addRefusal(state: State, task: Task, evidence: Uint8Array): void {
  const copy = copyById(state, task.copy)
  const { codec } = hypercoreById(state, copy.hypercore)
  const evidenceBy = state.head.clock + refusalEvidenceMs(state.parameters)
  state.db.run(
    `INSERT INTO refusals (draw, pinner, signer, segment, fork, codec, start, end, tree_hash, evidence, evidence_by, deadline)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    task.draw,
    task.pinner,
    task.signer,
    copy.segments,
    task.fork,
    codecNames.indexOf(codec),
    task.start,
    task.end,
    task.treeHash,
    evidence,
    evidenceBy,
    evidenceBy + state.parameters.settleGraceMs
  )
}

/** The chain's verdict on a refusal's evidence: upheld, the signer is at fault; if not, the pinner that refused. */
export function judge(state: State, { draw, upheld }: Body<'judge'>): void {
  const row = state.db.get(
    'SELECT r.pinner, r.signer, d.copy FROM refusals r JOIN draws d ON d.id = r.draw WHERE r.draw = ?',
    draw
  )
  if (!row) throw new ChainError('REFUSAL_UNKNOWN', `no refusal of draw ${draw} waits for a verdict`)
  chargeFault(state, state.role(Number(upheld ? row.signer : row.pinner)), upheld ? 'failure' : 'refused')
  if (!upheld) passOver(state, Number(row.copy), state.role(Number(row.pinner)))
  state.db.run('DELETE FROM refusals WHERE draw = ?', draw)
  state.emit({ kind: 'judged', draw, upheld })
}

/** Refusals that the chain did not judge in time cost nobody anything. */
export function expireRefusals(state: State, work: number): number {
  return state.db.run(
    'DELETE FROM refusals WHERE draw IN (SELECT draw FROM refusals WHERE deadline < ? ORDER BY deadline, draw LIMIT ?)',
    state.head.heard,
    work
  )
}

/** Tasks whose time is over. Returns the steps done, at most `work` tasks. */
export function expireTasks(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT * FROM tasks WHERE state > 2 AND deadline < ? ORDER BY deadline, id LIMIT ?',
    state.head.heard,
    work
  )
  for (const row of rows) expireTask(state, taskFrom(row))
  return rows.length
}

function expireTask(state: State, task: Task): void {
  switch (task.state) {
    case 'resting':
    case 'wanted':
    case 'frozen':
      return
    case 'asked': {
      const side = askedSide(task)
      const role = state.role(task[side]!)
      rate(state, role, 'offline')
      chargeDecline(state, role)
      task.trouble = { what: 'silent', by: role.id }
      return redraw(state, task, 'acknowledge', { drop: [side] })
    }
    case 'delivering':
      // Now the pinner may come with what it has, if the signer signed it.
      task.state = 'late'
      state.emit({ kind: 'late', draw: task.draw! })
      task.deadline = state.head.clock + state.parameters.acknowledgeMs
      return saveTask(state, task)
    case 'late':
      return failSilent(state, task, 'signer')
    case 'delivered':
    case 'refused':
      return failSilent(state, task, 'pinner')
  }
}
