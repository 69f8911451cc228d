import { equal } from '../../bytes.js'
import { hash } from '../../crypto/hash.js'
import { bigintOf } from '../../crypto/rsa-key.js'
import type { Engine } from '../../engine/engine.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import { pause } from '../../wait.js'
import type { Tasks } from '../../../workers/tasks.js'
import { FactorClaims, isDecided } from '../factor-claims.js'
import type { Member } from '../member.js'

/** Curves on each modulus: more than 99 % of factors of 64 bits are found by so many. */
export const SEARCH_CURVES = 400
/** The share of a core that searching may take where there is nothing else to do. */
export const SEARCH_SHARE = 0.1
/** How often it is looked whether there is something new to search or to claim, also after something went wrong. */
const LOOK_MS = 10_000

export interface FactorWatchOptions {
  member: Member
  store: PinnerStore
  engine: Engine<Tasks>
  /** Where claims are kept until they are decided. */
  dir: string
  curves: number | undefined
  share: number | undefined
}

/**
 * Goes on looking for factors of the moduli of held segments, special forms first and then curve after curve, on what the machine has
 * left: always at the one that was searched least. A step that is done is remembered with its segment, and goes with it. What
 * is found convicts the signer, and the bounty is this pinner's.
 */
export class FactorWatch {
  readonly #options: FactorWatchOptions
  readonly #claims: FactorClaims
  /** Picks the curves: no signer may know which ones will be tried, and after a restart they are the same. */
  readonly #seed: Buffer

  constructor(options: FactorWatchOptions) {
    this.#options = options
    const { chain, keyPair, options: own, signal } = options.member
    const { clock, randomBytes } = own
    this.#claims = new FactorClaims(options.dir, { chain, clock, randomBytes, signal })
    this.#seed = hash('datdot/factor-search/1', keyPair.secretKey)
  }

  /** Begins, and goes on with claims that were interrupted. Ends with the member. */
  start(): void {
    const { member, curves = SEARCH_CURVES } = this.#options
    member.run('bounties', () => this.#again('bounties', () => this.#claimAll()))
    if (curves > 0) member.run('factors', () => this.#again('factors', () => this.#search(curves + 1)))
  }

  /** Does something again and again, with the pause that it wants after it. */
  async #again(name: string, work: () => Promise<number>): Promise<void> {
    const { log, options, signal } = this.#options.member
    while (!signal.aborted) {
      let restMs = LOOK_MS
      try {
        restMs = await work()
      } catch (error) {
        if (signal.aborted) return
        log('role.failed', { job: name, error: error as Error })
      }
      await pause(options.clock, restMs, signal)
    }
  }

  /** One step on the modulus that had the fewest. */
  async #search(steps: number): Promise<number> {
    const { member, store, engine, share = SEARCH_SHARE } = this.#options
    const { clock } = member.options
    const least = store.leastSearched(steps)
    if (!least) return LOOK_MS
    const { key, id, publicKey: modulus, searched: from } = least
    const began = clock.now()
    const step = { modulus, seed: this.#seed, from }
    const { signal } = member
    const { factor, next } = await (share < 1
      ? engine.callIdle('search-factor', step, { signal })
      : engine.call('search-factor', step, { signal }))
    // Where the chain cannot be told, the same step finds it again.
    if (factor) await this.#found(key, id, bigintOf(factor))
    await store.setSearched(id, factor ? steps : next)
    return (clock.now() - began) * (1 / share - 1)
  }

  async #found(key: Buffer, id: Uint8Array, factor: bigint): Promise<void> {
    const { chain, log, signal } = this.#options.member
    log('pinner.factor-found', { key, segment: id })
    const view = await chain.hypercore(key, { signal })
    const segments = view?.copies.flatMap((copy) => copy.segments) ?? []
    const known = segments.find((segment) => equal(segment.id, id))
    if (!known) return // made anew by now
    try {
      await this.#claims.prepare(known.hash, factor)
    } catch (error) {
      if (!isDecided(error)) throw error
      log('pinner.claim-failed', { segment: known.hash, error: error as Error })
    }
  }

  /** Goes on with every claim that is not decided. */
  async #claimAll(): Promise<number> {
    const { log, signal } = this.#options.member
    for (const segment of await this.#claims.open()) {
      try {
        await this.#claims.resume(segment)
        log('pinner.bounty-claimed', { segment })
      } catch (error) {
        signal.throwIfAborted()
        log('pinner.claim-failed', { segment, error: error as Error })
      }
    }
    return LOOK_MS
  }
}
