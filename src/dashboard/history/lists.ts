import { outcomeNames, roleNames, type Outcome, type RoleName } from '../../protocol/operations.js'
import { COPY_STATES } from './apply.js'
import { maybeNumber, type HistoryFile, type HistoryRow, type HistoryValue } from './rows.js'

/** A challenge as the log told it. */
export interface PastChallenge {
  id: number
  copy: number
  hypercore: Buffer | null
  pinner: Buffer | null
  round: number
  beacon: Buffer | null
  steps: number | null
  segments: number
  issuedSeq: number
  issuedAt: number
  answeredSeq: number | null
  answerMs: number | null
  state: Buffer | null
  evidence: Buffer | null
  settledSeq: number | null
  settledAt: number | null
  outcome: Outcome | null
  paid: bigint | null
  r: number | null
}

export interface PastCheck {
  id: number
  epoch: number
  copy: number
  hypercore: Buffer | null
  pinner: Buffer | null
  seq: number
  at: number
  outcome: Outcome
  firstByteUs: number
  bytesPerSecond: number
  misses: number
  paid: bigint
  r: number
}

export interface PastReport {
  verifier: Buffer
  firstByteUs: number
  bytesPerSecond: number
  misses: number
  blocks: number
  bytes: number
  /** Entry that revealed it, and the entries of the verifier's commitments of that epoch. */
  seq: number
  committed: number[]
}

export interface PastDraw {
  id: number
  task: number
  copy: number
  hypercore: Buffer | null
  role: RoleName
  key: Buffer
  round: number
  beacon: Buffer | null
  seq: number
  at: number
}

/** What people are told of. */
export interface PastEvent {
  id: number
  seq: number
  at: number
  kind: string
  hypercore: Buffer | null
  key: Buffer | null
  copy: number | null
  ref: number | null
  amount: bigint | null
  r: number | null
  word: string | null
}

/** Where a copy stands, as far as the log has told. */
export interface CopyStanding {
  id: number
  state: (typeof COPY_STATES)[number]
  hypercore: Buffer
  pinner: Buffer | null
  segments: number
  provenAt: number | null
}

/** Rows before a row, newest first. */
export interface Cursor {
  before: number | null
  limit: number
}

const bytes = (value: HistoryRow[string] | undefined): Buffer | null => (value as Buffer | null) ?? null
const outcome = (value: HistoryRow[string] | undefined): Outcome | null =>
  value === null || value === undefined ? null : (outcomeNames[Number(value)] ?? null)

const CHALLENGES = `SELECT c.*, h.key AS hypercore, p.key AS pinner_key FROM challenges c
  LEFT JOIN copies o ON o.id = c.copy LEFT JOIN keys h ON h.id = o.hypercore LEFT JOIN keys p ON p.id = c.pinner`

function challengeFrom(row: HistoryRow): PastChallenge {
  return {
    id: Number(row.id),
    copy: Number(row.copy),
    hypercore: bytes(row.hypercore),
    pinner: bytes(row.pinner_key),
    round: Number(row.round),
    beacon: bytes(row.value),
    steps: maybeNumber(row.steps),
    segments: Number(row.segments),
    issuedSeq: Number(row.issued_seq),
    issuedAt: Number(row.issued_at),
    answeredSeq: maybeNumber(row.answered_seq),
    answerMs: maybeNumber(row.answer_ms),
    state: bytes(row.state),
    evidence: bytes(row.evidence),
    settledSeq: maybeNumber(row.settled_seq),
    settledAt: maybeNumber(row.settled_at),
    outcome: outcome(row.outcome),
    paid: row.paid as bigint | null,
    r: maybeNumber(row.r)
  }
}

export function pastChallenge(file: HistoryFile, id: number): PastChallenge | null {
  const row = file.get(`${CHALLENGES} WHERE c.id = ?`, id)
  return row ? challengeFrom(row) : null
}

/** Of a copy, a pinner (its number), or all. */
export function pastChallenges(
  file: HistoryFile,
  of: { copy: number } | { pinner: number } | null,
  cursor: Cursor
): PastChallenge[] {
  const [where, value] =
    of === null ? ['TRUE'] : 'copy' in of ? ['c.copy = ?', of.copy] : ['c.pinner = ?', of.pinner]
  return before(file, `${CHALLENGES} WHERE ${where}`, 'c.id', value, cursor).map(challengeFrom)
}

const CHECKS = `SELECT c.*, h.key AS hypercore, p.key AS pinner_key FROM checks c
  LEFT JOIN copies o ON o.id = c.copy LEFT JOIN keys h ON h.id = o.hypercore LEFT JOIN keys p ON p.id = c.pinner`

