import { ChainError } from '../../errors.js'
import { outcomeNames, reportCommitment, type Body, type Outcome } from '../../protocol/operations.js'
import { PPM } from '../../protocol/parameters.js'
import { drawOrder, verifierSeed } from '../rules/draw.js'
import { paidFor, retrievalReward } from '../rules/economics.js'
import { isServed, medianMeasurement, updateReputation, type Measurement } from '../rules/reputation.js'
import { isRetrievalDue } from '../rules/schedule.js'
import type { Database, Row } from '../database.js'
import { copyFrom, hypercoreById, type Copy } from '../rows.js'
import { effectivePpm, type Account, type Role, type State } from '../state.js'
import { afterOutcome, canPay } from './challenges.js'
import { isDrawable, rate } from './roles.js'

/** Kind of the retrieval checks in `due` and `tallies`. */
const RETRIEVAL = 1

/** Commitments that one verifier may make in an epoch. */
const COMMITMENTS_MAX = 16

/** Verifiers looked at, or rows deleted, that count as one step of a tick. */
const ROWS_PER_STEP = 8
/** Steps that settling one check counts as: it draws, pays, and rates four roles. */
const CHECK_STEPS = 4

/** What an epoch leaves behind once its checks are settled, and what identifies a row beside the epoch. */
const LEFT_BEHIND = [
  ['commitments', 'verifier, commitment'],
  ['reports', 'copy, verifier'],
  ['verifier_sets', 'position']
] as const

/** Begins the checks of an epoch: fixes its rounds. Who may be drawn is written by `gatherVerifiers`. */
export function beginChecks(state: State): void {
  const { head, parameters: p } = state
  const close = head.round + p.reportRounds
  const settle = close + p.revealRounds
  state.db.run(
    `INSERT INTO check_epochs (epoch, start_round, close_round, settle_round, state, verifiers, next_slot)
     VALUES (?, ?, ?, ?, 0, 0, 0)`,
    head.epoch,
    head.round,
    close,
    settle
  )
}

/** Goes on with the sets of verifiers of epochs that have begun; an epoch that closes without a whole set has no checks. */
export function gatherVerifiers(state: State, work: number): number {
  let done = 0
  while (done < work) {
    const epoch = state.db.get(
      'SELECT * FROM check_epochs WHERE next_slot IS NOT NULL AND close_round > ? ORDER BY epoch LIMIT 1',
      state.head.round
    )
    if (!epoch) break
    done += gather(state, epoch, work - done)
  }
  return done
}

function gather(state: State, epoch: Row, work: number): number {
  const limit = work * ROWS_PER_STEP
  const rows = state.db.all(
    'SELECT id, slot FROM roles WHERE role = 2 AND slot >= ? ORDER BY slot LIMIT ?',
    epoch.next_slot as bigint,
    limit
  )
  let position = Number(epoch.verifiers)
  for (const row of rows) {
    const role = state.role(Number(row.id))
    if (!isDrawable(state, role)) continue
    state.db.run(
      'INSERT INTO verifier_sets (epoch, position, role, weight) VALUES (?, ?, ?, ?)',
      epoch.epoch as bigint,
      position++,
      role.id,
      effectivePpm(role)
    )
  }
  const next = rows.length < limit ? null : (rows.at(-1)!.slot as bigint) + 1n
  state.db.run(
    'UPDATE check_epochs SET verifiers = ?, next_slot = ? WHERE epoch = ?',
    position,
    next,
    epoch.epoch as bigint
  )
  return Math.max(1, Math.ceil(rows.length / ROWS_PER_STEP))
}

interface Verifier {
  role: number
  wallet: number
  weight: bigint
}

/** An epoch's verifiers, by their places in the set: read when they are asked for, since a draw looks at a few. */
export class VerifierSet {
  readonly size: number
  readonly #db: Database
  readonly #epoch: bigint
  readonly #known = new Map<number, Verifier>()

