import CorestoreStorage from 'hypercore-storage'
import { StorageError } from '../errors.js'
import type { OriginalNode } from '../protocol/original-tree.js'

type CoreStorage = CorestoreStorage.CoreStorage

/** What stands between a hypercore and its blocks on disk. */
export interface Veil {
  readonly key: Buffer
  /** False hides the hypercore from sessions and peers. */
  readonly servable: boolean
  /** The plain block where it is not opened from its row: no row is read then. */
  openedBlock?(index: number): Promise<Buffer | null> | undefined
  /** The plain block behind a stored row, or null where there is none to be had; never throws for bad rows. */
  reveal(index: number, row: Buffer | null, leaf: OriginalNode | null): Promise<Buffer | null>
  /** Called after hypercore wrote a block that the veil did not store. */
  dropped(index: number): void
}

/** The methods that hypercore-storage must have, or the veil would be wrapped around nothing. */
const STORE_METHODS = ['createCore', 'resumeCore', 'hasCore', 'deleteCore', 'audit', 'export'] as const
const CORE_METHODS = [
  'read',
  'write',
  'snapshot',
  'atomize',
  'createBlockStream',
  'createSession',
  'resumeSession',
  'createAtomicSession'
] as const
const READER_METHODS = ['getBlock', 'getTreeNode', 'tryFlush'] as const
const WRITER_METHODS = [
  'putBlock',
  'deleteBlock',
  'deleteBlockRange',
  'deleteTreeNode',
  'deleteTreeNodeRange',
  'flush'
] as const

/**
 * Storage for a stock Corestore in which every hypercore has a veil: its rows hold encoded chunks, its readers
 * give plain blocks, and what hypercore itself would write as plain blocks never reaches the disk.
 */
export class VeiledStorage extends CorestoreStorage {
  readonly #veils = new Map<string, Veil>()

  /**
   * @param dir the folder, locked while open
   * @throws StorageError STORAGE_VERSION if hypercore-storage is not the one that this class knows
   */
  constructor(dir: string, options?: CorestoreStorage.Options) {
    expectMethods(CorestoreStorage.prototype, STORE_METHODS, 'a store')
    super(dir, options)
  }

  /** Must come before the hypercore is opened. */
  register(discoveryKey: Buffer, veil: Veil): void {
    this.#veils.set(discoveryKey.toString('hex'), veil)
  }

  unregister(discoveryKey: Buffer): void {
    this.#veils.delete(discoveryKey.toString('hex'))
  }

  override async createCore(data: CorestoreStorage.CoreData): Promise<CoreStorage> {
    const veil = this.#veilOf(data.discoveryKey)
    return cover(await super.createCore(data), veil)
  }

  override async resumeCore(discoveryKey: Buffer): Promise<CoreStorage | null> {
    const veil = this.#veilOf(discoveryKey)
    const storage = await super.resumeCore(discoveryKey)
    return storage === null ? null : cover(storage, veil)
  }

  /** Corestore asks this when a peer names a hypercore. */
  override async hasCore(discoveryKey: Buffer, options?: { ifMigrated?: boolean }): Promise<boolean> {
    if (this.#veils.get(discoveryKey.toString('hex'))?.servable !== true) return false
    return super.hasCore(discoveryKey, options)
  }

  override audit(): Promise<void> {
    return Promise.reject(refused('audit'))
  }

  override export(): Promise<unknown> {
    return Promise.reject(refused('export'))
  }

  /** The rows as they are on disk, created if need be. The caller closes it. */
  async openRows(data: CorestoreStorage.CoreData): Promise<CoreStorage> {
    return (await super.resumeCore(data.discoveryKey)) ?? (await super.createCore(data))
  }

  #veilOf(discoveryKey: Buffer): Veil {
    const veil = this.#veils.get(discoveryKey.toString('hex'))
    if (veil?.servable === true) return veil
    throw new StorageError(
      'STORAGE_NOT_HELD',
      'This hypercore is not held here; a pinner opens only the hypercores whose segments it has accepted.'
    )
  }
}

function cover(storage: CoreStorage, veil: Veil): CoreStorage {
  expectMethods(storage, CORE_METHODS, 'a hypercore')
  const read = storage.read.bind(storage)
  const write = storage.write.bind(storage)
  const snapshot = storage.snapshot.bind(storage)
  const atomize = storage.atomize.bind(storage)
  const refuse = (what: string) => () => {
    throw refused(what)
  }
  return Object.assign(storage, {
    read: (fork?: number) => coverReader(read(fork), veil),
    write: () => coverWriter(write(), veil),
    snapshot: () => cover(snapshot(), veil),
    atomize: (atom: unknown) => cover(atomize(atom), veil),
    createBlockStream: refuse('a stream of stored rows'),
    createSession: refuse('a named session'),
    resumeSession: refuse('a named session'),
    createAtomicSession: refuse('an atomic session')
  })
}

function coverReader(reader: CorestoreStorage.Reader, veil: Veil): CorestoreStorage.Reader {
  expectMethods(reader, READER_METHODS, 'a reader')
  const getRow = reader.getBlock.bind(reader)
  reader.getBlock = async (index) => {
    const opened = veil.openedBlock?.(index)
    if (opened) return opened
    // Both are asked for before the caller flushes the batch of reads.
    const [row, leaf] = await Promise.all([getRow(index), reader.getTreeNode(2 * index)])
    return veil.reveal(index, row, leaf)
  }
  return reader
}

function coverWriter(writer: CorestoreStorage.Writer, veil: Veil): CorestoreStorage.Writer {
  expectMethods(writer, WRITER_METHODS, 'a writer')
  const flush = writer.flush.bind(writer)
  const dropped: number[] = []
  const refuse = () => {
    throw refused('deleting from a pinned hypercore')
  }
  return Object.assign(writer, {
    putBlock: (index: number) => void dropped.push(index),
    deleteBlock: refuse,
    deleteBlockRange: refuse,
    deleteTreeNode: refuse,
    deleteTreeNodeRange: refuse,
    flush: async () => {
      const flushed = await flush()
      for (const index of dropped.splice(0)) veil.dropped(index)
      return flushed
    }
  })
}

function refused(what: string): StorageError {
  return new StorageError('STORAGE_VEILED', `A pinner's store does not allow ${what}.`)
}

function expectMethods(object: object, names: readonly string[], what: string): void {
  const missing = names.filter((name) => typeof (object as Record<string, unknown>)[name] !== 'function')
  if (missing.length === 0) return
  throw new StorageError(
    'STORAGE_VERSION',
    `hypercore-storage has no ${missing.join(', ')} on ${what}: plain blocks might reach the disk. ` +
      'Install the versions of package-lock.json with `npm ci`.'
  )
}
