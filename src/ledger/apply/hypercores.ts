import { codecNames } from '../../chunk/header.js'
import { ChainError } from '../../errors.js'
import { verifyOriginal } from '../../crypto/author-signature.js'
import type { Body, Plan } from '../../protocol/operations.js'
import { sumsOf, type Original, type OriginalSums } from '../../protocol/original.js'
import type { Parameters } from '../../protocol/parameters.js'
import { feeOf } from '../rules/fees.js'
import { growthReserve, growthWaitMs, type GrowthSize } from '../rules/growth.js'
import { askNext, fillCopies, wantedCopies } from './copies.js'
import { payFee } from './fees.js'
import { give } from './money.js'
import { hypercoreById, hypercoreByKey, liveCopies, type Hypercore } from '../rows.js'
import { accountKinds, BURNED, type Account, type State } from '../state.js'

function checkPlan(plan: Plan, weight: number, p: Parameters): void {
  const { every, steps, copies, targetPpm, maxBytes, refreshAfterMs } = plan
  if (every < 1 || (every & (every - 1)) !== 0) {
    throw new ChainError('PLAN_INVALID', `epochs between challenges must be a power of two, not ${every}`)
  }
  if (steps < 1 || steps > p.stepsMax) throw new ChainError('PLAN_INVALID', `k must be in 1..${p.stepsMax}`)
  if (copies > p.copiesMax) throw new ChainError('PLAN_INVALID', `at most ${p.copiesMax} copies are possible`)
  if ((copies === 0) === (targetPpm === 0)) {
    throw new ChainError('PLAN_INVALID', 'a plan names either a number of copies or a target')
  }
  if (refreshAfterMs !== 0 && (refreshAfterMs < p.evidenceWindowMs || refreshAfterMs > p.lockMs)) {
    throw new ChainError(
      'PLAN_INVALID',
      `what is sealed may be sealed anew after ${p.evidenceWindowMs} to ${p.lockMs} ms, not ${refreshAfterMs}`
    )
  }
  if (maxBytes > p.hypercoreBytesMax || weight > maxBytes) {
    throw new ChainError(
      'PLAN_INVALID',
      `the hypercore has ${weight} bytes or blocks, allowed are ${maxBytes}`
    )
  }
}

/** What counts against a plan's bytes: blocks too, since each takes room though it be empty. */
export function weightOf({ length }: Original, { byteLength }: Pick<OriginalSums, 'byteLength'>): number {
  return Math.max(byteLength, length)
}

/** @throws ChainError `ORIGINAL_INVALID` unless the author has signed it */
export function checkOriginal(
  key: Uint8Array,
  original: Original,
  { treeHash }: Pick<OriginalSums, 'treeHash'>
): void {
  if (original.length === 0) {
    // Its author has signed nothing yet: there is one form of it only.
    if (original.fork === 0 && original.manifest.byteLength + original.signature.byteLength === 0) return
    throw new ChainError('ORIGINAL_INVALID', 'nobody signs a hypercore without blocks')
  }
  if (!verifyOriginal(key, { ...original, treeHash })) {
    throw new ChainError('ORIGINAL_INVALID', "the author's signature does not hold for this length and tree")
  }
}

/** @throws ChainError `HYPERCORE_CONFLICTED` if its author is known to have signed two trees of one fork and length */
export function refuseConflicted({ conflictClock }: Hypercore): void {
  if (conflictClock === null) return
  throw new ChainError(
    'HYPERCORE_CONFLICTED',
    'the author has signed two trees of one fork and length: nothing more that it signs is taken'
  )
}

