import { ChainError } from '../../errors.js'
import { equal } from '../../bytes.js'
import { verifyForkProof } from '../../protocol/fork-proof.js'
import type { Body } from '../../protocol/operations.js'
import { sumsOf } from '../../protocol/original.js'
import { feeOf } from '../rules/fees.js'
import { forkReserve, forkWaitMs, takesHalf, wholeBefore, type ForkSize } from '../rules/forks.js'
import { fillCopies, followFork, forkBytes } from './copies.js'
import { payFee } from './fees.js'
import { checkOriginal, refuseConflicted, weightOf } from './hypercores.js'
import { hypercoreById, hypercoreByKey, liveCopies, type Hypercore } from '../rows.js'
import { BURNED, type Account, type State } from '../state.js'

// Forks: the author of a hypercore has taken blocks away and perhaps written others. What the copies have in common with that stays, the
// rest is encoded anew beside what is held, which is proven and served until then.

/** A hypercore as a fork would have it. */
function forkedOf(known: Hypercore, { original }: Body<'fork'>): Hypercore {
  const { byteLength, treeHash } = sumsOf(original)
  const { fork, length } = original
  const [hash, manifest, signature] = [treeHash, original.manifest, original.signature].map((bytes) =>
    Buffer.from(bytes)
  )
  return {
    ...known,
    fork,
    length,
    byteLength,
    treeHash: hash!,
    manifest: manifest!,
    signature: signature!
  }
}

/**
 * Records that the author has rewritten a hypercore, by its signature over the new fork. What takes more than half away waits after it was first seen, so
 * that whoever has the author's key does not have the copies deleted.
 */
export function fork(state: State, sender: Account, body: Body<'fork'>): void {
  const { key, original, proof } = body
  const known = hypercoreByKey(state, key)
  if (!known || known.state === 2)
    throw new ChainError('HYPERCORE_UNKNOWN', 'this hypercore is not registered')
  refuseConflicted(known)
  if (original.fork <= known.fork) throw forkOld(known.fork)
  const next = forkedOf(known, body)
  if (weightOf(original, next) > known.maxBytes) {
    throw new ChainError('PLAN_EXCEEDED', `its plan pays for ${known.maxBytes} bytes, and as many blocks`)
  }
  const bytes = verifyForkProof(proof, known, next)
  const { clock } = state.head
  const whole = wholeBefore(
    known.whole,
    { length: known.length, bytes: known.byteLength },
    clock,
    state.parameters
  )
  if (takesHalf({ length: proof.kept, bytes }, whole) && !hasWaited(state, known, original.fork)) {
    checkOriginal(key, original, next)
    saySeen(state, known, body)
    return payFee(state, sender, { kind: 'fork', body })
  }
  const fee = feeOf({ kind: 'fork', body }, state.parameters)
  const isPaid = checkFork(state, { known, next, kept: proof.kept, fee })
  checkOriginal(key, original, next)
  state.db.run(
    `UPDATE hypercores SET fork = ?, length = ?, byte_length = ?, tree_hash = ?, manifest = ?, signature = ?, grown_clock = ?,
     whole_length = ?, whole_bytes = ?, whole_clock = ?, seen_fork = NULL, seen_clock = NULL WHERE id = ?`,
    next.fork,
    next.length,
    next.byteLength,
    next.treeHash,
    next.manifest,
    next.signature,
    clock,
    whole.length,
    whole.bytes,
    whole.clock,
    known.id
  )
  const { length } = next
  state.emit({ kind: 'forked', hypercore: key, fork: original.fork, length, kept: proof.kept })
  const hypercore = hypercoreById(state, known.id)
  for (const copy of liveCopies(state, known.id)) followFork(state, hypercore, copy, proof.kept)
  if (known.length === 0) fillCopies(state, hypercore)
  if (isPaid) state.move(state.account(hypercore.account), state.account(BURNED), fee)
  else payFee(state, sender, { kind: 'fork', body })
}

function forkOld(known: number): ChainError {
  return new ChainError('FORK_OLD', `the chain knows of fork ${known} of this hypercore`)
}

/**
 * Whether a fork has been known for so long that it is taken whatever it takes away; a newer one waits anew.
 *
 * @throws ChainError `FORK_EARLY` while it waits, `FORK_OLD` if a newer one does
 */
function hasWaited(state: State, { seen }: Hypercore, fork: number): boolean {
  if (!seen || seen.fork < fork) return false
  if (seen.fork > fork) throw forkOld(seen.fork)
  const until = seen.clock + state.parameters.evidenceWindowMs
  if (state.head.clock >= until) return true
  throw new ChainError('FORK_EARLY', `this fork takes more than half away, and waits until ${until}`)
}

function saySeen(state: State, known: Hypercore, { key, original: { fork, length } }: Body<'fork'>): void {
  const { clock } = state.head
  state.db.run('UPDATE hypercores SET seen_fork = ?, seen_clock = ? WHERE id = ?', fork, clock, known.id)
  const until = clock + state.parameters.evidenceWindowMs
  state.emit({ kind: 'forkSeen', hypercore: key, fork, length, until })
}

/** Whether it is time to follow a fork, and whether there is enough for it. Returns whether the hypercore pays the fee, as for a growth. */
function checkFork(
  state: State,
  { known, next, kept, fee }: { known: Hypercore; next: Hypercore; kept: number; fee: bigint }
): boolean {
  const held = liveCopies(state, known.id).filter((copy) => copy.state === 1)
  const size: ForkSize = {
    anew: held.map((copy) => forkBytes(state, next, copy, kept)),
    copies: held.map((copy) => copy.bytes),
    ageMs: state.head.clock - known.grownClock,
    every: known.every,
    fee
  }
  if (held.length === 0) return false
  const waitMs = forkWaitMs(size, state.parameters)
  if (waitMs > 0) throw new ChainError('GROWTH_EARLY', `a fork is not paid for yet, for ${waitMs} ms`)
  const needed = forkReserve(size, state.parameters)
  const { balance } = state.account(known.account)
  if (balance < needed) {
    throw new ChainError('GROWTH_UNPAID', `the hypercore has ${balance} grains, to follow it needs ${needed}`)
  }
  return true
}

/**
 * Shows that the author of a hypercore has signed two trees of one fork and length: it, or who has its key, cannot be followed any more. What is on record
 * is kept, repaired and paid as before; the two stay in the log.
 */
export function showConflict(state: State, { key, one, other }: Body<'conflict'>): void {
  const known = hypercoreByKey(state, key)
  if (!known) throw new ChainError('HYPERCORE_UNKNOWN', 'this hypercore is not registered')
  refuseConflicted(known)
  const sums = [sumsOf(one), sumsOf(other)] as const
  if (one.fork !== other.fork || one.length !== other.length || equal(sums[0].treeHash, sums[1].treeHash)) {
    throw new ChainError('NO_CONFLICT', 'these are not two trees of one fork and length')
  }
  checkOriginal(key, one, sums[0])
  checkOriginal(key, other, sums[1])
  state.db.run(
    'UPDATE hypercores SET conflict_clock = ?, seen_fork = NULL, seen_clock = NULL WHERE id = ?',
    state.head.clock,
    known.id
  )
  state.emit({ kind: 'conflicted', hypercore: key, fork: one.fork, length: one.length })
}
