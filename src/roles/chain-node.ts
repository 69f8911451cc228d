import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tasks } from '../../workers/tasks.js'
import { CORES } from '../chain/stores.js'
import type { Clock } from '../clock.js'
import { Engine } from '../engine/engine.js'
import { DatdotError, InputError } from '../errors.js'
import { LedgerHost } from '../ledger/host.js'
import type { DrawObserver } from '../ledger/state.js'
import type { LedgerApi } from '../ledger/types.js'
import { OnionBeacon } from '../ledger/rules/beacon.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import type { Parameters } from '../protocol/parameters.js'
import { Restarting } from '../restarting.js'
import type { Network } from '../swarm/dht.js'
import { loadIdentity, loadSecret } from '../swarm/identity.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import { ServedChain } from './served-chain.js'

const LEDGER = 'ledger.db'

export interface ChainNodeOptions {
  dir: string
  network: Network
  /** What a new chain starts from; an existing one has its own. */
  genesis: {
    name: string
    parameters: Parameters
    allocations: { key: Buffer; amount: bigint }[]
    /** Rounds of the beacon's first onion. */
    beaconLength: number
  }
  threads?: number
  /** Offers what its operator does beside the chain, on every connection to the chain's key. */
  attach?: (connection: PeerStream) => void
  /** Sees how each draw comes about: a dashboard's. */
  observer?: DrawObserver | undefined
  randomBytes: (length: number) => Buffer
  clock: Clock
  log: Logger
}

/**
 * The chain as a process of its own would run it: ledger, beacon, scheduler, log and RPC. Opening it opens the ledger in
 * `dir/ledger.db`, or makes a new chain there, and lets peers in.
 */
export class ChainNode extends Resource {
  readonly #options: ChainNodeOptions
  #publicKey: Buffer | undefined
  #ledger: LedgerApi | undefined
  #serving: Restarting<ServedChain> | undefined

  constructor(options: ChainNodeOptions) {
    super()
    this.#options = options
  }

  /** The key under which the chain is reached, and by which it signs. */
  get publicKey(): Buffer {
    if (!this.#publicKey) throw new DatdotError('NOT_OPEN', 'this chain is not open yet')
    return this.#publicKey
  }

  /** Its ledger, once it is open: to be asked. */
  get ledger(): LedgerApi {
    if (!this.#ledger) throw new DatdotError('NOT_OPEN', 'this chain is not open yet')
    return this.#ledger
  }

  /** The public evidence of a challenge, piece by piece; null where there is none (any more). */
  evidence(challenge: number): AsyncIterable<Uint8Array> | null {
    const subject = { kind: 'answer' as const, id: challenge }
    const evidence = this.#serving?.part.evidence
    return evidence?.find(subject) ? evidence.read(subject) : null
  }

  /** Why it does not do all of its work now though it goes on, in words; null if it does. */
  get trouble(): string | null {
    const serving = this.#serving
    return serving ? (serving.trouble?.message ?? serving.part.trouble) : null
  }

  protected async start(): Promise<void> {
    const { dir, genesis, clock, log, threads, randomBytes } = this.#options
    const keyPair = await loadIdentity(dir, randomBytes)
    const secret = await loadSecret(join(dir, 'beacon'), randomBytes, [LEDGER])
    await expectLedger(dir)
    const { name, parameters, allocations, beaconLength } = genesis
    const beacon = new OnionBeacon(secret, beaconLength)
    const onion = { commitment: beacon.commitment(), length: beacon.length }
    const { api: ledger } = await this.acquire(
      'ledger',
      new LedgerHost({
        path: join(dir, LEDGER),
        keyPair,
        beacon,
        clock,
        observer: this.#options.observer,
        genesis: { name, parameters, allocations, beacon: onion }
      })
    )
    this.#ledger = ledger
    const engine = this.own('engine', new Engine<Tasks>(threads === undefined ? {} : { threads }))
    // What keeps more than the ledger: RocksDB may have to be opened again, SQLite goes on by itself.
    this.#serving = await this.acquire(
      'serving',
      new Restarting({
        make: (broken) => new ServedChain({ ...this.#options, ledger, engine, keyPair, broken }),
        clock,
        log
      })
    )
    this.#publicKey = keyPair.publicKey
  }
}

/** A ledger that was lost must not begin anew beside the log that was published from it. @throws InputError LEDGER_LOST */
async function expectLedger(dir: string): Promise<void> {
  const sizeOf = (name: string): Promise<number | null> =>
    stat(join(dir, name)).then(
      ({ size }) => size,
      () => null
    )
  const [ledger, cores] = await Promise.all([sizeOf(LEDGER), sizeOf(CORES)])
  if (ledger || cores === null) return
  throw new InputError(
    'LEDGER_LOST',
    `${join(dir, LEDGER)} is missing or empty, and ${join(dir, CORES)} was made from it; restore it from a backup`
  )
}
