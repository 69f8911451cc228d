import { codecNames } from '../chunk/header.js'
import { BLOCKS_MAX } from '../bounds.js'
import {
  change,
  amount,
  fixed,
  list,
  oneOf,
  struct,
  uint,
  type Infer,
  type CodecState,
  type Type
} from './codec.js'
import { outcomeNames, roleNames } from './operations.js'

const key = fixed(32)
const lateKinds = ['acknowledge', 'deliver', 'accept', 'refuse', 'answer'] as const
const id = uint()
const blocks = uint(BLOCKS_MAX)

/** Everything that an entry can change, as the entry's hash covers it and subscribers receive it. */
const effectBodies = {
  epochBegan: struct({ epoch: uint(), round: uint() }),
  registered: struct({ key, role: oneOf(roleNames), capacityBytes: uint(), deposit: amount }),
  retiring: struct({ key, role: oneOf(roleNames) }),
  retired: struct({ key, role: oneOf(roleNames), refund: amount }),
  sponsored: struct({ hypercore: key, length: blocks, codec: oneOf(codecNames), wanted: uint() }),
  extended: struct({ hypercore: key, length: blocks }),
  graceBegan: struct({ hypercore: key, until: uint() }),
  graceEnded: struct({ hypercore: key }),
  lapsed: struct({ hypercore: key }),
  /** A task waits for its turn to be drawn. */
  wanted: struct({ task: id, copy: id, hypercore: key, start: blocks, end: blocks }),
  /** `key` is asked to be the task's pinner or, once it has one that said yes, its signer. */
  drawn: struct({
    draw: id,
    task: id,
    copy: id,
    role: oneOf(['signer', 'pinner'] as const),
    key,
    round: uint()
  }),
  /** Nobody could be drawn, or X could not be reserved; wanted again in `round`. */
  undrawn: struct({ task: id, why: oneOf(['candidates', 'balance'] as const), round: uint() }),
  acknowledged: struct({ draw: id, by: key }),
  delivered: struct({ draw: id, segment: fixed(32) }),
  accepted: struct({ draw: id, copy: id, segment: fixed(32), start: blocks, end: blocks }),
  refused: struct({ draw: id, by: key, evidence: fixed(32) }),
  judged: struct({ draw: id, upheld: uint(1) }),
  /** The task failed at this stage; it is wanted again in `round`. */
  redraw: struct({
    draw: id,
    why: oneOf(['acknowledge', 'deliver', 'accept', 'refused', 'lapsed', 'retired', 'unserved'] as const),
    round: uint()
  }),
  penalised: struct({ key, role: oneOf(roleNames), burned: amount, reputationPpm: uint() }),
  challenged: struct({ challenge: id, copy: id, round: uint(), answerBy: uint() }),
  answered: struct({ challenge: id }),
  settled: struct({
    challenge: id,
    copy: id,
    outcome: oneOf(outcomeNames),
    paid: amount,
    reputationPpm: uint()
  }),
  /** X of a segment was minted. */
  rewarded: struct({ copy: id, segment: uint(), paid: amount }),
  checked: struct({
    epoch: uint(),
    copy: id,
    outcome: oneOf(outcomeNames),
    firstByteUs: uint(),
    bytesPerSecond: uint(),
    misses: uint(),
    paid: amount,
    reputationPpm: uint()
  }),
  activated: struct({ copy: id, hypercore: key, pinner: key }),
  lost: struct({ copy: id, hypercore: key, pinner: key, burned: amount }),
  released: struct({ copy: id, hypercore: key, pinner: key }),
  parametersChanged: struct({}),
  /** The signer's time is over; what it signed on the way may still be accepted. */
  late: struct({ draw: id }),
  /** What was owed came after `due`, when its entry says: it counts as if it had not come. `id`: of the challenge, or of the draw. */
  cameLate: struct({ what: oneOf(lateKinds), id, by: key, due: uint() }),
  /** Somebody says to know a factor, of which segment's modulus is not told. */
  factorCommitted: struct({ by: key, commitment: fixed(32) }),
  /** The key of a segment (its hash) is not gone: its signer's lock is taken, and it is not drawn before `barredUntil`. */
  convicted: struct({
    key,
    copy: id,
    segment: fixed(32),
    bounty: amount,
    compensation: amount,
    burned: amount,
    barredUntil: uint()
  }),
  /** Whose claim on a segment's bounty is the oldest now; it is paid in `round`. */
  claimed: struct({ segment: fixed(32), by: key, proof: oneOf(['factor', 'root'] as const), round: uint() }),
  bountyPaid: struct({ segment: fixed(32), by: key, paid: amount }),
  /** A segment that was accepted has taken the place of so many of its copy. */
  renewed: struct({ copy: id, segment: uint(), replaced: uint() }),
  /** A renewal was given up: nobody could be drawn, X could not be reserved, or it failed too often. */
  renewalDropped: struct({ task: id, copy: id, why: oneOf(['candidates', 'balance', 'attempts'] as const) }),
  /** A task's pinner says that it finds nobody who serves the hypercore. */
  unserved: struct({ task: id, by: key }),
  /** The draw after the answer to a challenge fell on an opening, by the value of `round`; or it is asked for again. */
  openingDrawn: struct({ challenge: id, copy: id, round: uint() }),
  openingSettled: struct({ challenge: id, copy: id, outcome: oneOf(outcomeNames), reputationPpm: uint() }),
  payoutSet: struct({ key, role: oneOf(roleNames), payout: key }),
  keyReplaced: struct({ key, by: key }),
  /** A fork that takes more than half away, or does not show what it leaves; it may be taken from `until` on. */
  forkSeen: struct({ hypercore: key, fork: uint(), length: blocks, until: uint() }),
  /** A hypercore is of another fork now, which has its first `kept` blocks. */
  forked: struct({ hypercore: key, fork: uint(), length: blocks, kept: blocks }),
  /** The author has signed two trees of this fork and length: nothing more that it signs is taken. */
  conflicted: struct({ hypercore: key, fork: uint(), length: blocks }),
  /** Nothing was heard of a pinner while it was asked, first at chain time `since`; and it was heard of again. */
  wentAway: struct({ key, since: uint() }),
  cameBack: struct({ key, since: uint() }),
  /** A copy was missed so long that another is made; `taken` of its pinner's lock pays for that. */
  missing: struct({ copy: id, hypercore: key, pinner: key, taken: amount }),
  /** It passed the walk that it owed, and counts again; it is paid from chain time `paidFrom` on. */
  regained: struct({ copy: id, hypercore: key, pinner: key, paidFrom: uint() }),
  /** A copy that is not needed any more was not made to its end; its signer was paid for its work. */
  withdrawn: struct({ task: id, copy: id, paid: amount }),
  /** A pinner is not asked, nor paid, for so many epochs from this one on; 0: it has taken that back. */
  pauseSet: struct({ key, epoch: uint(), epochs: uint() })
}

