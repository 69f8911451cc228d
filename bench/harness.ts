import { Bench } from 'tinybench'
import type { CodecName } from '../src/chunk/header.js'
import type { Machine } from '../src/profile/machine.js'

/** Subject: what datdot does. Ceiling: what the primitives alone would reach. Alternative: how else it could be. */
export type Role = 'subject' | 'ceiling' | 'alternative'

/** Of the JSON: rises when fields of rows change their meaning. */
export const BENCH_VERSION = 2

/** One line of the result, as it goes into the JSON file. */
export interface Row {
  suite: string
  name: string
  chunkBytes: number
  threads: number
  /** Plain bytes a second, in units of 10^6; this and all that follow are of the median run. */
  mbPerSecond: number
  chunksPerSecond: number
  /** Where a run is counted in operations, such as answers that are checked. */
  opsPerSecond?: number
  role: Role
  /** Of subjects: to the ceiling of the same comparison. */
  ratio?: number
  /** Of subjects: to the fastest alternative of the same comparison. */
  alternativeRatio?: number
  /** What one run took, where runs were timed: of a comparison the whole run, else one operation. */
  time?: Statistics
  /** The runs behind `time`, in milliseconds, in their order. */
  samples?: number[]
  /** Of rows with a network in them. */
  codec?: CodecName
  readers?: number
  /** CPU time of the processes that are compared, in ms a MB, and of the main thread of the first of them. */
  cpuMsPerMB?: number
  mainMsPerMB?: number
  /** To the CPU time of stock hypercore for the same bytes, in the same round. */
  cpuRatio?: number
  /** CPU ms a MB of each round: what holds where a machine is shared. */
  cpuSamples?: number[]
  /** CPU ms a MB that opening the same bytes takes by itself, in the same round. */
  openMsPerMB?: number
}

/** A whole result. */
export interface BenchResult {
  version: typeof BENCH_VERSION
  machine: Machine
  rounds: number
  quick: boolean
  results: Row[]
  notes: Record<string, number>
  /** What is not installed here, or not compared with, and why. */
  absent: string[]
}

/** How long the runs took, by tinybench's statistics over all of them. */
export interface Statistics {
  runs: number
  p50Ms: number
  /** With as few runs as there are the longest, or nearly. */
  p99Ms: number
  /** Half the width of the 95 % confidence interval of the mean, in percent of the mean. */
  rmePercent: number
}

/** One way to do the same work. */
export interface Contender {
  name: string
  role: Role
  /** Does `chunks` chunks of the comparison's size. */
  run: () => void | Promise<void>
  /** Chunks of one run; slow contenders may do fewer than the others. */
  chunks: number
  /** Operations of one run, where that is what is counted. */
  operations?: number
  /** Of one run, if its threads are not those of the comparison. */
  threads?: number
}

/** Contenders that are measured side by side. */
export interface Comparison {
  suite: string
  chunkBytes: number
  threads: number
  contenders: Contender[]
}

/** What a suite gets, and how it reports. */
export interface SuiteContext {
  /** All threads there are to use. */
  cores: number
  /** Rounds of a comparison. */
  rounds: number
  /** Measures the least that says something. */
  quick: boolean
  /** Aborted by Ctrl-C: suites with processes and a network end with it. */
  signal: AbortSignal
  /** Names what is left out, and why. */
  absent: (what: string) => void
  /** Measures a comparison and keeps its rows. */
  compare: (comparison: Comparison) => Promise<void>
  /** Keeps a row that the suite measured itself. */
  keep: (row: Row) => void
  /** Notes a figure that is no throughput, such as memory or delay. */
  note: (name: string, value: number) => void
}

/** A file of bench/suites exports one of these as its default; its name is the file's. */
export type Suite = (context: SuiteContext) => Promise<void>

export const DEFAULT_ROUNDS = 5

/**
 * Throughput of every contender: the median of some rounds. In each round all of them run once, one after the
 * other, so that what else the machine does meets all alike.
 */
