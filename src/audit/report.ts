import type { ErrorCode } from '../errors.js'
import type { JudgeOpening, JudgeRefusal, VerifyAnswers } from '../evidence/tasks.js'
import type { DrawObserver, State } from '../ledger/state.js'
import type { Receipt, RefusalView } from '../protocol/views.js'
import type { ModuliReport } from './moduli.js'
import type { EvidenceCore } from '../client/evidence-core.js'

/** The first thing that does not hold. `seq` is the entry's, or null if the log holds and the stored state does not. */
export interface AuditFailure {
  seq: number | null
  code: ErrorCode
  reason: string
}

export interface AuditReport {
  ok: boolean
  failure: AuditFailure | null
  /** Entries that hold. */
  entries: number
  /** Operations by kind. */
  kinds: Record<string, number>
  /** Draws that were made again, and answered challenges that were settled. */
  draws: number
  settled: number
  /** Operations whose details were pruned: checked without them. */
  pruned: number
  /** Challenges whose evidence was looked for; null if it was not, or not yet when something else did not hold. */
  evidence: EvidenceReport | null
  /** What became of the receipts that were given; null if none were. */
  receipts: PromisesReport | null
  /** Live moduli that share a prime; null unless the log holds. */
  moduli: ModuliReport | null
  chainId: Uint8Array | null
  chainKey: Buffer | null
  head: Uint8Array | null
  /** Of the replay. */
  stateHash: Buffer | null
  /** Sum of all accounts. */
  sum: bigint
}

export interface AuditOptions {
  /** Checks signatures elsewhere; on this thread if not given. */
  verify?: (chainId: Uint8Array, wires: readonly Uint8Array[]) => Promise<Uint8Array>
  /** The chain that the log must be of. */
  chainKey?: Uint8Array
  /** Where the replay is kept; in memory if not given. */
  path?: string
  /** Ends the replay after the entry for which it says so. */
  stop?: (state: State) => boolean
  observer?: DrawObserver
  /** Is told of every verdict on a refusal that the log has; `judgeRefusal` comes to the same from the public evidence. */
  onVerdict?: (verdict: LoggedVerdict) => void
  /** Checks the evidence of settled challenges, openings and judged refusals too, once the log holds. */
  evidence?: EvidenceAuditOptions
  /** Receipts that the chain gave: each must be of an entry of the log. */
  receipts?: readonly Receipt[]
  /** Hash that an entry of the log must have: its head, as somebody saw it once. */
  head?: Uint8Array
  /** Is told how many entries were replayed. */
  onProgress?: (entries: number) => void
  signal?: AbortSignal
}

/** Receipts that an audit held the log against. */
export interface PromisesReport {
  /** Of entries that are there. */
  held: number
  /** Not signed by this chain: they say nothing of it. */
  foreign: number
}

/** The chain's verdict on a refusal with evidence, and all of the log that it rests on. */
export interface LoggedVerdict {
  /** Of the entry with the verdict. */
  seq: number
  refusal: RefusalView
  upheld: boolean
}

/** How the evidence of settled challenges, openings and judged refusals is checked. */
export interface EvidenceAuditOptions {
  /** Opens the core that belongs to a chain; null if there is none. Its owner closes it. */
  open: (chainKey: Buffer) => Promise<EvidenceCore | null>
  verify: VerifyAnswers
  judge: JudgeRefusal
  judgeOpening: JudgeOpening
  /** A folder of its own for large evidence that is being checked. */
  folder: string
  /** Bytes of evidence that are fetched at the most. */
  maxBytes: number
  /** Evidence that is missing inside the window counts as a fault. */
  required: boolean
}

/** What was found of the evidence that the log names. */
export interface EvidenceReport {
  /** Challenges, openings and refusals whose verdict was worked out again from their evidence. */
  full: number
  /** … or could not be, since a worker thread did not come to its end with it. */
  undecided: number
  /** Decided inside the window, but their evidence is not to be had. */
  missing: number
  /** Not fetched because of `maxBytes`. */
  left: number
  /** Decided before the window. */
  older: number
  /** Bytes of evidence that were fetched. */
  bytes: number
}
