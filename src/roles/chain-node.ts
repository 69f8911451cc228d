import { join } from 'node:path'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type { Clock } from '../clock.js'
import { LedgerHost } from '../ledger/host.js'
import type { Parameters } from '../protocol/parameters.js'
import { OnionBeacon } from '../ledger/rules/beacon.js'
import { ChainService } from '../chain/service.js'
import { signaturesOnWorkers } from '../ledger/signature-checks.js'
import type { KeyPair } from '../crypto/keys.js'
import { Engine } from '../engine/engine.js'
import type { Logger } from '../log.js'
import type { Tasks } from '../../workers/tasks.js'
import { createDht, type Network } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'
import { loadIdentity, loadSecret } from '../swarm/identity.js'

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
  randomBytes: (length: number) => Buffer
  clock: Clock
  log: Logger
}

/** The chain as a process of its own would run it: ledger, beacon, scheduler, log and RPC. */
export class ChainNode {
  readonly #ledger: LedgerHost
  readonly #engine: Engine<Tasks>
  readonly #swarm: Hyperswarm
  readonly #service: ChainService

  private constructor(ledger: LedgerHost, keyPair: KeyPair, options: ChainNodeOptions) {
    const { dir, network, clock, log, threads } = options
    const { api } = ledger
    this.#ledger = ledger
    this.#engine = new Engine<Tasks>(threads === undefined ? {} : { threads })
    this.#swarm = new Hyperswarm({
      dht: createDht(network),
      keyPair: HyperDHT.keyPair(options.randomBytes(32))
    })
    const checkSignatures = signaturesOnWorkers((name, task) => this.#engine.call(name, task))
    this.#service = new ChainService({
      ledger: api,
      keyPair,
      dir,
      swarm: this.#swarm,
      verify: (tasks) => this.#engine.call('verify-evidence', tasks),
      judge: (task) => this.#engine.call('judge-refusal', task),
      verifySignatures: (wires) => checkSignatures(api.chainId, wires),
      clock,
      log
    })
  }

  /** Opens the ledger in `dir/ledger.db`, or makes a new chain there. */
  static async open(options: ChainNodeOptions): Promise<ChainNode> {
    const { dir, genesis, clock, randomBytes } = options
    const keyPair = await loadIdentity(dir, randomBytes)
    const secret = await loadSecret(join(dir, 'beacon'), randomBytes)
    const { name, parameters, allocations, beaconLength } = genesis
    const beacon = new OnionBeacon(secret, beaconLength)
    const ledger = new LedgerHost({
      path: join(dir, 'ledger.db'),
      keyPair,
      beacon,
      clock,
      genesis: {
        name,
        parameters,
        allocations,
        beacon: { commitment: beacon.commitment(), length: beacon.length }
      }
    })
    await ledger.ready()
    return new ChainNode(ledger, keyPair, options)
  }

  /** The key under which the chain is reached, and by which it signs. */
  get publicKey(): Buffer {
    return this.#ledger.api.chainKey
  }

  async start(): Promise<void> {
    await this.#service.start()
  }

  async close(): Promise<void> {
    await this.#service.stop()
    await leave(this.#swarm)
    await this.#engine.close()
    await this.#ledger.close()
  }
}
