import { ChainClient } from '../../src/client/client.js'
import { keyPairFromSeed, type KeyPair } from '../../src/crypto/keys.js'
import { hash } from '../../src/crypto/hash.js'
import { ChainError } from '../../src/errors.js'
import { Resource } from '../../src/lifecycle.js'
import type { Logger } from '../../src/log.js'
import type { Effect } from '../../src/protocol/effects.js'
import { pause } from '../../src/wait.js'
import type { VirtualClock } from '../helpers/virtual-clock.js'
import { chanceOf, type Chance } from './random.js'
import type { Line, VirtualWires } from './wire.js'
import type { World } from './world.js'

/** What one who takes part does, honest or not: the only thing that a scenario is made of. */
export interface Strategy {
  /** Joins: registers its role, sponsors its hypercores. Tried again until it succeeds. */
  begin(party: Party): Promise<void>
  /** Whether something that the log says calls it to work. Called for everything while the party is there. */
  concerns?(effect: Effect, party: Party): boolean
  /** Asks the chain what is owed and does it, or not; also called once an epoch. One call at a time, tried again if it throws. */
  work?(party: Party): Promise<void>
  /** What a reader gets of block `index` of a copy: a pinner's service. Null: nothing. */
  serve?(copy: number, index: number, reader: Reader): Served | null
}

/** Who asks a pinner for blocks. */
export interface Reader {
  /** Whether the pinner can know it for a verifier: its address was one before. */
  known: boolean
}

export interface Served {
  firstByteUs: number
  bytesPerSecond: number
}

/** After work that failed it is tried again so much later. */
const RETRY_MS = 60_000
/** How long before a deadline the last word is said. */
const LAST_WORD_MS = 3 * RETRY_MS

export interface PartyOptions {
  name: string
  seed: number
  clock: VirtualClock
  wires: VirtualWires
  chainKey: Buffer
  world: World
  strategy: Strategy
  log: Logger
  line: Line
}

/** The key pair of a party: another one for every seed. */
export function keyPairOf(seed: number, name: string): KeyPair {
  return keyPairFromSeed(hash('simulate/identity', seed, name))
}

/** One who takes part: an identity, a client of the chain, a line to it, and a strategy that decides. */
export class Party extends Resource {
  readonly name: string
  readonly keyPair: KeyPair
  readonly chain: ChainClient
  readonly clock: VirtualClock
  readonly world: World
  readonly strategy: Strategy
  readonly chance: Chance
  readonly line: Line
  readonly log: Logger
  readonly #wires: VirtualWires
  #woken = false
  #working: Promise<void> | null = null
  #begun = false
  #away = 0

  constructor({ name, seed, clock, wires, chainKey, world, strategy, log, line }: PartyOptions) {
    super()
    this.name = name
    this.keyPair = keyPairOf(seed, name)
    this.clock = clock
    this.world = world
    this.strategy = strategy
    this.line = line
    this.log = log
    this.#wires = wires
    this.chance = chanceOf(seed, name)
    const random = chanceOf(seed, `backoff of ${name}`)
    // Closed last: what the client still waits for ends with it.
    this.owe('work', () => this.#working)
    const { keyPair } = this
    this.chain = this.own(
      'client',
      new ChainClient({
        chainKey,
        keyPair,
        connect: () => wires.connect(keyPair.publicKey, line),
        clock,
        random
      })
    )
  }

  /** Works from now on. */
  protected start(): Promise<void> {
    this.wake()
    return Promise.resolve()
  }

  /** Whether it is switched off, or cut off from everybody. */
  get away(): boolean {
    return this.#away > 0
  }

  /** Is told what happened on the chain. */
  hear(effects: readonly Effect[]): void {
    if (this.away || !this.strategy.concerns) return
    // All of them, since a strategy learns from what does not call it.
    if (effects.filter((effect) => this.strategy.concerns!(effect, this)).length > 0) this.wake()
  }

  /** Has it look for what is to be done. */
  wake(): void {
    this.#woken = true
    if (this.#working || this.away || this.signal.aborted) return
    this.#working = this.#run().finally(() => (this.#working = null))
  }

  /** Has it look later. */
  wakeIn(ms: number): void {
    this.clock.after(ms, () => this.wake())
  }

  /** It is switched off for a while: nothing goes out or in. */
  leave(ms: number): void {
    this.#away++
    this.line.cut = true
    this.#wires.hangUp(this.line)
    this.clock.after(ms, () => {
      if (--this.#away > 0) return
      this.line.cut = false
      this.wake()
    })
  }

  /** Takes its time, as long as it is there. */
  async pause(ms: number): Promise<void> {
    await pause(this.clock, ms, this.signal)
    if (this.away) throw new Error(`${this.name} is away`)
  }

  /** Whether a deadline is so near that there is time for one more word; if not, it looks again when it is. */
  async isNearly(deadline: number | null): Promise<boolean> {
    const leftMs = deadline! - (await this.chain.info()).clockNow
    if (leftMs <= LAST_WORD_MS) return true
    this.wakeIn(leftMs - LAST_WORD_MS / 2)
    return false
  }

  /** Does one thing of several: what fails is tried again later, and keeps the others from nothing. */
  async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.signal.aborted || this.away) throw error
      this.log('party.failed', { what, error: error as Error })
      // What the chain has refused it refuses again.
      if (!(error instanceof ChainError)) this.wakeIn(RETRY_MS)
    }
  }

  /** The key that names it. */
  is(key: Uint8Array | null): boolean {
    return key !== null && this.keyPair.publicKey.equals(key)
  }

  async #run(): Promise<void> {
    while (this.#woken && !this.away && !this.signal.aborted) {
      this.#woken = false
      try {
        if (!this.#begun) {
          await this.strategy.begin(this)
          this.#begun = true
        }
        await this.strategy.work?.(this)
      } catch (error) {
        if (this.signal.aborted) return
        this.log('party.failed', { error: error as Error })
        this.wakeIn(RETRY_MS)
      }
    }
  }
}
