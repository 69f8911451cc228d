import type { CodecName } from '../chunk/header.js'
import type { Outcome, Plan, RoleName } from './operations.js'
import type { Refusal } from './refusal.js'
import type { SegmentRecord } from './segment.js'
import type { SegmentPublic } from '../chunk/codec.js'

/**
 * What the ledger's queries answer: plain data that also travels over RPC. Keys are 32-byte buffers, amounts
 * bigint grains, times chain time in ms (see `ChainView.clock`), everything else numbers.
 */

/** The chain's proof that it took an operation: `receipt.ts` checks the signature. */
export interface Receipt {
  /** Position of the entry in the log. */
  seq: number
  /** Hash of the operation as its sender signed it. */
  operation: Uint8Array
  /** Hash of the log entry, which covers all entries before it. */
  entry: Uint8Array
  /** The chain's date when the entry was made, in ms since 1970. */
  at: number
  /** Chain time when the entry was made. */
  clock: number
  /** Chain time when an operation came that its sender owed; null for others. */
  arrived: number | null
  signature: Uint8Array
}

export interface ChainView {
  chainId: Uint8Array
  chainKey: Uint8Array
  name: string
  /** Entries in the log. */
  length: number
  /** Hash of the last entry. */
  head: Uint8Array
  /** The chain's date at its last entry, in ms since 1970; no rule goes by it. */
  at: number
  /** Chain time at its last entry: ms since genesis without the chain's own outages. Deadlines are in it. */
  clock: number
  epoch: number
  round: number
  /** Value of the beacon in `round`. */
  beacon: Uint8Array
}

export interface AccountView {
  key: Uint8Array
  balance: bigint
  /** Nonce that the account's next operation must carry. */
  nonce: number
  roles: RoleView[]
}

export interface RoleView {
  key: Uint8Array
  /** Account that its rewards and its deposit go to: its own, unless another was named. */
  payout: Uint8Array
  role: RoleName
  state: 'active' | 'retiring' | 'retired'
  capacityBytes: number
  usedBytes: number
  deposit: bigint
  locked: bigint
  /** In parts per million. Pinner: storage and retrieval; signer: delivery; verifier: reporting. */
  reputationPpm: number
  storagePpm: number
  retrievalPpm: number
  /** Chain time before which it is not drawn, since it was convicted. */
  barredUntil: number | null
  /** A pinner: chain time since when nothing was heard of it while it was asked; it is not drawn, nor paid. Null while it is there. */
  awaySince: number | null
  /** … and copies for which it has less deposited than should be locked, since substitutes were paid from that; it is not drawn while there are any. */
  shortCopies: number
  /** A pinner: chain times between which it is away as it said before; it is neither asked nor paid then. Null: it has said nothing, or that is over. */
  pause: { from: number; until: number } | null
}

/** What there is to win for showing that the key of a segment is not gone. */
export interface BountyView {
  /** segmentHash of its record, under which it is claimed, and segmentId of it. */
  segment: Uint8Array
  id: Uint8Array
  hypercore: Uint8Array
  copy: number
  /** Number of the segment within the copy. */
  number: number
  signer: Uint8Array
  publicKey: Uint8Array
  /** Round in which it was accepted: a root is of the value of a later one. */
  round: number
  /** What its signer has locked for it: half of it is the bounty. 0 once it is taken, or over. */
  locked: bigint
  /** Chain time at which the lock ends, if the segment lives as long. */
  unlockClock: number
  /** The oldest claim so far, and the round in which it is paid. */
  claim: { by: Uint8Array; amount: bigint; round: number } | null
}

export interface HypercoreView {
  key: Uint8Array
  state: 'active' | 'grace' | 'lapsed'
  balance: bigint
  fork: number
  length: number
  byteLength: number
  treeHash: Uint8Array
  /** Chain time when this length was taken. */
  grownClock: number
  /** A newer fork that takes more than half away, and the chain time from which on it may be taken. */
  waits: { fork: number; until: number } | null
  /** Chain time since which its author is known to have signed two trees of one fork and length. */
  conflict: number | null
  /** In its grace: chain time from which on its copies are let go of unless it is given more. */
  graceUntil: number | null
  /** Lapsed: whether that is since nobody served it, not since nobody paid. */
  unserved: boolean
  plan: Plan
  /** Copies that are wanted now (of a target: what it comes to). */
  wanted: number
  copies: CopyView[]
}

