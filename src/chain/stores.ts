import { join } from 'node:path'
import Corestore from 'corestore'
import type CorestoreStorage from 'hypercore-storage'
import { equal } from '../bytes.js'
import type { KeyPair } from '../crypto/keys.js'
import { EvidenceIntake, type IntakeLimits } from '../client/evidence-intake.js'
import type { LedgerApi } from '../ledger/types.js'
import { Resource } from '../lifecycle.js'
import { decodeEntry } from '../protocol/entry.js'
import { EvidenceStore } from './evidence/store.js'
import { TroubledInputs } from './evidence/troubled.js'
import { ChainLog } from './published-log.js'

/** Folder of the cores in a chain's. */
export const CORES = 'cores'

export interface ChainStoresOptions {
  /** Folder for the cores, the evidence and what is being received. */
  dir: string
  /** The chain's key, which signs the cores. */
  keyPair: KeyPair
  ledger: Pick<LedgerApi, 'entries'>
  intake?: IntakeLimits | undefined
}

/**
 * What a chain keeps beside its ledger: the log as it is published, the public evidence, and evidence that is being received.
 * Opening throws ChainError `LOG_DIVERGED` if folder and ledger do not belong together.
 */
export class ChainStores extends Resource {
  readonly #options: ChainStoresOptions
  #store!: Corestore
  #publishedLog!: ChainLog
  #evidence!: EvidenceStore
  #intake!: EvidenceIntake
  #troubled: TroubledInputs | undefined

  constructor(options: ChainStoresOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { dir, keyPair, ledger, intake } = this.#options
    const store = (this.#store = this.own('cores', new Corestore(join(dir, CORES))))
    await store.ready()
    const source = {
      entries: (from: number, limit: number) => ledger.entries(from, limit),
      same: (published: Uint8Array, committed: Uint8Array) =>
        equal(decodeEntry(published).hash, decodeEntry(committed).hash)
    }
    this.#publishedLog = await this.acquire('published log', new ChainLog(store, keyPair, source))
    this.#evidence = await this.acquire('evidence', new EvidenceStore(dir, store, keyPair))
    this.#intake = await this.acquire('uploads', new EvidenceIntake(join(dir, 'incoming'), intake))
  }

  get publishedLog(): ChainLog {
    return this.#publishedLog
  }

  get evidence(): EvidenceStore {
    return this.#evidence
  }

  /** Where evidence goes that could not be worked on. */
  get troubled(): TroubledInputs {
    return (this.#troubled ??= new TroubledInputs(join(this.#options.dir, 'troubled')))
  }

  get intake(): EvidenceIntake {
    return this.#intake
  }

  /** Keys of the cores that anyone may follow, and those that they are looked for by. */
  get cores(): Record<'log' | 'evidence', { key: Buffer; discoveryKey: Buffer }> {
    return { log: this.#publishedLog.core, evidence: this.#evidence.core }
  }

  /** What is below the cores, for whoever looks whether it takes what is written. */
  get storage(): CorestoreStorage {
    return this.#store.storage
  }

  /** Serves the cores on a connection. */
  replicate(connection: object): void {
    this.#store.replicate(connection)
  }
}
