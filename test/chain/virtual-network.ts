import { join } from 'node:path'
import { Engine } from '../../src/engine/engine.js'
import { ChainClient } from '../../src/client/client.js'
import { ChainService } from '../../src/chain/service.js'
import { ChainStores } from '../../src/chain/stores.js'
import { blake3, hash } from '../../src/crypto/hash.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { LedgerHost } from '../../src/ledger/host.js'
import { OnionBeacon } from '../../src/ledger/rules/beacon.js'
import type { LedgerApi } from '../../src/ledger/types.js'
import { Resource } from '../../src/lifecycle.js'
import { turn } from '../../src/wait.js'
import { createLogger } from '../../src/log.js'
import { parameters } from '../../src/protocol/parameters.js'
import { WorkLoop } from '../../src/roles/work-loop.js'
import { inlineTasks } from '../../workers/inline.js'
import type { Tasks } from '../../workers/tasks.js'
import { MemoryNetwork } from '../helpers/memory-network.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { identity } from '../ledger/network.js'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS

/** Rules by the hour, as they are by default, but with a beat of a minute. */
const RULES = parameters({
  tickMs: MINUTE_MS,
  epochMs: HOUR_MS,
  agingRounds: 2,
  acknowledgeMs: 5 * MINUTE_MS,
  reportRounds: 30,
  revealRounds: 10,
  settleGraceMs: 10 * MINUTE_MS
})

/** One who takes part: a client of its own, and the work that the log calls for. */
export interface Party {
  name: string
  keyPair: KeyPair
  chain: ChainClient
  work: WorkLoop
}

/**
 * A chain as it is, and clients as they are, in one process on a virtual clock: the same service, ledger, stores and protocol,
 * over connections in memory, with the tasks of workers done in this thread.
 */
export class VirtualNetwork extends Resource {
  readonly clock = new VirtualClock()
  /** Lines that the chain and the parties wrote to their logs. */
  readonly lines: string[] = []
  readonly #folder: string
  readonly #names: readonly string[]
  readonly #elsewhere: boolean
  readonly #log = createLogger(
    (line) => this.lines.push(line),
    () => this.clock.wall()
  )
  #ledger!: LedgerApi
  #memory!: MemoryNetwork

  /**
   * @param names those who get tokens at the genesis
   * @param elsewhere whether calls of the ledger take a while to get there, and their answers to come back, as if it had a thread
   */
  constructor(folder: string, names: readonly string[], elsewhere = false) {
    super()
    this.#elsewhere = elsewhere
    this.#folder = folder
    this.#names = names
  }

  get ledger(): LedgerApi {
    return this.#ledger
  }

  protected async start(): Promise<void> {
    const { clock } = this
    const keyPair = identity('chain')
    const beacon = new OnionBeacon(blake3(Buffer.from('virtual')), 4_096)
    const host = new LedgerHost({
      path: join(this.#folder, 'ledger.db'),
      keyPair,
      beacon,
      clock,
      durable: false,
      genesis: {
        name: 'virtual',
        parameters: RULES,
        beacon: { commitment: beacon.commitment(), length: beacon.length },
        allocations: this.#names.map((name) => ({ key: identity(name).publicKey, amount: 1_000_000_000n }))
      }
    })
    const { api } = await this.acquire('ledger', host)
    const ledger = this.#elsewhere ? faraway(api, () => clock.stir()) : api
    this.#ledger = ledger
    const engine = this.own('engine', new Engine<Tasks>({ inline: inlineTasks }))
    const stores = await this.acquire('stores', new ChainStores({ dir: this.#folder, keyPair, ledger }))
    const { evidence } = stores
    const service = new ChainService({
      ledger,
      keyPair,
      stores: {
        publishedLog: stores.publishedLog,
        intake: stores.intake,
        troubled: stores.troubled,
        // A settle waits for the disk, so the disk must not say when.
        evidence: {
          find: (subject) => evidence.find(subject),
          add: (record, parts) => clock.outside(evidence.add(record, parts)),
          remove: (subject) => clock.outside(evidence.remove(subject)),
          prune: (before) => clock.outside(evidence.prune(before))
        }
      },
      verify: (tasks) => engine.call('verify-evidence', tasks),
      judge: (task) => engine.call('judge-refusal', task),
      judgeOpening: (task) => engine.call('judge-opening', task),
      clock,
      log: this.#log.with({ role: 'chain' })
    })
    await this.acquire('service', service)
    this.#memory = new MemoryNetwork(keyPair, () => clock.stir())
    this.#memory.listen((connection) => service.accept(connection))
    this.owe('connections', () => this.cut())
  }

  /** All connections are lost at once. */
  cut(): void {
    this.#memory.cut()
  }

  /** Lets a party in; it leaves with the network. */
  join(name: string): Party {
    const { clock } = this
    const keyPair = identity(name)
    let drawn = 0
    const chain = new ChainClient({
      chainKey: identity('chain').publicKey,
      keyPair,
      connect: () => this.#memory.connect(keyPair),
      clock,
      random: () => hash('test/random', keyPair.publicKey, drawn++).readUInt32LE() / 2 ** 32
    })
    const log = this.#log.with({ role: name })
    const work = new WorkLoop({ chain, clock, log, signal: this.signal })
    this.owe(`work of ${name}`, () => work.idle())
    this.own(name, chain)
    return { name, keyPair, chain, work }
  }
}

/** A ledger that is reached, and answers, a turn of the event loop later: in the order of the calls, as over a port. */
function faraway(ledger: LedgerApi, stir: () => void): LedgerApi {
  let last: Promise<unknown> = Promise.resolve()
  const there = new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = value as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]) => {
        const arrived = last.then(turn)
        last = arrived
        stir()
        await arrived
        stir()
        const answer = call.apply(target, args)
        await turn()
        stir()
        return answer
      }
    }
  })
  return there
}
