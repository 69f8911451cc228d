import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import type { ChainError } from '../errors.js'
import type { Effects } from '../protocol/effects.js'
import type { Body, Operation, Outcome } from '../protocol/operations.js'
import type { Parameters } from '../protocol/parameters.js'
import type { Asked } from './queries.js'
import type { BeaconSource } from './rules/beacon.js'
import type { DrawObserver } from './state.js'
import type { ChainView, Receipt } from '../protocol/views.js'

/** What a new network starts from; the chain's key signs it as the log's first entry. */
export interface GenesisOptions {
  name: string
  parameters: Parameters
  /** Commitment of the first onion and its number of rounds. */
  beacon: { commitment: Uint8Array; length: number }
  /** Tokens that genesis creates: wallets and grains. Nothing else ever does. */
  allocations: { key: Uint8Array; amount: bigint }[]
}

export interface LedgerOptions {
  /** File of the ledger, `chain/ledger.db`. Created with `genesis` if missing. */
  path: string
  /** The chain's own key; without it the ledger cannot tick, settle or give receipts. */
  keyPair?: KeyPair
  genesis?: GenesisOptions
  /** Where ticks take their values from. Only the chain process has it. */
  beacon?: BeaconSource & { commitment(index: number): Uint8Array; length: number }
  /** Ticks lead the chain's date towards its wall time. */
  clock: Pick<Clock, 'wall' | 'now'>
  /** Chain time of calls that do not say theirs; by default it goes on from where it was with the time of the process. */
  time?: () => number
  /** Sees how each draw comes about. It must not throw, and not keep the ledger waiting. */
  observer?: DrawObserver | undefined
  /** False: commits are not flushed to disk, for tests and measurements alone. */
  durable?: boolean
}

/** What the chain says of one opening. */
export type OpeningItem = Body<'settleOpenings'>['items'][number]

export type SubmitResult =
  /** `units`: what it cost (`unitsOf`). */
  { ok: true; receipt: Receipt; units: number } | { ok: false; error: ChainError }

/** In place of a verdict on an operation's signatures: the ledger is to check them itself. */
export const NOT_VERIFIED = 2

/** What can be said of an operation before its signatures are looked at. */
export interface Screened {
  /** Why it is refused, whoever signed it. */
  error: ChainError | null
  units: number
}

/** Chain time of a call, and when each operation came, both now if they are not said; how long it may take. */
export interface ArrivalTimes {
  now?: number
  arrived?: readonly number[]
  budgetMs?: number
}

export interface TickTime {
  /** Chain time of the tick. */
  now?: number
  /** Chain time up to which all that came is on the log. */
  heard?: number
  /** How long the chain stood still since the last tick. */
  stalledMs?: number
}

/** One entry of the log as it is read back. */
export interface EntryView {
  seq: number
  at: number
  clock: number
  arrived: number | null
  rulesVersion: number
  operation: Operation
  hash: Uint8Array
  /** The bytes that are published: src/protocol/entry.ts reads them. */
  bytes: Uint8Array
}

/**
 * The ledger on the thread that has its file open: one SQLite file, changed by operations only. It answers every question of
 * src/protocol/rpc/questions.ts, and those that the chain alone asks it, which src/ledger/queries.ts has beside them.
 */
export interface SyncLedger extends Asked {
  readonly chainId: Uint8Array
  readonly chainKey: Buffer

  /**
   * Applies wire operations in order, in one durable transaction. Each that is refused changes nothing and
   * gets its error; the others get a receipt, which is only given once they are on disk.
   *
   * @param verified one byte an operation from `checkWires`, if that was done elsewhere; NOT_VERIFIED where it was not
   * @param budgetMs ends with the operation that has it pass: results are of the first ones alone then
   */
  submit(wires: readonly Uint8Array[], verified?: Uint8Array, when?: ArrivalTimes): SubmitResult[]

  /**
   * Refuses, before a signature is checked, what is not well formed, whose sender has no account, or whose nonce is not one of the next.
   *
   * @param origins of each who handed it over: only what came from there before it can make a later nonce the next one
   */
  screen(wires: readonly Uint8Array[], origins?: readonly number[]): Screened[]

  /** Time goes on: reveals the value of the round that has begun and does at most `work` of what is due. */
  tick(work?: number, when?: TickTime): TickResult
  /** Sets the chain's date to the wall clock. @throws ChainError `TIME_NEAR` if ticks lead it there by themselves */
  setTime(when?: { now?: number }): Receipt
  /** Works out some more of who is to check what; returns whether there is more. A tick does so too. */
  advanceChecks(): boolean

  /** The chain's verdicts on answered challenges. Those no longer open are left out. */
  settle(items: readonly { challenge: number; outcome: Outcome }[], when?: { now?: number }): Receipt | null
  /** The chain's verdicts on openings. Those no longer asked for, or not overdue as it is said, are left out. */
  settleOpenings(items: readonly OpeningItem[], when?: { now?: number }): Receipt | null
  /** The chain's verdict on a refusal with evidence. @throws ChainError `REFUSAL_UNKNOWN` if none waits for it (any more) */
  judge(draw: number, upheld: boolean, when?: { now?: number }): Receipt

  /** Entries in the log, and the bytes of some of them as they are published. */
  length(): number
  entries(from: number, limit: number): Uint8Array[]
  entry(seq: number): EntryView | null
  /** What an entry did; null once compaction dropped it. */
  effects(seq: number): Effects | null
  /** Entries with their effects, encoded, at most `limit` and, but for the first, `maxBytes` of them. */
  events(from: number, limit: number, maxBytes: number): LoggedEvent[]

  chain(): ChainView
  parameters(): Parameters
  /** Hash over the whole state: equal for equal logs on every machine. Reads everything. */
  stateHash(): Buffer

  /** Drops details and effects of entries older than the evidence window, for about `budgetMs` (20) at a time. */
  compact(budgetMs?: number): { entries: number }
  close(): void
}

/** An entry's bytes, and those of its effects until compaction drops them. */
export interface LoggedEvent {
  entry: Uint8Array
  effects: Uint8Array | null
}

/** What may be asked of a ledger from anywhere. */
type Calls = Omit<SyncLedger, 'chainId' | 'chainKey' | 'close'>

/**
 * The ledger as the rest of the chain sees it: every call of SyncLedger, answered by a promise, so that the ledger may live
 * on a thread of its own. Calls take effect one at a time in the order in which they are made, whether their answers are
 * waited for or not, and are answered in that order; what was true when an answer was made may no longer be when it arrives.
 */
export type LedgerApi = Pick<SyncLedger, 'chainId' | 'chainKey'> & {
  [Name in keyof Calls]: Calls[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Result>
    : never
}

export interface TickResult {
  receipt: Receipt
  /** Work was left over: tick again soon, within the same round. */
  more: boolean
  /** How long the state was busy, in ms. */
  busyMs: number
  /** The chain after it, and its rules. */
  chain: ChainView
  parameters: Parameters
}
