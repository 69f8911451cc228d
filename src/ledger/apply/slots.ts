import { outerLayer } from '../rules/beacon.js'
import { returnSteps } from '../rules/absence.js'
import { isPausedIn } from '../rules/pause.js'
import { answerMs, evidenceMs } from '../rules/schedule.js'
import { slotLot, slotOf, slotSeed, slotShare } from '../rules/slots.js'
import type { Row } from '../database.js'
import type { Copy } from '../rows.js'
import type { State } from '../state.js'
import { withoutPauses } from './pause-rows.js'

/** Rounds of a slot looked at that count as one step of a tick. */
const ROUNDS_PER_STEP = 64

/** A row of `slots`: the copies of one rate, those that wait first. */
interface Slots {
  every: number
  copies: number
  waiting: number
  slot: number
  /** Whose value drew last; while `quota` is not 0, draws. */
  round: number
  /** What that round has still to draw, and what it has drawn. */
  quota: number
  lot: number
}

/** From now on a copy is challenged once in each slot, the one that has begun included. */
export function joinSlots(state: State, copy: Copy): void {
  const { head, parameters: p } = state
  const known = state.db.get('SELECT * FROM slots WHERE every = ?', copy.every)
  const { every } = copy
  const { slot } = slotOf(head.round, every, head, p)
  const of = known
    ? slotsFrom(known)
    : { every, copies: 0, waiting: 0, slot, round: head.round, quota: 0, lot: 0 }
  // Behind those that wait: the first of the others goes to the end.
  const moved = placed(state, every, of.waiting)
  if (moved !== null) put(state, every, of.waiting, copy.id)
  state.db.run(
    'INSERT INTO slot_places (every, place, copy) VALUES (?, ?, ?)',
    every,
    of.copies,
    moved ?? copy.id
  )
  of.copies++
  of.waiting++
  save(state, of)
}

/** A copy is challenged no more. */
export function leaveSlots(state: State, { id, every }: Copy): void {
  state.db.run('DELETE FROM due_copies WHERE copy = ?', id)
  const row = state.db.get('SELECT place FROM slot_places WHERE copy = ?', id)
  if (!row) return
  const of = slotsFrom(state.db.get('SELECT * FROM slots WHERE every = ?', every)!)
  let hole = Number(row.place)
  if (hole < of.waiting) {
    of.waiting--
    put(state, every, hole, placed(state, every, of.waiting)!)
    hole = of.waiting
    of.quota = Math.min(of.quota, of.waiting)
  }
  of.copies--
  put(state, every, hole, placed(state, every, of.copies)!)
  state.db.run('DELETE FROM slot_places WHERE every = ? AND place = ?', every, of.copies)
  save(state, of)
}

/**
 * Has every round whose value is known draw its share of the copies that wait, each by its own value, so that it does not matter which
 * ones a tick showed. Those that are drawn are asked at once, as many of a pinner as may be open. Returns the steps done, at most `work`.
 */
export function drawSlots(state: State, work: number): number {
  const { head } = state
  const behind = state.db
    .all('SELECT * FROM slots WHERE round < ? OR quota > 0 ORDER BY every', head.round)
    .map(slotsFrom)
  if (behind.length === 0) return 0
  const values = valuesSince(
    state,
    Math.min(...behind.map(({ round, quota }) => (quota > 0 ? round - 1 : round)))
  )
  let looked = 0
  let drawn = 0
  const done = (): number => drawn + Math.ceil(looked / ROUNDS_PER_STEP)
  for (const of of behind) {
    while (done() < work && (of.quota > 0 || of.round < head.round)) {
      if (of.quota === 0) {
        begin(state, of, values)
        looked++
      }
      const most = Math.min(of.quota, work - done())
      if (most === 0) continue
      const seed = seedOf(state, of, values)
      for (let n = 0; n < most; n++) drawOne(state, of, seed)
      drawn += most
    }
    save(state, of)
  }
  return done()
}

/** The next round of a slot, or of the slot after it, in which all wait again. */
function begin(state: State, of: Slots, values: Map<number, Buffer>): void {
  const { head, parameters: p } = state
  of.round++
  const { slot, roundsLeft } = slotOf(of.round, of.every, head, p)
  if (slot > of.slot) {
    of.slot = slot
    of.waiting = of.copies
  }
  of.lot = 0
  if (of.waiting === 0) return
  of.quota = slotShare(seedOf(state, of, values), of.waiting, roundsLeft)
}

function seedOf({ chainId }: State, { every, round }: Slots, values: Map<number, Buffer>): Uint8Array {
  return slotSeed(chainId, every, values.get(round)!)
}

function drawOne(state: State, of: Slots, seed: Uint8Array): void {
  const { every } = of
  const place = slotLot(seed, of.lot, of.waiting)
  const copy = placed(state, every, place)!
  of.lot++
  of.quota--
  of.waiting--
  if (place !== of.waiting) {
    put(state, every, place, placed(state, every, of.waiting)!)
    put(state, every, of.waiting, copy)
  }
  const row = state.db.get('SELECT pinner FROM copies WHERE id = ?', copy)!
  state.db.run(
    'INSERT OR IGNORE INTO due_copies (pinner, round, copy) VALUES (?, ?, ?)',
    row.pinner as bigint,
    of.round,
    copy
  )
  askPinner(state, Number(row.pinner))
}

