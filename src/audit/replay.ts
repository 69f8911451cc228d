import { auditEvidence, SettledChallenges } from './evidence.js'
import { sharedModuli } from './moduli.js'
import { Promised } from './promises.js'
import { SettledOpenings } from './openings.js'
import { JudgedRefusals } from './refusals.js'
import { ChainError, InputError, StorageError, type ErrorCode } from '../errors.js'
import { Resource, using } from '../lifecycle.js'
import { decodeEntry, type Entry } from '../protocol/entry.js'
import { apply } from '../ledger/apply/apply.js'
import { Database } from '../ledger/database.js'
import { isDamage } from '../ledger/failures.js'
import { challengeView, openingView, refusalViews } from '../ledger/views.js'
import { holdsIn, modulusOf, shapeIn } from '../ledger/signature-checks.js'
import { RULES_VERSION, State } from '../ledger/state.js'
import { hashState } from '../ledger/state-hash.js'
import {
  chainIdOf,
  decodeOperation,
  NO_CHAIN,
  operationHash,
  unsignedBytes,
  verifySignatures,
  type Operation
} from '../protocol/operations.js'
import type { AuditFailure, AuditOptions, AuditReport } from './report.js'
import { equal } from '../bytes.js'

/** Entries that are replayed in one transaction, and whose signatures are checked ahead of them. */
export const BATCH = 512

interface Step {
  entry: Entry
  operation: Operation
}

/**
 * Replays a log into a fresh database: every signature, hash, posting, draw, challenge and reputation is worked out again and compared with
 * what the entries say.
 */
export class Replay extends Resource {
  readonly report: AuditReport = {
    ok: true,
    failure: null,
    entries: 0,
    kinds: {},
    draws: 0,
    settled: 0,
    pruned: 0,
    evidence: null,
    receipts: null,
    moduli: null,
    chainId: null,
    chainKey: null,
    head: null,
    stateHash: null,
    sum: 0n
  }
  readonly #options: AuditOptions
  #db!: Database
  #settled: SettledChallenges | null = null
  readonly #openings = new SettledOpenings()
  readonly #judged = new JudgedRefusals()
  readonly #promised: Promised
  state: State | null = null
  #stopped = false

  constructor(options: AuditOptions = {}) {
    super()
    this.#options = options
    this.#promised = new Promised(options.receipts ?? [], options.head)
    if (options.receipts) this.report.receipts = this.#promised.report
  }

  protected start(): Promise<void> {
    const { path = ':memory:', evidence } = this.#options
    this.#db = this.own('database', new Database(path, { durable: false, references: false }))
    this.#settled = evidence ? new SettledChallenges(this.#db) : null
    return Promise.resolve()
  }

  /** What the log leads to, once this is open. */
  get db(): Database {
    return this.#db
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
    if (!report.failure && !this.#stopped) this.fail(this.#promised.end(report.entries))
    if (report.entries === 0 && !report.failure) this.#fail(0, 'LOG_EMPTY', 'the log has no entries')
    if (state && !report.failure) {
      report.stateHash = hashState(this.db)
      report.moduli = sharedModuli(this.db)
      for (const row of this.db.iterate('SELECT balance FROM accounts')) report.sum += row.balance as bigint
      // Every entry's postings sum to 0, whatever the log says: only rules that are wrong get here.
      if (report.sum !== 0n) throw new Error(`all accounts together hold ${report.sum} grains`)
    }
    return report
  }

  /** Checks the public evidence, if that is wanted and all else holds. */
  async evidence(): Promise<void> {
    const { evidence, signal } = this.#options
    if (!evidence || !this.#settled || !this.state || !this.report.ok) return
    const report = (this.report.evidence = { full: 0, undecided: 0, missing: 0, left: 0, older: 0, bytes: 0 })
    const decided = { challenges: this.#settled, openings: this.#openings, refusals: this.#judged }
    this.fail(await auditEvidence(this.state, decided, evidence, report, signal))
  }

  /** Records the first thing that does not hold. */
  fail(failure: AuditFailure | null): void {
    if (!failure) return
    this.report.ok = false
    this.report.failure ??= failure
  }

  #fail(seq: number | null, code: ErrorCode, reason: string): void {
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
          this.#step(step, flags[index]!)
          if (this.report.failure || this.#stopped) break
        }
        if (this.state && this.state.head.length > 0) this.state.endBatch()
      })
    } catch (error) {
      const { code, reason } = explained(error)
      this.#fail(this.report.entries, code, reason)
    }
    if (bad && !this.#stopped) this.#fail(bad.seq, bad.code, bad.reason)
  }

