import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { Dashboard, type DashboardOptions } from '../dashboard/dashboard.js'
import { DrawWatch } from '../dashboard/draw-watch.js'
import { ledgerSource } from '../dashboard/source.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { ChainNode } from '../roles/chain-node.js'
import { RoleFolder } from '../roles/data-folder.js'
import type { Network } from '../swarm/dht.js'
import { Faucet, type FaucetLimits } from './faucet.js'
import type { GenesisFile } from './genesis.js'
import type { HttpServer } from './http.js'
import { atLevel, type LogLevel } from './log-level.js'
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
  /** Least level of what is written into the log. Default: all. */
  logLevel?: LogLevel | undefined
}

/** The history that a dashboard shows: follows from the log, and may be deleted. */
const DASHBOARD = 'dashboard.db'

/** A chain as its operator runs it, with its folder, its log and its faucet. */
export class ChainProgram extends Resource {
  readonly #options: ChainProgramOptions
  #node!: ChainNode
  #faucet: Faucet | undefined

  constructor(options: ChainProgramOptions) {
    super()
    this.#options = options
  }

  get publicKey(): Buffer {
    return this.#node.publicKey
  }

  protected async start(): Promise<void> {
    const { dir, network, genesis, faucet: limits, clock, randomBytes, hear } = this.#options
    const { http, logLevel = 'debug' } = this.#options
    if (http) await this.acquire('HTTP', http)
    const own = { path: join(dir, CHAIN), role: 'chain', clock, randomBytes, mayBeCopied: false }
    const { path } = await this.acquire('folder', new RoleFolder(own))
    const file = await this.acquire('log', new FileLog(join(path, 'log.ndjson'), clock))
    const log = hear(CHAIN, atLevel(file.log.with({ role: CHAIN }), logLevel))
    const services: Faucet[] = []
    const draws = http && new DrawWatch()
    this.#node = await this.acquire(
      'chain',
      new ChainNode({
        dir: path,
        network,
        genesis,
        threads: 2,
        observer: draws,
        attach: (connection) => services.forEach((service) => service.accept(connection)),
        randomBytes,
        clock,
        log
      })
    )
    http?.watch(CHAIN, () => this.#node.trouble)
    if (http) await this.#show(http, join(path, DASHBOARD), { draws, log })
    if (!limits) return
    const member = { dir: join(dir, FAUCET), network, chainKey: this.#node.publicKey, clock, randomBytes }
    const faucet = new Faucet({ ...member, log: log.with({ role: FAUCET }), limits })
    this.#faucet = await this.acquire('faucet', faucet)
    services.push(faucet)
  }

  /** Takes over what may change while the chain runs. Returns whether that is all: a faucet begins and ends with a restart. */
  change(faucet: FaucetLimits | null): boolean {
    if (faucet) this.#faucet?.change(faucet)
    return (faucet === null) === (this.#faucet === undefined)
  }

  /** Beside the ledger and off its write path: what fails there is not the chain's. */
  async #show(
    http: HttpServer,
    path: string,
    { draws, log }: Pick<DashboardOptions, 'draws' | 'log'>
  ): Promise<void> {
    const { clock } = this.#options
    const { ledger } = this.#node
    const source = ledgerSource(ledger, clock, (challenge) => this.#node.evidence(challenge))
    const dashboard = new Dashboard({ source, path, draws, clock, log })
    http.show(await this.acquire('dashboard', dashboard))
    this.owe('showing', () => http.show(null))
  }
}
