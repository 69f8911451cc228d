import { join } from 'node:path'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type { Tasks } from '../../workers/tasks.js'
import type { EvidenceStore } from '../chain/evidence/store.js'
import { ChainHost } from '../chain/host.js'
import { ChainService } from '../chain/service.js'
import { ChainStores, CORES } from '../chain/stores.js'
import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import type { Engine } from '../engine/engine.js'
import { StorageError } from '../errors.js'
import { judgesOnWorkers } from '../evidence/on-workers.js'
import { signaturesOnWorkers } from '../ledger/signature-checks.js'
import type { LedgerApi } from '../ledger/types.js'
import { Resource } from '../lifecycle.js'
import { throughLog, type Logger } from '../log.js'
import { storageFailure, WORKING_BYTES } from '../storage/failures.js'
import { StoreWatch, writeNothing } from '../storage/store-watch.js'
import { createReachableDht, type Network } from '../swarm/dht.js'
import type { PeerStream } from '../swarm/peer-stream.js'

/** Twenty looks a second cost nothing, and what a process misses between two of them no deadline notices. */
const BEAT = { everyMs: 50, stallMs: 100 }
/** After an outage peers are back within 3 s: who waits for something notices it by heartbeats, and tries again all the time. */
const RESUME_MS = 4_000
/** Lines of the log that come of a store which takes no writes, now and then. */
const SUSPECT: ReadonlySet<string> = new Set([
  'chain.publish-failed',
  'chain.evidence-trouble',
  'chain.cleaning-failed'
])

export interface ServedChainOptions {
  dir: string
  network: Network
  /** Open, as is the engine; both are their owner's to close. */
  ledger: LedgerApi
  engine: Engine<Tasks>
  keyPair: KeyPair
  /** Offers what its operator does beside the chain, on every connection to the chain's key. */
  attach?: (connection: PeerStream) => void
  /** Is told once its stores can go on only if they are opened anew. */
  broken: (error: Error) => void
  randomBytes: (length: number) => Buffer
  clock: Clock
  log: Logger
}

/** All of a chain but its ledger: the stores beside it, the service, and its place on the swarm. */
export class ServedChain extends Resource {
  readonly #options: ServedChainOptions
  #stores!: ChainStores
  #watch!: StoreWatch
  #service: ChainService | undefined

  constructor(options: ServedChainOptions) {
    super()
    this.#options = options
  }

  /** Where the public evidence is. */
  get evidence(): EvidenceStore {
    return this.#stores.evidence
  }

  /** Why it does not do all of its work now, in words; null if it does. */
  get trouble(): string | null {
    return (this.#watch.trouble ?? this.#service?.trouble)?.message ?? null
  }

  protected async start(): Promise<void> {
    const { dir, network, ledger, engine, keyPair, clock, randomBytes, attach, broken } = this.#options
    const stores = (this.#stores = this.own('stores', new ChainStores({ dir, keyPair, ledger })))
    await stores.ready().catch((error: unknown) => {
      const failure = storageFailure(error, join(dir, CORES))
      if (failure.code !== 'STORAGE_CORRUPT') throw failure
      throw new StorageError(
        'CORES_DAMAGED',
        `${failure.message} Restore it from a backup; what is lost without one says docs/errors.md.`,
        { cause: error }
      )
    })
    const watch = new StoreWatch({
      dir: join(dir, CORES),
      write: () => writeNothing(stores.storage),
      minFreeBytes: WORKING_BYTES,
      clock,
      broken,
      changed: (trouble) => {
        if (trouble) this.#options.log('role.degraded', { error: trouble })
        else this.#options.log('role.recovered')
      }
    })
    this.#watch = await this.acquire('watch', watch)
    const log = throughLog(this.#options.log, (event, facts, write) => {
      if (SUSPECT.has(event)) watch.suspect()
      write(event, facts)
    })
    const checkSignatures = signaturesOnWorkers((task, input) => engine.call(task, input))
    const service = new ChainService({
      ledger,
      stores,
      keyPair,
      ...judgesOnWorkers({
        verify: (tasks, limits) => engine.call('verify-evidence', tasks, limits),
        judge: (task, limits) => engine.call('judge-refusal', task, limits),
        judgeOpening: (task, limits) => engine.call('judge-opening', task, limits)
      }),
      beat: BEAT,
      resumeMs: RESUME_MS,
      verifySignatures: (wires) => checkSignatures(ledger.chainId, wires),
      clock,
      log
    })
    const swarm = new Hyperswarm({
      dht: await createReachableDht(network),
      keyPair: HyperDHT.keyPair(randomBytes(32))
    })
    const accept = (connection: PeerStream): void => {
      service.accept(connection)
      attach?.(connection)
    }
    // Closed after the service: who waits for an answer gets it, and followers of the log its last entries.
    const knows = service.knows.bind(service)
    const host = this.own('host', new ChainHost({ keyPair, swarm, stores, accept, knows }))
    this.#service = await this.acquire('service', service)
    await host.ready()
  }
}