  /** @param epoch row of `check_epochs`; nobody can be drawn from a set that is not complete */
  constructor(db: Database, epoch: Row) {
    this.#db = db
    this.#epoch = epoch.epoch as bigint
    this.size = epoch.next_slot === null ? Number(epoch.verifiers) : 0
  }

  at(position: number): Verifier {
    const known = this.#known.get(position)
    if (known) return known
    const row = this.#db.get(
      `SELECT v.role, r.wallet, v.weight FROM verifier_sets v JOIN roles r ON r.id = v.role
       WHERE v.epoch = ? AND v.position = ?`,
      this.#epoch,
      position
    )
    if (!row) throw new Error(`no verifier ${position} in epoch ${this.#epoch}`)
    const verifier = { role: Number(row.role), wallet: Number(row.wallet), weight: row.weight as bigint }
    this.#known.set(position, verifier)
    return verifier
  }
}

/** The verifiers of a copy in an epoch; `pinnerWallet` is not drawn to check itself. Roles' numbers. */
export function drawVerifiers(
  chainId: Buffer,
  set: VerifierSet,
  of: { epoch: number; copy: number; pinnerWallet: number; beacon: Buffer; count: number }
): number[] {
  const weight = (slot: number) => {
    const member = set.at(slot)
    return member.wallet === of.pinnerWallet ? 0n : member.weight
  }
  return drawOrder(
    verifierSeed(chainId, of.epoch, of.copy, of.beacon),
    { slots: set.size, maxWeight: BigInt(PPM), weight },
    of.count
  ).map((slot) => set.at(slot).role)
}

/** Copies of a bucket that an epoch may check: active since before it began. */
export const CHECKED_COPIES = `SELECT * FROM copies WHERE every = ? AND bucket = ? AND state = 1 AND id > ? AND round < ?
  ORDER BY every, bucket, id LIMIT ?`

/** A verifier binds itself to reports that nobody can read yet. */
export function commitReport(
  state: State,
  sender: Account,
  { epoch, commitment }: Body<'commitReport'>
): void {
  const role = verifierOf(state, sender)
  const row = state.db.get('SELECT close_round FROM check_epochs WHERE epoch = ?', epoch)
  if (!row || state.head.round >= Number(row.close_round)) {
    throw new ChainError('REPORTS_CLOSED', `the reports of epoch ${epoch} are closed`)
  }
  const made = state.db.get(
    'SELECT count(*) AS n FROM commitments WHERE epoch = ? AND verifier = ?',
    epoch,
    role.id
  )!
  if (Number(made.n) >= COMMITMENTS_MAX) {
    throw new ChainError('TOO_MANY_COMMITMENTS', `at most ${COMMITMENTS_MAX} an epoch`)
  }
  state.db.run(
    'INSERT OR IGNORE INTO commitments (epoch, verifier, commitment) VALUES (?, ?, ?)',
    epoch,
    role.id,
    commitment
  )
}

/** A verifier shows what it committed to. Reports on copies that it was not drawn for count for nothing. */
export function revealReport(state: State, sender: Account, body: Body<'revealReport'>): void {
  const { epoch, reports, salt } = body
  const role = verifierOf(state, sender)
  const row = state.db.get('SELECT * FROM check_epochs WHERE epoch = ?', epoch)
  if (!row || state.head.round < Number(row.close_round) || state.head.round >= Number(row.settle_round)) {
    throw new ChainError('REVEAL_CLOSED', `epoch ${epoch} takes no reports now`)
  }
  const commitment = reportCommitment(state.chainId, sender.key, epoch, reports, salt)
  const held = state.db.run(
    'DELETE FROM commitments WHERE epoch = ? AND verifier = ? AND commitment = ?',
    epoch,
    role.id,
    commitment
  )
  if (held !== 1) throw new ChainError('NOT_COMMITTED', 'the sender did not commit to these reports')
  const set = new VerifierSet(state.db, row)
  const beacon = beaconAt(state, Number(row.close_round))
  for (const report of reports) {
    const found = state.db.get('SELECT * FROM copies WHERE id = ? AND state = 1', report.copy)
    if (!found || !isChecked(copyFrom(found), row, beacon)) continue
    if (!verifiersOf(state, set, epoch, copyFrom(found), beacon).includes(role.id)) continue
    state.db.run(
      `INSERT OR IGNORE INTO reports (epoch, copy, verifier, first_byte_us, bytes_per_second, misses)
       VALUES (?, ?, ?, ?, ?, ?)`,
      epoch,
      report.copy,
      role.id,
      report.firstByteUs,
      report.bytesPerSecond,
      report.misses
    )
  }
}

