import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { isOpened, openedChunk, openingChance, openingSeed } from '../rules/openings.js'
import { updateReputation } from '../rules/reputation.js'
import { scoreAfter } from '../rules/score.js'
import { roundAt } from '../rules/time.js'
import type { Row } from '../database.js'
import { copyById } from '../rows.js'
import { effectivePpm, type Role, type State } from '../state.js'
import { chargeFault } from './deliveries.js'
import { beaconOf } from './draws.js'
import { afterOutcome } from './outcomes.js'

/** States of an opening, as they are stored. */
const WAITING = 0
const ASKED = 1

/**
 * An answer that came in its time may be followed by an opening: that is drawn by the first round that begins after it came. A copy has one
 * at a time.
 */
export function awaitOpening(state: State, challenge: Row): void {
  const { head, parameters: p } = state
  const copy = state.db.get(
    'SELECT bytes, length, segments, every FROM copies WHERE id = ? AND NOT EXISTS (SELECT 1 FROM openings WHERE copy = copies.id)',
    challenge.copy as bigint
  )
  if (!copy) return
  const [bytes, chunks, every] = [Number(copy.bytes), Number(copy.length), Number(copy.every)]
  const chance = openingChance({ bytes, chunks, every }, p)
  if (chance === 0) return
  state.db.run(
    'INSERT INTO openings (challenge, copy, pinner, segments, state, round, chance) VALUES (?, ?, ?, ?, ?, ?, ?)',
    challenge.id as bigint,
    challenge.copy as bigint,
    challenge.pinner as bigint,
    copy.segments as bigint,
    WAITING,
    roundAt(state.moment.arrived, head, p) + 1,
    chance
  )
}

/** A pinner that answers is there: from now on its time for what it was asked to open counts. */
export function pinnerAnswered(state: State, pinner: Role): void {
  const { arrived } = state.moment
  const { openingMs, settleGraceMs } = state.parameters
  state.db.run(
    `UPDATE openings SET open_by = ?, deadline = ? WHERE pinner = ? AND state = ${ASKED} AND open_by IS NULL`,
    arrived + openingMs,
    arrived + openingMs + settleGraceMs,
    pinner.id
  )
}

/** Draws what is opened of the answers that came before the rounds whose values are known. At most `work` of them; returns how many. */
export function drawOpenings(state: State, work: number): number {
  const rows = state.db.all(
    `SELECT challenge, copy, round, chance FROM openings WHERE state = ${WAITING} AND round <= ?
     ORDER BY round, challenge LIMIT ?`,
    state.head.round,
    work
  )
  let round = -1
  let value: Buffer | undefined
  for (const row of rows) {
    const challenge = Number(row.challenge)
    if (Number(row.round) !== round) value = beaconOf(state, (round = Number(row.round)))
    if (isOpened(openingSeed(state.chainId, challenge, value!), Number(row.chance))) {
      state.db.run(`UPDATE openings SET state = ${ASKED} WHERE challenge = ?`, challenge)
      state.emit({ kind: 'openingDrawn', challenge, copy: Number(row.copy), round })
    } else state.db.run('DELETE FROM openings WHERE challenge = ?', challenge)
  }
  return rows.length
}

/** Openings that the chain did not judge in time are asked for again, and cost nobody anything. */
export function expireOpenings(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT * FROM openings WHERE deadline < ? ORDER BY deadline, challenge LIMIT ?',
    state.head.heard,
    work
  )
  for (const row of rows) askAgain(state, row, Number(row.missed))
  return rows.length
}

function askAgain(state: State, row: Row, missed: number): void {
  const challenge = Number(row.challenge)
  state.db.run(
    'UPDATE openings SET open_by = NULL, deadline = NULL, missed = ? WHERE challenge = ?',
    missed,
    challenge
  )
  state.emit({ kind: 'openingDrawn', challenge, copy: Number(row.copy), round: Number(row.round) })
}

