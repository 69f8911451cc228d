import type { BenchResult, Row } from './harness.js'

/** How a row differs from the one of another result. */
export interface Change {
  name: string
  /** What is compared: CPU time where it was measured, else elapsed time; ms a unit of work, less is better. */
  of: 'CPU' | 'time' | 'ratio'
  before: number
  after: number
  /** After to before. */
  factor: number
  /** The factor's noise, as a share: what is inside says nothing. */
  noise: number
  verdict: 'slower' | 'faster' | 'same'
}

export interface Comparing {
  changes: Change[]
  /** Rows that only one of the results has. */
  onlyBefore: string[]
  onlyAfter: string[]
  /** The machines differ, so that only ratios within a run say something. */
  otherMachine: boolean
}

/** Less than this is no change, however little the runs spread. */
const LEAST_CHANGE = 0.05
/** Standard errors that a change must exceed. */
const SURE = 3
/** Of a normal distribution: its standard deviation over its median deviation. */
const DEVIATION = 1.4826
/** Spread that is assumed of what was measured once. */
const UNKNOWN_NOISE = 0.15

/** What a row is, wherever it was measured. */
export function idOf({ suite, name, chunkBytes, threads, readers }: Row): string {
  const many = readers === undefined ? '' : `, ${readers} readers`
  return `${suite}: ${name}, ${chunkBytes} B, ${threads} threads${many}`
}

/** Holds two results against each other, with the noise of their runs taken into account. */
export function compareResults(before: BenchResult, after: BenchResult): Comparing {
  const otherMachine =
    before.machine.cpu !== after.machine.cpu || before.machine.cores !== after.machine.cores
  const known = new Map(before.results.map((row) => [idOf(row), row]))
  const changes: Change[] = []
  const onlyAfter: string[] = []
  for (const row of after.results) {
    const id = idOf(row)
    const other = known.get(id)
    known.delete(id)
    if (!other) {
      onlyAfter.push(id)
      continue
    }
    const change = changeOf(id, other, row, otherMachine)
    if (change) changes.push(change)
  }
  return { changes, onlyBefore: [...known.keys()], onlyAfter, otherMachine }
}

function changeOf(name: string, before: Row, after: Row, otherMachine: boolean): Change | undefined {
  // What only stands beside is the machine's, and not ours.
  if (after.role !== 'subject') return undefined
  const [a, b] = [measureOf(before, otherMachine), measureOf(after, otherMachine)]
  if (!a || !b || a.of !== b.of) return undefined
  const factor = b.value / a.value
  const noise = Math.hypot(a.noise, b.noise)
  const least = Math.max(LEAST_CHANGE, SURE * noise)
  const verdict = factor > 1 + least ? 'slower' : factor < 1 / (1 + least) ? 'faster' : 'same'
  return { name, of: a.of, before: a.value, after: b.value, factor, noise, verdict }
}

/** What a row cost, and how much of that is noise. Less is better. */
function measureOf(
  row: Row,
  onlyRatios: boolean
): { of: Change['of']; value: number; noise: number } | undefined {
  const noise = noiseOf(row.cpuSamples ?? row.samples ?? [])
  if (onlyRatios) {
    if (row.cpuRatio !== undefined) return { of: 'ratio', value: row.cpuRatio, noise }
    return row.ratio === undefined ? undefined : { of: 'ratio', value: 1 / row.ratio, noise }
  }
  if (row.cpuMsPerMB !== undefined) return { of: 'CPU', value: row.cpuMsPerMB, noise }
  const rate = row.opsPerSecond ?? row.chunksPerSecond
  return rate > 0 ? { of: 'time', value: 1000 / rate, noise } : undefined
}

/** Standard error of the median of some runs, as a share of it. */
export function noiseOf(samples: readonly number[]): number {
  if (samples.length < 2) return UNKNOWN_NOISE
  const middle = medianOf(samples)
  const spread = DEVIATION * medianOf(samples.map((sample) => Math.abs(sample - middle)))
  // Of two or three runs the middle one often lies close to another by chance.
  const range = (Math.max(...samples) - Math.min(...samples)) / 2
  const deviation = samples.length < 5 ? Math.max(spread, range) : spread
  return (1.2533 * deviation) / Math.sqrt(samples.length) / middle
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A comparison as text. */
export function compareText({ changes, onlyBefore, onlyAfter, otherMachine }: Comparing): string {
  const lines = otherMachine
    ? ['The earlier result is of another machine: only ratios within a run are compared.']
    : []
  for (const { name, of, before, after, factor, noise, verdict } of changes) {
    const mark = { slower: '!', faster: '+', same: ' ' }[verdict]
    const percent = `${((factor - 1) * 100).toFixed(1)} %`
    lines.push(
      `${mark} ${verdict.padEnd(6)} ${percent.padStart(8)} ± ${(100 * noise).toFixed(1)} %  ${name}: ${of} ${before.toPrecision(4)} -> ${after.toPrecision(4)}`
    )
  }
  if (onlyBefore.length > 0) lines.push(`not measured now: ${onlyBefore.join('; ')}`)
  if (onlyAfter.length > 0) lines.push(`not measured before: ${onlyAfter.join('; ')}`)
  return lines.join('\n')
}
