import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { ChainNode } from '../roles/chain-node.js'
import { RoleFolder } from '../roles/data-folder.js'
import type { Network } from '../swarm/dht.js'
import { Faucet, type FaucetLimits } from './faucet.js'
import type { GenesisFile } from './genesis.js'
import type { HttpServer } from './http.js'
import { CHAIN, FAUCET } from './init.js'

export interface ChainProgramOptions {
  /** The folder of the operator: the chain's and the faucet's folders are in it. */
  dir: string
  network: Network
  /** What a new chain starts from. */
  genesis: GenesisFile
  faucet: FaucetLimits | null
  clock: Clock
  randomBytes: (length: number) => Buffer
  hear: (name: string, log: Logger) => Logger
  /** Shows this program over HTTP. */
  http?: HttpServer | undefined
}

/** A chain as its operator runs it, with its folder, its log and its faucet. */
export class ChainProgram extends Resource {
  readonly #options: ChainProgramOptions
  #node!: ChainNode

  constructor(options: ChainProgramOptions) {
    super()
    this.#options = options
  }

  get publicKey(): Buffer {
    return this.#node.publicKey
  }

  protected async start(): Promise<void> {
    const { dir, network, genesis, faucet: limits, clock, randomBytes, hear } = this.#options
    const { http } = this.#options
    if (http) await this.acquire('HTTP', http)
    const folder = new RoleFolder({ path: join(dir, CHAIN), role: 'chain', clock })
    const { path } = await this.acquire('folder', folder)
    const file = await this.acquire('log', new FileLog(join(path, 'log.ndjson'), clock))
    const log = hear(CHAIN, file.log.with({ role: CHAIN }))
    const services: Faucet[] = []
    this.#node = await this.acquire(
      'chain',
      new ChainNode({
        dir: path,
        network,
        genesis,
        threads: 2,
        attach: (connection) => services.forEach((service) => service.accept(connection)),
        randomBytes,
        clock,
        log
      })
    )
    if (!limits) return
    const member = { dir: join(dir, FAUCET), network, chainKey: this.#node.publicKey, clock, randomBytes }
    const faucet = new Faucet({ ...member, log: log.with({ role: FAUCET }), limits })
    services.push(await this.acquire('faucet', faucet))
  }
}
