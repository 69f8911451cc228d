import type { EvidenceRecord, EvidenceCore } from '../client/evidence-core.js'
import { receiveWhole } from './receive.js'
import type { EvidenceReport, EvidenceAuditOptions, LoggedVerdict, AuditFailure } from './report.js'
import { ChainError, type CodeOf } from '../errors.js'
import { isThreadLost } from '../evidence/on-workers.js'
import { MAX_REFUSAL_EVIDENCE_BYTES } from '../evidence/refusal-format.js'

interface Judged extends LoggedVerdict {
  at: number
  record: EvidenceRecord | null
}

/** The verdicts on refusals that a replay met, as far as their evidence can still be public. */
export class JudgedRefusals {
  readonly #byDraw = new Map<number, Judged>()
  /** Those that are older than the window. */
  older = 0

  /** @param at time of the entry; `since`: what was judged before is forgotten */
  add(verdict: LoggedVerdict, at: number, since: number): void {
    this.forget(since)
    this.#byDraw.set(verdict.refusal.draw, { ...verdict, at, record: null })
  }

  /** Says where the evidence of a refusal is. The newest counts, and is told first. */
  found(record: EvidenceRecord): void {
    const judged = this.#byDraw.get(record.id)
    if (judged) judged.record ??= record
  }

  /** Forgets what was judged before `since`. */
  forget(since: number): void {
    // In the order of the log, so the oldest are first.
    for (const [draw, { at }] of this.#byDraw) {
      if (at >= since) return
      this.#byDraw.delete(draw)
      this.older++
    }
  }

  /** In the order of the log. */
  all(): Iterable<Judged> {
    return this.#byDraw.values()
  }
}

/**
 * Judges every refusal again whose evidence is public, with the code by which the chain did, one at a time. Returns the first
 * verdict that does not hold. One that was not upheld may rest on evidence that never came, of which nothing can be said.
 */
export async function auditRefusals(
  refusals: JudgedRefusals,
  source: EvidenceCore | null,
  { judge, maxBytes, required }: EvidenceAuditOptions,
  report: EvidenceReport,
  signal?: AbortSignal
): Promise<AuditFailure | null> {
  for (const judged of refusals.all()) {
    signal?.throwIfAborted()
    const { seq, refusal, upheld, record } = judged
    if (record && report.bytes + record.bytes > maxBytes) {
      report.left++
      continue
    }
    try {
      const of = (code: CodeOf<'ChainError'>, why: string): ChainError => fault(judged, code, why)
      const evidence =
        record && source ? await receiveWhole(source, record, MAX_REFUSAL_EVIDENCE_BYTES, of) : null
      if (evidence) {
        report.bytes += evidence.byteLength
        const verdict = await judge({ refusal, evidence: { memory: evidence } })
        if (!verdict.named) {
          throw fault(judged, 'EVIDENCE_DIFFERS', 'another evidence is kept than the one that it named')
        }
        if (verdict.upheld !== upheld) {
          const said = `${verdict.upheld ? 'upholds' : 'does not uphold'} it: ${verdict.message} [${verdict.code}]`
          throw fault(judged, 'VERDICT_DIFFERS', `it was ${upheld ? '' : 'not '}upheld, its evidence ${said}`)
        }
        report.full++
      } else if (record || upheld) {
        report.missing++
        if (required) throw fault(judged, 'EVIDENCE_UNAVAILABLE', 'its evidence is not to be had')
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

function fault({ refusal }: Judged, code: CodeOf<'ChainError'>, why: string): ChainError {
  return new ChainError(code, `refusal of draw ${refusal.draw}: ${why}`)
}
