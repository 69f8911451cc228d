import { ChainError } from '../../errors.js'
import { chainKinds, openKinds, type Body, type Operation } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import { encode } from '../../protocol/codec.js'
import { parametersType } from '../../protocol/parameters.js'
import {
  accountKinds,
  BURNED,
  ISSUED,
  MINTED,
  RESERVED,
  RULES_VERSION,
  type Account,
  type State
} from '../state.js'
import { checkAnchor } from '../anchors.js'
import { feePayer } from '../rules/fees.js'
import { clockOfRound, roundAt } from '../rules/time.js'
import { hear } from './absence.js'
import { claimFactor, claimRoot, commitFactor } from './bounties.js'
import { answer, settle } from './challenges.js'
import { commitReport, revealReport } from './checks.js'
import { payFee } from './fees.js'
import { fork, showConflict } from './forks.js'
import { extend, sponsor } from './hypercores.js'
import { donate, transfer } from './money.js'
import { pausePinner } from './pauses.js'
import { register, replaceKey, retire, setPayout } from './roles.js'
import { accept, acknowledge, deliver, judge, refuse } from './tasks.js'
import { settleOpenings } from './openings.js'
import { tick } from './tick.js'
import { checkArrival, goOn, setTime, type Moment } from './time.js'
import { equal } from '../../bytes.js'

/** Sum of all allocations stays below this, and so every amount that can ever exist. */
const SUPPLY_MAX = 1n << 62n

/**
 * Changes the state as one operation says, or throws and changes nothing that counts: the caller undoes the rest. A
 * deterministic function of state and operation. Signatures are not checked here.
 *
 * @param moment when the entry is made, and when the operation came
 * @returns steps of work that a tick did; 0 for others
 * @throws ChainError with the reason why the operation is refused
 */
export function apply(state: State, operation: Operation, moment: Moment): number {
  goOn(state, moment)
  if (operation.kind === 'genesis') {
    genesis(state, operation.sender, operation.body)
    return 0
  }
  const opens = openKinds.has(operation.kind) && operation.nonce === 0
  const sender = opens ? state.open(accountKinds.wallet, operation.sender) : state.wallet(operation.sender)
  if (!sender) throw accountUnknown()
  if (operation.nonce !== sender.nonce) throw nonceWrong(sender.nonce, operation.nonce)
  checkArrival(state, operation, moment, checkAnchor(state, operation.anchor))
  if (chainKinds.has(operation.kind) && !equal(operation.sender, state.chainKey)) {
    throw new ChainError('NOT_THE_CHAIN', `only the chain itself may send ${operation.kind}`)
  }
  state.useNonce(sender)
  const wasAway = chainKinds.has(operation.kind) ? false : hear(state, sender)
  const steps = act(state, sender, operation, wasAway)
  if (feePayer(operation.kind) === 'sender') payFee(state, sender, operation)
  return steps
}

/** What an operation of this sender does, fees of its wallet left aside; returns what `apply` does. `wasAway`: the sender is a pinner and was away until now. */
function act(
  state: State,
  sender: Account,
  operation: Exclude<Operation, { kind: 'genesis' }>,
  wasAway: boolean
): number {
  switch (operation.kind) {
    case 'tick':
      return tick(state, operation.body)
    case 'parameters':
      checkParameters(operation.body.parameters)
      changeParameters(state, operation.body.parameters)
      return 0
    case 'settle':
      settle(state, operation.body)
      return 0
    case 'settleOpenings':
      settleOpenings(state, operation.body)
      return 0
    case 'judge':
      judge(state, operation.body)
      return 0
    case 'setTime':
      setTime(state, operation.body)
      return 0
    case 'register':
      register(state, sender, operation.body)
      return 0
    case 'retire':
      retire(state, sender, operation.body)
      return 0
    case 'pause':
      pausePinner(state, sender, operation.body)
      return 0
    case 'sponsor':
      sponsor(state, sender, operation.body)
      return 0
    case 'extend':
      extend(state, sender, operation.body)
      return 0
    case 'fork':
      fork(state, sender, operation.body)
      return 0
    case 'conflict':
      showConflict(state, operation.body)
      return 0
    case 'donate':
      donate(state, sender, operation.body)
      return 0
    case 'transfer':
      transfer(state, sender, operation.body)
      return 0
    case 'setPayout':
      setPayout(state, sender, operation.body)
      return 0
    case 'replaceKey':
      replaceKey(state, sender, operation.body)
      return 0
    case 'acknowledge':
      acknowledge(state, sender, operation.body)
      return 0
    case 'deliver':
      deliver(state, sender, operation.body)
      return 0
    case 'accept':
      accept(state, sender, operation.body)
      return 0
    case 'refuse':
      refuse(state, sender, operation.body)
      return 0
    case 'answer':
      answer(state, sender, operation, wasAway)
      return 0
    case 'commitReport':
      commitReport(state, sender, operation.body)
      return 0
    case 'revealReport':
      revealReport(state, sender, operation.body)
      return 0
    case 'commitFactor':
      commitFactor(state, sender, operation.body)
      return 0
    case 'claimFactor':
      claimFactor(state, sender, operation.body)
      return 0
    case 'claimRoot':
      claimRoot(state, sender, operation.body)
      return 0
  }
}

