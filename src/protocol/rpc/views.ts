import { codecNames } from '../../chunk/header.js'
import {
  amount,
  change,
  bytes,
  fixed,
  list,
  oneOf,
  optional,
  struct,
  text,
  uint,
  type Type
} from '../codec.js'
import { planType, roleNames } from '../operations.js'
import { BLOCKS_MAX, BYTES_MAX } from '../../bounds.js'
import type { EvidenceReceipt } from '../receipt.js'
import { segmentRecordType } from '../segment.js'
import type {
  AccountView,
  AskView,
  AssignmentView,
  BountyView,
  ChainView,
  ChallengeView,
  CheckEpochView,
  CheckView,
  CopyView,
  DrawView,
  HypercoreView,
  OpeningView,
  Receipt,
  RoleView,
  SegmentView,
  SummaryView,
  TaskView,
  WalkSegment
} from '../views.js'
import { taskStates, taskTroubles } from '../views.js'

/** The ledger's views as they travel. A view without its encoder, or with another shape, does not compile. */
const hash = fixed(32)
const id = uint()
/** Steps of a walk and segments of a copy: as src/evidence/slice-walk.ts bounds them. */
const STEPS_MAX = 512
const SEGMENTS_MAX = 4_096
const ppm = uint(1_000_000)
const blocks = uint(BLOCKS_MAX)

/** A yes or no. */
export const flag: Type<boolean> = {
  layout: { is: 'flag' },
  preencode: (state) => void state.end++,
  encode: (state, value) => uint(1).encode(state, value ? 1 : 0),
  decode: (state) => uint(1).decode(state) === 1
}

export const receiptType: Type<Receipt> = struct({
  seq: id,
  operation: hash,
  entry: hash,
  at: uint(),
  clock: uint(),
  arrived: optional(uint()),
  signature: fixed(64)
})

export const chainViewType: Type<ChainView> = struct({
  chainId: hash,
  chainKey: hash,
  name: text(64),
  length: uint(),
  head: hash,
  at: uint(),
  clock: uint(),
  epoch: uint(),
  round: uint(),
  beacon: hash
})

export const roleViewType: Type<RoleView> = struct({
  key: hash,
  payout: hash,
  role: oneOf(roleNames),
  state: oneOf(['active', 'retiring', 'retired'] as const),
  capacityBytes: uint(),
  usedBytes: uint(),
  deposit: amount,
  locked: amount,
  reputationPpm: ppm,
  storagePpm: ppm,
  retrievalPpm: ppm,
  barredUntil: optional(uint()),
  awaySince: optional(uint()),
  shortCopies: uint(),
  pause: optional(struct({ from: uint(), until: uint() }))
})

export const bountyViewType: Type<BountyView> = struct({
  segment: hash,
  id: hash,
  hypercore: hash,
  copy: id,
  number: uint(),
  signer: hash,
  publicKey: bytes(512),
  round: uint(),
  locked: amount,
  unlockClock: uint(),
  claim: optional(struct({ by: hash, amount, round: uint() }))
})

export const accountViewType: Type<AccountView> = struct({
  key: hash,
  balance: amount,
  nonce: uint(),
  roles: list(roleViewType, roleNames.length)
})

const segmentRest = struct({ hash, id: hash, draw: id, reserved: amount })

/** The fields of a struct. */
function fieldsOf({ layout }: Type<unknown>): Readonly<Record<string, Type<unknown>>> {
  return layout.is === 'struct' ? layout.fields : {}
}

export const segmentViewType: Type<SegmentView> = {
  layout: { is: 'struct', fields: { ...fieldsOf(segmentRecordType), ...fieldsOf(segmentRest) } },
  preencode(state, view) {
    segmentRecordType.preencode(state, view)
    segmentRest.preencode(state, view)
  },
  encode(state, view) {
    segmentRecordType.encode(state, view)
    segmentRest.encode(state, view)
  },
  decode: (state) => ({ ...segmentRecordType.decode(state), ...segmentRest.decode(state) })
}

export const taskViewType: Type<TaskView> = struct({
  id,
  copy: id,
  state: oneOf(taskStates),
  start: blocks,
  end: blocks,
  round: uint(),
  draw: optional(id),
  pinner: optional(hash),
  signer: optional(hash),
  deadline: optional(uint()),
  renewal: flag,
  trouble: optional(struct({ what: oneOf(taskTroubles), by: optional(hash) }))
})

export const copyViewType: Type<CopyView> = struct({
  id,
  hypercore: hash,
  state: oneOf(['pending', 'active', 'lost', 'released'] as const),
  pinner: optional(hash),
  length: blocks,
  bytes: uint(),
  segments: list(segmentViewType, 65_536),
  task: optional(taskViewType),
  score: uint(),
  missedSince: optional(uint()),
  goneSince: optional(uint()),
  unpaidUntil: optional(uint())
})

