import { join } from 'node:path'
import Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import type { Clock, Timer } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import type { Logger } from '../log.js'
import { pause } from '../wait.js'
import { Answers } from './evidence/answers.js'
import type { VerifyAnswers, JudgeRefusal } from '../evidence/tasks.js'
import { decodeEntry } from '../protocol/entry.js'
import { EvidenceIntake, type IntakeLimits } from '../client/evidence-intake.js'
import { EvidenceStore } from './evidence/store.js'
import { EventFeed } from './feed.js'
import type { LedgerApi, TickResult } from '../ledger/types.js'
import { ChainLog } from './published-log.js'
import type { Quotas } from '../swarm/rpc-channel.js'
import { ChainRpcServer } from './rpc-server.js'
import type { Parameters } from '../protocol/parameters.js'
import { decodeOperation, operationHash, unsignedBytes } from '../protocol/operations.js'
import { signReceipt } from '../protocol/receipt.js'
import { Refusals } from './evidence/refusals.js'
import { Submissions, type SignatureCheck } from './submissions.js'
import { ChainTime } from './time.js'
import type { Receipt } from '../protocol/views.js'

/** Ticks between two looks at what has become too old: evidence, and details of the log. */
const TICKS_PER_CLEANING = 60
/** Entries whose receipts are given again to senders that a crash of the chain kept from them. */
const RECENT_ENTRIES = 1024
/** Pause after a tick that left work over, so that requests get their turn. */
const MORE_MS = 1
/** Pause after a tick that failed. */
const RETRY_MS = 1_000
/** A tick that took longer is worth a line in the log. */
const SLOW_TICK_MS = 50

export interface ChainServiceOptions {
  /** The open ledger; the service does not close it. */
  ledger: LedgerApi
  /** The chain's key: it signs the log, and the chain is reached by it. */
  keyPair: KeyPair
  /** Folder for the log's core, the evidence and what is being received. */
  dir: string
  /**
   * The swarm that serves the log and the evidence; its owner destroys it after `stop`. Its own key pair must be
   * another one than the chain's, under which the service listens on the swarm's DHT.
   */
  swarm: Hyperswarm
  verify: VerifyAnswers
  verifySignatures?: SignatureCheck
  judge: JudgeRefusal
  clock: Clock
  log: Logger
  quotas?: Partial<Quotas>
  /** False if somebody else calls `tick`; by default the service does, as often as the parameters say. */
  heartbeat?: boolean
  intake?: IntakeLimits
}

/**
 * A running chain: its ledger with everything around it. It ticks, publishes the log, answers RPC on its public
 * key, has answers to challenges checked and settles them, judges refusals.
 *
 * ```ts
 * const service = new ChainService({ ledger, keyPair, dir, swarm, judge, clock, log })
 * await service.start()
 * …
 * await service.stop()
 * ```
 */
export class ChainService {
  readonly #options: ChainServiceOptions
  readonly #store: Corestore
  readonly #log: ChainLog
  readonly #evidence: EvidenceStore
  readonly #intake: EvidenceIntake
  readonly #time: ChainTime
  readonly #connections = new Set<HyperDHT.Connection>()
  /** What answers requests, once the ledger has said where the chain stands. */
  #parts: Parts | null = null
  #listener: HyperDHT.Server | null = null
  #timer: Timer | null = null
  #aheadTimer: Timer | null = null
  #ticks = 0
  /** The last tick that was asked for. */
  #ticking: Promise<unknown> = Promise.resolve()
  #advancing: Promise<void> | null = null
  #started = false
  #cleaning: Promise<void> | null = null
  #stopped = false
  readonly #stop = new AbortController()

