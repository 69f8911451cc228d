import { NO_FORK_PROOF } from '../../../src/protocol/fork-proof.js'
import { author, blocksOf, phantom, type Authored } from '../hypercores.js'
import type { Party, Strategy } from '../party.js'
import { PLAN, Supporter } from './supporter.js'

/** Sponsors many hypercores with a grain each: their tasks wait to be drawn before everybody else's. */
export class Penniless extends Supporter {
  constructor(hypercores: readonly Authored[], copies = 100) {
    super(hypercores, { copies }, 1n)
  }
}

/** An author whose hypercore others support, and who signs lengths and sizes that nobody has the blocks of. */
export class Inflating implements Strategy {
  readonly #name: string
  #refused = 0

  constructor(name: string) {
    this.#name = name
  }

  async begin(): Promise<void> {}

  async work({ chain }: Party): Promise<void> {
    for (const bytes of [2 ** 29, 2 ** 40]) {
      const { key, original } = phantom(this.#name, 32 << Math.min(this.#refused, 10), bytes)
      await chain.extend({ key, original }).catch(() => this.#refused++)
    }
  }
}

/** Has the key of a supported hypercore's author, and signs newer and newer forks of it that have nothing of what was there. */
export class Stealing implements Strategy {
  readonly #name: string
  #fork = 0

  constructor(name: string) {
    this.#name = name
  }

  async begin(): Promise<void> {}

  async work({ chain }: Party): Promise<void> {
    this.#fork++
    for (const blocks of [[], blocksOf('stolen', 1, 400)]) {
      const { key, original } = author(this.#name, blocks, this.#fork)
      // The same again too: it waits.
      for (let n = 0; n < 2; n++)
        await chain.fork({ key, original, proof: NO_FORK_PROOF }).catch(() => undefined)
    }
  }
}

/** Gives a hypercore nothing but a grain whenever it is about to lapse: its pinners keep it for nothing. */
export class Hostage implements Strategy {
  readonly #authored: Authored
  readonly #donation: bigint

  constructor(authored: Authored, donation: bigint) {
    this.#authored = authored
    this.#donation = donation
  }

  async begin({ chain, world }: Party): Promise<void> {
    const { key, original } = this.#authored
    world.publish(this.#authored)
    await chain.sponsor({ key, original, plan: PLAN, donation: this.#donation })
  }

  async work({ chain }: Party): Promise<void> {
    const { key } = this.#authored
    if ((await chain.hypercore(key))?.state === 'grace') await chain.donate(key, 1n)
  }
}

/** Appends to its hypercore all the time and has every length known to the chain. */
export class Growing implements Strategy {
  readonly #lengths: Authored[]
  readonly #donation: bigint

  constructor(lengths: readonly Authored[], donation: bigint) {
    this.#lengths = [...lengths]
    this.#donation = donation
  }

  async begin({ chain, world }: Party): Promise<void> {
    const [first] = this.#lengths
    world.publish(first!)
    const { key, original } = first!
    await chain.sponsor({ key, original, plan: PLAN, donation: this.#donation })
    this.#lengths.shift()
  }

  async work({ chain, world }: Party): Promise<void> {
    const next = this.#lengths.shift()
    if (!next) return
    world.publish(next)
    await chain.extend({ key: next.key, original: next.original })
  }
}
