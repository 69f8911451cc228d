import type { Outcome } from '../../protocol/operations.js'
import { afterDelivery, afterFailure, failedFee, unservedRounds } from '../rules/deliveries.js'
import { reputationPpm } from '../rules/reputation.js'
import { copyById, hypercoreById, liveCopies, saveTask, type Task } from '../rows.js'
import { BURNED, type Role, type State } from '../state.js'
import { redraw } from './copies.js'
import { lapseNow } from './grace.js'
import { burnDeposit, rate } from './roles.js'

// What it costs when a drawn task comes to nothing.

const BOTH = ['pinner', 'signer'] as const

/** Takes a sum of a role's deposit, as far as it is not locked. */
function charge(state: State, role: Role, wanted: bigint): void {
  const burned = burnDeposit(state, role, wanted)
  const reputation = reputationPpm(role.main)
  state.emit({
    kind: 'penalised',
    key: state.keyOf(role),
    role: role.role,
    burned,
    reputationPpm: reputation
  })
}

/** A role says no to a draw, or nothing: it pays a fee, so that nobody chooses among draws for nothing. */
export function chargeDecline(state: State, role: Role): void {
  charge(state, role, state.parameters.declineFee)
}

/** One side of a delivery that came to nothing pays: more with each such end. */
function chargeFailure(state: State, role: Role): void {
  const fee = failedFee(role.failed, state.head.clock, state.parameters)
  role.failed = afterFailure(role.failed, state.head.clock, state.parameters)
  charge(state, role, fee)
}

/** It is shown whose fault it is: that side pays, and is rated. */
export function chargeFault(state: State, role: Role, outcome: Outcome): void {
  rate(state, role, outcome)
  chargeFailure(state, role)
}

/** A segment came about between these two. */
export function creditDelivery(state: State, roles: readonly Role[]): void {
  for (const role of roles) {
    if (role.failed.count === 0) continue
    role.failed = afterDelivery(role.failed)
    state.touch(role)
  }
}

/**
 * A delivery came to nothing, each side has said its word, and nobody can tell whose fault it is: both pay the same kind of sum, neither is
 * rated, and neither is drawn for this copy again.
 */
export function failDelivery(state: State, task: Task): void {
  for (const side of BOTH) chargeFailure(state, state.role(task[side]!))
  redraw(state, task, 'refused', { drop: BOTH })
}

/**
 * A delivery came to nothing since one side said no word in its time: that is on the log, and nobody else pays for it. Another signer is
 * drawn for the same pinner; a pinner is drawn again with its signer, who may be drawn for this copy again.
 */
export function failSilent(state: State, task: Task, silent: 'pinner' | 'signer'): void {
  chargeFault(state, state.role(task[silent]!), 'offline')
  // A signer that refused has said why.
  if (task.state !== 'refused')
    task.trouble = { what: silent === 'signer' ? 'late' : 'unaccepted', by: task[silent] }
  if (silent === 'signer') redraw(state, task, 'deliver', { drop: ['signer'] })
  else redraw(state, task, 'accept', { drop: BOTH, out: ['pinner'] })
}

/** The pinner says that it finds the hypercore nowhere, before its signer says anything: the task goes on. */
export function saySought(state: State, task: Task, pinner: Role): void {
  task.sought = true
  task.trouble = { what: 'unreachable', by: pinner.id }
  saveTask(state, task)
  state.emit({ kind: 'unserved', task: task.id, by: state.keyOf(pinner) })
}

/**
 * Pinner and signer each found that nobody serves the hypercore: neither pays, the hypercore does. It is tried again later and later, and in the
 * end given up, unless copies of it are held.
 */
export function endUnserved(state: State, task: Task): void {
  const p = state.parameters
  const { hypercore: id } = copyById(state, task.copy)
  task.unserved++
  task.trouble = { what: 'unserved', by: null }
  const given = task.unserved >= p.unservedMax
  redraw(state, task, 'unserved', { drop: BOTH, out: [], rest: unservedRounds(task.unserved, p) })
  const hypercore = hypercoreById(state, id)
  const account = state.account(hypercore.account)
  const fee = account.balance < p.attemptFee ? account.balance : p.attemptFee
  state.move(account, state.account(BURNED), fee)
  if (given && !liveCopies(state, id).some((copy) => copy.state === 1)) lapseNow(state, hypercore, true)
}