/** The chain's verdicts on openings. */
export function settleOpenings(state: State, body: Body<'settleOpenings'>): void {
  for (const { challenge, outcome, evidence } of body.items) {
    const row = state.db.get(`SELECT * FROM openings WHERE challenge = ? AND state = ${ASKED}`, challenge)
    if (!row) throw new ChainError('OPENING_UNKNOWN', `no opening after challenge ${challenge} is asked for`)
    if ((outcome === 'failure') !== (evidence === null)) {
      throw new ChainError('OPENING_VERDICT', `a verdict of ${outcome} has or lacks its evidence`)
    }
    if (outcome !== 'failure') close(state, row, outcome)
    else if (row.open_by === null || state.head.clock <= Number(row.open_by)) {
      throw new ChainError(
        'OPENING_VERDICT',
        `the time for the opening after challenge ${challenge} is not over`
      )
    } else miss(state, row)
  }
}

/**
 * An opening did not come though its pinner was there. It is asked for again, the same chunk: who is silent about a chunk that it cannot show is
 * not asked for another one instead. So often and no oftener; then it is a lie, or silence would be cheaper than showing it.
 */
function miss(state: State, row: Row): void {
  const missed = Number(row.missed) + 1
  const lied = missed >= state.parameters.openingsMissedMax
  if (lied) forget(state, row)
  else askAgain(state, row, missed)
  conclude(state, row, lied ? 'lie' : 'failure')
}

function close(state: State, row: Row, outcome: 'success' | 'lie'): void {
  // What a chunk shows convicts its signer too, who signed the root that it lies under. A silent pinner convicts itself alone.
  if (outcome === 'lie') chargeFault(state, state.role(openedOf(state, row).signer), 'failure')
  forget(state, row)
  conclude(state, row, outcome)
}

function forget(state: State, { challenge }: Row): void {
  state.db.run('DELETE FROM openings WHERE challenge = ?', challenge as bigint)
}

/** Rates the pinner, and takes the copy where that is due. A success is paid by the challenge alone. */
function conclude(state: State, row: Row, outcome: 'success' | 'failure' | 'lie'): void {
  const copy = copyById(state, Number(row.copy))
  const pinner = state.role(Number(row.pinner))
  if (outcome !== 'success') {
    copy.score = scoreAfter(copy.score, outcome, state.parameters)
    // What was not shown to be the author's is not paid.
    copy.storageEpoch = Math.max(copy.storageEpoch, state.head.epoch)
    pinner.main = updateReputation(pinner.main, outcome, state.parameters)
    state.rated(pinner)
  }
  const reputationPpm = effectivePpm(pinner)
  const challenge = Number(row.challenge)
  state.emit({ kind: 'openingSettled', challenge, copy: copy.id, outcome, reputationPpm })
  if (outcome !== 'success') afterOutcome(state, copy, outcome, reputationPpm)
}

/** Which chunk an opening is of: its segment, counted in the order of the copy's, that one's signer, and its block index. */
export function openedOf(state: State, row: Row): { ordinal: number; signer: number; index: number } {
  const segments = state.db.all(
    'SELECT signer, start, end FROM segments WHERE copy = ? AND segment < ? AND replaced_by IS NULL ORDER BY start',
    row.copy as bigint,
    row.segments as bigint
  )
  const chunks = segments.reduce((sum, { start, end }) => sum + Number(end) - Number(start), 0)
  const seed = openingSeed(state.chainId, Number(row.challenge), beaconOf(state, Number(row.round)))
  let left = openedChunk(seed, chunks)
  for (const [ordinal, { signer, start, end }] of segments.entries()) {
    const length = Number(end) - Number(start)
    if (left < length) return { ordinal, signer: Number(signer), index: Number(start) + left }
    left -= length
  }
  throw new Error(`copy ${Number(row.copy)} has no chunk to open`)
}
