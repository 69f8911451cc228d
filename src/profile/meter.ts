import { readFileSync, readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { performance, type EventLoopUtilization } from 'node:perf_hooks'
import type { Clock, Timer } from '../clock.js'

/** Threads of a process, by what they are for. */
const threadGroups = ['main', 'workers', 'other'] as const
export type ThreadGroup = (typeof threadGroups)[number]

/** What a process did between two moments of its run. */
export interface Sample {
  /** Since the measurement began. */
  atMs: number
  /** Plain bytes so far. */
  bytes: number
  /** CPU time since the last sample, by threads. */
  cpuMs: Record<ThreadGroup, number>
  /** Share of the time since the last sample in which the event loop was not idle. */
  loop: number
}

/** What a process used while it was measured. */
export interface Use {
  wallMs: number
  bytes: number
  /** Of the whole process. */
  cpuMs: number
  /** CPU time by threads; all of it `main` where the system does not tell threads apart. */
  threads: Record<ThreadGroup, number>
  /** Share of the time in which the event loop was not idle. */
  loop: number
  rssBytes: number
  samples: Sample[]
}

const SAMPLE_MS = 200
/** Of libuv's pool: they are started by the first work that there is for them. */
const POOL_THREADS = 4

/** Measures this process: CPU time by thread, the event loop, bytes, over time. Its own cost is some 0.2 ms a sample. */
export class Meter {
  readonly #clock: Clock
  readonly #onBytes: (bytes: number) => void
  readonly #workers = new Set<string>()
  #bytes = 0
  #began = 0
  #cpu = process.cpuUsage()
  #threads = noThreads()
  #loop: EventLoopUtilization = performance.eventLoopUtilization()
  #last = { threads: noThreads(), loop: this.#loop }
  #samples: Sample[] = []
  #timer: Timer | undefined

  /** @param onBytes is told the bytes so far, a few times a second */
  constructor(clock: Clock, onBytes: (bytes: number) => void = () => {}) {
    this.#clock = clock
    this.#onBytes = onBytes
  }

  /** Starts worker threads, and remembers which those are. */
  async starting(start: () => Promise<unknown>): Promise<void> {
    await Promise.all(Array.from({ length: POOL_THREADS }, () => stat('/')))
    const before = new Set(threadIds())
    await start()
    for (const id of threadIds()) if (!before.has(id)) this.#workers.add(id)
  }

  /** Begins a measurement. */
  begin(): void {
    this.#bytes = 0
    this.#samples = []
    this.#began = this.#clock.now()
    this.#cpu = process.cpuUsage()
    this.#threads = this.#readThreads()
    this.#loop = performance.eventLoopUtilization()
    this.#last = { threads: this.#threads, loop: this.#loop }
    this.#timer?.cancel()
    this.#timer = this.#clock.every(SAMPLE_MS, () => this.#sample()).unref()
  }

  /** Counts plain bytes. */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Ends the measurement. */
  end(): Use {
    this.#timer?.cancel()
    this.#sample()
    const { user, system } = process.cpuUsage(this.#cpu)
    const cpuMs = (user + system) / 1000
    const threads = difference(this.#readThreads(), this.#threads)
    // What the system does not tell, the process does.
    if (threads.main === 0) threads.main = cpuMs
    return {
      wallMs: this.#clock.now() - this.#began,
      bytes: this.#bytes,
      cpuMs,
      threads,
      loop: performance.eventLoopUtilization(this.#loop).utilization,
      rssBytes: process.memoryUsage.rss(),
      samples: this.#samples
    }
  }

  #sample(): void {
    const threads = this.#readThreads()
    const loop = performance.eventLoopUtilization()
    this.#samples.push({
      atMs: this.#clock.now() - this.#began,
      bytes: this.#bytes,
      cpuMs: difference(threads, this.#last.threads),
      loop: performance.eventLoopUtilization(loop, this.#last.loop).utilization
    })
    this.#last = { threads, loop }
    this.#onBytes(this.#bytes)
  }

  #readThreads(): Record<ThreadGroup, number> {
    const sums = noThreads()
    for (const id of threadIds()) {
      const ms = threadMs(id)
      if (id === String(process.pid)) sums.main += ms
      else sums[this.#workers.has(id) ? 'workers' : 'other'] += ms
    }
    return sums
  }
}

const noThreads = (): Record<ThreadGroup, number> => ({ main: 0, workers: 0, other: 0 })

function difference(
  now: Record<ThreadGroup, number>,
  before: Record<ThreadGroup, number>
): Record<ThreadGroup, number> {
  const sums = noThreads()
  for (const group of threadGroups) sums[group] = Math.max(0, now[group] - before[group])
  return sums
}

/** Threads of this process; none where there is no /proc. */
function threadIds(): string[] {
  try {
    return readdirSync('/proc/self/task')
  } catch {
    return []
  }
}

/** CPU time that a thread has had: the scheduler's count in nanoseconds, or the coarser one of its statistics. */
function threadMs(id: string): number {
  try {
    const ns = readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ')[0]
    return Number(ns) / 1e6
  } catch {
    // Not counted by this kernel.
  }
  try {
    const text = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    // It ended.
    return 0
  }
}
