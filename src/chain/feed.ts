import { encode } from '../protocol/codec.js'
import { effectsType } from '../protocol/effects.js'
import type { LedgerApi } from '../ledger/types.js'
import type { EventMessage } from '../protocol/rpc/views.js'

/** Events kept as they travel, so that many subscribers cost one read. */
const CACHED = 2048
const CACHED_BYTES = 8 << 20

/** Those who wait for the log to grow. */
type Waiter = () => void

/** The log as subscribers read it: entries with their effects, and a wait for the next ones. */
export class EventFeed {
  readonly #ledger: Pick<LedgerApi, 'length' | 'entries' | 'effects'>
  readonly #cache = new Map<number, EventMessage>()
  readonly #waiters = new Set<Waiter>()
  #cachedBytes = 0

  constructor(ledger: Pick<LedgerApi, 'length' | 'entries' | 'effects'>) {
    this.#ledger = ledger
  }

  /** Entries from `from` on, at most `most` and, but for the first, `bytes` of them. */
  read(from: number, most: number, bytes: number): EventMessage[] {
    const events: EventMessage[] = []
    const end = Math.min(this.#ledger.length(), from + most)
    for (let seq = from, size = 0; seq < end; seq++) {
      const event = this.#cache.get(seq) ?? this.#load(seq)
      size += sizeOf(event)
      if (events.length > 0 && size > bytes) break
      events.push(event)
    }
    return events
  }

  /** Waits until there is an entry at `from`, at most `waitMs`, or until aborted; returns whether there is. */
  async wait(from: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + waitMs
    for (let left = waitMs; this.#ledger.length() <= from && left > 0; left = until - performance.now()) {
      if (signal.aborted) return false
      await this.#grown(left, signal)
    }
    return this.#ledger.length() > from
  }

  /** To be called when the log has grown, or is to be closed. */
  notify(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }

  #grown(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        this.#waiters.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal.addEventListener('abort', wake)
      this.#waiters.add(wake)
    })
  }

  #load(seq: number): EventMessage {
    const [entry] = this.#ledger.entries(seq, 1)
    if (!entry) throw new RangeError(`the log has no entry ${seq}`)
    const effects = this.#ledger.effects(seq)
    const event = { entry, effects: effects && encode(effectsType, effects) }
    this.#cache.set(seq, event)
    this.#cachedBytes += sizeOf(event)
    // Oldest first: subscribers that are far behind read from disk.
    for (const [old, dropped] of this.#cache) {
      if (this.#cache.size <= CACHED && this.#cachedBytes <= CACHED_BYTES) break
      this.#cache.delete(old)
      this.#cachedBytes -= sizeOf(dropped)
    }
    return event
  }
}

function sizeOf({ entry, effects }: EventMessage): number {
  return entry.byteLength + (effects?.byteLength ?? 0)
}
