import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Limits } from './trend.js'

/** What is read of every program again and again, in which unit, and what it may do (docs/testing.md). */
export interface Figure {
  name: string
  unit: 'MB' | 'ms' | ''
  limits: Limits
  /** Of what a program shows at /metrics, and of its folder. */
  of: (metrics: Metrics, folder: FolderSizes) => number | undefined
}

export type Metrics = ReadonlyMap<string, number>

export interface FolderSizes {
  bytes: number
  /** Write-ahead logs of SQLite, the longest of them. */
  walBytes: number
}

const MB = 1e6

export const figures: readonly Figure[] = [
  {
    name: 'memory (RSS)',
    unit: 'MB',
    limits: { rise: 40 },
    of: (metrics) => scaled(metrics.get('process_resident_memory_bytes'), MB)
  },
  {
    name: 'JavaScript heap',
    unit: 'MB',
    limits: { rise: 16 },
    of: (metrics) => scaled(metrics.get('nodejs_heap_size_used_bytes'), MB)
  },
  {
    name: 'buffers',
    unit: 'MB',
    limits: { rise: 16 },
    of: (metrics) => scaled(metrics.get('nodejs_external_memory_bytes'), MB)
  },
  {
    name: 'descriptors',
    unit: '',
    limits: { rise: 8 },
    of: (metrics) => metrics.get('process_open_fds')
  },
  {
    name: 'event loop, p99',
    unit: 'ms',
    limits: { rise: 50 },
    of: (metrics) => scaled(metrics.get('nodejs_eventloop_lag_p99_seconds'), 1e-3)
  },
  { name: 'write-ahead log', unit: 'MB', limits: { most: 64 }, of: (_, { walBytes }) => walBytes / MB },
  { name: 'folder', unit: 'MB', limits: {}, of: (_, { bytes }) => bytes / MB }
]

function scaled(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value / unit
}

/** Values without labels of Prometheus's text format, and sums over the labels of the others. */
export function parseMetrics(text: string): Metrics {
  const metrics = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_0-9]+)(?:\{.*\})? ([0-9.e+-]+)$/i.exec(line) ?? []
    if (name !== undefined) metrics.set(name, (metrics.get(name) ?? 0) + Number(value))
  }
  return metrics
}

/** What a folder takes; files that go while it is looked through count as gone. */
export async function sizesOf(folder: string): Promise<FolderSizes> {
  const sizes = { bytes: 0, walBytes: 0 }
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => null)
    if (!found?.isFile()) continue
    sizes.bytes += found.size
    if (name.endsWith('-wal')) sizes.walBytes = Math.max(sizes.walBytes, found.size)
  }
  return sizes
}
