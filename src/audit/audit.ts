import {
  auditEvidence,
  SettledChallenges,
  type EvidenceAuditOptions,
  type EvidenceReport
} from './evidence.js'
import { JudgedRefusals } from './refusals.js'
import { blake3 } from '../crypto/hash.js'
import { ChainError } from '../errors.js'
import { decodeEntry, encodeEntry, type Entry } from '../protocol/entry.js'
import { apply } from '../ledger/apply/apply.js'
import { Database } from '../ledger/database.js'
import { challengeView, refusalViews } from '../ledger/queries.js'
import { stateTables } from '../ledger/schema.js'
import { RULES_VERSION, State, type DrawObserver } from '../ledger/state.js'
import { hashState } from '../ledger/state-hash.js'
import {
  chainIdOf,
  decodeDetail,
  decodeOperation,
  NO_CHAIN,
  operationHash,
  settleDetailType,
  unsignedBytes,
  verifySignatures,
  type Operation
} from '../protocol/operations.js'
import type { RefusalView } from '../protocol/views.js'
import { walkShape, walkTarget } from '../evidence/walk.js'

/** Entries that are replayed in one transaction, and whose signatures are checked ahead of them. */
const BATCH = 512

/** The first thing that does not hold. `seq` is the entry's, or null if the log holds and the stored state does not. */
export interface AuditFailure {
  seq: number | null
  code: string
  reason: string
}

export interface AuditReport {
  ok: boolean
  failure: AuditFailure | null
  /** Entries that hold. */
  entries: number
  /** Operations by kind. */
  kinds: Record<string, number>
  /** Draws that were made again, and walks whose indices were. */
  draws: number
  walks: number
  /** Operations whose details were pruned: checked without them. */
  pruned: number
  /** Challenges whose evidence was looked for; null if it was not, or not yet when something else did not hold. */
  evidence: EvidenceReport | null
  chainId: Buffer | null
  chainKey: Buffer | null
  head: Buffer | null
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
  /** Checks the evidence of settled challenges and judged refusals too, once the log holds. */
  evidence?: EvidenceAuditOptions
  /** Is told how many entries were replayed. */
  onProgress?: (entries: number) => void
  signal?: AbortSignal
}

/** The chain's verdict on a refusal with evidence, and all of the log that it rests on. */
export interface LoggedVerdict {
  /** Of the entry with the verdict. */
  seq: number
  refusal: RefusalView
  upheld: boolean
}

interface Step {
  entry: Entry
  operation: Operation
}

/**
 * Replays a log into a fresh database: every signature, hash, posting, draw, challenge and reputation is worked out again and compared with
 * what the entries say.
 */
export class Replay {
  readonly report: AuditReport = {
    ok: true,
    failure: null,
    entries: 0,
    kinds: {},
    draws: 0,
    walks: 0,
    pruned: 0,
    evidence: null,
    chainId: null,
    chainKey: null,
    head: null,
    stateHash: null,
    sum: 0n
  }
  readonly db: Database
  readonly #options: AuditOptions
  readonly #settled: SettledChallenges | null
  readonly #judged = new JudgedRefusals()
  state: State | null = null
  #stopped = false

  constructor(options: AuditOptions = {}) {
    this.#options = options
    this.db = new Database(options.path ?? ':memory:', { durable: false, references: false })
    this.#settled = options.evidence ? new SettledChallenges(this.db) : null
  }

