import { ChainError } from '../../errors.js'
import {
  answerDetailType,
  decodeDetail,
  outcomeNames,
  type Body,
  type Outcome
} from '../../protocol/operations.js'
import { paidEpochs } from '../rules/absence.js'
import { paidFor, storageReward } from '../rules/economics.js'
import { updateReputation } from '../rules/reputation.js'
import { scoreAfter } from '../rules/score.js'
import type { Row } from '../database.js'
import { copyById, hypercoreById, type Copy, type Hypercore } from '../rows.js'
import { BURNED, effectivePpm, RESERVED, type Account, type State } from '../state.js'
import { miss, regain } from './absence.js'
import { askNext, loseCopy } from './copies.js'
import { beginGrace } from './grace.js'
import { topUpLock } from './locks.js'
import { awaitOpening, pinnerAnswered } from './openings.js'
import { afterOutcome } from './outcomes.js'
import { pausesSince } from './pause-rows.js'
import { askPinner } from './slots.js'
import { isPaid } from './surplus.js'

/** Kind of the storage challenges in `due` and `tallies`. */
const STORAGE = 0

/**
 * A pinner's answer to its challenges. Those that are not open any more are left out; if that is all of them, the answer is refused. What came after
 * its time is logged as late and ends its challenge as a failure: who sends it is there. An empty one says that a pinner is back, and nothing else.
 *
 * @param wasAway the sender was away until this came
 */
export function answer(
  state: State,
  sender: Account,
  { body, detail }: { body: Body<'answer'>; detail: Uint8Array | null },
  wasAway: boolean
): void {
  const role = state.roleOf(sender, 'pinner')
  if (!role) throw new ChainError('ROLE_UNKNOWN', 'the sender is no pinner')
  const isEmpty = body.answered.length + body.refused.length === 0
  if (isEmpty && !wasAway) throw new ChainError('ANSWER_EMPTY', 'no challenge in it')
  const answers = detail ? decodeDetail(answerDetailType, detail) : null
  if (answers && answers.length !== body.answered.length) {
    throw new ChainError('OPERATION_MALFORMED', 'the detail has not one state a challenge')
  }
  if (isEmpty) return
  let taken = 0
  const open = (id: number): Row | null => {
    const row = state.db.get(
      'SELECT * FROM challenges WHERE id = ? AND pinner = ? AND state = 0',
      id,
      role.id
    )
    if (!row) return null
    taken++
    const due = Number(row.answer_by)
    if (state.moment.arrived <= due) return row
    state.emit({ kind: 'cameLate', what: 'answer', id, by: sender.key, due })
    close(state, row, 'failure')
    return null
  }
  for (const [index, id] of body.answered.entries()) {
    const row = open(id)
    if (!row) continue
    state.db.run(
      'UPDATE challenges SET state = 1, answer = ?, evidence = ?, deadline = evidence_by + ? WHERE id = ?',
      answers ? answers[index]!.state : null,
      answers ? answers[index]!.evidence : null,
      state.parameters.settleGraceMs,
      id
    )
    state.emit({ kind: 'answered', challenge: id })
    awaitOpening(state, row)
  }
  for (const id of body.refused) {
    const row = open(id)
    if (row) close(state, row, 'refused')
  }
  if (taken === 0) {
    throw new ChainError('CHALLENGE_NOT_OPEN', 'none of these challenges is open and for this pinner')
  }
  pinnerAnswered(state, role)
  askPinner(state, role.id)
}

/** The chain's verdicts on answered challenges. */
export function settle(state: State, body: Body<'settle'>): void {
  for (const { challenge, outcome } of body.items) {
    const row = state.db.get('SELECT * FROM challenges WHERE id = ? AND state = 1', challenge)
    if (!row) throw new ChainError('CHALLENGE_NOT_OPEN', `challenge ${challenge} waits for no verdict`)
    close(state, row, outcome)
  }
}

/** Challenges without an answer: a pinner of which something else came meanwhile has failed, of which nothing came is away. Those that the chain did not judge are unknown. */
export function expireChallenges(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT * FROM challenges WHERE deadline < ? ORDER BY deadline, id LIMIT ?',
    state.head.heard,
    work
  )
  for (const row of rows) {
    // A copy that was lost on the way took its other challenges with it.
    if (!state.db.get('SELECT 1 FROM challenges WHERE id = ?', row.id as bigint)) continue
    close(state, row, row.state === 1n ? 'unknown' : row.present === 1n ? 'failure' : 'offline')
  }
  return rows.length
}

