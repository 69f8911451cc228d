import { codecNames } from '../../chunk/header.js'
import { encodedBytesMax } from '../rules/economics.js'
import type { Row } from '../database.js'
import { copyById, hypercoreById, taskOfCopy, type Copy, type Hypercore, type Task } from '../rows.js'
import { RESERVED, type State } from '../state.js'
import { unlock } from './locks.js'
import { nextTurn } from './turns.js'

// Renewal: segments of a copy are encoded again as one, by a signer that has none of them, at the pinner that holds them. They are
// proven, served and paid for until the new one is accepted in their place.

/** Chunks `[start, end)` of a copy, which its segments divide. */
export interface ChunkRange {
  start: number
  end: number
}

/** The segments that a copy consists of, in order, as far as they lie in a range. */
export function segmentsIn(state: State, copy: number, { start, end }: ChunkRange): Row[] {
  return state.db.all(
    'SELECT * FROM segments WHERE copy = ? AND replaced_by IS NULL AND start >= ? AND end <= ? ORDER BY start',
    copy,
    start,
    end
  )
}

/**
 * Asks for the segments of a range to be encoded again as one. The range begins and ends where segments do, and the last of them ends
 * where the author has signed a length.
 *
 * @param why so that another signer has encoded it, or so that it is one segment, which its signers may encode too
 *
 * @returns whether it is asked for: not while something else is asked for or still to be paid in this copy, or it is on its way out
 */
export function renew(
  state: State,
  copy: Copy,
  range: ChunkRange,
  why: 'refresh' | 'merge' = 'refresh'
): boolean {
  const hypercore = hypercoreById(state, copy.hypercore)
  const isReplaced = state.db.get('SELECT 1 FROM copies WHERE predecessor = ? AND state < 2', copy.id)
  const isBusy = taskOfCopy(state, copy.id) !== null || copy.unpaid > 0 || isReplaced !== undefined
  // What its author has taken away is not encoded again.
  if (copy.state !== 1 || hypercore.state !== 0 || isBusy || copy.kept !== null) return false
  const segments = segmentsIn(state, copy.id, range)
  const last = segments.at(-1)
  const fits = last && Number(segments[0]!.start) === range.start && Number(last.end) === range.end
  if (!fits || last.signature === null) return false
  const id = state.head.nextTask++
  state.db.run(
    `INSERT INTO tasks (id, copy, state, fork, start, end, tree_hash, signature, byte_length, round, turn, renewal)
     VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    copy.id,
    last.fork as bigint,
    range.start,
    range.end,
    last.tree_hash as Buffer,
    last.signature as Buffer,
    last.byte_length as bigint,
    state.round,
    nextTurn(state, hypercore),
    why === 'merge' ? 2 : 1
  )
  state.emit({ kind: 'wanted', task: id, copy: copy.id, hypercore: hypercore.key, ...range })
  return true
}

/** Most encoded bytes that a renewal may come to: a codec makes as many of the same chunks each time. */
export function renewedBytes(state: State, { codec }: Hypercore, { copy, start, end }: Task): number {
  const segments = segmentsIn(state, copy, { start, end })
  const bytes = segments.reduce((sum, row) => sum + Number(row.bytes), 0)
  const isSame = segments.every((row) => codecNames[Number(row.codec)] === codec)
  return isSame ? bytes : encodedBytesMax(bytes, end - start)
}

/** Puts an accepted segment in the place of those that it encodes again; returns their encoded bytes. What was still to be minted for them returns. */
export function replaceSegments(
  state: State,
  hypercore: Hypercore,
  copy: Copy,
  range: ChunkRange & { segment: number }
): number {
  let bytes = 0
  let replaced = 0
  for (const row of segmentsIn(state, copy.id, range)) {
    bytes += Number(row.bytes)
    replaced++
    if (row.locked !== 0n) unlock(state, row)
    const reserved = row.reserved as bigint
    if (reserved > 0n) {
      state.move(state.account(RESERVED), state.account(hypercore.account), reserved)
      copy.unpaid--
    }
    state.db.run(
      'UPDATE segments SET replaced_by = ?, renew_clock = NULL, reserved = 0 WHERE copy = ? AND segment = ?',
      range.segment,
      copy.id,
      row.segment as bigint
    )
  }
  // What was to be shown was of a segment that is gone, and is encoded by somebody else now.
  state.db.run('DELETE FROM openings WHERE copy = ?', copy.id)
  state.emit({ kind: 'renewed', copy: copy.id, segment: range.segment, replaced })
  return bytes
}

/** When a segment that is accepted now is to be encoded again; null for a codec whose keys open nothing that others could not. */
export function renewClock(state: State, { codec, refreshAfterMs }: Hypercore): number | null {
  if (codec !== 'seal') return null
  return state.head.clock + (refreshAfterMs || state.parameters.lockMs)
}

/** Has segments sealed anew whose time has come: a key that was kept, sold or rented out is worth nothing then. Returns the steps done. */
export function refreshSegments(state: State, work: number): number {
  const { head, parameters: p } = state
  const due = state.db.all(
    'SELECT copy, segment, start, end FROM segments WHERE renew_clock <= ? ORDER BY renew_clock, copy, segment LIMIT ?',
    head.clock,
    work
  )
  for (const row of due) {
    // Whether or not it is asked for now: what is not renewed by then is due again.
    state.db.run(
      'UPDATE segments SET renew_clock = ? WHERE copy = ? AND segment = ?',
      head.clock + p.epochMs,
      row.copy as bigint,
      row.segment as bigint
    )
    const copy = copyById(state, Number(row.copy))
    renew(state, copy, { start: Number(row.start), end: wholeEnd(state, row) })
  }
  return due.length
}

/** Where the first segment from this one on ends that reaches a length which the author has signed. */
function wholeEnd(state: State, { copy, start, end }: Row): number {
  const whole = state.db.get(
    `SELECT end FROM segments WHERE copy = ? AND replaced_by IS NULL AND start >= ? AND signature IS NOT NULL
     ORDER BY start LIMIT 1`,
    copy as bigint,
    start as bigint
  )
  return Number(whole?.end ?? end)
}
