import { setMaxListeners } from 'node:events'
import type { CodecName } from '../src/chunk/header.js'
import { systemClock } from '../src/clock.js'
import { using } from '../src/lifecycle.js'
import type { Use } from '../src/profile/meter.js'
import type { Moved } from '../src/profile/report.js'
import { Run } from '../src/profile/run.js'
import { PrivateDht } from '../src/swarm/dht.js'
import { TemporaryFolder } from '../src/temporary-folder.js'
import { round, statistics, type Row } from './harness.js'

/** Rounds of what takes processes and a network: each takes some ten seconds. */
export const MOST_NETWORK_ROUNDS = 3

/** Bytes that a way is measured with; `seal` is slower to make. */
export function bytesOf(codec: CodecName, quick: boolean): number {
  if (codec === 'seal') return quick ? 4e6 : 24e6
  return quick ? 32e6 : 96e6
}

/** Measures between processes on a DHT of their own. */
export async function onNetwork<T>(
  {
    chunkBytes,
    threads,
    quick,
    signal
  }: { chunkBytes: number; threads: number; quick: boolean; signal: AbortSignal },
  work: (run: Run) => Promise<T>
): Promise<T> {
  setMaxListeners(0, signal)
  return using(new PrivateDht(), ({ network }) =>
    using(new TemporaryFolder('datdot-bench-'), ({ path }) =>
      work(
        new Run({
          network,
          dir: path,
          input: { kind: 'random' },
          chunkBytes,
          threads,
          durationMs: quick ? 1_000 : 4_000,
          clock: systemClock,
          signal
        })
      )
    )
  )
}

/** What a row says besides its figures. */
export type RowHead = Pick<Row, 'suite' | 'name' | 'role' | 'chunkBytes' | 'threads' | 'codec' | 'readers'>

/** Figures of one way in all rounds. */
export interface Rounds {
  moved: Moved[]
  /** Stock hypercore in the same rounds. */
  stock: Moved[]
  /** Whose CPU time is compared: all ends', or the sender's alone. */
  cpuOf: (moved: Moved) => number
  openMsPerMB?: number[]
}

/** A row of medians; ratios are made round by round, so that what else the machine does meets both alike. */
export async function networkRow(head: RowHead, { moved, stock, cpuOf, openMsPerMB }: Rounds): Promise<Row> {
  const samples = moved.map(({ to }) => to.wallMs)
  const cpuSamples = moved.map((one) => round(cpuOf(one)))
  const mbPerSecond = median(moved.map((one) => one.mbPerSecond))
  const main = moved.map(({ from }) => perMegabyte(from.threads.main, from))
  return {
    ...head,
    mbPerSecond: round(mbPerSecond),
    chunksPerSecond: round((mbPerSecond * 1e6) / head.chunkBytes),
    time: await statistics(samples),
    samples: samples.map(round),
    ratio: round(median(moved.map((one, i) => one.mbPerSecond / stock[i]!.mbPerSecond))),
    cpuMsPerMB: round(median(cpuSamples)),
    mainMsPerMB: round(median(main)),
    cpuRatio: round(median(moved.map((one, i) => cpuOf(one) / cpuOf(stock[i]!)))),
    cpuSamples,
    ...(openMsPerMB && { openMsPerMB: round(median(openMsPerMB)) })
  }
}

export const bothEnds = ({ from, to }: Moved): number =>
  perMegabyte(from.cpuMs, from) + perMegabyte(to.cpuMs, to)
export const senderOnly = ({ from }: Moved): number => perMegabyte(from.cpuMs, from)

export function perMegabyte(ms: number, use: Use): number {
  return ms / (use.bytes / 1e6)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
