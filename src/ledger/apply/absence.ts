import { segmentPrice } from '../rules/economics.js'
import { heldUntil, isMassOutage, missedFor, unpaidMs } from '../rules/absence.js'
import { updateReputation } from '../rules/reputation.js'
import { epochOf } from '../rules/schedule.js'
import { clockOfRound } from '../rules/time.js'
import { copyById, copyFrom, hypercoreById, saveAbsence, type Copy } from '../rows.js'
import type { Account, Role, State } from '../state.js'
import { countedCopies, fillCopies, loseCopy, wantedCopies } from './copies.js'
import { withoutPauses } from './pause-rows.js'
import { askPinner } from './slots.js'
import { beginSurplus } from './surplus.js'

// A pinner that says nothing at all is away: it is not paid, and fails nothing. What it was asked meanwhile it answers for when it is back;
// after a while others make its copies too, and in the end it loses them.

/**
 * Something of a pinner came, whatever it is: it is there, and where it was away it is asked for what it missed.
 *
 * @returns whether that ended an absence
 */
export function hear(state: State, sender: Account): boolean {
  const role = state.roleOf(sender, 'pinner')
  if (!role || role.state === 2) return false
  const { head, moment } = state
  state.db.run(
    'UPDATE challenges SET present = 1 WHERE pinner = ? AND state = 0 AND present = 0 AND asked <= ? AND answer_by >= ?',
    role.id,
    moment.arrived,
    moment.arrived
  )
  const since = role.awaySince
  if (since === null) return false
  role.awaySince = null
  // The walk is drawn by a round that nobody has seen: by one that was shown it could choose when to come back.
  role.awayDue = clockOfRound(head.round + 1, head, state.parameters)
  role.backEpoch = head.epoch
  state.touch(role)
  state.emit({ kind: 'cameBack', key: sender.key, since })
  state.db.run(
    `INSERT OR IGNORE INTO due_copies (pinner, round, copy) SELECT pinner, ?, id FROM copies
     WHERE pinner = ? AND state = 1 AND missed_since IS NOT NULL AND walk_from <= ?`,
    head.round + 1,
    role.id,
    head.clock
  )
  return true
}

/**
 * A challenge was not answered, and nothing else came of its pinner meanwhile.
 *
 * @param asked chain time when it was asked
 * @returns what becomes of the copy
 */
export function miss(state: State, copy: Copy, pinner: Role, asked: number): 'kept' | 'lost' {
  const p = state.parameters
  const { epochMs } = p
  // It is away once, however many copies it has.
  if (pinner.awayAt === null || epochOf(asked, p) > epochOf(pinner.awayAt, p)) {
    pinner.main = updateReputation(pinner.main, 'offline', p)
  }
  pinner.awayAt = Math.max(pinner.awayAt ?? 0, asked)
  if (pinner.awaySince === null) {
    pinner.awaySince = asked
    pinner.awayDue = asked + epochMs
    state.emit({ kind: 'wentAway', key: state.keyOf(pinner), since: asked })
  } else if (missedFor(withoutPauses(state, pinner, pinner.awaySince, asked), p) !== 'kept')
    pinner.awayDue = state.head.clock
  state.touch(pinner)
  // Who misses that walk too is not asked for another one at once, or it would wait for one that it can answer.
  copy.walkFrom = copy.missedSince === null ? 0 : asked + epochMs
  copy.missedSince ??= asked
  const fate = missedFor(withoutPauses(state, pinner, copy.missedSince, asked), p)
  if (fate === 'lost' && !isHeld(state, pinner, p.offlineMaxMs)) return 'lost'
  if (fate !== 'kept' && copy.goneSince === null && !isHeld(state, pinner, p.repairMs)) replace(state, copy)
  else saveAbsence(state, copy)
  return 'kept'
}

/** A copy passed the walk that it owed: it counts again, and is not needed where its substitute is there already. */
export function regain(state: State, copy: Copy): void {
  const { clock } = state.head
  const missedMs = clock - copy.missedSince!
  copy.missedSince = null
  if (copy.goneSince === null) return saveAbsence(state, copy)
  copy.goneSince = null
  saveAbsence(state, copy)
  const hypercore = hypercoreById(state, copy.hypercore)
  const counted = countedCopies(state, hypercore.id)
  const wanted = wantedCopies(state, hypercore, counted)
  const held = counted.filter(({ state }) => state === 1)
  if (held.length > wanted) {
    copy.unpaidUntil = clock + unpaidMs(missedMs, state.parameters)
    saveAbsence(state, copy)
  }
  if (counted.length > wanted) beginSurplus(state, hypercore)
  state.emit({
    kind: 'regained',
    copy: copy.id,
    hypercore: hypercore.key,
    pinner: state.keyOf(state.role(copy.pinner!)),
    paidFrom: copy.unpaidUntil ?? clock
  })
}

