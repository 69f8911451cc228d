import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../../src/bytes.js'
import { hash } from '../../src/crypto/hash.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import type { Ledger } from '../../src/ledger/ledger.js'
import { Resource } from '../../src/lifecycle.js'
import { createLogger } from '../../src/log.js'
import type { Effect } from '../../src/protocol/effects.js'
import { parameters, type Parameters } from '../../src/protocol/parameters.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { VirtualChain } from './chain.js'
import { brokenIn } from './invariants.js'
import { keyPairOf, Party } from './party.js'
import { chanceOf } from './random.js'
import type { Cast, Scenario } from './scenario.js'
import type { Step } from './steps.js'
import type { Origin } from './trace.js'
import { VirtualWires } from './wire.js'
import { World } from './world.js'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

const FORTUNE = 1_000_000_000n

/** Rules by the hour, as they are by default, with a beat of ten minutes: what nobody waits for is not simulated. */
export const RULES: Partial<Parameters> = {
  tickMs: 10 * MINUTE_MS,
  epochMs: HOUR_MS,
  agingRounds: 1,
  acknowledgeMs: 25 * MINUTE_MS,
  deliverBaseMs: 40 * MINUTE_MS,
  reportRounds: 3,
  revealRounds: 2,
  settleGraceMs: 40 * MINUTE_MS
}

/** What never holds does: with what led there. */
export class Broken extends Error {
  readonly broken: readonly string[]
  readonly steps: readonly Step[]
  readonly origin: Origin
  /** Names of those who took part, by public key in hex. */
  readonly names: ReadonlyMap<string, string>
  readonly seed: number
  readonly scenario: string

  constructor(broken: readonly string[], { steps, origin, names, seed, scenario }: Simulation) {
    super(`after ${steps.length} steps it does not hold that ${broken.join('; ')}`)
    this.broken = broken
    this.steps = [...steps]
    this.origin = origin
    this.names = names
    this.seed = seed
    this.scenario = scenario.name
  }
}

export interface SimulationOptions {
  seed: number
  scenario: Scenario
  /** See `Casting`. */
  hostile?: boolean
}

/** A network on virtual time: the chain as it is, and those who take part. */
export class Simulation extends Resource {
  readonly clock = new VirtualClock()
  readonly lines: string[] = []
  readonly cast: Cast
  readonly parties = new Map<string, Party>()
  /** What happened, for who measures it. */
  readonly heard: ((effects: readonly Effect[], ledger: Ledger) => void)[] = []
  readonly steps: Step[] = []
  readonly seed: number
  readonly scenario: Scenario
  readonly rules: Parameters
  chain!: VirtualChain
  readonly #folder = mkdtempSync(join(tmpdir(), 'datdot-simulate-'))
  #broken: Broken | null = null

  constructor({ seed, scenario, hostile = true }: SimulationOptions) {
    super()
    this.seed = seed
    this.scenario = scenario
    this.rules = parameters({ ...RULES, ...scenario.rules })
    this.cast = scenario.cast({ hostile, seed })
    this.owe('folder', () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  protected async start(): Promise<void> {
    const { clock, seed, scenario, rules } = this
    const log = createLogger(
      (line) => this.lines.push(line),
      () => clock.wall()
    )
    const chance = chanceOf(seed, 'network')
    const keyPair = keyPairOf(seed, 'chain')
    const wires = new VirtualWires(keyPair.publicKey, clock, chance)
    const world = new World(rules)
    for (const authored of this.cast.hypercores) world.publish(authored)
    const { members, operator } = this.cast
    this.chain = new VirtualChain({
      folder: this.#folder,
      clock,
      wires,
      keyPair,
      secret: hash('simulate/beacon', seed),
      rules,
      allocations: members
        .map(({ name, grains }) => ({ key: keyPairOf(seed, name).publicKey, amount: grains ?? FORTUNE }))
        .filter(({ amount }) => amount > 0n),
      operator,
      log: log.with({ role: 'chain' }),
      did: (step, ledger) => this.#did(step, ledger),
      published: (effects) => this.#published(effects)
    })
    await this.acquire('chain', this.chain)
    for (const { name, strategy } of members) {
      const line = { delayMs: 5 + Math.floor(chance() * 120), loss: scenario.faults?.loss ?? 0, cut: false }
      const { publicKey: chainKey } = keyPair
      const options = { name, seed, clock, wires, chainKey, world, strategy, line }
      const party = this.own(name, new Party({ ...options, log: log.with({ role: name }) }))
      this.parties.set(name, party)
      await party.ready()
    }
    this.#misfortunes()
  }

  /** Names of those who take part, by public key in hex. */
  get names(): Map<string, string> {
    const names = this.cast.members.map(({ name }) => name)
    return new Map([...names, 'chain'].map((name) => [toHex(keyPairOf(this.seed, name).publicKey), name]))
  }

  /** What the ledger began with. */
  get origin(): Origin {
    const { beacon, genesis } = this.chain
    const pairs = [...this.names].map(([key, name]): [string, KeyPair] => [key, keyPairOf(this.seed, name)])
    const at = new VirtualClock().wall()
    return { keyPair: keyPairOf(this.seed, 'chain'), beacon, genesis, signers: new Map(pairs), at }
  }

  /** Lets virtual time go by. @throws Broken */
  async live(ms: number): Promise<void> {
    const { epochMs } = this.rules
    for (let left = ms; left > 0; left -= epochMs) {
      await this.clock.advance(Math.min(left, epochMs))
      for (const party of this.parties.values()) party.wake()
      if (this.#broken) throw this.#broken
    }
    await this.clock.settle()
    if (this.#broken) throw this.#broken
  }

  /** Members that are gone for a while, and restarts of the chain, as often as the scenario says, when chance says. */
  #misfortunes(): void {
    const { faults } = this.scenario
    if (!faults) return
    const chance = chanceOf(this.seed, 'misfortunes')
    const parties = [...this.parties.values()]
    const next = (aDay: number, happens: () => void): void => {
      if (aDay === 0) return
      this.clock.after((-Math.log(1 - chance()) * DAY_MS) / aDay, () => {
        happens()
        next(aDay, happens)
      })
    }
    next(faults.leaves, () => {
      const party = parties[Math.floor(chance() * parties.length)]!
      party.leave(MINUTE_MS + chance() * HOUR_MS)
    })
    next(faults.restarts, () => void this.chain.restart(chance() * 10 * MINUTE_MS))
  }

  #did(step: Step, ledger: Ledger): void {
    this.steps.push(step)
    if (this.#broken) return
    const broken = brokenIn(ledger)
    if (broken.length > 0) this.#broken = new Broken(broken, this)
  }

  #published(effects: readonly Effect[]): void {
    if (effects.length === 0) return
    for (const hear of this.heard) hear(effects, this.chain.ledger)
    for (const party of this.parties.values()) {
      this.clock.after(party.line.delayMs, () => party.hear(effects))
    }
  }
}
