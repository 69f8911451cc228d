import { withdrawnPay } from '../rules/absence.js'
import { hypercoreById, saveTask, taskOfCopy, type Copy, type Hypercore } from '../rows.js'
import { effectivePpm, RESERVED, type State } from '../state.js'
import { countedCopies, releaseCopy, wantedCopies } from './copies.js'

// More copies than are wanted, since one came back whose substitute was asked for: what is not made yet is withdrawn, and of what is there the
// best are paid, and the others go after a while.

/** A copy came back that makes one too many: the next tick looks at it. */
export function beginSurplus(state: State, { id }: Hypercore): void {
  const { clock } = state.head
  state.db.run(
    'UPDATE hypercores SET surplus_since = coalesce(surplus_since, ?), surplus_due = ? WHERE id = ?',
    clock,
    clock,
    id
  )
}

/** Looks after hypercores with more copies than are wanted. Returns the steps done, at most `work`. */
export function endSurplus(state: State, work: number): number {
  const { head, parameters: p } = state
  const rows = state.db.all(
    'SELECT id, surplus_since FROM hypercores WHERE surplus_due <= ? ORDER BY surplus_due, id LIMIT ?',
    head.clock,
    work
  )
  for (const row of rows) {
    const hypercore = hypercoreById(state, Number(row.id))
    const until = Number(row.surplus_since) + p.surplusMs
    const more = withdraw(state, hypercore)
    if (more !== null && more <= 0) setSurplus(state, hypercore, null)
    // A draw that is frozen is made: what comes of it is withdrawn after it.
    else if (more === null) setSurplus(state, hypercore, head.clock)
    else if (head.clock < until) setSurplus(state, hypercore, until)
    else {
      for (const copy of ranked(state, hypercore).slice(-more)) releaseCopy(state, copy)
      setSurplus(state, hypercore, null)
    }
  }
  return rows.length
}

function setSurplus(state: State, { id }: Hypercore, due: number | null): void {
  state.db.run(
    'UPDATE hypercores SET surplus_due = ?, surplus_since = CASE WHEN ? IS NULL THEN NULL ELSE surplus_since END WHERE id = ?',
    due,
    due,
    id
  )
}

/** Withdraws copies that are not made yet, those first that are the furthest from it. Returns how many are still too many; null if a draw is to be waited for. */
function withdraw(state: State, hypercore: Hypercore): number | null {
  const counted = countedCopies(state, hypercore.id)
  let more = counted.length - wantedCopies(state, hypercore, counted)
  const pending = counted
    .filter((copy) => copy.state === 0)
    .map((copy) => ({ copy, task: taskOfCopy(state, copy.id)! }))
    .sort((a, b) => STAGES.indexOf(a.task.state) - STAGES.indexOf(b.task.state) || b.copy.id - a.copy.id)
  for (const { copy, task } of pending) {
    if (more <= 0) break
    if (task.state === 'frozen') return null
    const reward = task.signer === null ? 0n : reserved(state, task.reserved)
    const at = task.state === 'delivered' || task.state === 'delivering' ? task.state : 'other'
    const paid = withdrawnPay(at, reward)
    if (paid > 0n) {
      state.reward(state.account(RESERVED), state.account(state.role(task.signer!).payout), paid)
      task.reserved -= paid
      saveTask(state, task)
    }
    state.emit({ kind: 'withdrawn', task: task.id, copy: copy.id, paid })
    releaseCopy(state, copy)
    more--
  }
  return more
}

/** States of a task, the furthest from a segment first; who failed has not worked. */
const STAGES = ['resting', 'wanted', 'frozen', 'asked', 'refused', 'late', 'delivering', 'delivered'] as const

/** X of what is reserved for a task. */
function reserved({ parameters: { segmentFee } }: State, sum: bigint): bigint {
  return sum > segmentFee ? sum - segmentFee : 0n
}

/** The copies of a hypercore that are held and count, the best first: by how far their pinners are trusted and how well they serve, those that are not paid yet behind. */
function ranked(state: State, { id }: Hypercore): Copy[] {
  const { clock } = state.head
  const worth = (copy: Copy): number => {
    if (copy.unpaidUntil !== null && clock < copy.unpaidUntil) return -1
    const pinner = state.role(copy.pinner!)
    return effectivePpm(pinner) * pinner.quality
  }
  return countedCopies(state, id)
    .filter((copy) => copy.state === 1)
    .map((copy) => ({ copy, worth: worth(copy) }))
    .sort((a, b) => b.worth - a.worth || a.copy.id - b.copy.id)
    .map(({ copy }) => copy)
}

/** Whether a copy is paid for what it proves: not for ever while one that replaces it is made, not while it makes up for an absence, and of more than are wanted only the best. */
export function isPaid(state: State, copy: Copy, hypercore: Hypercore): boolean {
  const { clock } = state.head
  if (copy.missedSince !== null) return false
  if (copy.unpaidFrom !== null && clock >= copy.unpaidFrom) return false
  if (copy.unpaidUntil !== null && clock < copy.unpaidUntil) return false
  if (hypercore.surplusSince === null) return true
  const best = ranked(state, hypercore).slice(
    0,
    wantedCopies(state, hypercore, countedCopies(state, hypercore.id))
  )
  // A successor is paid beside whom it takes over from.
  return copy.predecessor !== null || best.some(({ id }) => id === copy.id)
}
