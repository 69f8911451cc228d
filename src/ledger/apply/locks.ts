import { copyLock } from '../rules/economics.js'
import { saveAbsence, type Copy, type Hypercore } from '../rows.js'
import type { Role, State } from '../state.js'

// What signers have locked for their live segments, and pinners for their copies.

/** The segments of a copy are gone, and with them what is locked for them. */
export function unlockCopy(state: State, copy: number): void {
  const rows = state.db.all(
    'SELECT segment, signer, locked FROM segments WHERE copy = ? AND locked > 0 ORDER BY segment',
    copy
  )
  for (const row of rows) unlock(state, { copy, ...row })
}

/** Locks whose time is over, at most `work` of them; returns how many. */
export function endLocks(state: State, work: number): number {
  const rows = state.db.all(
    `SELECT copy, segment, signer, locked FROM segments WHERE locked > 0 AND unlock_clock <= ?
     ORDER BY unlock_clock, copy, segment LIMIT ?`,
    state.head.clock,
    work
  )
  for (const row of rows) unlock(state, row)
  return rows.length
}

/** Nothing of a signer's deposit is locked for this segment any more. */
export function unlock(
  state: State,
  row: { copy?: unknown; segment?: unknown; signer?: unknown; locked?: unknown }
): void {
  const signer = state.role(Number(row.signer))
  signer.locked -= row.locked as bigint
  state.touch(signer)
  state.db.run(
    'UPDATE segments SET locked = 0 WHERE copy = ? AND segment = ?',
    Number(row.copy),
    Number(row.segment)
  )
}

/** Signers that may be drawn again, at most `work` of them; returns how many. */
export function endBars(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT id FROM roles WHERE barred_until <= ? ORDER BY barred_until, id LIMIT ?',
    state.head.clock,
    work
  )
  for (const { id } of rows) {
    const role = state.role(Number(id))
    role.barredUntil = null
    state.touch(role)
  }
  return rows.length
}

/** A copy that grew, or of which something was taken, locks more of its pinner's deposit, as far as there is more. */
export function topUpLock(state: State, { every }: Hypercore, copy: Copy, pinner: Role): void {
  const wanted = copyLock(copy.bytes, every, state.parameters)
  const free = state.account(pinner.account).balance - pinner.locked
  const missing = wanted - copy.locked
  const more = missing < free ? missing : free
  if (more > 0n) {
    copy.locked += more
    pinner.locked += more
    state.touch(pinner)
  }
  if (copy.short && copy.locked >= wanted) {
    copy.short = false
    pinner.short--
    state.touch(pinner)
  }
  saveAbsence(state, copy)
}