function checkFrom(row: HistoryRow): PastCheck {
  return {
    id: Number(row.id),
    epoch: Number(row.epoch),
    copy: Number(row.copy),
    hypercore: bytes(row.hypercore),
    pinner: bytes(row.pinner_key),
    seq: Number(row.seq),
    at: Number(row.at),
    outcome: outcome(row.outcome)!,
    firstByteUs: Number(row.first_byte_us),
    bytesPerSecond: Number(row.bytes_per_second),
    misses: Number(row.misses),
    paid: row.paid as bigint,
    r: Number(row.r)
  }
}

export function pastChecks(
  file: HistoryFile,
  of: { copy: number } | { pinner: number } | null,
  cursor: Cursor
): PastCheck[] {
  const [where, value] =
    of === null ? ['TRUE'] : 'copy' in of ? ['c.copy = ?', of.copy] : ['c.pinner = ?', of.pinner]
  return before(file, `${CHECKS} WHERE ${where}`, 'c.id', value, cursor).map(checkFrom)
}

/** A check by its copy and epoch. */
export function pastCheck(file: HistoryFile, copy: number, epoch: number): PastCheck | null {
  const row = file.get(`${CHECKS} WHERE c.copy = ? AND c.epoch = ?`, copy, epoch)
  return row ? checkFrom(row) : null
}

/** Most reports of one check that are told of, and commitments of one verifier in one epoch. */
const REPORTS = 64

export function pastReports(file: HistoryFile, copy: number, epoch: number): PastReport[] {
  return file
    .all(
      `SELECT r.*, k.key FROM reports r JOIN keys k ON k.id = r.verifier WHERE r.copy = ? AND r.epoch = ?
         ORDER BY r.verifier LIMIT ?`,
      copy,
      epoch,
      REPORTS
    )
    .map((row) => ({
      verifier: row.key as Buffer,
      firstByteUs: Number(row.first_byte_us),
      bytesPerSecond: Number(row.bytes_per_second),
      misses: Number(row.misses),
      blocks: Number(row.blocks),
      bytes: Number(row.bytes),
      seq: Number(row.seq),
      committed: file
        .all(
          'SELECT seq FROM commitments WHERE epoch = ? AND verifier = ? ORDER BY seq LIMIT ?',
          epoch,
          row.verifier as bigint,
          REPORTS
        )
        .map(({ seq }) => Number(seq))
    }))
}

const DRAWS = `SELECT d.*, h.key AS hypercore, k.key AS drawn FROM draws d
  LEFT JOIN copies o ON o.id = d.copy LEFT JOIN keys h ON h.id = o.hypercore JOIN keys k ON k.id = d.key`

function drawFrom(row: HistoryRow): PastDraw {
  return {
    id: Number(row.id),
    task: Number(row.task),
    copy: Number(row.copy),
    hypercore: bytes(row.hypercore),
    role: roleNames[Number(row.role)]!,
    key: row.drawn as Buffer,
    round: Number(row.round),
    beacon: bytes(row.value),
    seq: Number(row.seq),
    at: Number(row.at)
  }
}

export function pastDraw(file: HistoryFile, id: number): PastDraw | null {
  const row = file.get(`${DRAWS} WHERE d.id = ?`, id)
  return row ? drawFrom(row) : null
}

export function pastDraws(file: HistoryFile, copy: number | null, cursor: Cursor): PastDraw[] {
  const where = copy === null ? 'TRUE' : 'd.copy = ?'
  return before(file, `${DRAWS} WHERE ${where}`, 'd.id', copy ?? undefined, cursor).map(drawFrom)
}

const EVENTS = `SELECT e.*, h.key AS hypercore_key, k.key AS key_key FROM events e
  LEFT JOIN keys h ON h.id = e.hypercore LEFT JOIN keys k ON k.id = e.key`

function eventFrom(row: HistoryRow): PastEvent {
  return {
    id: Number(row.id),
    seq: Number(row.seq),
    at: Number(row.at),
    kind: row.kind as string,
    hypercore: bytes(row.hypercore_key),
    key: bytes(row.key_key),
    copy: maybeNumber(row.copy),
    ref: maybeNumber(row.ref),
    amount: row.amount as bigint | null,
    r: maybeNumber(row.r),
    word: row.word as string | null
  }
}

/** Of a hypercore, of a key (numbers), or all. */
export function pastEvents(
  file: HistoryFile,
  of: { hypercore: number } | { key: number } | null,
  cursor: Cursor
): PastEvent[] {
  const [where, value] =
    of === null ? ['TRUE'] : 'hypercore' in of ? ['e.hypercore = ?', of.hypercore] : ['e.key = ?', of.key]
  return before(file, `${EVENTS} WHERE ${where}`, 'e.id', value, cursor).map(eventFrom)
}

/** Those after an event, oldest first. */
export function eventsAfter(file: HistoryFile, id: number, limit: number): PastEvent[] {
  return file.all(`${EVENTS} WHERE e.id > ? ORDER BY e.id LIMIT ?`, id, limit).map(eventFrom)
}

export function lastEvent(file: HistoryFile): number {
  return Number(file.get('SELECT max(id) AS id FROM events')!.id ?? 0n)
}

