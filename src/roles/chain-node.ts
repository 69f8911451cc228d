import { join } from 'node:path'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { Ledger } from '../ledger/ledger.js'
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
  /** Wall clock in ms. */
  now: () => number
  log: Logger
}

/** The chain as a process of its own would run it: ledger, beacon, scheduler, log and RPC. */
export class ChainNode {
  readonly #ledger: Ledger
  readonly #engine: Engine<Tasks>
  readonly #swarm: Hyperswarm
  readonly #service: ChainService

  private constructor(ledger: Ledger, keyPair: KeyPair, options: ChainNodeOptions) {
    const { dir, network, now, log, threads } = options
    this.#ledger = ledger
    this.#engine = new Engine<Tasks>(threads === undefined ? {} : { threads })
    this.#swarm = new Hyperswarm({
      dht: createDht(network),
      keyPair: HyperDHT.keyPair(options.randomBytes(32))
    })
    const checkSignatures = signaturesOnWorkers((name, task) => this.#engine.call(name, task))
    this.#service = new ChainService({
      ledger,
      keyPair,
      dir,
      swarm: this.#swarm,
      verify: (tasks) => this.#engine.call('verify-evidence', tasks),
      judge: (task) => this.#engine.call('judge-refusal', task),
      verifySignatures: (wires) => checkSignatures(ledger.chainId, wires),
      now,
      log
    })
  }

  /** Opens the ledger in `dir/ledger.db`, or makes a new chain there. */
  static async open(options: ChainNodeOptions): Promise<ChainNode> {
    const { dir, genesis, now, randomBytes } = options
    const keyPair = await loadIdentity(dir, randomBytes)
    const secret = await loadSecret(join(dir, 'beacon'), randomBytes)
    const { name, parameters, allocations, beaconLength } = genesis
    const beacon = new OnionBeacon(secret, beaconLength)
    const ledger = Ledger.open({
      path: join(dir, 'ledger.db'),
      keyPair,
      beacon,
      now,
      genesis: {
        name,
        parameters,
        allocations,
        beacon: { commitment: beacon.commitment(), length: beacon.length }
      }
    })
    return new ChainNode(ledger, keyPair, options)
  }

  /** The key under which the chain is reached, and by which it signs. */
  get publicKey(): Buffer {
    return this.#ledger.chainKey
  }

  async start(): Promise<void> {
    await this.#service.start()
  }

  async close(): Promise<void> {
    await this.#service.stop()
    await leave(this.#swarm)
    await this.#engine.close()
    this.#ledger.close()
  }
}
