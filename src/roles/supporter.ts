import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Resource } from '../lifecycle.js'
import { encodeOriginal, readOriginal } from '../storage/original.js'
import type { Plan } from '../protocol/operations.js'
import type { Original } from '../protocol/original.js'
import { SwarmReader, knownLength } from '../swarm/reader.js'
import { Member, type MemberOptions } from './member.js'

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
   * that is where it is announced.
   *
   * @throws SwarmError HYPERCORE_UNREACHABLE; ChainError HYPERCORE_EMPTY
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
      await knownLength(core, 1, { clock, timeoutMs: FIND_MS, signal })
      return encodeOriginal(await readOriginal(core))
    } finally {
      await reader.discard()
    }
  }

  /** Registers a hypercore with a plan and donates to it. */
  async sponsor(key: Buffer, original: Original, plan: Plan, donation: bigint): Promise<void> {
    await this.#member.chain.sponsor({ key, original, plan, donation })
  }
}