export interface CopyView {
  id: number
  hypercore: Uint8Array
  /** `pending` has no accepted segment yet. */
  state: 'pending' | 'active' | 'lost' | 'released'
  pinner: Uint8Array | null
  /** Chunks `[0, length)` are encoded, accepted and challenged. */
  length: number
  bytes: number
  segments: SegmentView[]
  task: TaskView | null
  /** What its outcomes come to: each failure adds `failureForgivenBy`, each success takes 1, and it is lost at `failuresMax` times that. */
  score: number
  /** Chain time of the first challenge that it missed: a longer walk is owed before it is paid again. Null: nothing is owed. */
  missedSince: number | null
  /** Chain time since when it was missed for so long that another copy is made in its place. */
  goneSince: number | null
  /** It came back beside its substitute, and is not paid before this chain time. */
  unpaidUntil: number | null
}

export interface SegmentView extends SegmentRecord {
  /** segmentHash(record) */
  hash: Uint8Array
  /** segmentId of it: what codec and walk know it by. */
  id: Uint8Array
  draw: number
  /** X still to be minted for it; 0 once it passed its first challenge. */
  reserved: bigint
}

/** An open task: to encode chunks `[start, end)` of a copy. */
/**
 * wanted -> frozen -> asked (the pinner) -> wanted -> frozen -> asked (the signer) -> delivering -> (late ->) delivered -> closed; wanted again after a
 * failure, or resting first. Refused: by its signer, without evidence; its pinner is to say what there is to say. In a ledger and on the wire by position.
 */
export const taskStates = [
  'resting',
  'wanted',
  'frozen',
  'asked',
  'delivering',
  'late',
  'delivered',
  'refused'
] as const

/** What a task last came to nothing for, or waits for. In a ledger and on the wire by position. */
export const taskTroubles = [
  /** Nobody could be drawn, with the room and the deposit. */
  'candidates',
  /** The hypercore could not pay for it. */
  'balance',
  /** Who was drawn said neither yes nor no in its time. */
  'silent',
  /** Who was drawn has no room, or cannot write now. */
  'busy',
  /** Who was drawn found nobody who serves what is to be encoded. */
  'unreachable',
  /** What is served is not what the chain has on record. */
  'mismatch',
  /** Who was drawn said no, or gave up, without a reason that could be checked. */
  'declined',
  /** Its pinner showed that its signer is at fault. */
  'fault',
  /** Its signer did not deliver in its time. */
  'late',
  /** Its pinner did not accept in its time what its signer says it sent. */
  'unaccepted',
  /** Pinner and signer each found that nobody serves the hypercore. */
  'unserved'
] as const
export type TaskTrouble = (typeof taskTroubles)[number]

export interface TaskView {
  id: number
  copy: number
  state: (typeof taskStates)[number]
  start: number
  end: number
  /** Of the last draw; resting: when it is wanted again. */
  round: number
  draw: number | null
  pinner: Uint8Array | null
  signer: Uint8Array | null
  /** Chain time at which the present state ends; null while it waits for its round. */
  deadline: number | null
  /** Whether it encodes again what the copy has. */
  renewal: boolean
  /** Why it is not done yet: what its last attempt came to, or what it waits for. Null where nothing has gone wrong. */
  trouble: { what: TaskTrouble; by: Uint8Array | null } | null
}

/** What a drawn pinner is asked, before anybody is drawn to encode for it. */
export interface AskView {
  draw: number
  task: number
  copy: number
  hypercore: Uint8Array
  codec: CodecName
  /** Of the original, and most that it will be encoded. */
  length: number
  byteLength: number
  bytes: number
  /** Chain time up to which it may say yes. */
  deadline: number
}

