import type { Clock } from '../clock.js'
import { DatdotError } from '../errors.js'
import { Resource, using } from '../lifecycle.js'
import type { Shortage } from '../roles/member.js'
import type { Network } from '../swarm/dht.js'
import { hasCode } from '../roles/member.js'
import { askFaucet } from './faucet.js'
import { keyPairOfInvite, Purse } from './invite.js'

export interface FundingOptions {
  network: Network
  chainKey: Buffer
  /** Code of an invite. */
  invite: string | undefined
  clock: Clock
  randomBytes: (length: number) => Buffer
}

/** Where the deposits of a newcomer come from: an invite, or the faucet; else it waits for who pays them. */
export class Funding extends Resource {
  readonly #options: FundingOptions
  #purse: Purse | undefined
  /** Keys that the faucet has answered for good. */
  readonly #asked = new Set<string>()

  /** @throws InputError INVITE_INVALID */
  constructor(options: FundingOptions) {
    super()
    const { invite } = options
    if (invite !== undefined) this.#purse = new Purse({ ...options, keyPair: keyPairOfInvite(invite) })
    this.#options = options
  }

  protected async start(): Promise<void> {
    if (this.#purse) await this.acquire('purse', this.#purse)
  }

  /** Tries to get what a role lacks; returns what came, in grains. Asked again while the role waits. */
  async meet({ keyPair, dht, missing, signal }: Shortage): Promise<bigint> {
    const fromInvite = (await this.#purse?.pay(keyPair.publicKey, missing)) ?? 0n
    const id = keyPair.publicKey.toString('hex')
    if (fromInvite > 0n || this.#purse !== undefined || this.#asked.has(id)) return fromInvite
    const { chainKey, clock } = this.#options
    try {
      return await askFaucet(dht, { chainKey, keyPair, clock, signal })
    } catch (error) {
      if (!(error instanceof DatdotError)) throw error
      // Tomorrow, or once the chain is back, there may be something; a key that was served gets no more.
      if (hasCode(error, 'FAUCET_KNOWN', 'FAUCET_NONE')) this.#asked.add(id)
      return 0n
    }
  }
}

/** Moves what is left of an invite to a key. */
export async function redeemRest(
  { invite, ...options }: FundingOptions & { invite: string },
  to: Buffer
): Promise<bigint> {
  return using(new Purse({ ...options, keyPair: keyPairOfInvite(invite) }), (purse) => purse.pay(to))
}
