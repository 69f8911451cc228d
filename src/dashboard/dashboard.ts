import type { Clock } from '../clock.js'
import { decodeEntry } from '../protocol/entry.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import type { LoggedEvent } from '../ledger/types.js'
import { pause, turn, Wakeup } from '../wait.js'
import type { DrawWatch } from './draw-watch.js'
import { History } from './history/history.js'
import { keepUrn } from './history/urns.js'
import type { ChainSource } from './source.js'

/** Entries from the end of the log within which what was just issued is asked about. */
const RECENT_ENTRIES = 1_024
/** Challenges that are asked about at a time. */
const ASKED_AT_A_TIME = 64
/** Pause after the source failed. */
const AGAIN_MS = 1_000

export interface DashboardOptions {
  source: ChainSource
  /** File of the history, or `:memory:`; it follows from the log, and may be deleted. */
  path: string
  /** What the ledger's draws were seen by, where it is this program's. */
  draws?: DrawWatch | undefined
  clock: Clock
  log: Logger
}

/**
 * What people see of a chain: its history, which follows the log beside everything else, and what the chain itself answers now.
 *
 * ```ts
 * const dashboard = await opened(new Dashboard({ source: ledgerSource(ledger, clock), path, clock, log }))
 * http.show(dashboard)
 * ```
 */
export class Dashboard extends Resource {
  readonly #options: DashboardOptions
  readonly #grown = new Wakeup()
  #history!: History
  #following: Promise<void> = Promise.resolve()

  constructor(options: DashboardOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { source, path } = this.#options
    const { chainId } = await source.chain()
    this.#history = await this.acquire('history', new History(path, chainId))
    this.owe('following', () => this.#following)
    this.#following = this.#follow()
  }

  get source(): ChainSource {
    return this.#options.source
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get log(): Logger {
    return this.#options.log
  }

  /** Aborted when it closes. */
  get over(): AbortSignal {
    return this.signal
  }

  get history(): History {
    return this.#history
  }

  /** Waits until more of the log was read, at most `ms`; returns whether it was. */
  grown(ms: number, signal: AbortSignal): Promise<boolean> {
    return this.#grown.wait(this.#options.clock, ms, signal)
  }

  /** Waits, but not beyond its end. */
  async rest(ms: number, signal: AbortSignal): Promise<void> {
    await pause(this.#options.clock, ms, signal)
  }

  async #follow(): Promise<void> {
    const { clock, log, source } = this.#options
    const { signal } = this
    while (!signal.aborted) {
      try {
        let first = await this.#begin()
        for await (const events of source.follow(first, signal)) {
          if (signal.aborted) return
          const known = this.#history.progress.next
          const fresh = events.slice(known - first)
          first += events.length
          await this.#take(fresh)
        }
      } catch (error) {
        if (signal.aborted) return
        log('dashboard.failed', { error: error as Error })
        await pause(clock, AGAIN_MS, signal)
      }
    }
  }

  /** Where to read on; a log that is not the one that was read is read anew. */
  async #begin(): Promise<number> {
    const { source } = this.#options
    const { next } = this.#history.progress
    if (next === 0) return 0
    const { length } = await source.chain()
    if (length >= next) {
      const stop = new AbortController()
      try {
        for await (const [last] of source.follow(next - 1, stop.signal)) {
          if (last && this.#history.isLast(last.entry)) return next - 1
          break
        }
      } finally {
        stop.abort()
      }
    }
    this.#history.forget()
    return 0
  }

  async #take(events: readonly LoggedEvent[]): Promise<void> {
    if (events.length === 0) return
    const issued = this.#history.read(events)
    this.#keepDraws()
    if (issued.length > 0) await this.#ask(issued, decodeEntry(events.at(-1)!.entry).seq)
    this.#grown.wake()
    // The chain goes first: what is behind is read between what it has to do.
    await turn()
  }

  #keepDraws(): void {
    const { draws } = this.#options
    const { file } = this.#history
    for (const [id, seen] of draws?.taken() ?? []) keepUrn(file, id, seen)
  }

  /** How many steps they have: nobody can say once they are over. */
  async #ask(issued: readonly number[], seq: number): Promise<void> {
    const { source } = this.#options
    if ((await source.chain()).length - seq > RECENT_ENTRIES) return
    const told: { id: number; steps: number }[] = []
    for (let at = 0; at < issued.length; at += ASKED_AT_A_TIME) {
      const some = issued.slice(at, at + ASKED_AT_A_TIME).map((id) => source.challenge(id))
      for (const view of await Promise.all(some)) if (view) told.push({ id: view.id, steps: view.steps })
    }
    this.#history.steps(told)
  }
}
