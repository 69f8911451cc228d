import { type CodecName, codecNames } from '../chunk/header.js'
import { taskStates, taskTroubles, type TaskTrouble } from '../protocol/views.js'
import type { Row } from './database.js'
import type { State } from './state.js'

/** Rows of the ledger as the rules see them. Amounts are bigint, everything else numbers. */
export interface Hypercore {
  id: number
  key: Buffer
  account: number
  state: 0 | 1 | 2
  graceUntil: number | null
  /** Lapsed: whether that is since nobody served it. */
  unserved: boolean
  fork: number
  length: number
  byteLength: number
  treeHash: Buffer
  /** As hypercore encodes it. */
  manifest: Buffer
  /** The author's over fork, length and tree; empty if nobody signs. */
  signature: Buffer
  codec: CodecName
  every: number
  steps: number
  copies: number
  targetPpm: number
  maxBytes: number
  topic: Buffer
  /** How long a segment of \`seal\` is held before it is encoded anew; 0: as long as its signer's lock lasts. */
  refreshAfterMs: number
  /** Chain time when its last length was taken, and what merges since have cost as time that follows. */
  grownClock: number
  /** Turn that its last task was given. */
  turn: number
  /** What there was when its author first took some of it away; null: it has not. */
  whole: { length: number; bytes: number; clock: number } | null
  /** A fork that waits until it may be taken. */
  seen: { fork: number; clock: number } | null
  /** Since when its author is known to have signed two trees of one fork and length. */
  conflictClock: number | null
  /** Chain time since when it has more copies than are wanted, as one came back; null: none did. */
  surplusSince: number | null
}

export interface Copy {
  id: number
  hypercore: number
  state: 0 | 1 | 2 | 3
  pinner: number | null
  predecessor: number | null
  length: number
  bytes: number
  segments: number
  /** Segments whose X is not minted yet. */
  unpaid: number
  locked: bigint
  every: number
  bucket: number
  /** Beacon round in which it became active. */
  round: number
  storageEpoch: number
  retrievalEpoch: number
  /** What its outcomes come to: `scoreAfter`. */
  score: number
  /** Chain time from which it is not paid, since a key of it is not gone. */
  unpaidFrom: number | null
  /** While it is of a fork before its hypercore's: how many of its first blocks that has too. */
  kept: number | null
  /** Chain time when the first challenge was asked that it missed; null once a walk was passed since. */
  missedSince: number | null
  /** Chain time from which its pinner is asked for that walk as soon as it is heard of. */
  walkFrom: number
  /** Chain time since when it does not count, so that another is made; null: it counts. */
  goneSince: number | null
  /** Chain time before which it is not paid, since it came back beside its substitute. */
  unpaidUntil: number | null
  /** Less is locked for it than should be. */
  short: boolean
}

export interface Task {
  id: number
  copy: number
  state: (typeof taskStates)[number]
  fork: number
  start: number
  end: number
  treeHash: Buffer
  /** The author's at `end`. */
  signature: Buffer
  byteLength: number
  /** Resting: when it is wanted again. Drawn: the round of its last draw. */
  round: number
  turn: number
  attempts: number
  /** Times in a row that pinner and signer found nobody who serves the hypercore. */
  unserved: number
  /** Its pinner has said that it finds nobody who does. */
  sought: boolean
  draw: number | null
  pinner: number | null
  signer: number | null
  deadline: number | null
  /** Encoded bytes set aside for it. */
  bytes: number
  reserved: bigint
  /** What of its signer's deposit is set aside. */
  locked: bigint
  /** segmentHash of the signer's record. */
  delivered: Uint8Array | null
  /** Whether it encodes again what the copy has. */
  renewal: boolean
  /** … so that it has fewer segments, not so that it has another signer. */
  merges: boolean
  /** … since its author has rewritten it. */
  forks: boolean
  /** Why it is not done yet, and the role whose doing that was. */
  trouble: { what: TaskTrouble; by: number | null } | null
}

function count(value: bigint | Buffer | null | undefined): number {
  return Number(value)
}

function maybe(value: bigint | Buffer | null | undefined): number | null {
  return value === null ? null : Number(value)
}

export function hypercoreFrom(row: Row): Hypercore {
  return {
    id: count(row.id),
    key: row.key as Buffer,
    account: count(row.account),
    state: count(row.state) as 0 | 1 | 2,
    graceUntil: maybe(row.grace_until),
    unserved: row.unserved === 1n,
    fork: count(row.fork),
    length: count(row.length),
    byteLength: count(row.byte_length),
    treeHash: row.tree_hash as Buffer,
    manifest: row.manifest as Buffer,
    signature: row.signature as Buffer,
    codec: codecNames[count(row.codec)]!,
    every: count(row.every),
    steps: count(row.steps),
    copies: count(row.copies),
    targetPpm: count(row.target_ppm),
    maxBytes: count(row.max_bytes),
    topic: row.topic as Buffer,
    refreshAfterMs: count(row.refresh_after_ms),
    grownClock: count(row.grown_clock),
    turn: count(row.turn),
    whole:
      row.whole_clock === null
        ? null
        : {
            length: count(row.whole_length),
            bytes: count(row.whole_bytes),
            clock: count(row.whole_clock)
          },
    seen: row.seen_clock === null ? null : { fork: count(row.seen_fork), clock: count(row.seen_clock) },
    conflictClock: maybe(row.conflict_clock),
    surplusSince: maybe(row.surplus_since)
  }
}

