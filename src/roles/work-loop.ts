import type { ChainClient } from '../client/client.js'
import type { Clock } from '../clock.js'
import { SwarmError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Effect, EffectKind } from '../protocol/effects.js'
import { pause, Wakeup } from '../wait.js'

/** Looks again even if nothing was heard: what was missed in an outage is still to be done. */
const LOOK_AGAIN_MS = 10_000
/** Pause after work that failed for a reason that may pass. */
const RETRY_MS = 250
/** And where another copy of this role's folder works in its place. */
const ELSEWHERE_MS = 5_000

export interface WorkLoopOptions {
  chain: Pick<ChainClient, 'info' | 'events'>
  clock: Clock
  log: Logger
  /** Ends all work. */
  signal: AbortSignal
}

/**
 * Follows a chain's log and calls a role to work when something happened that concerns it; the role then asks the chain what
 * is to be done. Needs nothing but a client.
 */
export class WorkLoop {
  readonly #options: WorkLoopOptions
  readonly #running = new Set<Promise<void>>()
  readonly #wakeup = new Wakeup()
  #woken = true
  /** Whether it was told that another copy works. */
  #elsewhere = false

  constructor(options: WorkLoopOptions) {
    this.#options = options
  }

  /**
   * Calls `work` now, and whenever an entry of the log has one of these effects (`'tick'`: at every tick). One
   * call at a time; what throws is logged and tried again. `hear` is told the effects of each entry, and null when some may
   * have been missed: at first, after following failed, and for an entry whose effects are too large to be sent.
   */
  follow(
    wakers: readonly (EffectKind | 'tick')[],
    work: () => Promise<void>,
    hear: (effects: readonly Effect[] | null) => void = () => {}
  ): void {
    const kinds = new Set<string>(wakers)
    const { chain, signal } = this.#options
    this.#background('follow', async () => {
      const { chain: view } = await chain.info({ timeoutMs: 60_000, signal })
      hear(null)
      for await (const { operation, effects } of chain.events({ from: view.length, signal })) {
        this.#elsewhere = false
        hear(effects && effects.effects)
        const concerns = effects === null || effects.effects.some(({ kind }) => kinds.has(kind))
        if (concerns || (operation.kind === 'tick' && kinds.has('tick'))) this.wake()
      }
    })
    this.#background('work', async () => {
      for (;;) {
        await this.#woke()
        await work()
      }
    })
  }

  /** Has the role look again for what is to be done. */
  wake(): void {
    this.#woken = true
    this.#wakeup.wake()
  }

  /** Runs a job until it ends; `idle` waits for it. */
  run(name: string, job: () => Promise<void>): void {
    const running = job()
      .catch((error: unknown) => this.#failed(name, error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Waits, but not beyond the end of all work. */
  async pause(ms: number): Promise<void> {
    await pause(this.#options.clock, ms, this.#options.signal)
  }

  /** Waits until no job runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Waits for a reason to look, or until it is time to look anyway. */
  async #woke(): Promise<void> {
    const { clock, signal } = this.#options
    if (!this.#woken) await this.#wakeup.wait(clock, LOOK_AGAIN_MS, signal)
    signal.throwIfAborted()
    this.#woken = false
  }

  /** Runs a job that should never end; begins it again when it fails. */
  #background(name: string, job: () => Promise<void>): void {
    const { signal } = this.#options
    this.run(name, async () => {
      while (!signal.aborted) {
        try {
          await job()
        } catch (error) {
          this.#failed(name, error)
          this.#woken = true
          await this.pause(isElsewhere(error) ? ELSEWHERE_MS : RETRY_MS)
        }
      }
    })
  }

  #failed(name: string, error: unknown): void {
    const { signal, log } = this.#options
    if (signal.aborted) return
    if (!isElsewhere(error)) return log('role.failed', { job: name, error: error as Error })
    // All jobs find the same, again and again, as long as the other one lives.
    if (!this.#elsewhere) log('role.elsewhere', { error: error as Error })
    this.#elsewhere = true
  }
}

function isElsewhere(error: unknown): boolean {
  return error instanceof SwarmError && error.code === 'INSTANCE_ELSEWHERE'
}
