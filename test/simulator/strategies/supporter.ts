import type { Plan } from '../../../src/protocol/operations.js'
import type { Authored } from '../hypercores.js'
import type { Party, Strategy } from '../party.js'

/** What a supporter wants for its hypercores, unless it says otherwise. */
export const PLAN: Plan = {
  copies: 2,
  targetPpm: 0,
  codec: 'wrap',
  every: 1,
  steps: 8,
  maxBytes: 1 << 30,
  topic: Buffer.alloc(32, 9),
  refreshAfterMs: 0
}

/** Sponsors hypercores and leaves them alone. */
export class Supporter implements Strategy {
  readonly #left: Authored[]
  readonly #plan: Plan
  readonly #donation: bigint

  constructor(hypercores: readonly Authored[], plan: Partial<Plan> = {}, donation = 100_000_000n) {
    this.#left = [...hypercores]
    this.#plan = { ...PLAN, ...plan }
    this.#donation = donation
  }

  async begin({ chain }: Party): Promise<void> {
    for (let next = this.#left[0]; next; next = this.#left[0]) {
      const { key, original } = next
      await chain.sponsor({ key, original, plan: this.#plan, donation: this.#donation })
      this.#left.shift()
    }
  }
}
