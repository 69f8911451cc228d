import Corestore from 'corestore'
import CorestoreStorage from 'hypercore-storage'
import type Hypercore from 'hypercore'
import { Resource } from '../lifecycle.js'
import type { OriginalNode } from '../protocol/original-tree.js'
import { sharedCore } from './hypercore-parts.js'
import { writeNothing } from './store-watch.js'
import { toHex } from '../bytes.js'

/** Tails are small; RocksDB keeps two of these in memory. */
const WRITE_BUFFER_BYTES = 4 << 20
/** Nodes of a tree that are asked for in one read. */
const READ_NODES = 1024

/**
 * What authors appended beyond the segments that a pinner holds, plainly, in a stock store of its own: plain bytes and
 * encoded ones never share a place. It is what readers get of those blocks until a segment has them.
 */
export class TailStore extends Resource {
  readonly #dir: string
  readonly #sessions = new Map<string, Hypercore>()
  #parts: { storage: CorestoreStorage; corestore: Corestore } | undefined

  constructor(dir: string) {
    super()
    this.#dir = dir
  }

  protected async start(): Promise<void> {
    const storage = new CorestoreStorage(this.#dir, { writeBufferSize: WRITE_BUFFER_BYTES })
    this.own('rows', storage)
    await storage.ready()
    const corestore = this.own('corestore', new Corestore(storage))
    await corestore.ready()
    this.#parts = { storage, corestore }
  }

  /** A stock store, for a reader that looks for what is new. */
  get corestore(): Corestore {
    return this.#parts!.corestore
  }

  /** Writes something that changes nothing. @throws what RocksDB says */
  writeNothing(): Promise<void> {
    return writeNothing(this.#parts!.storage)
  }

  /** A block, or null if it is not here. */
  async block(key: Buffer, index: number): Promise<Buffer | null> {
    const session = await this.#session(key)
    return session.get(index, { wait: false })
  }

  /** Leaves `[start, end)` of the author's tree, as far as they are here. */
  async leaves(key: Buffer, start: number, end: number): Promise<OriginalNode[]> {
    const { storage } = sharedCore(await this.#session(key)).state
    const leaves: OriginalNode[] = []
    for (let from = start; from < end; from += READ_NODES) {
      const reader = storage.read()
      const reads: Promise<OriginalNode | null>[] = []
      for (let at = from; at < Math.min(end, from + READ_NODES); at++) reads.push(reader.getTreeNode(2 * at))
      reader.tryFlush()
      for (const node of await Promise.all(reads)) if (node !== null) leaves.push(node)
    }
    return leaves
  }

  /** Whether all blocks `[start, end)` are here. */
  async has(key: Buffer, start: number, end: number): Promise<boolean> {
    return (await this.#session(key)).has(start, end)
  }

  /** Deletes the blocks before `end`: a segment has them now. */
  async trim(key: Buffer, end: number): Promise<void> {
    const session = await this.#session(key)
    if (session.length > 0 && end > 0) await session.clear(0, Math.min(end, session.length))
  }

  /** Deletes all of a hypercore, and closes every session of it. */
  async remove(key: Buffer): Promise<void> {
    const { storage } = this.#parts!
    const session = await this.#session(key)
    const shared = sharedCore(session)
    const { core } = shared.state.storage
    await shared.closeAllSessions(null)
    await shared.close()
    this.#sessions.delete(toHex(key))
    await storage.deleteCore(core)
  }

  /** A session stays open, or the store would close the hypercore under its readers. */
  async #session(key: Buffer): Promise<Hypercore> {
    const id = toHex(key)
    let session = this.#sessions.get(id)
    if (session === undefined || session.closed) {
      session = this.corestore.get({ key })
      this.#sessions.set(id, session)
    }
    await session.ready()
    return session
  }
}
