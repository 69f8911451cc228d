import type { Clock } from '../clock.js'
import type { LedgerApi, LoggedEvent } from '../ledger/types.js'
import type { Parameters } from '../protocol/parameters.js'
import type {
  AccountView,
  ChainView,
  ChallengeView,
  CopyView,
  HypercoreView,
  SummaryView
} from '../protocol/views.js'
import { pause } from '../wait.js'

/** How often a ledger is asked whether its log has grown. */
const LOOK_MS = 100
/** Entries that are read at a time, and the bytes at which a reading ends early. */
const READ_MAX = 256
const READ_BYTES = 1 << 20

/**
 * What a dashboard shows: a chain, wherever it is asked. The chain's own program answers from its ledger (`ledgerSource`), a role
 * from the chain that it is a member of (src/dashboard/client-source.ts).
 */
export interface ChainSource {
  chain(): Promise<ChainView>
  parameters(): Promise<Parameters>
  summary(): Promise<SummaryView>
  account(key: Uint8Array): Promise<AccountView>
  hypercore(key: Uint8Array): Promise<HypercoreView | null>
  copy(id: number): Promise<CopyView | null>
  challenge(id: number): Promise<ChallengeView | null>
  /** Entries of the log from `from` on, with what they did, then each new one; ends when aborted. */
  follow(from: number, signal: AbortSignal): AsyncIterable<LoggedEvent[]>
  /** The public evidence of a challenge, piece by piece; null where there is none here. */
  evidence(challenge: number): AsyncIterable<Uint8Array> | null
}

/** The chain's own ledger as a source: every question goes through its asynchronous interface. */
export function ledgerSource(
  ledger: LedgerApi,
  clock: Clock,
  evidence: ChainSource['evidence'] = () => null
): ChainSource {
  return {
    chain: () => ledger.chain(),
    parameters: () => ledger.parameters(),
    summary: () => ledger.summary(),
    account: (key) => ledger.account(key),
    hypercore: (key) => ledger.hypercore(key),
    copy: (id) => ledger.copy(id),
    challenge: (id) => ledger.challenge(id),
    evidence,
    async *follow(from, signal) {
      for (let next = from; !signal.aborted;) {
        const events = next < (await ledger.length()) ? await ledger.events(next, READ_MAX, READ_BYTES) : []
        if (events.length > 0) yield events
        else await pause(clock, LOOK_MS, signal)
        next += events.length
      }
    }
  }
}
