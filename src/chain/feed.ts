import type { Clock } from '../clock.js'
import type { LedgerApi, LoggedEvent } from '../ledger/types.js'
import { Wakeup } from '../wait.js'

/** Events kept as they travel, so that many subscribers cost one read. */
const CACHED = 2048
const CACHED_BYTES = 8 << 20

/** The log as subscribers read it: entries with their effects, and a wait for the next ones. */
export class EventFeed {
  readonly #ledger: Pick<LedgerApi, 'events'>
  readonly #clock: Clock
  readonly #cache = new Map<number, LoggedEvent>()
  readonly #grown = new Wakeup()
  #cachedBytes = 0
  #length: number

  /** @param length of the log now */
  constructor(ledger: Pick<LedgerApi, 'events'>, clock: Clock, length: number) {
    this.#ledger = ledger
    this.#clock = clock
    this.#length = length
  }

  /** Entries of the log, as far as it is known here. */
  get length(): number {
    return this.#length
  }

  /** Entries from `from` on, at most `most` and, but for the first, `bytes` of them. */
  async read(from: number, most: number, bytes: number): Promise<LoggedEvent[]> {
    const events: LoggedEvent[] = []
    const end = Math.min(this.#length, from + most)
    for (let seq = from, size = 0; seq < end;) {
      const kept = this.#cache.get(seq)
      const batch = kept ? [kept] : await this.#load(seq, end, Math.max(0, bytes - size))
      if (batch.length === 0) throw new RangeError(`the log has no entry ${seq}`)
      for (const event of batch) {
        size += sizeOf(event)
        if (events.length > 0 && size > bytes) return events
        events.push(event)
        seq++
      }
    }
    return events
  }

  /** Waits until there is an entry at `from`, at most `waitMs`, or until aborted; returns whether there is. */
  async wait(from: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    const until = this.#clock.now() + waitMs
    for (let left = waitMs; this.#length <= from && left > 0; left = until - this.#clock.now()) {
      if (signal.aborted) return false
      await this.#grown.wait(this.#clock, left, signal)
    }
    return this.#length > from
  }

  /** To be called when the log has grown, with its length. */
  notify(length: number): void {
    if (length <= this.#length) return
    this.#length = length
    this.#grown.wake()
  }

  /** Entries from `seq` to the next that is kept, from the ledger. */
  async #load(seq: number, end: number, bytes: number): Promise<LoggedEvent[]> {
    let until = seq + 1
    while (until < end && !this.#cache.has(until)) until++
    const batch = await this.#ledger.events(seq, until - seq, bytes)
    for (const [index, event] of batch.entries()) this.#keep(seq + index, event)
    return batch
  }

  #keep(seq: number, event: LoggedEvent): void {
    // Another subscriber may have read it meanwhile.
    if (this.#cache.has(seq)) return
    this.#cache.set(seq, event)
    this.#cachedBytes += sizeOf(event)
    // Oldest first: subscribers that are far behind read from disk.
    for (const [old, dropped] of this.#cache) {
      if (this.#cache.size <= CACHED && this.#cachedBytes <= CACHED_BYTES) break
      this.#cache.delete(old)
      this.#cachedBytes -= sizeOf(dropped)
    }
  }
}

function sizeOf({ entry, effects }: LoggedEvent): number {
  return entry.byteLength + (effects?.byteLength ?? 0)
}