function before(
  file: HistoryFile,
  sql: string,
  id: string,
  value: HistoryValue | undefined,
  { before: at, limit }: Cursor
): HistoryRow[] {
  const values = value === undefined ? [] : [value]
  const most = at ?? Number.MAX_SAFE_INTEGER
  return file.all(`${sql} AND ${id} < ? ORDER BY ${id} DESC LIMIT ?`, ...values, most, limit)
}

export interface PastSupporter {
  key: Buffer
  amount: bigint
  since: number
}

/** Who gave most, first. */
export function supportersOf(file: HistoryFile, hypercore: number, limit: number): PastSupporter[] {
  return file
    .all(
      `SELECT k.key, s.amount, s.since FROM supporters s JOIN keys k ON k.id = s.key
         WHERE s.hypercore = ? ORDER BY s.amount DESC LIMIT ?`,
      hypercore,
      limit
    )
    .map((row) => ({ key: row.key as Buffer, amount: row.amount as bigint, since: Number(row.since) }))
}

const STANDINGS = `SELECT o.*, h.key AS hypercore_key, p.key AS pinner_key FROM copies o
  JOIN keys h ON h.id = o.hypercore LEFT JOIN keys p ON p.id = o.pinner`

function standingFrom(row: HistoryRow): CopyStanding {
  return {
    id: Number(row.id),
    state: COPY_STATES[Number(row.state)]!,
    hypercore: row.hypercore_key as Buffer,
    pinner: bytes(row.pinner_key),
    segments: Number(row.segments),
    provenAt: maybeNumber(row.proven_at)
  }
}

/** Copies of a hypercore or of a pinner (numbers), newest first. */
export function standings(
  file: HistoryFile,
  of: { hypercore: number } | { pinner: number },
  cursor: Cursor
): CopyStanding[] {
  const [where, value] = 'hypercore' in of ? ['o.hypercore = ?', of.hypercore] : ['o.pinner = ?', of.pinner]
  return before(file, `${STANDINGS} WHERE ${where}`, 'o.id', value, cursor).map(standingFrom)
}

export function standing(file: HistoryFile, copy: number): CopyStanding | null {
  const row = file.get(`${STANDINGS} WHERE o.id = ?`, copy)
  return row ? standingFrom(row) : null
}

/** When a copy passed a challenge last. */
export function provenAt(file: HistoryFile, copy: number): number | null {
  return maybeNumber(file.get('SELECT proven_at FROM copies WHERE id = ?', copy)?.proven_at)
}

/** When a key was heard of last. */
export function heardAt(file: HistoryFile, key: Uint8Array): number | null {
  const row = file.get('SELECT h.at FROM heard h JOIN keys k ON k.id = h.key WHERE k.key = ?', key)
  return maybeNumber(row?.at)
}

/** Keys of those who registered for a role, and of what was sponsored, in that order: after a row, with the rows' numbers. */
export function membersOf(
  file: HistoryFile,
  role: RoleName,
  { after, limit }: { after: number; limit: number }
): { id: number; key: Buffer }[] {
  return keysFrom(
    file.all(
      'SELECT m.id, k.key FROM members m JOIN keys k ON k.id = m.key WHERE m.role = ? AND m.id > ? ORDER BY m.id LIMIT ?',
      roleNames.indexOf(role),
      after,
      limit
    )
  )
}

export function hypercoresOf(
  file: HistoryFile,
  { after, limit }: { after: number; limit: number }
): { id: number; key: Buffer }[] {
  return keysFrom(
    file.all(
      'SELECT h.id, k.key FROM hypercores h JOIN keys k ON k.id = h.key WHERE h.id > ? ORDER BY h.id LIMIT ?',
      after,
      limit
    )
  )
}

function keysFrom(rows: readonly HistoryRow[]): { id: number; key: Buffer }[] {
  return rows.map(({ id, key }) => ({ id: Number(id), key: key as Buffer }))
}

/** How many registered for a role, and how many of them were heard of since a moment. */
export function countMembers(
  file: HistoryFile,
  role: RoleName,
  since: number
): { all: number; heard: number } {
  const row = file.get(
    `SELECT count(*) AS all_of_them, count(h.at) AS heard FROM members m
       LEFT JOIN heard h ON h.key = m.key AND h.at >= ? WHERE m.role = ?`,
    since,
    roleNames.indexOf(role)
  )!
  return { all: Number(row.all_of_them), heard: Number(row.heard) }
}

/** Keys that begin with these bytes. */
export function keysLike(
  file: HistoryFile,
  prefix: Uint8Array,
  limit: number
): { id: number; key: Buffer }[] {
  const low = Buffer.alloc(32)
  const high = Buffer.alloc(32, 0xff)
  low.set(prefix)
  high.set(prefix)
  return keysFrom(
    file.all('SELECT id, key FROM keys WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?', low, high, limit)
  )
}
