import type { EvidenceCore, EvidenceRecord } from '../client/evidence-core.js'
import { ChainError, type CodeOf } from '../errors.js'
import { isThreadLost } from '../evidence/on-workers.js'
import { MAX_OPENING_BYTES } from '../evidence/opening.js'
import type { OpeningItem } from '../ledger/types.js'
import type { OpeningView } from '../protocol/views.js'
import { equal } from '../bytes.js'
import { receiveWhole } from './receive.js'
import type { AuditFailure, EvidenceAuditOptions, EvidenceReport } from './report.js'

interface Settled {
  seq: number
  at: number
  opening: OpeningView
  item: OpeningItem
  record: EvidenceRecord | null
}

/** The verdicts on openings that a replay met, as far as their evidence can still be public. That none came, no evidence tells. */
export class SettledOpenings {
  readonly #byChallenge = new Map<number, Settled>()
  /** Those that are older than the window. */
  older = 0

  /** @param at time of the entry; `since`: what was settled before is forgotten */
  add(of: Omit<Settled, 'record'>, since: number): void {
    this.forget(since)
    if (of.item.evidence) this.#byChallenge.set(of.item.challenge, { ...of, record: null })
  }

  /** Says where an opening is. The newest counts, and is told first. */
  found(record: EvidenceRecord): void {
    const settled = this.#byChallenge.get(record.id)
    if (settled) settled.record ??= record
  }

  /** Forgets what was settled before `since`. */
  forget(since: number): void {
    // In the order of the log, so the oldest are first.
    for (const [challenge, { at }] of this.#byChallenge) {
      if (at >= since) return
      this.#byChallenge.delete(challenge)
      this.older++
    }
  }

  /** In the order of the log. */
  all(): Iterable<Settled> {
    return this.#byChallenge.values()
  }
}

/**
 * Judges every opening again that is public, with the code by which the chain did, one at a time: which chunk it had to be follows from
 * the log. Returns the first verdict that does not hold.
 */
export async function auditOpenings(
  openings: SettledOpenings,
  source: EvidenceCore | null,
  { judgeOpening, maxBytes, required }: EvidenceAuditOptions,
  report: EvidenceReport,
  signal?: AbortSignal
): Promise<AuditFailure | null> {
  for (const settled of openings.all()) {
    signal?.throwIfAborted()
    const { seq, record } = settled
    if (record && report.bytes + record.bytes > maxBytes) {
      report.left++
      continue
    }
    try {
      const of = (code: CodeOf<'ChainError'>, why: string): ChainError => fault(settled, code, why)
      const evidence = record && source ? await receiveWhole(source, record, MAX_OPENING_BYTES, of) : null
      if (evidence) {
        report.bytes += evidence.byteLength
        await check(settled, evidence, judgeOpening)
        report.full++
      } else {
        report.missing++
        if (required) throw fault(settled, 'EVIDENCE_UNAVAILABLE', 'its evidence is not to be had')
      }
    } catch (error) {
      if (isThreadLost(error)) {
        report.undecided++
        continue
      }
      if (!(error instanceof ChainError)) throw error
      return { seq, code: error.code, reason: error.message }
    }
  }
  return null
}

/** @throws ChainError if an opening says something else than the log */
async function check(
  settled: Settled,
  evidence: Uint8Array,
  judge: EvidenceAuditOptions['judgeOpening']
): Promise<void> {
  const { opening, item } = settled
  const { segment, index } = opening
  const verdict = await judge({ asked: { segment, index }, evidence: { memory: evidence } })
  if (!equal(verdict.hash, item.evidence!)) {
    throw fault(settled, 'EVIDENCE_DIFFERS', 'another opening is kept than the one that was settled by')
  }
  if (verdict.outcome === item.outcome) return
  const why = verdict.fault ? `: ${verdict.fault.message} [${verdict.fault.code}]` : ''
  const said = verdict.outcome ?? 'nothing of it'
  throw fault(
    settled,
    'VERDICT_DIFFERS',
    `it was settled as ${item.outcome}, its evidence says ${said}${why}`
  )
}

function fault({ item }: Settled, code: CodeOf<'ChainError'>, why: string): ChainError {
  return new ChainError(code, `the opening after challenge ${item.challenge}: ${why}`)
}