/**
 * Asks a pinner for copies that were drawn, the longest waiting first, as long as it has fewer than `openMax` challenges open. Of a copy one is on its
 * way at a time, its evidence and the verdict included. A pause is not asked in: what is drawn meanwhile waits for its end.
 */
export function askPinner(state: State, pinner: number): void {
  const { head, parameters: p } = state
  if (isPausedIn(state.role(pinner).pause, head.epoch)) return
  const rows = state.db.all(
    `SELECT d.copy, c.segments, c.bytes, c.missed_since, h.steps FROM due_copies d JOIN copies c ON c.id = d.copy JOIN hypercores h ON h.id = c.hypercore
     WHERE d.pinner = ? AND d.round <= ? AND NOT EXISTS (SELECT 1 FROM challenges o WHERE o.copy = d.copy) ORDER BY d.round, d.copy LIMIT ?`,
    pinner,
    head.round,
    p.openMax
  )
  if (rows.length === 0) return
  const open = state.db.get(
    'SELECT count(*) AS n, sum(steps) AS steps FROM challenges WHERE pinner = ? AND state = 0',
    pinner
  )!
  const asked = rows
    .slice(0, Math.max(0, p.openMax - Number(open.n)))
    .map((row) => stepsOf(state, pinner, row))
  // All of them are read from the same disk.
  const steps = asked.reduce((sum, row) => sum + row.steps, Number(open.steps ?? 0))
  for (const row of asked) ask(state, pinner, row, head.clock + answerMs(steps, p))
}

/** How far a copy is walked: further where it missed a challenge. */
function stepsOf(state: State, pinner: number, row: Row): { copy: number; segments: number; steps: number } {
  const { head, parameters: p } = state
  const [copy, segments, planned] = [Number(row.copy), Number(row.segments), Number(row.steps)]
  if (row.missed_since === null) return { copy, segments, steps: planned }
  const missedMs = withoutPauses(state, state.role(pinner), Number(row.missed_since), head.clock)
  return { copy, segments, steps: returnSteps({ steps: planned, bytes: Number(row.bytes), missedMs }, p) }
}

function ask(
  state: State,
  pinner: number,
  { copy, segments, steps }: ReturnType<typeof stepsOf>,
  answerBy: number
): void {
  const { head, parameters: p } = state
  const challenge = head.nextChallenge++
  state.db.run('DELETE FROM due_copies WHERE copy = ?', copy)
  state.db.run(
    `INSERT INTO challenges (id, copy, pinner, state, epoch, round, steps, segments, asked, answer_by, evidence_by, deadline)
     VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
    challenge,
    copy,
    pinner,
    head.epoch,
    head.round,
    steps,
    segments,
    head.clock,
    answerBy,
    answerBy + evidenceMs(steps, p),
    answerBy
  )
  state.emit({ kind: 'challenged', challenge, copy, round: head.round, answerBy })
}

/** The values of all rounds after one, the last shown included. */
function valuesSince(state: State, after: number): Map<number, Buffer> {
  const { head } = state
  const values = new Map<number, Buffer>()
  const shown = state.db.all('SELECT round, value FROM rounds WHERE round > ? ORDER BY round DESC', after)
  let value = head.beacon as Buffer
  let next = 0
  for (let round = head.round; round > after; round--) {
    if (next < shown.length && Number(shown[next]!.round) === round) value = shown[next++]!.value as Buffer
    else if (round < head.round) value = outerLayer(value) as Buffer
    values.set(round, value)
  }
  return values
}

function placed(state: State, every: number, place: number): number | null {
  const row = state.db.get('SELECT copy FROM slot_places WHERE every = ? AND place = ?', every, place)
  return row ? Number(row.copy) : null
}

function put(state: State, every: number, place: number, copy: number): void {
  state.db.run('UPDATE slot_places SET copy = ? WHERE every = ? AND place = ?', copy, every, place)
}

function save(state: State, of: Slots): void {
  if (of.copies === 0) {
    state.db.run('DELETE FROM slots WHERE every = ?', of.every)
    return
  }
  state.db.run(
    'INSERT OR REPLACE INTO slots (every, copies, waiting, slot, round, quota, lot) VALUES (?, ?, ?, ?, ?, ?, ?)',
    of.every,
    of.copies,
    of.waiting,
    of.slot,
    of.round,
    of.quota,
    of.lot
  )
}

function slotsFrom(row: Row): Slots {
  return {
    every: Number(row.every),
    copies: Number(row.copies),
    waiting: Number(row.waiting),
    slot: Number(row.slot),
    round: Number(row.round),
    quota: Number(row.quota),
    lot: Number(row.lot)
  }
}
