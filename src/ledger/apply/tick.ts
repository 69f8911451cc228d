import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { opensLayers } from '../rules/beacon.js'
import { epochOf } from '../rules/schedule.js'
import { clockOfRound, LAYERS_MAX, roundAt } from '../rules/time.js'
import type { State } from '../state.js'
import { followAbsent } from './absence.js'
import { forgetCommitments, payBounties } from './bounties.js'
import { expireChallenges } from './challenges.js'
import { beginChecks, freezeVerifiers, settleChecks } from './checks.js'
import { lapse } from './grace.js'
import { ageRoles, drawTasks, wakeTasks } from './draws.js'
import { endBars, endLocks } from './locks.js'
import { refreshSegments } from './renewal.js'
import { followPauses } from './pauses.js'
import { continueRetirements, driftRoles } from './roles.js'
import { expireRefusals, expireTasks } from './tasks.js'
import { drawOpenings, expireOpenings } from './openings.js'
import { drawSlots } from './slots.js'
import { endSurplus } from './surplus.js'
import { follow } from './time.js'

/** Values of rounds that are kept in any case, for those who ask for them; part of the rules, since the state has them. */
export const ROUNDS_KEPT = 1_024

/**
 * The chain's heartbeat: time, beacon, then what is due, in this order and at most `work` steps of it. What is left over is done by the
 * next tick.
 *
 * @returns steps done
 */
export function tick(state: State, body: Body<'tick'>): number {
  const { head } = state
  if (body.work < 1) throw new ChainError('WORK_ZERO', 'a tick must be allowed to do something')
  follow(state, body)
  showBeacon(state, body)
  const epoch = epochOf(head.clock, state.parameters)
  // Only with a fresh beacon value: an epoch's choice must not be known before it begins.
  if (epoch > head.epoch && body.value) beginEpoch(state, epoch)
  let left = body.work
  for (const step of [
    expireChallenges,
    expireOpenings,
    expireTasks,
    expireRefusals,
    followAbsent,
    followPauses,
    endSurplus,
    payBounties,
    forgetCommitments,
    endLocks,
    endBars,
    ageRoles,
    driftRoles,
    freezeVerifiers,
    refreshSegments,
    wakeTasks,
    drawTasks,
    settleChecks,
    drawOpenings,
    drawSlots,
    lapse,
    continueRetirements
  ]) {
    if (left > 0) left -= Math.min(left, step(state, left))
  }
  return body.work - left
}

function showBeacon(state: State, body: Body<'tick'>): void {
  const { head } = state
  showValue(state, body)
  if (!body.nextOnion) return
  if (head.nextOnion) throw new ChainError('ONION_KNOWN', 'the next onion is committed to already')
  head.nextOnion = body.nextOnion
}

function showValue(state: State, { round, value }: Body<'tick'>): void {
  const { head } = state
  if (!value) {
    if (round !== head.round) throw new ChainError('BEACON_ROUND', `round ${round} needs its value`)
    return
  }
  const layers = round - head.round
  const begun = roundAt(head.clock, head, state.parameters)
  const left = head.onionLeft === 0 ? head.onionLength : head.onionLeft
  const most = Math.min(begun, head.round + Math.min(left, LAYERS_MAX))
  if (layers < 1 || round > most) {
    const when = `round ${begun} has begun at chain time ${clockOfRound(begun, head, state.parameters)}`
    throw new ChainError('BEACON_ROUND', `a tick may show rounds ${head.round + 1} to ${most}: ${when}`)
  }
  if (head.onionLeft === 0) {
    if (!head.nextOnion || !opensLayers(head.nextOnion, value, layers)) throw forged()
    head.nextOnion = null
  } else if (!opensLayers(head.beacon, value, layers)) throw forged()
  head.onionLeft = left - layers
  head.round = round
  head.beacon = value
  state.db.run('INSERT INTO rounds (round, value, clock) VALUES (?, ?, ?)', round, value, head.clock)
  forgetRounds(state)
}

/** Forgets the values of rounds that no open challenge, opening, slot, task, refusal or check refers to; the log has all of them. */
function forgetRounds({ db, head }: State): void {
  const least = (sql: string) => Number(db.get(sql)?.round ?? Infinity)
  // Challenges and draws are numbered in the order of their rounds: the first open one has the lowest.
  const needed = Math.min(
    head.round - ROUNDS_KEPT,
    least('SELECT round FROM challenges ORDER BY id LIMIT 1'),
    least('SELECT min(round) AS round FROM openings'),
    least('SELECT min(round) AS round FROM slots'),
    head.drawRound ?? Infinity,
    least('SELECT round FROM draws WHERE id = (SELECT min(draw) FROM tasks WHERE draw IS NOT NULL)'),
    least('SELECT round FROM draws WHERE id = (SELECT min(draw) FROM refusals)'),
    least('SELECT min(close_round) AS round FROM check_epochs')
  )
  db.run('DELETE FROM rounds WHERE round < ?', needed)
}

function forged(): ChainError {
  return new ChainError('BEACON_FORGED', 'the value is not the one that was committed to')
}

function beginEpoch(state: State, epoch: number): void {
  const { head } = state
  head.epoch = epoch
  state.emit({ kind: 'epochBegan', epoch, round: head.round })
  beginChecks(state)
}
