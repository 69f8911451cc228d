import { join } from 'node:path'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type { Tasks } from '../../workers/tasks.js'
import { ChainHost } from '../chain/host.js'
import { ChainService } from '../chain/service.js'
import type { EvidenceStore } from '../chain/evidence/store.js'
import { ChainStores } from '../chain/stores.js'
import type { Clock } from '../clock.js'
import { Engine } from '../engine/engine.js'
import { DatdotError } from '../errors.js'
import { judgesOnWorkers } from '../evidence/on-workers.js'
import { LedgerHost } from '../ledger/host.js'
import type { DrawObserver } from '../ledger/state.js'
import type { LedgerApi } from '../ledger/types.js'
import { OnionBeacon } from '../ledger/rules/beacon.js'
import { signaturesOnWorkers } from '../ledger/signature-checks.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import type { Parameters } from '../protocol/parameters.js'
import { createReachableDht, type Network } from '../swarm/dht.js'
import { loadIdentity, loadSecret } from '../swarm/identity.js'
import type { PeerStream } from '../swarm/peer-stream.js'

const LEDGER = 'ledger.db'

export interface ChainNodeOptions {
  dir: string
  network: Network
  /** What a new chain starts from; an existing one has its own. */
  genesis: {
    name: string
    parameters: Parameters
    allocations: { key: Buffer; amount: bigint }[]
    /** Rounds of the beacon's first onion. */
    beaconLength: number
  }
  threads?: number
  /** Offers what its operator does beside the chain, on every connection to the chain's key. */
  attach?: (connection: PeerStream) => void
  /** Sees how each draw comes about: a dashboard's. */
  observer?: DrawObserver | undefined
  randomBytes: (length: number) => Buffer
  clock: Clock
  log: Logger
}

/** Twenty looks a second cost nothing, and what a process misses between two of them no deadline notices. */
const BEAT = { everyMs: 50, stallMs: 100 }
/** After an outage peers are back within 3 s: who waits for something notices it by heartbeats, and tries again all the time. */
const RESUME_MS = 4_000

/**
 * The chain as a process of its own would run it: ledger, beacon, scheduler, log and RPC. Opening it opens the ledger in
 * `dir/ledger.db`, or makes a new chain there, and lets peers in.
 */
export class ChainNode extends Resource {
  readonly #options: ChainNodeOptions
  #publicKey: Buffer | undefined
  #ledger: LedgerApi | undefined
  #evidence: EvidenceStore | undefined

  constructor(options: ChainNodeOptions) {
    super()
    this.#options = options
  }

  /** The key under which the chain is reached, and by which it signs. */
  get publicKey(): Buffer {
    if (!this.#publicKey) throw new DatdotError('NOT_OPEN', 'this chain is not open yet')
    return this.#publicKey
  }

  /** Its ledger, once it is open: to be asked. */
  get ledger(): LedgerApi {
    if (!this.#ledger) throw new DatdotError('NOT_OPEN', 'this chain is not open yet')
    return this.#ledger
  }

  /** The public evidence of a challenge, piece by piece; null where there is none (any more). */
  evidence(challenge: number): AsyncIterable<Uint8Array> | null {
    const subject = { kind: 'answer' as const, id: challenge }
    return this.#evidence?.find(subject) ? this.#evidence.read(subject) : null
  }

  protected async start(): Promise<void> {
    const { dir, network, genesis, clock, log, threads, randomBytes, attach } = this.#options
    const keyPair = await loadIdentity(dir, randomBytes)
    const secret = await loadSecret(join(dir, 'beacon'), randomBytes, [LEDGER])
    const { name, parameters, allocations, beaconLength } = genesis
    const beacon = new OnionBeacon(secret, beaconLength)
    const onion = { commitment: beacon.commitment(), length: beacon.length }
    const { api: ledger } = await this.acquire(
      'ledger',
      new LedgerHost({
        path: join(dir, LEDGER),
        keyPair,
        beacon,
        clock,
        observer: this.#options.observer,
        genesis: { name, parameters, allocations, beacon: onion }
      })
    )
    this.#ledger = ledger
    const engine = this.own('engine', new Engine<Tasks>(threads === undefined ? {} : { threads }))
    const stores = await this.acquire('stores', new ChainStores({ dir, keyPair, ledger }))
    this.#evidence = stores.evidence
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
    await this.acquire('service', service)
    await host.ready()
    this.#publicKey = keyPair.publicKey
  }
}