/** Ends a challenge: reputation, pay, X of segments that passed for the first time, or the loss of the copy. */
function close(state: State, row: Row, outcome: Outcome): void {
  const p = state.parameters
  const copy = copyById(state, Number(row.copy))
  const hypercore = hypercoreById(state, copy.hypercore)
  const pinner = state.role(copy.pinner!)
  state.db.run('DELETE FROM challenges WHERE id = ?', row.id as bigint)
  state.tally(STORAGE, outcomeNames.indexOf(outcome))
  let paid = 0n
  // What the chain did not judge costs nobody anything.
  const fee = outcome === 'unknown' ? 0n : p.challengeFee
  if (outcome === 'success') {
    const epoch = Number(row.epoch)
    const epochs = paidEpochs(epoch, {
      last: copy.storageEpoch,
      back: pinner.backEpoch,
      pauses: pausesSince(state, pinner, copy.storageEpoch)
    })
    const reward = storageReward(copy.bytes, epochs, p)
    const wanted = isPaid(state, copy, hypercore) ? paidFor(reward, effectivePpm(pinner)) : 0n
    if (canPay(state, hypercore, wanted + fee)) {
      burnFee(state, hypercore, fee)
      state.reward(state.account(hypercore.account), state.account(pinner.payout), wanted)
      paid = wanted
    }
    copy.storageEpoch = epoch
    if (copy.missedSince !== null) regain(state, copy)
    if (copy.short) topUpLock(state, hypercore, copy, pinner)
    if (copy.unpaid > 0) rewardSigners(state, copy, Number(row.segments))
    // What is new has been proven: now it may be made one with what is older.
    if (copy.segments > 1 && copy.unpaid === 0) askNext(state, hypercore, copy)
  } else if (outcome !== 'unknown') {
    // What was not proven is not paid later either.
    copy.storageEpoch = Number(row.epoch)
    if (canPay(state, hypercore, fee)) burnFee(state, hypercore, fee)
  }
  copy.score = scoreAfter(copy.score, outcome, p)
  const isLost = outcome === 'offline' && miss(state, copy, pinner, Number(row.asked)) === 'lost'
  if (outcome !== 'offline') pinner.main = updateReputation(pinner.main, outcome, p)
  state.rated(pinner)
  const reputationPpm = effectivePpm(pinner)
  state.emit({ kind: 'settled', challenge: Number(row.id), copy: copy.id, outcome, paid, reputationPpm })
  if (isLost) loseCopy(state, copy, false)
  else afterOutcome(state, copy, outcome, reputationPpm)
  askPinner(state, pinner.id)
}

/** Mints X of the first `segments` segments that have it still to come. */
function rewardSigners(state: State, copy: Copy, segments: number): void {
  const rows = state.db.all(
    'SELECT segment, signer, reserved FROM segments WHERE copy = ? AND reserved > 0 AND segment < ? ORDER BY segment',
    copy.id,
    segments
  )
  for (const row of rows) {
    const paid = row.reserved as bigint
    const signer = state.role(Number(row.signer))
    state.reward(state.account(RESERVED), state.account(signer.payout), paid)
    state.db.run(
      'UPDATE segments SET reserved = 0 WHERE copy = ? AND segment = ?',
      copy.id,
      row.segment as bigint
    )
    copy.unpaid--
    state.emit({ kind: 'rewarded', copy: copy.id, segment: Number(row.segment), paid })
  }
}

/** Burns what a challenge or a check leaves in the log, which who has the hypercore kept pays for. */
export function burnFee(state: State, { account }: Hypercore, fee: bigint): void {
  state.move(state.account(account), state.account(BURNED), fee)
}

/** Whether a hypercore can pay a sum in full; if not, its grace begins. */
export function canPay(state: State, hypercore: Hypercore, sum: bigint): boolean {
  if (state.account(hypercore.account).balance >= sum) return true
  beginGrace(state, hypercore)
  return false
}