  #step({ entry, operation }: Step, check: number): void {
    const { report } = this
    const seq = report.entries
    const fail = (code: ErrorCode, reason: string) => this.#fail(seq, code, reason)
    if (entry.seq !== seq) return fail('ENTRY_ORDER', `it says that it is entry ${entry.seq}`)
    if (entry.rules !== RULES_VERSION) return fail('RULES_UNKNOWN', `its rules are version ${entry.rules}`)
    if (seq === 0) {
      if (operation.kind !== 'genesis') return fail('GENESIS_MISSING', 'the first entry is no genesis')
      const { chainKey } = this.#options
      if (chainKey && !equal(operation.sender, chainKey)) {
        return fail('LEDGER_FOREIGN', 'the log belongs to another chain')
      }
      report.chainId = chainIdOf(operation)
      report.chainKey = Buffer.from(operation.sender)
      this.state = new State(this.db, report.chainId, report.chainKey)
      this.state.lean = true
      this.state.observer = this.#options.observer ?? null
    }
    if (!holdsIn(check)) return fail('SIGNATURE_WRONG', `a signature of this ${operation.kind} does not hold`)
    const state = this.state!
    const fault = shapeIn(check)
    if (fault !== undefined) state.shapes.note(modulusOf(operation)!, fault)
    const bound = seq === 0 ? NO_CHAIN : state.chainId
    const nextDraw = state.head.nextDraw
    try {
      if (operation.kind === 'settle') this.#answered(operation)
      if (operation.kind === 'settleOpenings') this.#opened(seq, operation)
      if (operation.kind === 'judge') this.#verdict(seq, operation)
      const signedHash = operationHash(bound, unsignedBytes(operation))
      const { clock, arrived } = entry
      const done = state.run(operation, signedHash, arrived, () => {
        apply(state, operation, { clock, arrived })
      })
      if (state.head.at !== entry.at)
        return fail('ENTRY_TIME', `its time is ${state.head.at}, not ${entry.at}`)
      if (!done.effectsHash.equals(entry.effectsHash)) {
        return fail(
          'EFFECTS_DIFFER',
          `this ${operation.kind} changes the state in another way than its entry says`
        )
      }
      if (!equal(done.hash, entry.hash))
        return fail('ENTRY_HASH', 'its hash does not chain to the entry before')
      const broken = this.#promised.entry(state, { seq, operation: signedHash, hash: entry.hash })
      if (broken) return this.fail(broken)
    } catch (error) {
      const { code, reason } = explained(error)
      return fail(code, `this ${operation.kind} should have been refused: ${reason}`)
    }
    report.draws += state.head.nextDraw - nextDraw
    report.kinds[operation.kind] = (report.kinds[operation.kind] ?? 0) + 1
    if (operation.kind === 'answer' && !operation.detail) report.pruned++
    report.entries = seq + 1
    report.head = entry.hash
    if (this.#options.stop?.(state)) this.#stopped = true
  }

  /** Remembers what was to be opened; whether it was is in the evidence. */
  #opened(seq: number, { body }: Operation & { kind: 'settleOpenings' }): void {
    const state = this.state!
    if (!this.#settled) return
    const at = state.head.clock
    const since = at - state.parameters.evidenceWindowMs
    for (const item of body.items) {
      const row = state.db.get('SELECT * FROM openings WHERE challenge = ? AND state = 1', item.challenge)
      if (row) this.#openings.add({ seq, at, opening: openingView(state, row), item }, since)
    }
  }

  #verdict(seq: number, { body }: Operation & { kind: 'judge' }): void {
    const { head, parameters } = this.state!
    const [refusal] = refusalViews(this.state!, { draw: body.draw }, 1)
    if (!refusal) return
    const verdict = { seq, refusal, upheld: body.upheld === 1 }
    this.#options.onVerdict?.(verdict)
    if (this.#settled) this.#judged.add(verdict, head.clock, head.clock - parameters.evidenceWindowMs)
  }

  /** Remembers what was answered to the challenges that are settled; whether the outcomes are right is in the evidence. */
  #answered({ body }: Operation & { kind: 'settle' }): void {
    const state = this.state!
    for (const { challenge, outcome } of body.items) {
      const row = state.db.get('SELECT * FROM challenges WHERE id = ?', challenge)
      if (!row) continue
      this.report.settled++
      const view = { ...challengeView(state, row), accepted: Number(row.segments) }
      this.#settled?.add(this.report.entries, state.head.clock, view, outcome)
    }
  }
}

/** Replays a followed log, or any other source of entries. */
export async function auditLog(
  entries: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: AuditOptions = {}
): Promise<AuditReport> {
  return using(new Replay(options), async (replay) => {
    await replay.run(entries)
    await replay.evidence()
    return replay.report
  })
}

/** What of an error the log is to blame for. @throws the error, if it is not the log */
function explained(error: unknown): { code: ErrorCode; reason: string } {
  if (error instanceof ChainError) return { code: error.code, reason: error.message }
  // The replay's own database: what it refuses is wrong in the log, unless its disk is the trouble.
  const own = error instanceof StorageError || error instanceof InputError
  if (own && !isDamage(error)) throw error
  return { code: 'LOG_BROKEN', reason: (error as Error).message }
}