/** Registers a hypercore with a plan and a first donation; or again, after it lapsed. */
export function sponsor(
  state: State,
  sender: Account,
  { key, original, plan, donation }: Body<'sponsor'>
): void {
  const known = hypercoreByKey(state, key)
  if (known && known.state !== 2) {
    throw new ChainError('HYPERCORE_KNOWN', 'this hypercore is registered; donate to it')
  }
  if (known) refuseConflicted(known)
  const isShorter = known && original.fork === known.fork && original.length < known.length
  if (known && (isShorter || original.fork < known.fork)) {
    throw new ChainError('ORIGINAL_INVALID', 'this hypercore was longer, or of a later fork, when it lapsed')
  }
  const sums = sumsOf(original)
  checkPlan(plan, weightOf(original, sums), state.parameters)
  checkOriginal(key, original, sums)
  if (sender.balance < donation) {
    throw new ChainError('BALANCE_TOO_LOW', `the balance is ${sender.balance} grains, needed are ${donation}`)
  }
  const account = state.open(accountKinds.hypercore, key)
  const { fork, length, manifest, signature } = original
  state.db.run(
    `INSERT INTO hypercores (key, account, state, fork, length, byte_length, tree_hash, manifest, signature, codec, every, steps,
       copies, target_ppm, max_bytes, topic, refresh_after_ms, grown_clock)
       VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET state = 0, unserved = 0, fork = excluded.fork, length = excluded.length, byte_length = excluded.byte_length,
       tree_hash = excluded.tree_hash, manifest = excluded.manifest, signature = excluded.signature, codec = excluded.codec, every = excluded.every, steps = excluded.steps,
       copies = excluded.copies, target_ppm = excluded.target_ppm, max_bytes = excluded.max_bytes, topic = excluded.topic,
       refresh_after_ms = excluded.refresh_after_ms, grown_clock = excluded.grown_clock,
       whole_length = NULL, whole_bytes = NULL, whole_clock = NULL, seen_fork = NULL, seen_clock = NULL`,
    key,
    account.id,
    fork,
    length,
    sums.byteLength,
    sums.treeHash,
    manifest,
    signature,
    codecNames.indexOf(plan.codec),
    plan.every,
    plan.steps,
    plan.copies,
    plan.targetPpm,
    plan.maxBytes,
    plan.topic,
    plan.refreshAfterMs,
    state.head.clock
  )
  const hypercore = hypercoreByKey(state, key)!
  state.db.run('INSERT OR IGNORE INTO sponsors (hypercore, wallet) VALUES (?, ?)', hypercore.id, sender.id)
  give(state, sender, hypercore, donation)
  const wanted = wantedCopies(state, hypercore, [])
  state.emit({ kind: 'sponsored', hypercore: key, length, codec: plan.codec, wanted })
  fillCopies(state, hypercore)
}

/**
 * Whether it is time for a growth, and whether there is enough for it: so that an author that writes all the time does not have a segment made of each
 * block, nor what supporters gave goes on growing alone. Returns whether the hypercore pays the fee: where no copy is held nothing is due, and so nothing is for growth.
 *
 * @throws ChainError `GROWTH_EARLY`, `GROWTH_UNPAID`
 */
function checkGrowth(
  state: State,
  hypercore: Hypercore,
  came: { bytes: number; blocks: number; fee: bigint }
): boolean {
  // What it waits for: its first copies are drawn, and paid, as of any other.
  if (hypercore.length === 0) return false
  const held = liveCopies(state, hypercore.id).filter((copy) => copy.state === 1)
  const growth: GrowthSize = {
    ...came,
    ageMs: state.head.clock - hypercore.grownClock,
    copies: held.map((copy) => copy.bytes),
    every: hypercore.every
  }
  const waitMs = growthWaitMs(growth, state.parameters)
  if (waitMs > 0) {
    throw new ChainError('GROWTH_EARLY', `what was appended is still gathered, for ${waitMs} ms`)
  }
  const needed = growthReserve(growth, state.parameters)
  const { balance } = state.account(hypercore.account)
  if (balance < needed) {
    throw new ChainError('GROWTH_UNPAID', `the hypercore has ${balance} grains, to grow it needs ${needed}`)
  }
  return held.length > 0
}

/** Records that a hypercore has grown, by its author's signature; every copy gets one more segment. */
export function extend(state: State, sender: Account, body: Body<'extend'>): void {
  const { key, original } = body
  const known = hypercoreByKey(state, key)
  if (!known || known.state === 2)
    throw new ChainError('HYPERCORE_UNKNOWN', 'this hypercore is not registered')
  refuseConflicted(known)
  if (known.length > 0 && original.fork !== known.fork) {
    throw new ChainError('FORK_CHANGED', `the copies are of fork ${known.fork}, which another one may follow`)
  }
  const sums = sumsOf(original)
  const { byteLength, treeHash } = sums
  if (original.length <= known.length || byteLength < known.byteLength) {
    throw new ChainError('LENGTH_NOT_LONGER', `the hypercore has ${known.length} blocks already`)
  }
  if (weightOf(original, sums) > known.maxBytes) {
    throw new ChainError('PLAN_EXCEEDED', `its plan pays for ${known.maxBytes} bytes, and as many blocks`)
  }
  const statement = { kind: 'extend' as const, body }
  const fee = feeOf(statement, state.parameters)
  const bytes = byteLength - known.byteLength
  const isPaid = checkGrowth(state, known, { bytes, blocks: original.length - known.length, fee })
  checkOriginal(key, original, sums)
  state.db.run(
    `UPDATE hypercores SET fork = ?, length = ?, byte_length = ?, tree_hash = ?, manifest = ?, signature = ?, grown_clock = ?
     WHERE id = ?`,
    original.fork,
    original.length,
    byteLength,
    treeHash,
    original.manifest,
    original.signature,
    state.head.clock,
    known.id
  )
  state.emit({ kind: 'extended', hypercore: key, length: original.length })
  const hypercore = hypercoreById(state, known.id)
  for (const copy of liveCopies(state, known.id)) askNext(state, hypercore, copy)
  if (known.length === 0) fillCopies(state, hypercore)
  if (isPaid) state.move(state.account(hypercore.account), state.account(BURNED), fee)
  else payFee(state, sender, statement)
}