function isChecked(copy: Copy, epoch: Row, beacon: Buffer): boolean {
  return copy.round < Number(epoch.start_round) && isRetrievalDue(beacon, copy.every, copy.bucket)
}

function verifiersOf(state: State, set: VerifierSet, epoch: number, copy: Copy, beacon: Buffer): number[] {
  return drawVerifiers(state.chainId, set, {
    epoch,
    copy: copy.id,
    pinnerWallet: state.role(copy.pinner!).wallet,
    beacon,
    count: state.parameters.checkVerifiers
  })
}

function verifierOf(state: State, sender: Account): Role {
  const role = state.roleOf(sender, 'verifier')
  if (!role) throw new ChainError('ROLE_UNKNOWN', 'the sender is no verifier')
  return role
}

function beaconAt(state: State, round: number): Buffer {
  return state.db.get('SELECT value FROM rounds WHERE round = ?', round)!.value as Buffer
}

/** Epochs whose reports are all in: lists the buckets that were checked, then settles at most `work` copies. */
export function settleChecks(state: State, work: number): number {
  let done = 0
  while (done < work) {
    const epoch = state.db.get(
      'SELECT * FROM check_epochs WHERE settle_round <= ? ORDER BY epoch LIMIT 1',
      state.head.round
    )
    if (!epoch) break
    done += settleEpoch(state, epoch, work - done)
  }
  return done
}

function settleEpoch(state: State, row: Row, work: number): number {
  const epoch = Number(row.epoch)
  const beacon = beaconAt(state, Number(row.close_round))
  if (row.state === 0n) {
    for (const { every, bucket } of state.db.all(
      'SELECT every, bucket FROM buckets ORDER BY every, bucket'
    )) {
      if (!isRetrievalDue(beacon, Number(every), Number(bucket))) continue
      state.db.run(
        'INSERT INTO due (kind, epoch, every, bucket, round, cursor) VALUES (1, ?, ?, ?, ?, -1)',
        epoch,
        every as bigint,
        bucket as bigint,
        state.head.round
      )
    }
    state.db.run('UPDATE check_epochs SET state = 2 WHERE epoch = ?', epoch)
  }
  const set = new VerifierSet(state.db, row)
  let done = 0
  while (done < work) {
    const due = state.db.get(
      'SELECT * FROM due WHERE kind = 1 AND epoch = ? ORDER BY every, bucket LIMIT 1',
      epoch
    )
    if (!due) return done + forget(state.db, epoch, work - done)
    const every = due.every as bigint
    const bucket = due.bucket as bigint
    const limit = Math.ceil((work - done) / CHECK_STEPS)
    const rows = state.db.all(
      CHECKED_COPIES,
      every,
      bucket,
      due.cursor as bigint,
      row.start_round as bigint,
      limit
    )
    for (const copy of rows) settleCheck(state, epoch, set, copyFrom(copy), beacon)
    done += Math.max(1, rows.length * CHECK_STEPS)
    if (rows.length < limit) {
      state.db.run(
        'DELETE FROM due WHERE kind = 1 AND epoch = ? AND every = ? AND bucket = ?',
        epoch,
        every,
        bucket
      )
    } else {
      state.db.run(
        'UPDATE due SET cursor = ? WHERE kind = 1 AND epoch = ? AND every = ? AND bucket = ?',
        rows.at(-1)!.id as bigint,
        epoch,
        every,
        bucket
      )
    }
  }
  return done
}

