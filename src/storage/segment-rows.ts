import crypto from 'hypercore-crypto'
import type CorestoreStorage from 'hypercore-storage'
import { hash } from '../crypto/hash.js'
import { toHex } from '../bytes.js'

type CoreStorage = CorestoreStorage.CoreStorage

/** Where rows come from, and how they are deleted. */
export interface SegmentRowsHost {
  openRows(data: CorestoreStorage.CoreData): Promise<CoreStorage>
  deleteRows(rows: CoreStorage): Promise<void>
}

/**
 * Rows of segments that encode again what is held: hypercore would look for their chunks where those of the others are, so
 * each has rows of its own, under a name that no peer can ask for.
 */
export class SegmentRows {
  readonly #host: SegmentRowsHost
  readonly #open = new Map<string, Promise<CoreStorage>>()

  constructor(host: SegmentRowsHost) {
    this.#host = host
  }

  /** Those of a segment, made if there are none. */
  of(id: Uint8Array): Promise<CoreStorage> {
    const name = toHex(id)
    const known = this.#open.get(name)
    if (known) return known
    const key = Buffer.from(hash('datdot/rows/1', id))
    const rows = this.#host.openRows({
      key,
      manifest: null,
      discoveryKey: crypto.discoveryKey(key),
      keyPair: null
    })
    this.#open.set(name, rows)
    // It may go better the next time.
    rows.catch(() => this.#open.delete(name))
    return rows
  }

  async erase(id: Uint8Array): Promise<void> {
    const rows = await this.of(id)
    const tx = rows.write()
    tx.deleteBlockRange(0, -1)
    tx.deleteLocalRange(Buffer.alloc(0), null)
    await tx.flush()
    await this.#host.deleteRows(rows)
    this.#open.delete(toHex(id))
    await rows.close()
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#open.values())
    this.#open.clear()
    for (const rows of all) if (rows.status === 'fulfilled') await rows.value.close()
  }
}