export function copyFrom(row: Row): Copy {
  return {
    id: count(row.id),
    hypercore: count(row.hypercore),
    state: count(row.state) as 0 | 1 | 2 | 3,
    pinner: maybe(row.pinner),
    predecessor: maybe(row.predecessor),
    length: count(row.length),
    bytes: count(row.bytes),
    segments: count(row.segments),
    unpaid: count(row.unpaid),
    locked: row.locked as bigint,
    every: count(row.every),
    bucket: count(row.bucket),
    round: count(row.round),
    storageEpoch: count(row.storage_epoch),
    retrievalEpoch: count(row.retrieval_epoch),
    score: count(row.score),
    unpaidFrom: maybe(row.unpaid_from),
    kept: maybe(row.kept),
    missedSince: maybe(row.missed_since),
    walkFrom: count(row.walk_from),
    goneSince: maybe(row.gone_since),
    unpaidUntil: maybe(row.unpaid_until),
    short: row.short === 1n
  }
}

export function taskFrom(row: Row): Task {
  return {
    id: count(row.id),
    copy: count(row.copy),
    state: taskStates[count(row.state)]!,
    fork: count(row.fork),
    start: count(row.start),
    end: count(row.end),
    treeHash: row.tree_hash as Buffer,
    signature: row.signature as Buffer,
    byteLength: count(row.byte_length),
    round: count(row.round),
    turn: count(row.turn),
    attempts: count(row.attempts),
    unserved: count(row.unserved),
    sought: row.sought === 1n,
    draw: maybe(row.draw),
    pinner: maybe(row.pinner),
    signer: maybe(row.signer),
    deadline: maybe(row.deadline),
    bytes: count(row.bytes),
    reserved: row.reserved as bigint,
    locked: row.locked as bigint,
    delivered: row.delivered as Buffer | null,
    renewal: row.renewal !== 0n,
    merges: row.renewal === 2n,
    forks: row.renewal === 3n,
    trouble:
      row.trouble === null ? null : { what: taskTroubles[count(row.trouble)]!, by: maybe(row.troubled_by) }
  }
}

export function hypercoreById(state: State, id: number): Hypercore {
  return hypercoreFrom(state.db.get('SELECT * FROM hypercores WHERE id = ?', id)!)
}

export function hypercoreByKey(state: State, key: Uint8Array): Hypercore | null {
  const row = state.db.get('SELECT * FROM hypercores WHERE key = ?', key)
  return row ? hypercoreFrom(row) : null
}

export function copyById(state: State, id: number): Copy {
  const row = state.db.get('SELECT * FROM copies WHERE id = ?', id)
  if (!row) throw new Error(`no copy ${id}`)
  return copyFrom(row)
}

/** Pending and active copies of a hypercore. */
export function liveCopies(state: State, hypercore: number): Copy[] {
  return state.db
    .all('SELECT * FROM copies WHERE hypercore = ? AND state < 2 ORDER BY id', hypercore)
    .map(copyFrom)
}

export function taskOfCopy(state: State, copy: number): Task | null {
  const row = state.db.get('SELECT * FROM tasks WHERE copy = ?', copy)
  return row ? taskFrom(row) : null
}

export function saveTask(state: State, task: Task): void {
  state.db.run(
    `UPDATE tasks SET state = ?, fork = ?, end = ?, tree_hash = ?, signature = ?, byte_length = ?, round = ?, turn = ?, attempts = ?, unserved = ?, sought = ?, draw = ?,
     pinner = ?, signer = ?, deadline = ?, bytes = ?, reserved = ?, locked = ?, delivered = ?, trouble = ?, troubled_by = ?
     WHERE id = ?`,
    taskStates.indexOf(task.state),
    task.fork,
    task.end,
    task.treeHash,
    task.signature,
    task.byteLength,
    task.round,
    task.turn,
    task.attempts,
    task.unserved,
    task.sought ? 1 : 0,
    task.draw,
    task.pinner,
    task.signer,
    task.deadline,
    task.bytes,
    task.reserved,
    task.locked,
    task.delivered,
    task.trouble && taskTroubles.indexOf(task.trouble.what),
    task.trouble?.by ?? null,
    task.id
  )
}

export function saveCopy(state: State, copy: Copy): void {
  state.db.run(
    `UPDATE copies SET state = ?, pinner = ?, length = ?, bytes = ?, segments = ?, unpaid = ?, locked = ?, round = ?,
     storage_epoch = ?, retrieval_epoch = ?, score = ?, kept = ? WHERE id = ?`,
    copy.state,
    copy.pinner,
    copy.length,
    copy.bytes,
    copy.segments,
    copy.unpaid,
    copy.locked,
    copy.round,
    copy.storageEpoch,
    copy.retrievalEpoch,
    copy.score,
    copy.kept,
    copy.id
  )
}

/** Of a copy what challenges and checks change: none of it is indexed, so this costs a fraction of `saveCopy`. */
export function saveCounters(state: State, copy: Copy): void {
  state.db.run(
    'UPDATE copies SET unpaid = ?, storage_epoch = ?, retrieval_epoch = ?, score = ? WHERE id = ?',
    copy.unpaid,
    copy.storageEpoch,
    copy.retrievalEpoch,
    copy.score,
    copy.id
  )
}

/** Of a copy what absences of its pinner change, and what is locked for it. */
export function saveAbsence(state: State, copy: Copy): void {
  state.db.run(
    `UPDATE copies SET locked = ?, missed_since = ?, walk_from = ?, gone_since = ?, unpaid_until = ?, short = ? WHERE id = ?`,
    copy.locked,
    copy.missedSince,
    copy.walkFrom,
    copy.goneSince,
    copy.unpaidUntil,
    copy.short ? 1 : 0,
    copy.id
  )
}
