import { join } from 'node:path'
import type { CodecName } from '../../chunk/header.js'
import type { Clock } from '../../clock.js'
import { Resource } from '../../lifecycle.js'
import { FileLog, type Logger } from '../../log.js'
import { RoleFolder } from '../../roles/data-folder.js'
import { SPONSOR_FILE } from '../../roles/sponsor/database.js'
import { Sponsor } from '../../roles/sponsor/sponsor.js'
import type { Network } from '../../swarm/dht.js'
import { atLevel, type LogLevel } from '../log-level.js'
import type { Address } from '../setting.js'
import { PinningServer } from './server.js'

/** Folder of the identity that pins are paid from. */
const SPONSOR = 'sponsor'

export interface SponsorProgramOptions {
  /** The folder of the operator. */
  dir: string
  network: Network
  chainKey: Buffer
  address: Address
  copies: number
  codec: CodecName
  clock: Clock
  randomBytes: (length: number) => Buffer
  /** Hears what is logged, beside its file. */
  hear: (log: Logger) => Logger
  logLevel: LogLevel
}

/** A sponsor as its operator runs it: its folder, its purse, its log, and the API that apps ask. */
export class SponsorProgram extends Resource {
  readonly #options: SponsorProgramOptions
  #sponsor!: Sponsor
  #server!: PinningServer

  constructor(options: SponsorProgramOptions) {
    super()
    this.#options = options
  }

  /** @throws as `RoleFolder` does for a folder that is in use; InputError HTTP_FAILED */
  protected async start(): Promise<void> {
    const { dir, network, chainKey, address, copies, codec, clock, randomBytes, hear } = this.#options
    const own = { path: join(dir, SPONSOR), role: SPONSOR, clock, randomBytes }
    const { path, instance } = await this.acquire('folder', new RoleFolder(own))
    const file = await this.acquire('log', new FileLog(join(path, 'log.ndjson'), clock))
    const log = hear(atLevel(file.log.with({ role: SPONSOR }), this.#options.logLevel))
    const member = { dir: path, instance, network, chainKey, clock, randomBytes, log }
    const sponsor = new Sponsor({ ...member, file: join(dir, SPONSOR_FILE), copies, codec })
    this.#sponsor = await this.acquire('sponsor', sponsor)
    this.#server = await this.acquire('server', new PinningServer({ address, sponsor, log }))
  }

  /** Account that pins are paid from. */
  get publicKey(): Buffer {
    return this.#sponsor.publicKey
  }

  get url(): string {
    return this.#server.url
  }
}
