import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { KeyPair } from '../crypto/keys.js'
import { ChainError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { chainCoreManifest } from '../client/chain-cores.js'

/** Entries and bytes that go into the core in one append. */
const ENTRIES_PER_APPEND = 1024
const BYTES_PER_APPEND = 4 << 20

/** Where the log's entries come from: the ledger, which alone is the truth. */
export interface EntrySource {
  /** Entries from position `from`, at most `limit` of them. */
  entries(from: number, limit: number): Promise<Uint8Array[]>
  /** Whether a published entry is the committed one; bytes may differ where the ledger dropped a detail. */
  same(published: Uint8Array, committed: Uint8Array): boolean
}

/**
 * Publishes committed ledger entries, one a block, in a hypercore signed by the chain's key. The core may
 * lag behind the ledger (after a crash it does) and is extended from its own length; it is never ahead.
 */
export class ChainLog extends Resource {
  readonly #store: Corestore
  readonly #keyPair: KeyPair
  readonly #source: EntrySource
  #core!: Hypercore
  #running: Promise<void> | null = null
  /** The ledger may have grown since its length was asked for. */
  #wanted = false

  /**
   * Opening publishes what the core lacks, and throws ChainError `LOG_DIVERGED` if it holds what the ledger does not.
   *
   * @param store where the core lives; its owner closes it after this
   */
  constructor(store: Corestore, keyPair: KeyPair, source: EntrySource) {
    super()
    this.#store = store
    this.#keyPair = keyPair
    this.#source = source
  }

  /** The log as it is published, once this is open. */
  get core(): Hypercore {
    return this.#core
  }

  protected async start(): Promise<void> {
    const manifest = chainCoreManifest(this.#keyPair.publicKey, 'log')
    const core = this.own('core', this.#store.get({ manifest, keyPair: this.#keyPair }))
    this.#core = core
    this.owe('append', () => this.#running?.catch(() => {}))
    await core.ready()
    const { length } = core
    if (length > 0) {
      const published = await core.get(length - 1)
      const [committed] = await this.#source.entries(length - 1, 1)
      if (!published || !committed || !this.#source.same(published, committed)) {
        throw new ChainError(
          'LOG_DIVERGED',
          `The published log has an entry at ${length - 1} that the ledger does not: ` +
            'the ledger was replaced by an older or another one. Restore the ledger that belongs to this log.'
        )
      }
    }
    await this.publish()
  }

  /** Extends the core to the ledger's length. Calls while one is running share it and what came since. */
  publish(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve()
    this.#wanted = true
    return (this.#running ??= this.#extend())
  }

  async #extend(): Promise<void> {
    try {
      while (!this.signal.aborted && this.#wanted) {
        this.#wanted = false
        const batch: Uint8Array[] = []
        let bytes = 0
        for (const entry of await this.#source.entries(this.core.length, ENTRIES_PER_APPEND)) {
          if (batch.length > 0 && bytes + entry.byteLength > BYTES_PER_APPEND) break
          batch.push(entry)
          bytes += entry.byteLength
        }
        if (batch.length === 0) continue
        await this.core.append(batch)
        // There may be more than one append holds.
        this.#wanted = true
      }
    } finally {
      // Here and not when the promise is settled: whoever asks in between is not to get one that is over.
      this.#running = null
    }
  }
}
