import { ChainError } from '../../errors.js'
import { equal } from '../../bytes.js'
import { roleNames, type Body, type Outcome, type RoleName } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import { DRIFT_MS, driftReputation, updateReputation } from '../rules/reputation.js'
import { addCopy, releaseCopy } from './copies.js'
import { payFeeOfRole } from './fees.js'
import { forgetPauses } from './pause-rows.js'
import { copyById } from '../rows.js'
import { accountKinds, BURNED, roleFrom, type Account, type Role, type State } from '../state.js'

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
  if (body.payout) namePayout(state, sender, role, body.payout)
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

/** Has a role pay out to another account. Only the one that it pays out to may say so: at first that is its own. @throws ChainError `PAYOUT_OTHER` */
function namePayout(state: State, sender: Account, role: Role, payout: Uint8Array): void {
  const now = state.account(role.payout)
  if (equal(payout, now.key)) return
  if (now.id !== sender.id) {
    throw new ChainError(
      'PAYOUT_OTHER',
      `this ${role.role} pays out to another account; only that may change it`
    )
  }
  role.payout = state.open(accountKinds.wallet, payout).id
  state.touch(role)
  state.emit({ kind: 'payoutSet', key: state.keyOf(role), role: role.role, payout: Buffer.from(payout) })
}

/** The account that a role pays out to names another. */
export function setPayout(state: State, sender: Account, body: Body<'setPayout'>): void {
  const wallet = state.wallet(body.key)
  const role = wallet && state.roleOf(wallet, body.role)
  if (!role) throw new ChainError('ROLE_UNKNOWN', `this identity is no ${body.role}`)
  if (equal(body.payout, state.account(role.payout).key)) {
    throw new ChainError('PAYOUT_KNOWN', `the ${body.role} pays out to this account already`)
  }
  namePayout(state, sender, role, body.payout)
}

/**
 * Gives an identity another key: with its account, all that it was goes on under the new one. Only the account that all of its roles pay out to may do
 * so, and not while somebody works with it on a segment, who would pay for a delivery that the new key cannot sign any more.
 *
 * @throws ChainError `ROLE_UNKNOWN`, `PAYOUT_OTHER`, `KEY_KNOWN`, `KEY_BUSY`
 */
export function replaceKey(state: State, sender: Account, { key, by }: Body<'replaceKey'>): void {
  const wallet = state.wallet(key)
  const roles = wallet ? roleNames.flatMap((name) => state.roleOf(wallet, name) ?? []) : []
  if (!wallet || roles.length === 0) throw new ChainError('ROLE_UNKNOWN', 'this identity has no role')
  // Who pays out to itself has nobody above it, and whoever has its key could take it from its owner.
  if (sender.id === wallet.id || roles.some((role) => role.payout !== sender.id)) {
    throw new ChainError(
      'PAYOUT_OTHER',
      'only another account that all roles of this identity pay out to may replace its key'
    )
  }
  if (state.wallet(by)) throw new ChainError('KEY_KNOWN', 'the new key has an account already')
  if (roles.some((role) => isWorkedWith(state, role))) {
    throw new ChainError(
      'KEY_BUSY',
      'a segment is on its way, or its refusal is not judged; try again when that is over'
    )
  }
  state.replaceKey(wallet, by)
  state.emit({ kind: 'keyReplaced', key: Buffer.from(key), by: Buffer.from(by) })
}

/** Whether a role is one side of a delivery, or of a refusal that waits for its verdict. */
function isWorkedWith({ db }: State, { id, role }: Role): boolean {
  if (role === 'verifier') return false
  const delivering = `SELECT 1 FROM tasks WHERE ${role} = ? AND signer IS NOT NULL AND state > 2 LIMIT 1`
  return (
    db.get(delivering, id) !== undefined ||
    db.get(`SELECT 1 FROM refusals WHERE ${role} = ? LIMIT 1`, id) !== undefined
  )
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
    state.move(deposit, state.account(role.payout), refund)
    role.state = 2
    forgetPauses(state, role)
    state.touch(role)
    state.emit({ kind: 'retired', key: state.keyOf(role), role: role.role, refund })
    done++
  }
  return done
}
