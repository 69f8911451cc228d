import { join } from 'node:path'
import { EvidenceIntake } from '../../src/client/evidence-intake.js'
import type { EvidenceRecord } from '../../src/client/evidence-core.js'
import type { EvidenceKeeper } from '../../src/chain/evidence/store.js'
import { ChainService } from '../../src/chain/service.js'
import { blake3 } from '../../src/crypto/hash.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { Engine } from '../../src/engine/engine.js'
import { asynchronous } from '../../src/ledger/host.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { OnionBeacon } from '../../src/ledger/rules/beacon.js'
import type { GenesisOptions, LedgerApi } from '../../src/ledger/types.js'
import { Resource } from '../../src/lifecycle.js'
import type { Logger } from '../../src/log.js'
import type { Effect } from '../../src/protocol/effects.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import { inlineTasks } from '../../workers/inline.js'
import type { Tasks } from '../../workers/tasks.js'
import type { VirtualClock } from '../helpers/virtual-clock.js'
import { watched, type Step } from './steps.js'
import type { VirtualWires } from './wire.js'

/** Rounds of one onion: a few days of them, so that a long run goes through several. */
const ONION_ROUNDS = 1 << 11

/** A chain's operator: what it puts between its service and its ledger. An honest one puts nothing there. */
export type Operator = (ledger: LedgerApi, chain: VirtualChain) => LedgerApi

export interface VirtualChainOptions {
  folder: string
  clock: VirtualClock
  wires: VirtualWires
  keyPair: KeyPair
  /** What the beacon's onion is made from. */
  secret: Buffer
  rules: Parameters
  allocations: { key: Buffer; amount: bigint }[]
  operator?: Operator | undefined
  log: Logger
  /** Is told of each thing that the ledger was told to do. */
  did: (step: Step, ledger: Ledger) => void
  /** Is told what came of new entries of the log. */
  published: (effects: readonly Effect[]) => void
}

/** A chain as it is, in memory as far as it is not its ledger: the same service and ledger, with a log that is published by calling. */
export class VirtualChain extends Resource {
  readonly options: VirtualChainOptions
  /** All entries of the log as they were published. */
  readonly entries: Uint8Array[] = []
  readonly beacon: OnionBeacon
  /** BLAKE3 over the one before and the next entry, so that one byte of the log would change it. */
  logHash: Buffer = Buffer.alloc(32)
  readonly #evidence = new Map<string, EvidenceRecord>()
  #ledger!: Ledger
  #running: { service: ChainService; ledger: Ledger; gone: AbortController } | null = null

  constructor(options: VirtualChainOptions) {
    super()
    this.options = options
    this.beacon = new OnionBeacon(options.secret, ONION_ROUNDS)
  }

  /** What its log begins with. */
  get genesis(): GenesisOptions {
    const { rules, allocations } = this.options
    const { beacon } = this
    return {
      ...{ name: 'simulated', parameters: rules, allocations },
      beacon: { commitment: beacon.commitment(), length: beacon.length }
    }
  }

  /** The ledger that is open, or was open last. */
  get ledger(): Ledger {
    return this.#ledger
  }

  protected async start(): Promise<void> {
    this.owe('process', () => this.#stop())
    await this.#begin()
  }

  /** The process ends, with all connections and all evidence that it was still receiving, and begins again after a while. */
  async restart(downMs: number): Promise<void> {
    // It is down already.
    if (!this.#running) return
    const { wires, clock } = this.options
    wires.listen(null)
    // Files are opened and closed meanwhile, and must not say when.
    await clock.outside(this.#stop())
    await new Promise<void>((resolve) => clock.after(downMs, resolve))
    if (!this.signal.aborted) await clock.outside(this.#begin())
  }

  async #stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    // What it has judged it settles before it ends.
    await running?.service.close()
    running?.gone.abort(this.closedError())
    running?.ledger.close()
  }

  async #begin(): Promise<void> {
    const { folder, keyPair, clock, log, did, operator, wires } = this.options
    const { beacon, genesis } = this
    const ledger = Ledger.open({
      ...{ path: join(folder, 'ledger.db'), durable: false },
      ...{ keyPair, beacon, clock, genesis }
    })
    this.#ledger = ledger
    const gone = new AbortController()
    const api = asynchronous(
      watched(ledger, clock, (step) => did(step, ledger)),
      gone.signal
    )
    const engine = this.own('engine', new Engine<Tasks>({ inline: inlineTasks }))
    const intake = await this.acquire('intake', new EvidenceIntake(join(folder, 'intake')))
    const service = new ChainService({
      ledger: operator ? operator(api, this) : api,
      keyPair,
      stores: {
        publishedLog: { publish: () => this.#publish() },
        intake,
        evidence: keeper(this.#evidence),
        troubled: { add: () => Promise.resolve(null) }
      },
      verify: (tasks) => engine.call('verify-evidence', tasks),
      judge: (task) => engine.call('judge-refusal', task),
      judgeOpening: (task) => engine.call('judge-opening', task),
      clock,
      log
    })
    this.#running = { service, ledger, gone }
    await service.ready()
    wires.listen((connection) => service.accept(connection))
  }

  /** What is new on the log goes to all who follow it. */
  #publish(): Promise<void> {
    const ledger = this.#ledger
    for (let from = this.entries.length; from < ledger.length(); from = this.entries.length) {
      const effects: Effect[] = []
      for (const [n, entry] of ledger.entries(from, 1_000).entries()) {
        const bytes = Buffer.from(entry)
        this.entries.push(bytes)
        this.logHash = blake3(Buffer.concat([this.logHash, bytes]))
        effects.push(...(ledger.effects(from + n)?.effects ?? []))
      }
      this.options.published(effects)
    }
    return Promise.resolve()
  }
}

/** Evidence as the chain keeps it, without its bytes. */
function keeper(kept: Map<string, EvidenceRecord>): EvidenceKeeper {
  const nameOf = ({ kind, id }: { kind: string; id: number }): string => `${kind} ${id}`
  return {
    find: (subject) => kept.get(nameOf(subject)),
    add: async ({ kind, id, hash, at }, parts) => {
      let bytes = 0
      for await (const part of parts) bytes += part.byteLength
      const place = { bytes, start: 0, end: 1, previous: 0 }
      const record: EvidenceRecord = { kind, id, hash: Buffer.from(hash), at, ...place }
      kept.set(nameOf(record), record)
      return record
    },
    remove: async (subject) => void kept.delete(nameOf(subject)),
    prune: async (before) => {
      const old = [...kept].filter(([, { at }]) => at < before)
      for (const [name] of old) kept.delete(name)
      return old.length
    }
  }
}
