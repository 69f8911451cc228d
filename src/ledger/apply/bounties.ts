import { aliveValue, factorCommitment, isAliveRoot, isProperFactor } from '../../crypto/bounty.js'
import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { segmentId } from '../../protocol/segment.js'
import type { Row } from '../database.js'
import { isWorked } from '../../protocol/commitment.js'
import { segmentPrice, splitLock } from '../rules/economics.js'
import { feeOf } from '../rules/fees.js'
import { copyById, hypercoreById, type Copy } from '../rows.js'
import { BURNED, RESERVED, type Account, type State } from '../state.js'
import { renewCopy } from './copies.js'
import { unlock } from './locks.js'
import { rate } from './roles.js'

/** Somebody knows a factor, and says so in a way that only it can open later. */
export function commitFactor(state: State, sender: Account, { commitment }: Body<'commitFactor'>): void {
  const { commitmentBits } = state.parameters
  if (!isWorked(commitment, commitmentBits)) {
    throw new ChainError('COMMITMENT_WORK', `a commitment begins with ${commitmentBits} zero bits`)
  }
  const { head } = state
  const changed = state.db.run(
    'INSERT OR IGNORE INTO factor_commitments (wallet, commitment, seq, round) VALUES (?, ?, ?, ?)',
    sender.id,
    commitment,
    head.length,
    head.round
  )
  if (changed === 0) throw new ChainError('COMMITMENT_KNOWN', 'the sender has committed to this already')
  state.emit({ kind: 'factorCommitted', by: sender.key, commitment })
}

/** Shows a factor that the sender has committed to. */
export function claimFactor(state: State, sender: Account, body: Body<'claimFactor'>): void {
  const { segment, factor, salt } = body
  const row = segmentOf(state, segment)
  const commitment = factorCommitment(idOf(state, row), sender.key, factor, salt)
  const committed = state.db.get(
    'SELECT seq, round FROM factor_commitments WHERE wallet = ? AND commitment = ?',
    sender.id,
    commitment
  )
  if (!committed) throw new ChainError('FACTOR_UNCOMMITTED', 'the sender has not committed to this factor')
  const first = Number(committed.round) + state.parameters.revealAfterRounds
  if (state.head.round < first) {
    throw new ChainError('REVEAL_EARLY', `this factor may be shown from round ${first} on`)
  }
  if (!isProperFactor(row.public_key as Buffer, factor)) {
    throw new ChainError('FACTOR_WRONG', 'the number does not divide the modulus of this segment')
  }
  state.db.run('DELETE FROM factor_commitments WHERE wallet = ? AND commitment = ?', sender.id, commitment)
  const fee = feeOf({ kind: 'claimFactor', body }, state.parameters)
  claim(state, row, { sender, since: Number(committed.seq), proof: 'factor', fee })
}

/** Shows a root that only the key of a segment makes, of a value that names the sender and was not known while it was needed. */
export function claimRoot(state: State, sender: Account, body: Body<'claimRoot'>): void {
  const { segment, round, root } = body
  const row = segmentOf(state, segment)
  if (round <= Number(row.round)) {
    throw new ChainError('ROOT_EARLY', `the segment was accepted in round ${Number(row.round)}`)
  }
  const beacon = state.db.get('SELECT value FROM rounds WHERE round = ?', round)
  if (!beacon)
    throw new ChainError('BEACON_ROUND', `the value of round ${round} is not known here (any more)`)
  const value = aliveValue(idOf(state, row), sender.key, beacon.value as Buffer)
  if (!isAliveRoot(row.public_key as Buffer, value, root)) {
    throw new ChainError('ROOT_WRONG', 'the number is no root of the value of this segment, round and sender')
  }
  const fee = feeOf({ kind: 'claimRoot', body }, state.parameters)
  claim(state, row, { sender, since: state.head.length, proof: 'root', fee })
}

/** A segment that has a lock, or whose bounty is not paid yet. @throws ChainError `BOUNTY_NONE` */
function segmentOf(state: State, hash: Uint8Array): Row {
  const row = state.db.get('SELECT * FROM segments WHERE hash = ?', hash)
  const standing =
    row && (row.locked !== 0n || state.db.get('SELECT 1 FROM bounties WHERE segment = ?', hash) !== undefined)
  if (!standing) throw new ChainError('BOUNTY_NONE', 'no segment with this hash has anything locked for it')
  return row
}