export async function compare(comparison: Comparison, rounds = DEFAULT_ROUNDS): Promise<Row[]> {
  const { contenders, suite, chunkBytes, threads } = comparison
  for (const contender of contenders) await contender.run()
  const times = new Map(contenders.map(({ name }): [string, number[]] => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true })
    const order = [
      ...contenders.slice(round % contenders.length),
      ...contenders.slice(0, round % contenders.length)
    ]
    // Left to find out by itself whether a task is asynchronous, tinybench would run it once unseen.
    for (const { name, run } of order) bench.add(name, async () => run(), { async: true })
    for (const task of await bench.run()) {
      const { result } = task
      if (result.state !== 'completed') throw new Error(`${task.name} was not measured: ${result.state}`)
      times.get(task.name)!.push(result.latency.mean)
    }
  }
  const rows: Row[] = []
  for (const contender of contenders) {
    const time = await statistics(times.get(contender.name)!)
    const seconds = time.p50Ms / 1000
    const chunksPerSecond = contender.chunks / seconds
    rows.push({
      suite,
      name: contender.name,
      chunkBytes,
      threads: contender.threads ?? threads,
      mbPerSecond: round((chunksPerSecond * chunkBytes) / 1e6),
      chunksPerSecond: round(chunksPerSecond),
      ...(contender.operations !== undefined && { opsPerSecond: round(contender.operations / seconds) }),
      role: contender.role,
      time: rounded(time),
      samples: times.get(contender.name)!.map(round)
    })
  }
  const best = (role: Role) =>
    Math.max(...rows.filter((row) => row.role === role).map((row) => row.chunksPerSecond))
  for (const row of rows) {
    if (row.role !== 'subject') continue
    if (best('ceiling') > 0) row.ratio = round(row.chunksPerSecond / best('ceiling'))
    if (best('alternative') > 0) row.alternativeRatio = round(row.chunksPerSecond / best('alternative'))
  }
  return rows
}

/** tinybench's statistics of runs that were timed already. */
export async function statistics(timesMs: readonly number[]): Promise<Statistics> {
  const bench = new Bench({ iterations: timesMs.length, time: 0, warmup: false, throws: true })
  let next = 0
  bench.add('timed', () => ({ overriddenDuration: timesMs[next++]! }), { async: false })
  const [task] = await bench.run()
  if (task?.result.state !== 'completed' || next !== timesMs.length) throw new Error('no statistics')
  const { samplesCount, p50, p99, rme } = task.result.latency
  return { runs: samplesCount, p50Ms: p50, p99Ms: p99, rmePercent: rme }
}

function rounded({ runs, p50Ms, p99Ms, rmePercent }: Statistics): Statistics {
  return { runs, p50Ms: round(p50Ms), p99Ms: round(p99Ms), rmePercent: round(rmePercent) }
}

/** A row of the suite's own, from what one operation took in each of some runs. */
export async function timedRow(
  row: Pick<Row, 'suite' | 'name' | 'role' | 'threads'>,
  operationMs: readonly number[]
): Promise<Row> {
  const time = await statistics(operationMs)
  const opsPerSecond = round(1000 / time.p50Ms)
  return {
    ...row,
    chunkBytes: 0,
    mbPerSecond: 0,
    chunksPerSecond: 0,
    opsPerSecond,
    time: rounded(time),
    samples: operationMs.map(round)
  }
}

/** Rows as lines of a table for people. */
export function table(rows: Row[]): string {
  const cells = rows.map((row) => [
    row.suite,
    nameOf(row),
    sizeName(row.chunkBytes),
    String(row.threads),
    row.mbPerSecond.toFixed(row.mbPerSecond < 100 ? 2 : 0),
    row.chunksPerSecond > 0
      ? row.chunksPerSecond.toFixed(0)
      : row.opsPerSecond === undefined
        ? ''
        : `${row.opsPerSecond.toFixed(0)} ops`,
    row.time ? timeName(row.time.p50Ms) : '',
    row.time ? timeName(row.time.p99Ms) : '',
    row.time ? row.time.rmePercent.toFixed(1) : '',
    row.role,
    row.ratio?.toFixed(2) ?? '',
    row.alternativeRatio?.toFixed(2) ?? '',
    row.cpuMsPerMB?.toFixed(1) ?? '',
    row.cpuRatio?.toFixed(2) ?? ''
  ])
  const head = [
    'suite',
    'name',
    'chunk',
    'threads',
    'MB/s',
    'chunks/s',
    'p50 ms',
    'p99 ms',
    '± %',
    'role',
    'ratio',
    'of alternative',
    'CPU ms/MB',
    'of stock CPU'
  ]
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const isNumber = (i: number) => i >= 2 && i !== head.indexOf('role')
  return [head, ...cells]
    .map((line) => line.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))))
    .map((line) => line.join('  ').trimEnd())
    .join('\n')
}

/** With what it was measured with. */
function nameOf({ role, name, readers }: Row): string {
  const many = readers !== undefined && readers > 1 ? `, ${readers} readers` : ''
  return `${role === 'subject' ? '' : '  '}${name}${many}`
}

function sizeName(bytes: number): string {
  if (bytes >= 2 ** 20) return `${bytes / 2 ** 20} MiB`
  return bytes >= 2 ** 10 ? `${bytes / 2 ** 10} KiB` : `${bytes} B`
}

function timeName(ms: number): string {
  return ms < 1 ? ms.toPrecision(3) : ms.toFixed(ms < 100 ? 2 : 0)
}

/** Four digits that count. */
export function round(value: number): number {
  return Number(value.toPrecision(4))
}