/** Deletes what is left of a settled epoch, at most `work` steps. */
function forget(db: Database, epoch: number, work: number): number {
  let done = 0
  for (const [table, rest] of LEFT_BEHIND) {
    for (;;) {
      const deleted = db.run(
        `DELETE FROM ${table} WHERE (epoch, ${rest}) IN
         (SELECT epoch, ${rest} FROM ${table} WHERE epoch = ? ORDER BY ${rest} LIMIT ${ROWS_PER_STEP})`,
        epoch
      )
      // A table that is empty already costs no step, or a tick with few of them would get no further.
      if (deleted === 0) break
      if (++done === work) return done
    }
  }
  db.run('DELETE FROM check_epochs WHERE epoch = ?', epoch)
  return Math.max(1, done)
}

/** Median, verdict, pay and reputations of one check. */
function settleCheck(state: State, epoch: number, set: VerifierSet, copy: Copy, beacon: Buffer): void {
  const p = state.parameters
  const drawn = verifiersOf(state, set, epoch, copy, beacon)
  if (drawn.length === 0) return
  const reports = new Map<number, Measurement>()
  const rows = state.db.all(
    'SELECT * FROM reports WHERE epoch = ? AND copy = ? ORDER BY verifier',
    epoch,
    copy.id
  )
  for (const row of rows) {
    reports.set(Number(row.verifier), {
      firstByteUs: Number(row.first_byte_us),
      bytesPerSecond: Number(row.bytes_per_second),
      misses: Number(row.misses)
    })
  }
  if (rows.length > 0) state.db.run('DELETE FROM reports WHERE epoch = ? AND copy = ?', epoch, copy.id)
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = state.role(copy.pinner!)
  const enough = reports.size >= Math.min(p.reportsMin, drawn.length)
  const median = enough && reports.size > 0 ? medianMeasurement([...reports.values()]) : null
  const outcome: Outcome = median === null ? 'unknown' : isServed(median, p) ? 'success' : 'failure'
  const agreed = drawn.filter((id) => {
    const report = reports.get(id)
    return report !== undefined && median !== null && isServed(report, p) === (outcome === 'success')
  })
  const share = p.checkReward / BigInt(p.checkVerifiers)
  const wanted =
    outcome === 'success'
      ? paidFor(retrievalReward(copy.bytes, epoch - copy.retrievalEpoch, p), effectivePpm(pinner))
      : 0n
  let paid = 0n
  const sum = wanted + share * BigInt(agreed.length)
  if (sum > 0n && canPay(state, hypercore, sum)) {
    const account = state.account(hypercore.account)
    state.reward(account, state.account(pinner.wallet), wanted)
    for (const id of agreed) state.reward(account, state.account(state.role(id).wallet), share)
    paid = wanted
  }
  for (const id of drawn) {
    const role = state.role(id)
    // A report beside the median costs as much as none: both leave the check without this verifier.
    if (!reports.has(id)) rate(state, role, 'offline')
    else if (median !== null) rate(state, role, agreed.includes(id) ? 'success' : 'failure')
  }
  if (outcome !== 'unknown') copy.retrievalEpoch = epoch
  pinner.retrieval = updateReputation(pinner.retrieval, outcome, p)
  state.rated(pinner)
  state.tally(RETRIEVAL, outcomeNames.indexOf(outcome))
  state.emit({
    kind: 'checked',
    epoch,
    copy: copy.id,
    outcome,
    firstByteUs: median?.firstByteUs ?? 0,
    bytesPerSecond: median?.bytesPerSecond ?? 0,
    misses: median?.misses ?? 0,
    paid,
    reputationPpm: effectivePpm(pinner)
  })
  afterOutcome(state, copy, outcome, effectivePpm(pinner))
}
