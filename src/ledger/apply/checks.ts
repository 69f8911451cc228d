import { ChainError } from '../../errors.js'
import { outcomeNames, reportCommitment, type Body, type Outcome } from '../../protocol/operations.js'
import { verifierSeed } from '../rules/draw.js'
import { updateQuality } from '../rules/weights.js'
import { paidEpochs } from '../rules/absence.js'
import { paidFor, retrievalReward } from '../rules/economics.js'
import { isServed, medianMeasurement, updateReputation, type Measurement } from '../rules/reputation.js'
import { isRetrievalDue } from '../rules/schedule.js'
import { clockOfRound } from '../rules/time.js'
import type { Database, Row } from '../database.js'
import { copyFrom, hypercoreById, type Copy } from '../rows.js'
import { effectivePpm, type Account, type Role, type State } from '../state.js'
import { burnFee, canPay } from './challenges.js'
import { afterOutcome } from './outcomes.js'
import { beaconOf, partakers, refreshRoles, shownAt } from './draws.js'
import { hasPaused, pausesSince } from './pause-rows.js'
import { rate } from './roles.js'
import { isPaid } from './surplus.js'

/** Kind of the retrieval checks in `due` and `tallies`. */
const RETRIEVAL = 1

/** Commitments that one verifier may make in an epoch. */
const COMMITMENTS_MAX = 16

/** Rows deleted that count as one step of a tick. */
const ROWS_PER_STEP = 8
/** Steps that settling one check counts as: it draws, pays, and rates four roles. */
const CHECK_STEPS = 4

/** What an epoch leaves behind once its checks are settled, and what identifies a row beside the epoch. */
const LEFT_BEHIND = [
  ['commitments', 'verifier, commitment'],
  ['reports', 'copy, verifier']
] as const

/** States of `check_epochs`. */
const FREEZING = 0
const REPORTING = 1
const SETTLING = 2

/** Begins the checks of an epoch: fixes its rounds. An epoch that begins before the last one is settled checks nothing. */
export function beginChecks(state: State): void {
  const { head, parameters: p } = state
  if (state.db.get('SELECT 1 FROM check_epochs LIMIT 1')) return
  const close = state.round + p.reportRounds
  state.db.run(
    'INSERT INTO check_epochs (epoch, start_round, close_round, settle_round, state) VALUES (?, ?, ?, ?, ?)',
    head.epoch,
    state.round,
    close,
    close + p.revealRounds,
    FREEZING
  )
}

/**
 * Freezes the verifiers of an epoch that has begun, as they are when a tick comes to them; from then on until its checks are settled nothing changes
 * who is drawn. An epoch that closes before all are frozen has no checks.
 */
export function freezeVerifiers(state: State, work: number): number {
  const row = state.db.get(
    `SELECT epoch FROM check_epochs WHERE state = ${FREEZING} AND close_round > ? LIMIT 1`,
    state.head.round
  )
  if (!row) return 0
  const { done, all } = refreshRoles(state, 'verifier', work)
  if (all) {
    state.db.run(`UPDATE check_epochs SET state = ${REPORTING} WHERE epoch = ?`, row.epoch as bigint)
  }
  return done
}

/** Whether the verifiers of an epoch are frozen, so that it has checks. @param epoch row of `check_epochs` */
export function hasVerifiers(epoch: Row): boolean {
  return epoch.state !== BigInt(FREEZING)
}