/** Everything a drawn signer or pinner needs to begin. */
export interface AssignmentView {
  role: 'signer' | 'pinner'
  task: TaskView
  draw: number
  hypercore: Uint8Array
  fork: number
  /** Of the whole original as the task wants it. */
  length: number
  byteLength: number
  treeHash: Uint8Array
  /** The author's, as hypercore encodes them: of the hypercore, and over its state at `length`. */
  manifest: Uint8Array
  signature: Uint8Array
  copy: number
  /** Number of the segment within the copy. */
  segment: number
  codec: CodecName
  pinner: Uint8Array
  signer: Uint8Array
  /** Value of the beacon in the draw's round, for `segmentSalt`. */
  beacon: Uint8Array
  /** Where else than under its own discovery key the hypercore is announced, as its plan has it. */
  topic: Uint8Array
  /** This side still has to acknowledge. */
  acknowledge: boolean
}

/** An open storage challenge. */
export interface ChallengeView {
  id: number
  copy: number
  hypercore: Uint8Array
  pinner: Uint8Array
  state: 'open' | 'answered'
  steps: number
  /** Round, and value, that the walk starts from. */
  round: number
  beacon: Uint8Array
  /** s_0 */
  seed: Uint8Array
  /** The copy's segments as they were when the challenge was issued. */
  segments: WalkSegment[]
  /** Chain time up to which s_k must be on the log, and up to which evidence is taken. */
  answerBy: number
  evidenceBy: number
  /** s_k, and the hash of the evidence that is to follow, once answered. */
  answer: Uint8Array | null
  evidence: Uint8Array | null
}

/** A chunk that a pinner is asked to show whole. */
export interface AskedChunk {
  /** The segment that it lies in, as the chain recorded it. */
  segment: WalkSegment
  /** Its block index in the hypercore. */
  index: number
}

/** An opening that a pinner owes, since the draw after one of its answers fell on it. */
export interface OpeningView extends AskedChunk {
  /** The challenge that was answered. */
  challenge: number
  copy: number
  hypercore: Uint8Array
  pinner: Uint8Array
  /** Round whose value asked for it. */
  round: number
  /** Chain time up to which it is taken; null until its pinner has answered a challenge since it was asked for, from when its time counts. */
  openBy: number | null
  /** How often it did not come in its time. */
  missed: number
}

/** A refusal whose evidence waits for the chain's verdict. */
export interface RefusalView extends Refusal {
  /** Chain time up to which evidence is taken. */
  evidenceBy: number
}

/** What one verifier was drawn to check, told to nobody else before the reports close. */
export interface CheckView {
  epoch: number
  copy: number
  hypercore: Uint8Array
  pinner: Uint8Array
  /** Chunks that the pinner must be able to serve. */
  length: number
  /** The commitment must be on the log before this beacon round is revealed, … */
  closeRound: number
  /** … and the reports themselves before this one. */
  settleRound: number
}

/** Where a verifier stands with an epoch: what to commit or reveal now. */
export interface CheckEpochView {
  epoch: number
  startRound: number
  closeRound: number
  settleRound: number
}

export interface DrawView {
  id: number
  task: number
  copy: number
  round: number
  /** Position in the log of the tick that made the draw. */
  seq: number
  role: 'signer' | 'pinner'
  /** Who was drawn. */
  key: Uint8Array
}

export interface SummaryView {
  hypercores: number
  copies: number
  activeCopies: number
  storage: Record<Outcome, number>
  retrieval: Record<Outcome, number>
  /** All as positive amounts but `sum`, which is 0 unless the ledger is broken. */
  issued: bigint
  minted: bigint
  burned: bigint
  reserved: bigint
  sum: bigint
}

/** One segment of the challenged copy, as the chain recorded it. */
export interface WalkSegment extends SegmentPublic {
  /** Index of its first block in the hypercore. */
  start: number
  /** Number of chunks, at least 1. */
  chunks: number
  /** Encoded bytes: the sum of its chunks' lengths, headers included. */
  bytes: number
  /** Merkle root over its encoded chunks, 32 bytes. */
  root: Uint8Array
  /** Hash of the original hypercore's own tree, which the proof of an original block must lead to; 32 bytes. */
  treeHash: Uint8Array
}

/** Some rows, and what to ask for after them; null if there are no more. */
export interface Page<T> {
  rows: T[]
  next: number | null
}
