import { join } from 'node:path'
import { WALLET } from '../daemon/init.js'
import type { SettingName, Settings } from '../daemon/settings.js'
import { Resource } from '../lifecycle.js'
import { silentLogger } from '../log.js'
import type { Member, MemberOptions } from '../roles/member.js'
import { Supporter } from '../roles/supporter.js'
import { networkOf, world } from './configured.js'

/** What a command needs that pays from, or looks at, an operator's wallet. */
export const walletSettings: SettingName[] = ['data', 'chain', 'bootstrap', 'host', 'firewalled']

/** The identity that an operator pays from, on the network, for one command. */
export class Wallet extends Resource {
  readonly dir: string
  readonly #settings: Settings
  readonly #command: string
  #supporter!: Supporter

  /** @param from the folder whose identity pays, below the operator's; the wallet's own by default */
  constructor(settings: Settings, command: string, from: string = WALLET) {
    super()
    this.#settings = settings
    this.#command = command
    this.dir = join(settings.path('data', command), from)
  }

  protected async start(): Promise<void> {
    this.#supporter = await this.acquire('supporter', new Supporter(this.#options()))
  }

  #options(): MemberOptions {
    const chainKey = this.#settings.need('chain', this.#command)
    return { dir: this.dir, network: networkOf(this.#settings), chainKey, ...world, log: silentLogger }
  }

  get member(): Member {
    return this.#supporter.member
  }

  get supporter(): Supporter {
    return this.#supporter
  }
}