export type EffectKind = keyof typeof effectBodies
export type EffectBody<K extends EffectKind> = Infer<(typeof effectBodies)[K]>
export type Effect = { [K in EffectKind]: { kind: K } & EffectBody<K> }[EffectKind]

const effectKinds = Object.keys(effectBodies) as EffectKind[]
const codeType = uint(effectKinds.length - 1)

const effectType: Type<Effect> = {
  layout: { is: 'variant', by: 'kind', of: effectBodies as unknown as Record<string, Type<unknown>> },
  preencode(state: CodecState, effect: Effect) {
    codeType.preencode(state, 0)
    ;(effectBodies[effect.kind] as unknown as Type<Effect>).preencode(state, effect)
  },
  encode(state: CodecState, effect: Effect) {
    codeType.encode(state, effectKinds.indexOf(effect.kind))
    ;(effectBodies[effect.kind] as unknown as Type<Effect>).encode(state, effect)
  },
  decode(state: CodecState): Effect {
    const kind = effectKinds[codeType.decode(state)]!
    return { kind, ...(effectBodies[kind].decode(state) as object) } as Effect
  }
}

/** Account numbers are those of the ledger: given in order, the same on every machine. */
const postingType = struct({ account: id, change })

/** What an entry did: its effects in order, then the money it moved, which sums to zero. */
export const effectsType = struct({
  effects: list(effectType, 4_294_967_295),
  postings: list(postingType, 4_294_967_295)
})
export type Effects = Infer<typeof effectsType>
