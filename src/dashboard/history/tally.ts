import { outcomeNames, type Outcome } from '../../protocol/operations.js'
import type { HistoryFile } from './rows.js'

/** Lengths of the slices of time that are summed, by level. */
export const SLICE_MS = [5_000, 60_000, 3_600_000, 86_400_000] as const
/** How long slices of each level are kept: for networks whose epochs last seconds two hours of the finest, two days of minutes, three months of hours, all days. */
export const SLICE_KEPT_MS = [7_200_000, 2 * 86_400_000, 92 * 86_400_000, Infinity] as const

export const TALLY_KINDS = { storage: 0, retrieval: 1 } as const
export type TallyKind = keyof typeof TALLY_KINDS

/** Whose sums they are. */
export const NETWORK = 0
export const ofCopy = (id: number): number => 2 * id + 1
export const ofKey = (id: number): number => 2 * id + 2

/** What one event adds to the sums of its moment. */
export interface Added {
  answerMs?: number | null
  measured?: { firstByteUs: number; bytesPerSecond: number }
  paid?: bigint
  minted?: bigint
  burned?: bigint
  /** Reputation after it, in parts per million. */
  r?: number
}

/** Counts an outcome in every slice that it falls in. */
export function countOutcome(
  file: HistoryFile,
  subjects: readonly number[],
  at: number,
  { kind, outcome }: { kind: TallyKind; outcome: Outcome }
): void {
  for (const subject of subjects) {
    for (const [level, ms] of SLICE_MS.entries()) {
      file.run(
        `INSERT INTO tallies (subject, level, slot, kind, outcome, count) VALUES (?, ?, ?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET count = count + 1`,
        subject,
        level,
        Math.floor(at / ms),
        TALLY_KINDS[kind],
        outcomeNames.indexOf(outcome)
      )
    }
  }
}

/** Adds to the sums of every slice that a moment falls in. */
export function addSums(file: HistoryFile, subjects: readonly number[], at: number, added: Added): void {
  const { answerMs, measured, paid = 0n, minted = 0n, burned = 0n, r } = added
  for (const subject of subjects) {
    for (const [level, ms] of SLICE_MS.entries()) {
      file.run(
        `INSERT INTO sums
           (subject, level, slot, answers, answer_ms, measured, first_byte_us, bytes_per_second, paid, minted, burned, r, r_low)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET
           answers = answers + excluded.answers, answer_ms = answer_ms + excluded.answer_ms,
           measured = measured + excluded.measured, first_byte_us = first_byte_us + excluded.first_byte_us,
           bytes_per_second = bytes_per_second + excluded.bytes_per_second,
           paid = paid + excluded.paid, minted = minted + excluded.minted, burned = burned + excluded.burned,
           r = coalesce(excluded.r, r), r_low = min(coalesce(excluded.r_low, r_low), coalesce(r_low, excluded.r_low))`,
        subject,
        level,
        Math.floor(at / ms),
        answerMs === undefined || answerMs === null ? 0 : 1,
        Math.round(answerMs ?? 0),
        measured ? 1 : 0,
        measured?.firstByteUs ?? 0,
        measured?.bytesPerSecond ?? 0,
        paid,
        minted,
        burned,
        r ?? null,
        r ?? null
      )
    }
  }
}

/** Forgets slices that are finer than their age needs; at most `most` rows of each kind. */
export function pruneSlices(file: HistoryFile, now: number, most: number): number {
  let gone = 0
  for (const [level, kept] of SLICE_KEPT_MS.entries()) {
    if (kept === Infinity) continue
    const before = Math.floor((now - kept) / SLICE_MS[level]!)
    for (const table of ['tallies', 'sums']) {
      const key = table === 'tallies' ? 'subject, level, slot, kind, outcome' : 'subject, level, slot'
      gone += file.run(
        `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE level = ? AND slot < ? LIMIT ?)`,
        level,
        before,
        most
      )
    }
  }
  return gone
}
