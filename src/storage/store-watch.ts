import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type CorestoreStorage from 'hypercore-storage'
import type { Clock } from '../clock.js'
import { StorageError, type DatdotError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { deadline, pause, Wakeup } from '../wait.js'
import { diskFreeBytes } from '../disk-space.js'
import { diskFull, storageFailure } from './failures.js'

/** How often it is looked although nothing has failed. */
const LOOK_MS = 15_000
/** Pause before what failed is looked at again, doubled up to the second. */
const AGAIN_MS = { first: 500, last: 10_000 }
/** How long a disk may take for one small write before that is told. */
const ANSWER_MS = 30_000
/** Where nothing of a corestore is: its keys are shorter, or begin otherwise. */
const NOWHERE = Buffer.from('datdot: does this store take what is written?')
/** What is written beside the stores, and how much. */
const BESIDE = '.written'
const BESIDE_BYTES = 4096

export interface StoreWatchOptions {
  /** Folder of the stores. */
  dir: string
  /** Writes something small into each of them. */
  write: () => Promise<unknown>
  /** Bytes that the disk must have free before a full one counts as well again. */
  minFreeBytes: number
  clock: Clock
  /** Is told that the disk takes what is written and a store does not: it has to be opened again. */
  broken?: ((error: DatdotError) => void) | undefined
  /** Is told of each change: what is wrong, or null once nothing is. */
  changed: (trouble: DatdotError | null) => void
}

/**
 * Looks whether stores take what is written. RocksDB refuses every write after one that failed, however well its disk is by then, until
 * it is opened again; it is read from meanwhile. So a store stays open while its disk is at fault, and is given up only when the disk is
 * well again.
 */
export class StoreWatch extends Resource {
  readonly #options: StoreWatchOptions
  readonly #wakeup = new Wakeup()
  #suspected = false
  #trouble: DatdotError | null = null

  constructor(options: StoreWatchOptions) {
    super()
    this.#options = options
  }

  protected start(): Promise<void> {
    const looking = this.#run()
    this.owe('look', () => looking)
    return Promise.resolve()
  }

  /** What is wrong, or null. */
  get trouble(): DatdotError | null {
    return this.#trouble
  }

  /** Has it look at once: something has failed. */
  suspect(): void {
    this.#suspected = true
    this.#wakeup.wake()
  }

  async #run(): Promise<void> {
    const { clock, changed, broken } = this.#options
    let againMs = AGAIN_MS.first
    while (!this.signal.aborted) {
      if (this.#trouble) {
        await pause(clock, againMs, this.signal)
        againMs = Math.min(2 * againMs, AGAIN_MS.last)
      } else if (!this.#suspected) await this.#wakeup.wait(clock, LOOK_MS, this.signal)
      if (this.signal.aborted) return
      this.#suspected = false
      const before = this.#trouble
      this.#trouble = await this.#look()
      if (this.signal.aborted) return
      if ((before === null) !== (this.#trouble === null)) changed(this.#trouble)
      if (!this.#trouble) againMs = AGAIN_MS.first
      else if (broken && (await this.#isDiskWell())) return broken(this.#trouble)
    }
  }

  async #look(): Promise<DatdotError | null> {
    try {
      await this.#within(this.#options.write())
      return null
    } catch (error) {
      return storageFailure(error, this.#options.dir)
    }
  }

  /** Whether the disk takes what is written beside the stores. */
  async #isDiskWell(): Promise<boolean> {
    const { dir, minFreeBytes } = this.#options
    try {
      if ((await diskFreeBytes(dir)) < minFreeBytes) throw diskFull(dir)
      await this.#within(writeBeside(dir))
      return true
    } catch {
      return false
    }
  }

  /** A disk that hangs is no better than one that fails. */
  #within<T>(writing: Promise<T>): Promise<T> {
    const { clock, dir } = this.#options
    const error = (): StorageError =>
      new StorageError('STORAGE_DISK_FAILED', `The disk of ${dir} has not answered for ${ANSWER_MS} ms.`)
    return deadline(writing, { clock, ms: ANSWER_MS, signal: this.signal, error })
  }
}

/** Writes something small into a store that changes nothing. @throws what RocksDB says */
export async function writeNothing(storage: CorestoreStorage): Promise<void> {
  const tx = storage.db.write({ autoDestroy: true })
  tx.tryDelete(NOWHERE)
  await tx.flush()
}

async function writeBeside(dir: string): Promise<void> {
  const path = join(dir, BESIDE)
  try {
    const file = await open(path, 'w', 0o600)
    try {
      await file.write(Buffer.alloc(BESIDE_BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
}
