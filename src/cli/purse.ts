import { join } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { WALLET } from '../daemon/init.js'
import type { SettingName, Settings } from '../daemon/settings.js'
import { Resource } from '../lifecycle.js'
import { FileLog } from '../log.js'
import { Member } from '../roles/member.js'
import { networkOf, world } from './configured.js'

/** What a command needs that pays from, or looks at, an operator's wallet. */
export const walletSettings: SettingName[] = ['data', 'chain', 'bootstrap', 'host', 'firewalled']

/** The identity that an operator pays from, on the network, for one command. */
export class Wallet extends Resource {
  readonly dir: string
  readonly #settings: Settings
  readonly #command: string
  #member!: Member

  /** @param from the folder whose identity pays, below the operator's; the wallet's own by default */
  constructor(settings: Settings, command: string, from: string = WALLET) {
    super()
    this.#settings = settings
    this.#command = command
    this.dir = join(settings.path('data', command), from)
  }

  protected async start(): Promise<void> {
    const chainKey = this.#settings.need('chain', this.#command)
    const log = new FileLog(join(this.dir, 'log.ndjson'), world.clock)
    const options = { dir: this.dir, network: networkOf(this.#settings), chainKey, ...world, log: log.log }
    this.#member = await this.acquire('member', new Member(options))
  }

  get member(): Member {
    return this.#member
  }

  get key(): string {
    return idEncoding.encode(this.#member.keyPair.publicKey)
  }
}
