import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Resource } from '../lifecycle.js'
import { encodeOriginal, readOriginal } from '../storage/original.js'
import type { Plan } from '../protocol/operations.js'
import { emptyOriginal, type Original } from '../protocol/original.js'
import { SwarmReader, hasBlocks } from '../swarm/reader.js'
import { Member, hasCode, type MemberOptions } from './member.js'

const FIND_MS = 30_000

/** Donates tokens to hypercores that it wants kept. */
export class Supporter extends Resource {
  readonly #options: MemberOptions
  #member!: Member

  constructor(options: MemberOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    this.#member = await this.acquire('member', new Member(this.#options))
  }

  /** How it takes part, once it is open. */
  get member(): Member {
    return this.#member
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  /**
   * Looks at a hypercore in the swarm, as far as its author has signed it; under its own discovery key, and under a drive's if
   * that is where it is announced. One that is served and has no blocks is empty.
   *
   * @throws SwarmError HYPERCORE_UNREACHABLE
   */
  async inspect(key: Buffer, topic?: Uint8Array): Promise<Original> {
    const { clock, dir, network, randomBytes } = this.#options
    const { signal } = this.#member
    const folder = join(dir, 'inspect')
    // What a killed process left may be of another hypercore, or half a store.
    await rm(folder, { recursive: true, force: true })
    const reader = new SwarmReader({ network, dir: folder, seed: randomBytes(32) })
    try {
      const core = await reader.open(key, topic ? [topic] : [])
      if (!(await hasBlocks(core, { clock, timeoutMs: FIND_MS, signal }))) return emptyOriginal
      return encodeOriginal(await readOriginal(core))
    } finally {
      await reader.discard()
    }
  }

  /** Tells the chain of a growth of a hypercore that it has; false where it is still gathered, not paid for, or known by now. */
  async extend(key: Buffer, original: Original): Promise<boolean> {
    try {
      await this.#member.chain.extend({ key, original })
      return true
    } catch (error) {
      if (!hasCode(error, 'GROWTH_EARLY', 'GROWTH_UNPAID', 'LENGTH_NOT_LONGER')) throw error
      return false
    }
  }

  /** Registers a hypercore with a plan and donates to it. */
  async sponsor(key: Buffer, original: Original, plan: Plan, donation: bigint): Promise<void> {
    await this.#member.chain.sponsor({ key, original, plan, donation })
  }
}
