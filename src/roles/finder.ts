import { join } from 'node:path'
import { claimRootBounty, rootWanted, type ClaimPorts } from '../client/bounty.js'
import { Resource } from '../lifecycle.js'
import type { BountyView } from '../protocol/views.js'
import { FactorClaims } from './factor-claims.js'
import { Member, type MemberOptions } from './member.js'

/** One who knows a factor of a segment's modulus, or can have roots made with its key, and claims the bounty. Needs neither money nor a role. */
export class Finder extends Resource {
  readonly #options: MemberOptions
  #member!: Member
  #claims!: FactorClaims

  constructor(options: MemberOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    this.#member = await this.acquire('member', new Member(this.#options))
    this.#claims = new FactorClaims(join(this.#options.dir, 'claims'), this.#ports())
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  /** Commits to a factor, waits, and shows it; takes some rounds. @throws ChainError */
  async claimFactor(segment: Uint8Array, factor: bigint): Promise<BountyView> {
    await this.#claims.claim(segment, factor)
    return this.#view(segment)
  }

  /** The value that a root is wanted of, for `claimRoot`. @throws ChainError `BOUNTY_NONE` */
  rootWanted(segment: Uint8Array): Promise<{ round: number; value: Buffer; publicKey: Uint8Array }> {
    return rootWanted(this.#ports(), segment)
  }

  /** @throws ChainError */
  async claimRoot(segment: Uint8Array, round: number, root: Uint8Array): Promise<BountyView> {
    await claimRootBounty(this.#ports(), { segment, round, root })
    return this.#view(segment)
  }

  async #view(segment: Uint8Array): Promise<BountyView> {
    const { chain, signal } = this.#member
    return (await chain.bounty(segment, { signal }))!
  }

  #ports(): ClaimPorts {
    const { chain, signal, options } = this.#member
    return { chain, signal, clock: options.clock, randomBytes: options.randomBytes }
  }
}
