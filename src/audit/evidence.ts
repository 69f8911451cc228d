import { ChainError, EngineError, type CodeOf } from '../errors.js'
import type { AuditFailure, EvidenceAuditOptions, EvidenceReport } from './report.js'
import {
  type EvidenceCore,
  isUnavailable,
  readEvidence,
  type EvidenceRecord,
  trailers
} from '../client/evidence-core.js'
import { auditOpenings, type SettledOpenings } from './openings.js'
import { auditRefusals, type JudgedRefusals } from './refusals.js'
import { EvidenceIntake, type EvidenceUpload } from '../client/evidence-intake.js'
import type { Database, Row } from '../ledger/database.js'
import { walkSegments } from '../ledger/views.js'
import { copyById } from '../ledger/rows.js'
import type { State } from '../ledger/state.js'
import { outcomeNames, type Outcome } from '../protocol/operations.js'
import { judgeEvidence } from '../evidence/verdict.js'
import type { ChallengeView } from '../protocol/views.js'
import { maxSliceEvidenceBytes } from '../evidence/slice-evidence.js'
import type { SliceChallenge } from '../evidence/slice-walk.js'

/** Evidence that is fetched and checked at a time. */
const PARALLEL = 4
/** Evidence above this size is received on disk, so that PARALLEL of them take bounded memory. */
const MEMORY_UPLOAD_BYTES = 8 << 20
/** Settled challenges looked at in one step. */
const PAGE = 256
/** The settled challenges of a replay whose answers name evidence; kept in the replay's database, since they may be many. */
export class SettledChallenges {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
    db.raw.exec(
      `CREATE TEMP TABLE settled (
         challenge INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, outcome INTEGER NOT NULL,
         copy INTEGER NOT NULL, pinner BLOB NOT NULL, segments INTEGER NOT NULL, steps INTEGER NOT NULL,
         seed BLOB NOT NULL, answer BLOB NOT NULL, evidence BLOB NOT NULL,
         start INTEGER, "end" INTEGER, bytes INTEGER, kept BLOB
       ) STRICT;
       CREATE INDEX temp.settled_by_seq ON settled (seq, challenge)`
    )
  }

  /** Remembers one, from the state before it is settled. `accepted`: segments of its copy when it was issued. */
  add(seq: number, at: number, view: ChallengeView & { accepted: number }, outcome: Outcome): void {
    if (!view.answer || !view.evidence) return
    this.#db.run(
      `INSERT OR REPLACE INTO settled (challenge, seq, at, outcome, copy, pinner, segments, steps, seed, answer, evidence)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      view.id,
      seq,
      at,
      outcomeNames.indexOf(outcome),
      view.copy,
      view.pinner,
      view.accepted,
      view.steps,
      view.seed,
      view.answer,
      view.evidence
    )
  }

  /** Says where the evidence of a challenge is. The newest counts, and is told first. */
  found({ id, start, end, bytes, hash }: EvidenceRecord): void {
    this.#db.run(
      `UPDATE settled SET start = ?, "end" = ?, bytes = ?, kept = ? WHERE challenge = ? AND start IS NULL`,
      start,
      end,
      bytes,
      hash,
      id
    )
  }

  /** Those settled from `since` on, in the order of the log. */
  *from(since: number): Generator<Row> {
    let [seq, challenge]: [bigint, bigint] = [-1n, -1n]
    for (;;) {
      const rows = this.#db.all(
        'SELECT * FROM settled WHERE (seq, challenge) > (?, ?) AND at >= ? ORDER BY seq, challenge LIMIT ?',
        seq,
        challenge,
        since,
        PAGE
      )
      yield* rows
      const last = rows.at(-1)
      if (!last) return
      ;[seq, challenge] = [last.seq as bigint, last.challenge as bigint]
    }
  }

  before(since: number): number {
    return Number(this.#db.get('SELECT count(*) AS n FROM settled WHERE at < ?', since)!.n)
  }
}

/** What a replay met that evidence tells of. */
export interface Decided {
  challenges: SettledChallenges
  openings: SettledOpenings
  refusals: JudgedRefusals
}

/**
 * Works out again, from the public evidence, every verdict of the window: with the code by which the
 * chain did, on worker threads, a few at a time. Returns the first that does not hold.
 */
export async function auditEvidence(
  state: State,
  { challenges, openings, refusals }: Decided,
  options: EvidenceAuditOptions,
  report: EvidenceReport,
  signal?: AbortSignal
): Promise<AuditFailure | null> {
  const since = state.head.clock - state.parameters.evidenceWindowMs
  refusals.forget(since)
  openings.forget(since)
  report.older = challenges.before(since) + openings.older + refusals.older
  const source = await options.open(state.chainKey)
  if (source) {
    for await (const record of trailers(source, since, signal)) {
      if (record.kind === 'answer') challenges.found(record)
      else if (record.kind === 'opening') openings.found(record)
      else refusals.found(record)
    }
  }
  const intake = new EvidenceIntake(options.folder, {
    memoryUploadBytes: MEMORY_UPLOAD_BYTES,
    diskBytes: Infinity
  })
  await intake.ready()
  const audit = new EvidenceAudit(state, options, report, source, intake, signal)
  try {
    const first = await audit.run(challenges.from(since))
    const others = [
      await auditOpenings(openings, source, options, report, signal),
      await auditRefusals(refusals, source, options, report, signal)
    ]
    const failures = [first, ...others].filter((failure) => failure !== null)
    return failures.sort((a, b) => a.seq! - b.seq!)[0] ?? null
  } finally {
    await intake.close()
  }
}

/** One run over the settled challenges. */
class EvidenceAudit {
  readonly #state: State
  readonly #options: EvidenceAuditOptions
  readonly #report: EvidenceReport
  readonly #source: EvidenceCore | null
  readonly #intake: EvidenceIntake
  readonly #signal: AbortSignal | undefined
  #failure: AuditFailure | null = null

  constructor(
    state: State,
    options: EvidenceAuditOptions,
    report: EvidenceReport,
    source: EvidenceCore | null,
    intake: EvidenceIntake,
    signal: AbortSignal | undefined
  ) {
    this.#state = state
    this.#options = options
    this.#report = report
    this.#source = source
    this.#intake = intake
    this.#signal = signal
  }

  async run(rows: Generator<Row>): Promise<AuditFailure | null> {
    // Rows come in the log's order: once one fails, those under way are finished, and the first of them counts.
    const work = async (): Promise<void> => {
      for (const row of rows) {
        this.#signal?.throwIfAborted()
        await this.#row(row)
        if (this.#failure) return
      }
    }
    const done = await Promise.allSettled(Array.from({ length: PARALLEL }, work))
    for (const result of done) if (result.status === 'rejected') throw result.reason
    return this.#failure
  }

  async #row(row: Row): Promise<void> {
    const { maxBytes, required } = this.#options
    const report = this.#report
    const bytes = Number(row.bytes ?? 0n)
    const seq = Number(row.seq)
    if (row.start !== null && this.#source && report.bytes + bytes > maxBytes) {
      report.left++
      return
    }
    try {
      const checked = row.start !== null && this.#source !== null && (await this.#check(row, this.#source))
      if (checked === 'undecided') {
        report.undecided++
        return
      }
      // What failed may have failed because nothing came: of that nothing can be said.
      const silent = row.start === null && outcomeNames[Number(row.outcome)] === 'failure'
      if (!checked && silent && this.#source !== null) return
      if (checked) report.full++
      else report.missing++
      if (!checked && required) throw fault(row, 'EVIDENCE_UNAVAILABLE', 'its evidence is not to be had')
    } catch (error) {
      if (!(error instanceof ChainError)) throw error
      if (this.#failure && this.#failure.seq! <= seq) return
      this.#failure = { seq, code: error.code, reason: error.message }
    }
  }

  /** False if the evidence cannot be had. @throws ChainError if it contradicts the log */
  async #check(row: Row, source: EvidenceCore): Promise<boolean | 'undecided'> {
    const evidence = row.evidence as Buffer
    if (!evidence.equals(row.kept as Buffer)) {
      throw fault(row, 'EVIDENCE_DIFFERS', 'another evidence is kept than the one that was answered with')
    }
    const challenge = this.#challenge(row)
    const place = { start: Number(row.start), end: Number(row.end), bytes: Number(row.bytes) }
    if (place.bytes < 1 || place.bytes > maxSliceEvidenceBytes(challenge)) {
      throw fault(row, 'EVIDENCE_DIFFERS', `no evidence of it has ${place.bytes} bytes`)
    }
    this.#report.bytes += place.bytes
    const upload = this.#intake.begin(place.bytes)
    try {
      if (!(await this.#receive(row, source, place, upload))) return false
      const lastState = row.answer as Buffer
      const [verdict] = await this.#options.verify([{ challenge, lastState, evidence: await upload.bytes() }])
      if (verdict instanceof EngineError) return 'undecided'
      const { outcome, fault: why } = judgeEvidence(verdict!, evidence)
      const settled = outcomeNames[Number(row.outcome)]!
      if (outcome !== settled) {
        const said = why ? `: ${why.message} [${why.code}]` : ''
        throw fault(
          row,
          'VERDICT_DIFFERS',
          `it was settled as ${settled}, its evidence says ${outcome}${said}`
        )
      }
      return true
    } finally {
      await upload.discard()
      if (source.discard) await source.core.clear(place.start, place.end)
    }
  }

  async #receive(
    row: Row,
    { core, timeoutMs }: EvidenceCore,
    place: { start: number; end: number; bytes: number },
    upload: EvidenceUpload
  ): Promise<boolean> {
    if (timeoutMs === 0 && !(await core.has(place.start, place.end))) return false
    const ahead = timeoutMs > 0 ? core.download({ start: place.start, end: place.end }) : null
    try {
      for await (const piece of readEvidence(core, place, timeoutMs)) {
        this.#signal?.throwIfAborted()
        await upload.write(upload.received, piece)
      }
      return true
    } catch (error) {
      if (error instanceof ChainError) throw fault(row, 'EVIDENCE_DAMAGED', error.message)
      if (isUnavailable(error)) return false
      throw error
    } finally {
      ahead?.destroy()
    }
  }

  #challenge(row: Row): SliceChallenge {
    const copy = copyById(this.#state, Number(row.copy))
    const segments = walkSegments(this.#state, copy, Number(row.segments))
    return { seed: row.seed as Buffer, steps: Number(row.steps), segments }
  }
}

function fault(row: Row, code: CodeOf<'ChainError'>, why: string): ChainError {
  return new ChainError(code, `challenge ${Number(row.challenge)}: ${why}`)
}