/** The verifiers of a copy in an epoch: role numbers. Whoever has a part in its hypercore does not check it. */
export function drawVerifiers(state: State, of: { epoch: number; copy: Copy; beacon: Uint8Array }): number[] {
  const { epoch, copy, beacon } = of
  const excluded: number[] = []
  for (const wallet of partakers(state, copy.hypercore)) {
    const role = state.roleOf(state.account(wallet), 'verifier')
    if (role) excluded.push(role.id)
  }
  const drawn: number[] = []
  const lots = state.urn('verifier').draw(verifierSeed(state.chainId, epoch, copy.id, beacon), excluded)
  for (const role of lots) if (drawn.push(role) === state.parameters.checkVerifiers) break
  return drawn
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
  if (!row || !inTime(state, Number(row.close_round))) {
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
  const revealing = row && shownAt(state, Number(row.close_round)) !== null && row.state !== BigInt(SETTLING)
  if (!revealing || !inTime(state, Number(row.settle_round))) {
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
  const beacon = beaconOf(state, Number(row.close_round))
  for (const report of hasVerifiers(row) ? reports : []) {
    const found = state.db.get('SELECT * FROM copies WHERE id = ? AND state = 1', report.copy)
    if (!found || !isChecked(copyFrom(found), row, beacon)) continue
    if (!drawVerifiers(state, { epoch, copy: copyFrom(found), beacon }).includes(role.id)) continue
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

/** Whether the running operation came before the value of this round was shown. */
function inTime(state: State, round: number): boolean {
  const shown = shownAt(state, round)
  return shown === null || state.moment.arrived < shown
}

function isChecked(copy: Copy, epoch: Row, beacon: Buffer): boolean {
  return copy.round < Number(epoch.start_round) && isRetrievalDue(beacon, copy.every, copy.bucket)
}

function verifierOf(state: State, sender: Account): Role {
  const role = state.roleOf(sender, 'verifier')
  if (!role) throw new ChainError('ROLE_UNKNOWN', 'the sender is no verifier')
  return role
}

/** Epochs whose reports are all in: lists the buckets that were checked, then settles at most `work` copies. */
export function settleChecks(state: State, work: number): number {
  let done = 0
  while (done < work) {
    const epoch = state.db.get(
      'SELECT * FROM check_epochs WHERE settle_round <= ? ORDER BY epoch LIMIT 1',
      state.head.round
    )
    // What came before is to be on the log first.
    if (!epoch || shownAt(state, Number(epoch.settle_round))! > state.head.heard) break
    done += settleEpoch(state, epoch, work - done)
  }
  return done
}

function settleEpoch(state: State, row: Row, work: number): number {
  const epoch = Number(row.epoch)
  const beacon = beaconOf(state, Number(row.close_round))
  if (!hasVerifiers(row)) return forget(state.db, epoch, work)
  if (row.state === BigInt(REPORTING)) {
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
    state.db.run(`UPDATE check_epochs SET state = ${SETTLING} WHERE epoch = ?`, epoch)
  }
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
    const since = clockOfRound(Number(row.start_round), state.head, state.parameters)
    for (const copy of rows) settleCheck(state, { epoch, since, beacon }, copyFrom(copy))
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

/**
 * Median, verdict, pay and reputations of one check.
 *
 * @param of since: chain time when its epoch began
 */
function settleCheck(
  state: State,
  { epoch, since, beacon }: { epoch: number; since: number; beacon: Buffer },
  copy: Copy
): void {
  const p = state.parameters
  const drawn = drawVerifiers(state, { epoch, copy, beacon })
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
  // Who was away meanwhile serves nobody, and is not paid: that is no second fault.
  const isAway = pinner.awayAt !== null && pinner.awayAt >= since
  const isPaused = hasPaused(state, pinner, epoch)
  const unserved: Outcome = isAway || isPaused || pinner.awaySince !== null ? 'offline' : 'failure'
  const outcome: Outcome = median === null ? 'unknown' : isServed(median, p) ? 'success' : unserved
  const agreed = drawn.filter((id) => {
    const report = reports.get(id)
    return report !== undefined && median !== null && isServed(report, p) === (outcome === 'success')
  })
  const epochs = paidEpochs(epoch, {
    last: copy.retrievalEpoch,
    back: pinner.backEpoch,
    pauses: pausesSince(state, pinner, copy.retrievalEpoch)
  })
  const share = p.checkReward / BigInt(p.checkVerifiers)
  const wanted =
    outcome === 'success' && isPaid(state, copy, hypercore)
      ? paidFor(retrievalReward(copy.bytes, epochs, p), effectivePpm(pinner))
      : 0n
  let paid = 0n
  const sum = wanted + share * BigInt(agreed.length) + p.challengeFee
  if (sum > 0n && canPay(state, hypercore, sum)) {
    const account = state.account(hypercore.account)
    burnFee(state, hypercore, p.challengeFee)
    state.reward(account, state.account(pinner.payout), wanted)
    for (const id of agreed) state.reward(account, state.account(state.role(id).payout), share)
    paid = wanted
  }
  for (const id of drawn) {
    const role = state.role(id)
    // A report beside the median costs as much as none: both leave the check without this verifier.
    if (!reports.has(id)) rate(state, role, 'offline')
    else if (median !== null) rate(state, role, agreed.includes(id) ? 'success' : 'failure')
  }
  // What was served before a pause is paid by the next check after it.
  if (outcome !== 'unknown' && !(outcome === 'offline' && isPaused)) copy.retrievalEpoch = epoch
  if (outcome !== 'offline') pinner.retrieval = updateReputation(pinner.retrieval, outcome, p)
  if (outcome === 'success' && median) pinner.quality = updateQuality(pinner.quality, median, p)
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