export const hypercoreViewType: Type<HypercoreView> = struct({
  key: hash,
  state: oneOf(['active', 'grace', 'lapsed'] as const),
  balance: amount,
  fork: uint(),
  length: blocks,
  byteLength: uint(),
  treeHash: hash,
  grownClock: uint(),
  waits: optional(struct({ fork: uint(), until: uint() })),
  conflict: optional(uint()),
  graceUntil: optional(uint()),
  unserved: flag,
  plan: planType,
  wanted: uint(),
  copies: list(copyViewType, 65_536)
})

export const assignmentViewType: Type<AssignmentView> = struct({
  role: oneOf(['signer', 'pinner'] as const),
  task: taskViewType,
  draw: id,
  hypercore: hash,
  fork: uint(),
  length: blocks,
  byteLength: uint(),
  treeHash: hash,
  manifest: bytes(4_096),
  signature: bytes(4_096),
  copy: id,
  segment: uint(),
  codec: oneOf(codecNames),
  pinner: hash,
  signer: hash,
  beacon: hash,
  topic: hash,
  acknowledge: flag
})

export const askViewType: Type<AskView> = struct({
  draw: id,
  task: id,
  copy: id,
  hypercore: hash,
  codec: oneOf(codecNames),
  length: blocks,
  byteLength: uint(),
  bytes: uint(),
  deadline: uint()
})

const walkSegmentType: Type<WalkSegment> = struct({
  codec: oneOf(codecNames),
  id: hash,
  publicKey: bytes(512),
  salt: hash,
  start: blocks,
  chunks: blocks,
  bytes: uint(BYTES_MAX),
  root: hash,
  treeHash: hash
})

export const challengeViewType: Type<ChallengeView> = struct({
  id,
  copy: id,
  hypercore: hash,
  pinner: hash,
  state: oneOf(['open', 'answered'] as const),
  steps: uint(STEPS_MAX),
  round: uint(),
  beacon: hash,
  seed: hash,
  segments: list(walkSegmentType, SEGMENTS_MAX),
  answerBy: uint(),
  evidenceBy: uint(),
  answer: optional(hash),
  evidence: optional(hash)
})

export const openingViewType: Type<OpeningView> = struct({
  challenge: id,
  copy: id,
  hypercore: hash,
  pinner: hash,
  round: uint(),
  segment: walkSegmentType,
  index: blocks,
  openBy: optional(uint()),
  missed: uint()
})

export const checkViewType: Type<CheckView> = struct({
  epoch: uint(),
  copy: id,
  hypercore: hash,
  pinner: hash,
  length: blocks,
  closeRound: uint(),
  settleRound: uint()
})

export const checkEpochViewType: Type<CheckEpochView> = struct({
  epoch: uint(),
  startRound: uint(),
  closeRound: uint(),
  settleRound: uint()
})

export const drawViewType: Type<DrawView> = struct({
  id,
  task: id,
  copy: id,
  round: uint(),
  seq: uint(),
  role: oneOf(['signer', 'pinner'] as const),
  key: hash
})

const outcomes = struct({
  success: uint(),
  failure: uint(),
  offline: uint(),
  refused: uint(),
  unknown: uint(),
  lie: uint()
})

export const summaryViewType: Type<SummaryView> = struct({
  hypercores: uint(),
  copies: uint(),
  activeCopies: uint(),
  storage: outcomes,
  retrieval: outcomes,
  issued: amount,
  minted: amount,
  burned: amount,
  reserved: amount,
  sum: change
})

/** The chain's word that it has an evidence. */
export const evidenceReceiptType: Type<EvidenceReceipt> = struct({
  challenge: id,
  evidence: hash,
  at: uint(),
  signature: fixed(64)
})

/** Where the evidence of a challenge, or of a refused draw, is kept. */
export interface EvidenceView {
  /** The challenge or draw. */
  id: number
  hash: Uint8Array
  /** Blocks `[start, end)` of the chain's evidence core. */
  start: number
  end: number
  bytes: number
  at: number
}

export const evidenceViewType: Type<EvidenceView> = struct({
  id,
  hash,
  start: blocks,
  end: blocks,
  bytes: uint(),
  at: uint()
})

/** An entry of the log as subscribers get it. */
export interface EventMessage {
  /** `decodeEntry` reads it. */
  entry: Uint8Array
  /** `decode(effectsType, …)` reads it; null where compaction dropped it. */
  effects: Uint8Array | null
}

export const eventType: Type<EventMessage> = struct({
  entry: bytes(12 << 20),
  effects: optional(bytes(12 << 20))
})
