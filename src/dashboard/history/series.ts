import { outcomeNames, type Outcome } from '../../protocol/operations.js'
import { maybeNumber, type HistoryFile, type HistoryRow } from './rows.js'
import { SLICE_KEPT_MS, SLICE_MS, TALLY_KINDS, type TallyKind } from './tally.js'

/** Most slices of time that one answer has. */
export const SLICES_MAX = 750

/** Counts of outcomes, one a slice. */
export type Counted = Record<Outcome, number[]>

/** What happened to a subject over time: one value a slice, of those slices alone in which something happened. */
export interface Series {
  sliceMs: number
  /** When each slice begins, ms since 1970. */
  at: number[]
  storage: Counted
  retrieval: Counted
  /** Means of the slice; null where nothing was measured. */
  answerMs: (number | null)[]
  firstByteUs: (number | null)[]
  bytesPerSecond: (number | null)[]
  /** Grains. */
  paid: bigint[]
  minted: bigint[]
  burned: bigint[]
  /** The last, and the lowest reputation of the slice, in parts per million. */
  r: (number | null)[]
  rLow: (number | null)[]
}

/** @param span.from begin of what is asked for, 0 for all. `now`: the chain's date */
export function seriesOf(file: HistoryFile, subject: number, span: { from: number; now: number }): Series {
  const { level, sliceMs, from } = slicing(file, subject, span)
  const base = SLICE_MS[level]!
  const merged = sliceMs / base
  const first = Math.floor(from / base)
  const sums = file.all(
    `SELECT slot / ? AS slice, sum(answers) AS answers, sum(answer_ms) AS answer_ms, sum(measured) AS measured,
            sum(first_byte_us) AS first_byte_us, sum(bytes_per_second) AS bytes_per_second, sum(paid) AS paid,
            sum(minted) AS minted, sum(burned) AS burned, min(r_low) AS r_low, max(slot) AS last
       FROM sums WHERE subject = ? AND level = ? AND slot >= ? GROUP BY slice ORDER BY slice LIMIT ?`,
    BigInt(merged),
    subject,
    level,
    first,
    SLICES_MAX + 1
  )
  const counts = file.all(
    `SELECT slot / ? AS slice, kind, outcome, sum(count) AS count FROM tallies
       WHERE subject = ? AND level = ? AND slot >= ? GROUP BY slice, kind, outcome ORDER BY slice`,
    BigInt(merged),
    subject,
    level,
    first
  )
  const slices = [...new Set([...sums, ...counts].map(({ slice }) => Number(slice)))].sort((a, b) => a - b)
  const bySlice = new Map(sums.map((row) => [Number(row.slice), row]))
  const column = <T>(read: (row: HistoryRow | undefined) => T): T[] =>
    slices.map((slice) => read(bySlice.get(slice)))
  const mean = (of: string, over: string) => (row: HistoryRow | undefined) =>
    row && Number(row[over]) > 0 ? Number(row[of]) / Number(row[over]) : null
  const grains = (of: string) => (row: HistoryRow | undefined) => (row ? (row[of] as bigint) : 0n)
  return {
    sliceMs,
    at: slices.map((slice) => slice * sliceMs),
    storage: countsOf(counts, slices, 'storage'),
    retrieval: countsOf(counts, slices, 'retrieval'),
    answerMs: column(mean('answer_ms', 'answers')),
    firstByteUs: column(mean('first_byte_us', 'measured')),
    bytesPerSecond: column(mean('bytes_per_second', 'measured')),
    paid: column(grains('paid')),
    minted: column(grains('minted')),
    burned: column(grains('burned')),
    r: column((row) => (row ? lastR(file, subject, level, row) : null)),
    rLow: column((row) => maybeNumber(row?.r_low))
  }
}

/** The finest level that has all of the span and not too many slices of it; days are put together where there are too many. */
function slicing(
  file: HistoryFile,
  subject: number,
  { from, now }: { from: number; now: number }
): { level: number; sliceMs: number; from: number } {
  const last = SLICE_MS.length - 1
  const oldest = file.get(
    'SELECT min(slot) AS slot FROM sums WHERE subject = ? AND level = ?',
    subject,
    last
  )!.slot
  const began = Math.max(from, Number(oldest ?? 0n) * SLICE_MS[last]!)
  const fine = (level: number): number => {
    const row = file.get(
      'SELECT min(slot) AS slot FROM sums WHERE subject = ? AND level = ?',
      subject,
      level
    )!
    return Math.max(from, Number(row.slot ?? 0n) * SLICE_MS[level]!)
  }
  for (const [level, ms] of SLICE_MS.entries()) {
    const start = fine(level)
    const whole = from >= now - SLICE_KEPT_MS[level]! || start < began + SLICE_MS[last]!
    if (whole && (now - start) / ms <= SLICES_MAX - 1) return { level, sliceMs: ms, from: start }
  }
  const days = Math.ceil((now - began) / SLICE_MS[last]! / (SLICES_MAX - 1))
  return { level: last, sliceMs: Math.max(1, days) * SLICE_MS[last]!, from: began }
}

/** Of a slice that several are put together in: that of the last which has one. */
function lastR(file: HistoryFile, subject: number, level: number, { last }: HistoryRow): number | null {
  return maybeNumber(
    file.get(
      'SELECT r FROM sums WHERE subject = ? AND level = ? AND slot = ?',
      subject,
      level,
      last as bigint
    )?.r
  )
}

function countsOf(rows: readonly HistoryRow[], slices: readonly number[], kind: TallyKind): Counted {
  const place = new Map(slices.map((slice, index) => [slice, index]))
  const counted = Object.fromEntries(outcomeNames.map((name) => [name, slices.map(() => 0)])) as Counted
  for (const row of rows) {
    if (Number(row.kind) !== TALLY_KINDS[kind]) continue
    const name = outcomeNames[Number(row.outcome)]
    if (name) counted[name][place.get(Number(row.slice))!] = Number(row.count)
  }
  return counted
}

/** How often each outcome was since a moment, rounded down to an hour. */
export function totalsOf(
  file: HistoryFile,
  subject: number,
  from: number
): Record<TallyKind, Record<Outcome, number>> {
  const rows = file.all(
    `SELECT kind, outcome, sum(count) AS count FROM tallies WHERE subject = ? AND level = ? AND slot >= ? GROUP BY kind, outcome`,
    subject,
    from === 0 ? 3 : 2,
    Math.floor(from / SLICE_MS[from === 0 ? 3 : 2])
  )
  const of = (kind: TallyKind): Record<Outcome, number> => {
    const none = Object.fromEntries(outcomeNames.map((name) => [name, 0])) as Record<Outcome, number>
    for (const row of rows) {
      const name = outcomeNames[Number(row.outcome)]
      if (Number(row.kind) === TALLY_KINDS[kind] && name) none[name] = Number(row.count)
    }
    return none
  }
  return { storage: of('storage'), retrieval: of('retrieval') }
}

/** Grains that a subject was paid since a moment, rounded down to an hour (0: ever). */
export function paidSince(file: HistoryFile, subject: number, from: number): bigint {
  const level = from === 0 ? 3 : 2
  const row = file.get(
    'SELECT coalesce(sum(paid), 0) AS paid FROM sums WHERE subject = ? AND level = ? AND slot >= ?',
    subject,
    level,
    Math.floor(from / SLICE_MS[level])
  )!
  return row.paid as bigint
}