  /** Replays entries in order until one does not hold; the report says which. */
  async run(entries: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<AuditReport> {
    const { signal, onProgress } = this.#options
    let batch: Uint8Array[] = []
    let next: Promise<void> = Promise.resolve()
    let read = 0
    const flush = async () => {
      const steps = batch
      batch = []
      // Signatures of this batch are checked while the one before it is replayed.
      const prepared = this.#prepare(steps, read - steps.length)
      prepared.catch(() => {})
      await next
      next = prepared.then((ready) => this.#apply(ready))
      onProgress?.(this.report.entries)
    }
    for await (const bytes of entries) {
      signal?.throwIfAborted()
      if (this.report.failure || this.#stopped) break
      batch.push(bytes)
      read++
      // The first entry names the chain that all other signatures are bound to.
      if (batch.length >= BATCH || read === 1) await flush()
      if (read === 1) await next
    }
    if (batch.length > 0) await flush()
    await next
    const { report, state } = this
    if (report.entries === 0 && !report.failure) this.#fail(0, 'LOG_EMPTY', 'the log has no entries')
    if (state && !report.failure) {
      report.stateHash = hashState(this.db)
      for (const row of this.db.iterate('SELECT balance FROM accounts')) report.sum += row.balance as bigint
      if (report.sum !== 0n)
        this.#fail(null, 'SUM_NOT_ZERO', `all accounts together hold ${report.sum} grains`)
    }
    return report
  }

  /** Checks the public evidence, if that is wanted and all else holds. */
  async evidence(): Promise<void> {
    const { evidence, signal } = this.#options
    if (!evidence || !this.#settled || !this.state || !this.report.ok) return
    const report = (this.report.evidence = { full: 0, missing: 0, left: 0, older: 0, bytes: 0 })
    const decided = { challenges: this.#settled, refusals: this.#judged }
    this.fail(await auditEvidence(this.state, decided, evidence, report, signal))
  }

  close(): void {
    this.db.close()
  }

  /** Records the first thing that does not hold. */
  fail(failure: AuditFailure | null): void {
    if (!failure) return
    this.report.ok = false
    this.report.failure ??= failure
  }

  #fail(seq: number | null, code: string, reason: string): void {
    this.fail({ seq, code, reason })
  }

  async #prepare(
    batch: readonly Uint8Array[],
    first: number
  ): Promise<{ steps: Step[]; flags: Uint8Array; bad: AuditFailure | null }> {
    const steps: Step[] = []
    let bad: AuditFailure | null = null
    for (const [index, bytes] of batch.entries()) {
      try {
        const entry = decodeEntry(bytes)
        steps.push({ entry, operation: decodeOperation(entry.operation, true) })
      } catch (error) {
        bad = { seq: first + index, ...explained(error) }
        break
      }
    }
    // Signatures are over the core alone, so that a pruned detail does not matter.
    const wires = steps.map(({ entry }) => entry.operation)
    const verify = this.#options.verify ?? ((chainId, all) => Promise.resolve(verifySignatures(chainId, all)))
    const flags = await verify(this.report.chainId ?? NO_CHAIN, wires)
    return { steps, flags, bad }
  }

  #apply({ steps, flags, bad }: { steps: Step[]; flags: Uint8Array; bad: AuditFailure | null }): void {
    if (this.report.failure || this.#stopped) return
    try {
      this.db.transaction(() => {
        this.state?.beginBatch()
        for (const [index, step] of steps.entries()) {
          this.#step(step, flags[index] === 1)
          if (this.report.failure || this.#stopped) break
        }
        if (this.state && this.state.head.length > 0) this.state.endBatch()
      })
    } catch (error) {
      this.#fail(this.report.entries, ...(Object.values(explained(error)) as [string, string]))
    }
    if (bad && !this.#stopped) this.#fail(bad.seq, bad.code, bad.reason)
  }

  #step({ entry, operation }: Step, signed: boolean): void {
    const { report } = this
    const seq = report.entries
    const fail = (code: string, reason: string) => this.#fail(seq, code, reason)
    if (entry.seq !== seq) return fail('ENTRY_ORDER', `it says that it is entry ${entry.seq}`)
    if (entry.rules !== RULES_VERSION) return fail('RULES_UNKNOWN', `its rules are version ${entry.rules}`)
    if (seq === 0) {
      if (operation.kind !== 'genesis') return fail('GENESIS_MISSING', 'the first entry is no genesis')
      const { chainKey } = this.#options
      if (chainKey && !operation.sender.equals(chainKey)) {
        return fail('LEDGER_FOREIGN', 'the log belongs to another chain')
      }
      report.chainId = chainIdOf(operation)
      report.chainKey = Buffer.from(operation.sender)
      this.state = new State(this.db, report.chainId, report.chainKey)
      this.state.lean = true
      this.state.observer = this.#options.observer ?? null
    }
    if (!signed) return fail('SIGNATURE_WRONG', `a signature of this ${operation.kind} does not hold`)
    const state = this.state!
    const bound = seq === 0 ? NO_CHAIN : state.chainId
    const nextDraw = state.head.nextDraw
    try {
      if (operation.kind === 'settle') this.#walks(operation)
      if (operation.kind === 'judge') this.#verdict(seq, operation)
      const done = state.run(operation, operationHash(bound, unsignedBytes(operation)), () => {
        apply(state, operation)
      })
      if (state.head.at !== entry.at)
        return fail('ENTRY_TIME', `its time is ${state.head.at}, not ${entry.at}`)
      if (!done.effectsHash.equals(entry.effectsHash)) {
        return fail(
          'EFFECTS_DIFFER',
          `this ${operation.kind} changes the state in another way than its entry says`
        )
      }
      if (!done.hash.equals(entry.hash))
        return fail('ENTRY_HASH', 'its hash does not chain to the entry before')
    } catch (error) {
      const { code, reason } = explained(error)
      return fail(code, `this ${operation.kind} should have been refused: ${reason}`)
    }
    report.draws += state.head.nextDraw - nextDraw
    report.kinds[operation.kind] = (report.kinds[operation.kind] ?? 0) + 1
    if ((operation.kind === 'settle' || operation.kind === 'answer') && !operation.detail) report.pruned++
    report.entries = seq + 1
    report.head = entry.hash
    if (this.#options.stop?.(state)) this.#stopped = true
  }

  #verdict(seq: number, { body }: Operation & { kind: 'judge' }): void {
    const { head, parameters } = this.state!
    const [refusal] = refusalViews(this.state!, { draw: body.draw }, 1)
    if (!refusal) return
    const verdict = { seq, refusal, upheld: body.upheld === 1 }
    this.#options.onVerdict?.(verdict)
    if (this.#settled) this.#judged.add(verdict, head.at, head.at - parameters.evidenceWindowMs)
  }

  /**
   * What can be said of settled walks from the log alone: they begin at the challenge's s_0, take k steps, end at the answered s_k, and
   * every state leads into the segment that its index lies in; where all chunks are walked, to that very chunk.
   */
  #walks(operation: Operation & { kind: 'settle' }): void {
    if (!operation.detail) return
    const state = this.state!
    const walks = decodeDetail(settleDetailType, operation.detail)
    for (const [index, { challenge, outcome }] of operation.body.items.entries()) {
      const walk = walks[index]
      const row = state.db.get('SELECT * FROM challenges WHERE id = ?', challenge)
      if (!walk || !row) continue
      const named = walk.evidence.some((byte) => byte !== 0)
      if (outcome === 'lie' && !named) {
        throw new ChainError('LIE_UNPROVEN', `challenge ${challenge} is settled as a lie without evidence`)
      }
      if (outcome !== 'success' && !(named && this.#settled)) continue
      const view = challengeView(state, row)
      const { seed, steps, segments } = view
      if (named) this.#settled?.add(this.report.entries, state.head.at, view, outcome, walk)
      if (outcome !== 'success') continue
      const shape = walkShape({ seed, steps, segments })
      const { states, indices, leaves } = walk
      if (![states, indices, leaves].every((list) => list.length === shape.steps)) {
        throw new ChainError(
          'WALK_SHAPE',
          `challenge ${challenge} is settled without its ${shape.steps} steps`
        )
      }
      for (let step = 0; step < shape.steps; step++) {
        const target = walkTarget(
          { seed, steps, segments },
          shape,
          step,
          step === 0 ? seed : states[step - 1]!
        )
        const { start, chunks } = segments[target.ordinal]!
        const at = indices[step]!
        const held = 'index' in target ? at === target.index : at >= start && at < start + chunks
        if (!held) {
          throw new ChainError(
            'WALK_INDEX',
            `step ${step} of challenge ${challenge} does not lead to chunk ${at}`
          )
        }
      }
      this.report.walks++
    }
  }
}

/** Replays a followed log, or any other source of entries. */
export async function auditLog(
  entries: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: AuditOptions = {}
): Promise<AuditReport> {
  const replay = new Replay(options)
  try {
    await replay.run(entries)
    await replay.evidence()
    return replay.report
  } finally {
    replay.close()
  }
}

/**
 * Replays the log in a ledger's file and compares the state that the file holds with the replay's. The file may be in use: what is read is
 * one snapshot of it.
 *
 * @throws ChainError `LEDGER_NOT_FOUND`, `LEDGER_NOT_A_LEDGER`, `LEDGER_TOO_NEW`
 */
export async function auditFile(path: string, options: AuditOptions = {}): Promise<AuditReport> {
  const file = new Database(path, { readonly: true })
  const replay = new Replay(options)
  try {
    try {
      file.raw.exec('BEGIN')
      await replay.run(entriesOf(file))
      if (replay.report.ok) replay.fail(compareState(file, replay.db, replay.report.entries))
    } catch (error) {
      // SQLite itself stumbles over what it reads: the file is damaged, which is what was asked.
      if ((error as { code?: string }).code?.startsWith('SQLITE_') !== true) throw error
      replay.fail({ seq: null, code: 'FILE_DAMAGED', reason: (error as Error).message })
    } finally {
      file.close()
    }
    await replay.evidence()
    return replay.report
  } finally {
    replay.close()
  }
}

/** The entries of a ledger's file as they are published. */
export function* entriesOf(file: Database): Generator<Uint8Array> {
  for (let from = 0; ; from += BATCH) {
    const rows = file.all(
      `SELECT e.*, d.bytes AS detail FROM entries e LEFT JOIN details d ON d.seq = e.seq
       WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq`,
      from,
      from + BATCH
    )
    if (rows.length === 0) return
    for (const row of rows) {
      const core = row.operation as Buffer
      yield encodeEntry({
        seq: Number(row.seq),
        at: Number(row.at),
        rules: Number(row.rules),
        operation: row.detail ? Buffer.concat([core, row.detail as Buffer]) : core,
        effectsHash: row.effects_hash as Buffer,
        hash: row.hash as Buffer
      })
    }
  }
}

/** What is stored beside the log: state, postings and effects. Null if all of it follows from the log. */
function compareState(file: Database, replay: Database, entries: number): AuditFailure | null {
  const differs = (code: string, reason: string): AuditFailure => ({ seq: null, code, reason })
  const check = file.raw.pragma('integrity_check', { simple: true }) as string
  if (check !== 'ok') return differs('FILE_DAMAGED', `the file is damaged: ${check}`)
  if ((file.raw.pragma('foreign_key_check') as unknown[]).length > 0) {
    return differs('FILE_DAMAGED', 'rows of the file refer to rows that are missing')
  }
  if (file.get('SELECT 1 FROM entries WHERE seq >= ?', entries)) {
    return differs('ENTRY_GAP', `the log ends at ${entries}, but the file holds later entries`)
  }
  for (const [table] of stateTables) {
    if (!hashState(file, table).equals(hashState(replay, table))) {
      return differs('STATE_DIFFERS', `table ${table} does not hold what the log leads to`)
    }
  }
  const sums = new Map<bigint, bigint>()
  for (const row of file.iterate('SELECT account, sum(change) AS sum FROM postings GROUP BY account')) {
    sums.set(row.account as bigint, row.sum as bigint)
  }
  for (const row of file.iterate('SELECT id, balance, archived FROM accounts ORDER BY id')) {
    const sum = (row.archived as bigint) + (sums.get(row.id as bigint) ?? 0n)
    if (sum !== row.balance) {
      return differs(
        'POSTINGS_DIFFER',
        `the postings of account ${row.id as bigint} do not lead to its balance`
      )
    }
  }
  // Compaction drops postings and effects from the front; the rest must be complete.
  const first = file.get('SELECT min(seq) AS seq FROM effects')!.seq as bigint | null
  const from = first === null ? entries : Number(first)
  const postings = (db: Database) =>
    db.iterate('SELECT seq, account, change FROM postings WHERE seq >= ? ORDER BY seq, account', from)
  const expected = postings(replay)
  for (const row of postings(file)) {
    const other = expected.next().value as typeof row | undefined
    if (!other || row.seq !== other.seq || row.account !== other.account || row.change !== other.change) {
      return differs('POSTINGS_DIFFER', `the postings of entry ${row.seq as bigint} are not those of the log`)
    }
  }
  if (!expected.next().done) return differs('POSTINGS_DIFFER', 'postings are missing')
  const missing = file.get(
    'SELECT e.seq FROM entries e LEFT JOIN effects f ON f.seq = e.seq WHERE e.seq >= ? AND f.seq IS NULL LIMIT 1',
    from
  )
  if (missing) return differs('EFFECTS_DIFFER', `the effects of entry ${missing.seq as bigint} are missing`)
  for (const row of file.iterate(
    'SELECT f.seq, f.bytes, e.effects_hash FROM effects f JOIN entries e ON e.seq = f.seq'
  )) {
    if (!blake3(row.bytes as Buffer).equals(row.effects_hash as Buffer)) {
      return differs('EFFECTS_DIFFER', `the effects of entry ${row.seq as bigint} are not those of the log`)
    }
  }
  return null
}

function explained(error: unknown): { code: string; reason: string } {
  if (error instanceof ChainError) return { code: error.code, reason: error.message }
  return { code: 'LOG_BROKEN', reason: (error as Error).message }
}