/** Has another copy made in the place of one that was missed for long, at its pinner's cost. It stays its pinner's. */
function replace(state: State, copy: Copy): void {
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = state.role(copy.pinner!)
  copy.goneSince = state.head.clock
  saveAbsence(state, copy)
  let taken = 0n
  // Where there are more than are wanted nobody is drawn, and nobody pays.
  if (hypercore.state !== 2 && fillCopies(state, hypercore) > 0) {
    const price = segmentPrice(copy.bytes, state.parameters)
    taken = price < copy.locked ? price : copy.locked
    state.move(state.account(pinner.account), state.account(hypercore.account), taken)
    copy.locked -= taken
    pinner.locked -= taken
    if (taken > 0n && !copy.short) {
      copy.short = true
      pinner.short++
    }
    saveAbsence(state, copy)
    state.touch(pinner)
  }
  state.emit({
    kind: 'missing',
    copy: copy.id,
    hypercore: hypercore.key,
    pinner: state.keyOf(pinner),
    taken
  })
}

/** Whether nobody is replaced or lost for now, since so many went away together. */
function isHeld(state: State, role: Role, limitMs: number): boolean {
  const { db, head, parameters: p } = state
  const since = role.awaySince!
  const paused = head.clock - since - withoutPauses(state, role, since, head.clock)
  if (head.clock >= heldUntil(since + paused, limitMs, p)) return false
  const sum = (sql: string, ...values: number[]): bigint =>
    (db.get(sql, ...values)!.sum as bigint | null) ?? 0n
  const away = sum(
    'SELECT sum(locked) AS sum FROM roles WHERE away_since BETWEEN ? AND ?',
    since - p.epochMs,
    since + p.epochMs
  )
  return isMassOutage(away, sum('SELECT sum(locked) AS sum FROM roles WHERE role = 1 AND locked > 0'))
}

/** Asks a pinner that came back for what it missed, once the round is shown that this was put off to. */
function askReturned(state: State, role: Role): void {
  const { db, head } = state
  if (db.get('SELECT 1 FROM due_copies WHERE pinner = ? AND round > ? LIMIT 1', role.id, head.round)) return
  role.awayDue = null
  state.touch(role)
  askPinner(state, role.id)
}

/**
 * Looks after pinners that are away: asks them once an epoch at least, and has what was missed for too long replaced, or lost. Returns the
 * steps done, at most `work`.
 */
export function followAbsent(state: State, work: number): number {
  const { db, head, parameters: p } = state
  const rows = db.all(
    'SELECT id FROM roles WHERE away_due <= ? ORDER BY away_due, id LIMIT ?',
    head.clock,
    work
  )
  let done = 0
  for (const { id } of rows) {
    if (done >= work) break
    done++
    const role = state.role(Number(id))
    if (role.awaySince === null) {
      askReturned(state, role)
      continue
    }
    const fate = missedFor(withoutPauses(state, role, role.awaySince, role.awayAt!), p)
    if (fate !== 'kept' && !isHeld(state, role, fate === 'lost' ? p.offlineMaxMs : p.repairMs)) {
      const left = work - done
      const found = db.all(
        `SELECT * FROM copies WHERE pinner = ? AND state = 1 ${fate === 'lost' ? '' : 'AND gone_since IS NULL'} ORDER BY id LIMIT ?`,
        role.id,
        left
      )
      for (const row of found) {
        if (fate === 'lost') loseCopy(state, copyById(state, Number(row.id)), false)
        else replace(state, copyFrom(row))
      }
      done += found.length
      // The rest is done by the next tick.
      if (found.length === left) break
    }
    role.awayDue = head.clock + p.epochMs
    state.touch(role)
    if (head.clock - role.awayAt! < p.epochMs) continue
    const [missed] = db.all(
      'SELECT id FROM copies WHERE pinner = ? AND state = 1 AND missed_since IS NOT NULL ORDER BY id LIMIT 1',
      role.id
    )
    if (missed) {
      db.run(
        'INSERT OR IGNORE INTO due_copies (pinner, round, copy) VALUES (?, ?, ?)',
        role.id,
        head.round,
        missed.id as bigint
      )
      askPinner(state, role.id)
    } else role.awayDue = null
  }
  return done
}
