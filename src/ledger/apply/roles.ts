import { ChainError } from '../../errors.js'
import type { Body, Outcome, RoleName } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import { DRIFT_MS, driftReputation, updateReputation } from '../rules/reputation.js'
import { addCopy, releaseCopy } from './copies.js'
import { payFeeOfRole } from './fees.js'
import { copyById } from '../rows.js'
import { BURNED, roleFrom, type Account, type Role, type State } from '../state.js'

function leastDeposit(role: RoleName, p: Parameters): bigint {
  if (role === 'pinner') return p.pinnerDepositMin
  return role === 'signer' ? p.signerDepositMin : p.verifierDepositMin
}

/** Joins a role, joins it again after leaving (with the reputation it left with), or raises what it brings. */
export function register(state: State, sender: Account, body: Body<'register'>): void {
  const least = leastDeposit(body.role, state.parameters)
  let role = state.roleOf(sender, body.role)
  if (role?.state === 1) {
    throw new ChainError('ROLE_RETIRING', `this identity is leaving the role of ${body.role}`)
  }
  const has = role ? state.account(role.account).balance : 0n
  if (has + body.deposit < least) {
    throw new ChainError('DEPOSIT_TOO_LOW', `a ${body.role} deposits at least ${least} grains`)
  }
  if (sender.balance < body.deposit) {
    throw new ChainError(
      'BALANCE_TOO_LOW',
      `the balance is ${sender.balance} grains, needed are ${body.deposit}`
    )
  }
  if (role && body.capacityBytes < role.used) {
    throw new ChainError('CAPACITY_IN_USE', `${role.used} bytes are in use`)
  }
  if (!role) role = state.addRole(sender, body.role, body.capacityBytes)
  else if (role.state === 2) {
    role.state = 0
    role.round = state.round
    role.aged = false
    role.refundClock = null
    // Nothing was forgotten meanwhile.
    role.driftClock = state.head.clock + DRIFT_MS
  }
  role.capacity = body.capacityBytes
  state.move(sender, state.account(role.account), body.deposit)
  payFeeOfRole(state, { sender, role, least }, { kind: 'register', body })
  state.touch(role)
  const { balance } = state.account(role.account)
  state.emit({
    kind: 'registered',
    key: sender.key,
    role: role.role,
    capacityBytes: role.capacity,
    deposit: balance
  })
}

/** Leaves a role in order: no more draws; a pinner's copies are handed over; then the deposit comes back. */
export function retire(state: State, sender: Account, body: Body<'retire'>): void {
  const name = body.role
  const role = state.roleOf(sender, name)
  if (!role || role.state === 2) throw new ChainError('ROLE_UNKNOWN', `this identity is no ${name}`)
  if (role.state === 1) throw new ChainError('ROLE_RETIRING', `this identity is leaving already`)
  role.state = 1
  role.refundClock = state.head.clock + state.parameters.evidenceWindowMs
  state.touch(role)
  // Who has nothing left may leave all the same.
  payFeeOfRole(state, { sender, role, least: null }, { kind: 'retire', body })
  state.emit({ kind: 'retiring', key: sender.key, role: name })
}

/** Roles that drift in one step of a tick. */
const ROLES_PER_STEP = 8

/** Takes the reputations of those who take part a day, or more, back towards that of a new identity. Returns the steps done. */
export function driftRoles(state: State, work: number): number {
  const { clock } = state.head
  const rows = state.db.all(
    'SELECT id FROM roles WHERE state < 2 AND drift_clock <= ? ORDER BY drift_clock, id LIMIT ?',
    clock,
    work * ROLES_PER_STEP
  )
  for (const { id } of rows) {
    const role = state.role(Number(id))
    const days = 1 + Math.floor((clock - role.driftClock) / DRIFT_MS)
    role.main = driftReputation(role.main, days)
    role.retrieval = driftReputation(role.retrieval, days)
    role.driftClock += days * DRIFT_MS
    state.touch(role)
  }
  return Math.ceil(rows.length / ROLES_PER_STEP)
}

/** Records an outcome in a role's main reputation. */
export function rate(state: State, role: Role, outcome: Outcome): void {
  role.main = updateReputation(role.main, outcome, state.parameters)
  state.rated(role)
}

/** Burns up to `wanted` of what a role has deposited and not locked. */
export function burnDeposit(state: State, role: Role, wanted: bigint): bigint {
  const deposit = state.account(role.account)
  const free = deposit.balance > role.locked ? deposit.balance - role.locked : 0n
  const burned = wanted < free ? wanted : free
  state.move(deposit, state.account(BURNED), burned)
  state.touch(role)
  return burned
}

/**
 * For those who are leaving: asks for successors of a pinner's copies, and gives the deposit back once nothing depends on it and
 * the evidence window has passed. Does at most `work` steps and returns how many it did.
 */
export function continueRetirements(state: State, work: number): number {
  let done = 0
  for (const row of state.db.all('SELECT * FROM roles WHERE state = 1 ORDER BY id LIMIT ?', work)) {
    const role = state.role(roleFrom(row).id)
    const handover = state.db.all(
      `SELECT c.id, c.hypercore FROM copies c JOIN hypercores h ON h.id = c.hypercore
       WHERE c.pinner = ? AND c.state = 1 AND h.state = 0
         AND NOT EXISTS (SELECT 1 FROM copies s WHERE s.predecessor = c.id AND s.state < 2)
       ORDER BY c.id LIMIT ?`,
      role.id,
      work - done
    )
    for (const copy of handover) addCopy(state, Number(copy.hypercore), Number(copy.id))
    done += handover.length
    if (done >= work) return done
    // Who is not paid need not wait for a successor that nobody pays.
    const unpaid = state.db.all(
      `SELECT c.id FROM copies c JOIN hypercores h ON h.id = c.hypercore
       WHERE c.pinner = ? AND c.state = 1 AND h.state = 1 ORDER BY c.id LIMIT ?`,
      role.id,
      work - done
    )
    for (const { id } of unpaid) releaseCopy(state, copyById(state, Number(id)))
    done += unpaid.length
    if (done >= work) return done
    const busy =
      state.db.get('SELECT 1 FROM copies WHERE pinner = ? AND state < 2 LIMIT 1', role.id) ??
      state.db.get('SELECT 1 FROM tasks WHERE pinner = ? LIMIT 1', role.id) ??
      state.db.get('SELECT 1 FROM tasks WHERE signer = ? LIMIT 1', role.id) ??
      state.db.get('SELECT 1 FROM segments WHERE signer = ? AND locked > 0 LIMIT 1', role.id)
    if (busy || state.head.clock < role.refundClock!) continue
    const deposit = state.account(role.account)
    const refund = deposit.balance
    state.move(deposit, state.account(role.wallet), refund)
    role.state = 2
    state.touch(role)
    state.emit({ kind: 'retired', key: state.keyOf(role), role: role.role, refund })
    done++
  }
  return done
}