function idOf(state: State, row: Row): Uint8Array {
  const copy = Number(row.copy)
  const { key } = hypercoreById(state, copyById(state, copy).hypercore)
  const signer = row.signer_key as Buffer
  const [fork, start, draw] = [Number(row.fork), Number(row.start), Number(row.draw)]
  return segmentId({ chain: state.chainId, key, fork, copy, start, signer, draw })
}

interface Claim {
  sender: Account
  /** Entry that it is as old as. */
  since: number
  proof: 'factor' | 'root'
  /** Comes out of the bounty, so that who has nothing can claim. */
  fee: bigint
}

/** The first claim convicts; until the bounty is paid an older one takes its place. */
function claim(state: State, row: Row, { sender, since, proof, fee }: Claim): void {
  const segment = row.hash as Buffer
  const standing = state.db.get('SELECT since, round FROM bounties WHERE segment = ?', segment)
  if (standing && Number(standing.since) <= since) {
    throw new ChainError('BOUNTY_CLAIMED', 'an older claim on this bounty stands')
  }
  let round = Number(standing?.round)
  if (standing) {
    state.db.run('UPDATE bounties SET wallet = ?, since = ? WHERE segment = ?', sender.id, since, segment)
  } else {
    round = state.head.round + state.parameters.claimRounds
    state.db.run(
      'INSERT INTO bounties (segment, wallet, since, amount, round) VALUES (?, ?, ?, ?, ?)',
      segment,
      sender.id,
      since,
      convict(state, row),
      round
    )
  }
  const { amount } = state.db.get('SELECT amount FROM bounties WHERE segment = ?', segment)!
  const burned = fee < (amount as bigint) ? fee : (amount as bigint)
  state.move(state.account(RESERVED), state.account(BURNED), burned)
  state.db.run('UPDATE bounties SET amount = amount - ? WHERE segment = ?', burned, segment)
  state.emit({ kind: 'claimed', segment, by: sender.key, proof, round })
}

/** The signer has kept or given away a key that should be gone: its lock is taken, and the copy is made anew. Returns the bounty. */
function convict(state: State, row: Row): bigint {
  const { head, parameters: p } = state
  const copy = copyById(state, Number(row.copy))
  const hypercore = hypercoreById(state, copy.hypercore)
  const signer = state.role(Number(row.signer))
  const split = splitLock(row.locked as bigint, segmentPrice(copy.bytes, p))
  unlock(state, row)
  const deposit = state.account(signer.account)
  state.move(deposit, state.account(RESERVED), split.bounty)
  state.move(deposit, state.account(hypercore.account), split.compensation)
  state.move(deposit, state.account(BURNED), split.burned)
  signer.barredUntil = head.clock + p.barMs
  rate(state, signer, 'failure')
  pauseLater(state, copy)
  renewCopy(state, copy)
  state.emit({
    kind: 'convicted',
    key: state.keyOf(signer),
    copy: copy.id,
    segment: row.hash as Buffer,
    ...split,
    barredUntil: signer.barredUntil
  })
  return split.bounty
}

/** The pinner is not at fault: it is paid while the copy is made anew, but not for ever. */
function pauseLater(state: State, copy: Copy): void {
  if (copy.unpaidFrom !== null) return
  const from = state.head.clock + state.parameters.repairMs
  state.db.run('UPDATE copies SET unpaid_from = ? WHERE id = ?', from, copy.id)
}

/** Bounties on which no older claim can come any more. Returns the steps done, at most `work` of them. */
export function payBounties(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT segment, wallet, amount FROM bounties WHERE round <= ? ORDER BY round, segment LIMIT ?',
    state.head.round,
    work
  )
  for (const { segment, wallet, amount } of rows) {
    const finder = state.account(Number(wallet))
    state.move(state.account(RESERVED), finder, amount as bigint)
    state.db.run('DELETE FROM bounties WHERE segment = ?', segment as Buffer)
    state.emit({ kind: 'bountyPaid', segment: segment as Buffer, by: finder.key, paid: amount as bigint })
  }
  return rows.length
}

/** Commitments that were not opened in time are forgotten. */
export function forgetCommitments(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT wallet, commitment FROM factor_commitments WHERE round < ? ORDER BY round, wallet, commitment LIMIT ?',
    state.head.round - state.parameters.commitmentRounds,
    work
  )
  for (const { wallet, commitment } of rows) {
    state.db.run(
      'DELETE FROM factor_commitments WHERE wallet = ? AND commitment = ?',
      wallet as bigint,
      commitment as Buffer
    )
  }
  return rows.length
}