  constructor(options: ChainServiceOptions) {
    const { ledger, keyPair, dir, clock } = options
    if (options.swarm.keyPair.publicKey.equals(keyPair.publicKey)) {
      throw new RangeError('the swarm of a chain needs a key pair of its own')
    }
    this.#options = options
    this.#time = new ChainTime(clock)
    this.#store = new Corestore(join(dir, 'cores'))
    this.#log = new ChainLog(this.#store, keyPair, {
      entries: (from, limit) => ledger.entries(from, limit),
      same: (published, committed) => decodeEntry(published).hash.equals(decodeEntry(committed).hash)
    })
    this.#evidence = new EvidenceStore(dir, this.#store, keyPair)
    this.#intake = new EvidenceIntake(join(dir, 'incoming'), options.intake)
  }

  /** Keys of the cores that anyone may follow. */
  get cores(): { log: Buffer; evidence: Buffer } {
    return { log: this.#log.core.key, evidence: this.#evidence.core.key }
  }

  /** Chain time now, in ms. */
  time(): number {
    return this.#time.now()
  }

  /** Peers that use the protocol now. */
  get connections(): number {
    return this.#parts?.server.connections ?? 0
  }

  /**
   * Publishes what is not published yet, begins to listen and to tick. If it fails, nothing is left running.
   *
   * @throws ChainError `LOG_DIVERGED` if folder and ledger do not belong together
   */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #start(): Promise<void> {
    const { swarm, keyPair } = this.#options
    await this.#store.ready()
    await this.#log.open()
    await this.#evidence.open()
    await this.#intake.open()
    const { server } = (this.#parts = await this.#assemble())
    swarm.on('connection', (connection) => this.#serve(connection))
    this.#listener = swarm.dht.createServer({}, (connection) => {
      this.#serve(connection)
      server.accept(connection)
    })
    await this.#listener.listen(keyPair)
    for (const core of [this.#log.core, this.#evidence.core]) {
      swarm.join(core.discoveryKey, { server: true, client: false })
    }
    this.#started = true
    if (this.#options.heartbeat ?? true) this.#schedule(0)
  }

  async #assemble(): Promise<Parts> {
    const { ledger, keyPair, verify, verifySignatures, judge, clock, log, quotas } = this.#options
    const [view, parameters] = await Promise.all([ledger.chain(), ledger.parameters()])
    this.#time.set(view, parameters)
    const feed = new EventFeed(ledger, clock, view.length)
    const onCommit = (length: number): void => this.#committed(length)
    const recent = await recentReceipts(ledger, keyPair, view.length)
    const submissions = new Submissions(ledger, onCommit, verifySignatures, recent)
    const common = {
      ledger,
      intake: this.#intake,
      store: this.#evidence,
      clock: () => this.#time.now(),
      now: () => clock.wall(),
      log,
      onCommit,
      began: { round: view.round, parameters }
    }
    const answers = new Answers({ ...common, verify })
    const refusals = new Refusals({ ...common, judge })
    const server = new ChainRpcServer({
      ledger,
      submissions,
      feed,
      answers,
      refusals,
      evidence: this.#evidence,
      clock: () => this.#time.now(),
      monotonic: () => clock.now(),
      quotas
    })
    return { feed, submissions, answers, refusals, server }
  }

  /** Ends ticks and connections, finishes what was received, closes the cores. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#stop.abort()
    this.#timer?.cancel()
    this.#aheadTimer?.cancel()
    await this.#ticking
    await this.#advancing
    await this.#parts?.submissions.idle()
    this.#parts?.server.close()
    await this.#listener?.close()
    await this.#parts?.answers.close()
    await this.#parts?.refusals.close()
    await this.#intake.close()
    await this.#cleaning
    for (const connection of this.#connections) connection.destroy()
    if (this.#started) await this.#log.publish()
    await this.#log.close()
    await this.#evidence.close()
    await this.#store.close()
  }

  #serve(connection: HyperDHT.Connection): void {
    // A peer that goes away is no error of the chain's.
    connection.on('error', () => {})
    if (this.#stopped) return void connection.destroy()
    this.#connections.add(connection)
    connection.once('close', () => this.#connections.delete(connection))
    this.#store.replicate(connection)
  }

  #committed(length: number): void {
    this.#parts?.feed.notify(length)
    this.#log.publish().catch((error: unknown) => {
      this.#options.log('chain.publish-failed', { error: error as Error })
    })
  }

  #schedule(ms: number): void {
    if (!this.#stopped) this.#timer = this.#options.clock.after(ms, () => void this.#heartbeat())
  }

  async #heartbeat(): Promise<void> {
    const { clock, log } = this.#options
    const began = clock.now()
    try {
      const { more, parameters } = await this.tick()
      // Ticks keep their rhythm; what was left over is done between them.
      this.#schedule(more ? MORE_MS : Math.max(MORE_MS, parameters.tickMs - (clock.now() - began)))
    } catch (error) {
      log('chain.tick-failed', { error: error as Error })
      this.#schedule(RETRY_MS)
    }
  }

  /** One heartbeat of the chain and all that hangs on it, once those before it are done. */
  tick(): Promise<Pick<TickResult, 'more' | 'parameters'>> {
    const tick = this.#ticking.then(() => this.#tick())
    this.#ticking = tick.catch(() => {})
    return tick
  }

  async #tick(): Promise<TickResult> {
    const { ledger, log } = this.#options
    const result = await ledger.tick()
    const { receipt, busyMs, chain, parameters } = result
    if (busyMs > SLOW_TICK_MS) log('chain.tick-slow', { busyMs })
    this.#time.set(chain, parameters)
    this.#committed(receipt.seq + 1)
    await this.#parts?.answers.overdue()
    await this.#parts?.refusals.overdue()
    if (++this.#ticks % TICKS_PER_CLEANING === 0) this.#clean(parameters)
    this.#advanceLater()
    return result
  }

  /** Between ticks the checks to come are worked out, a few at a time. */
  #advanceLater(): void {
    if (this.#stopped || this.#advancing) return
    this.#aheadTimer ??= this.#options.clock.after(MORE_MS, () => {
      this.#aheadTimer = null
      this.#advancing = this.#advance().finally(() => (this.#advancing = null))
    })
  }

  async #advance(): Promise<void> {
    const { ledger, clock, log } = this.#options
    try {
      while (!this.#stopped && (await ledger.advanceChecks())) await pause(clock, MORE_MS, this.#stop.signal)
    } catch (error) {
      log('chain.checks-failed', { error: error as Error })
    }
  }

  #clean({ evidenceWindowMs }: Parameters): void {
    const { ledger, clock, log } = this.#options
    this.#cleaning ??= (async () => {
      await ledger.compact()
      const before = clock.wall() - evidenceWindowMs
      while (!this.#stopped && (await this.#evidence.prune(before)) > 0);
    })()
      .catch((error: unknown) => log('chain.cleaning-failed', { error: error as Error }))
      .finally(() => (this.#cleaning = null))
  }
}

interface Parts {
  feed: EventFeed
  submissions: Submissions
  answers: Answers
  refusals: Refusals
  server: ChainRpcServer
}

/** Receipts of the log's last entries, of which a process that ended may have owed some. */
async function recentReceipts(ledger: LedgerApi, keyPair: KeyPair, length: number): Promise<Receipt[]> {
  const { chainId } = ledger
  const entries = await ledger.entries(Math.max(0, length - RECENT_ENTRIES), RECENT_ENTRIES)
  return entries.map((bytes) => {
    const { seq, at, operation, hash } = decodeEntry(bytes)
    const known = operationHash(chainId, unsignedBytes(decodeOperation(operation, true)))
    return signReceipt(chainId, keyPair, { seq, operation: known, entry: hash, at })
  })
}
