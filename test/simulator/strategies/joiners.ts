import type { Effect } from '../../../src/protocol/effects.js'
import type { Party, Strategy } from '../party.js'

/** Takes no part. */
export class Nobody implements Strategy {
  async begin(): Promise<void> {}
}

/** Deposits a fortune for no room at all: it must not weigh anything. */
export class Whale implements Strategy {
  readonly #deposit: bigint

  constructor(deposit: bigint) {
    this.#deposit = deposit
  }

  async begin({ chain }: Party): Promise<void> {
    await chain.register('pinner', 0, this.#deposit)
    await chain.register('signer', 0, this.#deposit)
  }
}

/** Joins, or raises its deposit, whenever something is wanted: between what is frozen and the value that draws. */
export class Grinder implements Strategy {
  async begin(): Promise<void> {}

  concerns(effect: Effect): boolean {
    return effect.kind === 'wanted' || effect.kind === 'redraw' || effect.kind === 'acknowledged'
  }

  async work({ chain }: Party): Promise<void> {
    await chain.register('pinner', 0, 1_000_000n)
    await chain.register('signer', 0, 1_000_000n)
  }
}

/** Leaves as soon as it is in, and comes back as soon as it is out. */
export class Churner implements Strategy {
  readonly #deposit: bigint

  constructor(deposit: bigint) {
    this.#deposit = deposit
  }

  async begin({ chain }: Party): Promise<void> {
    await chain.register('pinner', 1 << 30, this.#deposit)
  }

  async work({ chain, keyPair }: Party): Promise<void> {
    const role = (await chain.account(keyPair.publicKey)).roles.find(({ role }) => role === 'pinner')
    if (role?.state === 'active') await chain.retire('pinner')
    else if (role?.state === 'retired') await chain.register('pinner', 1 << 30, this.#deposit)
  }
}

/** Has no account, and sends what cannot be taken, as fast as it is refused. */
export class Flooder implements Strategy {
  refused = 0

  async begin(): Promise<void> {}

  async work(party: Party): Promise<void> {
    for (let n = 0; n < 64; n++) {
      await party.chain.transfer(Buffer.alloc(32, 7), 1n).catch(() => this.refused++)
    }
  }
}