export function accountUnknown(): ChainError {
  return new ChainError('ACCOUNT_UNKNOWN', 'the sender has no account; somebody must transfer to it first')
}

export function nonceWrong(next: number, named: number): ChainError {
  return new ChainError('NONCE_WRONG', `the sender's next nonce is ${next}, not ${named}`)
}

/** Parameters that the codec allows and the rules cannot work with. */
function checkParameters(p: Parameters): void {
  const positive: (keyof Parameters)[] = [
    'tickMs',
    'epochMs',
    'drawsPerRound',
    'deliverBytesPerSecond',
    'evidenceBytesPerSecond',
    'checkVerifiers',
    'reportRounds',
    'revealRounds',
    'copiesMax',
    'stepsMax',
    'failuresMax',
    'failureForgivenBy',
    'openMax',
    'redrawsMax'
  ]
  for (const name of positive) {
    if (p[name] === 0) throw new ChainError('PARAMETERS_INVALID', `${name} must not be 0`)
  }
  // Else a copy would be lost before another is made of it.
  if (p.repairMs > p.offlineMaxMs) {
    throw new ChainError('PARAMETERS_INVALID', 'repairMs must not be longer than offlineMaxMs')
  }
}

/** Rounds that have begun stay as they are numbered; those to come follow each other by the new `tickMs`. */
function changeParameters(state: State, parameters: Parameters): void {
  const { head } = state
  const round = roundAt(head.clock, head, state.parameters)
  head.baseClock = clockOfRound(round, head, state.parameters)
  head.baseRound = round
  state.setParameters(parameters)
  state.emit({ kind: 'parametersChanged' })
}

function genesis(state: State, sender: Uint8Array, body: Body<'genesis'>): void {
  if (state.head.length > 0) throw new ChainError('GENESIS_KNOWN', 'a log has one genesis, its first entry')
  if (body.rulesVersion !== RULES_VERSION) {
    throw new ChainError('RULES_UNKNOWN', `this datdot knows version ${RULES_VERSION} of the rules`)
  }
  checkParameters(body.parameters)
  if (body.beacon.length < 2 || body.beacon.length > 1 << 24) {
    throw new ChainError('BEACON_LENGTH', 'an onion has 2 to 2^24 layers')
  }
  const total = body.allocations.reduce((sum, { amount }) => sum + amount, 0n)
  if (total >= SUPPLY_MAX) throw new ChainError('SUPPLY_TOO_LARGE', 'genesis creates less than 2^62 grains')
  const { head } = state
  head.at = body.at
  head.beacon = body.beacon.commitment
  head.onionLeft = body.beacon.length
  head.onionLength = body.beacon.length
  state.parameters = body.parameters
  state.db.run(
    `INSERT INTO head (id, length, hash, at, clock, round, beacon, onion_left, onion_length, epoch, turn, parameters,
       next_copy, next_task, next_draw, next_challenge) VALUES (1, 0, ?, ?, 0, 0, ?, ?, ?, 0, 0, ?, 0, 0, 0, 0)`,
    head.hash,
    body.at,
    head.beacon,
    head.onionLeft,
    head.onionLength,
    encode(parametersType, body.parameters)
  )
  const system = Buffer.alloc(0)
  const kinds = ['issued', 'minted', 'burned', 'reserved'] as const
  const ids = kinds.map((kind) => state.open(accountKinds[kind], system).id)
  if (ids.join() !== [ISSUED, MINTED, BURNED, RESERVED].join())
    throw new Error('system accounts are not the first')
  state.useNonce(state.open(accountKinds.wallet, sender))
  const issued = state.account(ISSUED)
  for (const { key, amount } of body.allocations) {
    state.move(issued, state.open(accountKinds.wallet, key), amount)
  }
}
