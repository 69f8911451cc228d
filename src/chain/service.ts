import { join } from 'node:path'
import Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import type { KeyPair } from '../crypto/keys.js'
import type { Logger } from '../log.js'
import { Answers } from './evidence/answers.js'
import type { VerifyAnswers, JudgeRefusal } from '../evidence/tasks.js'
import { decodeEntry } from '../protocol/entry.js'
import { EvidenceIntake, type IntakeLimits } from '../client/evidence-intake.js'
import { EvidenceStore } from './evidence/store.js'
import { EventFeed } from './feed.js'
import type { LedgerApi } from '../ledger/types.js'
import { ChainLog } from './published-log.js'
import type { Quotas } from '../swarm/rpc-channel.js'
import { ChainRpcServer } from './rpc-server.js'
import { decodeOperation, operationHash, unsignedBytes } from '../protocol/operations.js'
import { signReceipt } from '../protocol/receipt.js'
import { Refusals } from './evidence/refusals.js'
import { Submissions, type SignatureCheck } from './submissions.js'
import type { Receipt } from '../protocol/views.js'

/** Ticks between two looks at what has become too old: evidence, and details of the log. */
const TICKS_PER_CLEANING = 60
/** Entries whose receipts are given again to senders that a crash of the chain kept from them. */
const RECENT_ENTRIES = 1024
/** Pause after a tick that left work over, so that requests get their turn. */
const MORE_MS = 1
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
  /** Wall clock in ms. */
  now: () => number
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
 * const service = new ChainService({ ledger, keyPair, dir, swarm, verify, now, log })
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
  readonly #feed: EventFeed
  readonly #submissions: Submissions
  readonly #answers: Answers
  readonly #refusals: Refusals
  readonly #server: ChainRpcServer
  readonly #connections = new Set<HyperDHT.Connection>()
  #listener: HyperDHT.Server | null = null
  #timer: NodeJS.Timeout | null = null
  #aheadTimer: NodeJS.Timeout | null = null
  #ticks = 0
  #started = false
  #cleaning: Promise<void> | null = null
  #stopped = false

  constructor(options: ChainServiceOptions) {
    const { ledger, keyPair, dir, verify, judge, now, log } = options
    if (options.swarm.keyPair.publicKey.equals(keyPair.publicKey)) {
      throw new RangeError('the swarm of a chain needs a key pair of its own')
    }
    this.#options = options
    this.#store = new Corestore(join(dir, 'cores'))
    this.#log = new ChainLog(this.#store, keyPair, {
      length: () => ledger.length(),
      entries: (from, limit) => ledger.entries(from, limit),
      same: (published, committed) => decodeEntry(published).hash.equals(decodeEntry(committed).hash)
    })
    this.#evidence = new EvidenceStore(dir, this.#store, keyPair)
    this.#intake = new EvidenceIntake(join(dir, 'incoming'), options.intake)
    this.#feed = new EventFeed(ledger)
    const onCommit = (): void => this.#committed()
    const clock = (): number => this.clock()
    const recent = recentReceipts(ledger, keyPair)
    this.#submissions = new Submissions(ledger, onCommit, options.verifySignatures, recent)
    const common = {
      ledger,
      intake: this.#intake,
      store: this.#evidence,
      clock,
      now,
      log,
      onCommit
    }
    this.#answers = new Answers({ ...common, verify })
    this.#refusals = new Refusals({ ...common, judge })
    this.#server = new ChainRpcServer({
      ledger,
      submissions: this.#submissions,
      feed: this.#feed,
      answers: this.#answers,
      refusals: this.#refusals,
      evidence: this.#evidence,
      clock,
      monotonic: () => performance.now(),
      quotas: options.quotas
    })
  }

  /** Keys of the cores that anyone may follow. */
  get cores(): { log: Buffer; evidence: Buffer } {
    return { log: this.#log.core.key, evidence: this.#evidence.core.key }
  }

  /** Peers that use the protocol now. */
  get connections(): number {
    return this.#server.connections
  }

  /** Chain time now: that of the last tick, and what has gone by since, as a tick now would count it. */
  clock(): number {
    const { at, clock } = this.#options.ledger.chain()
    const { maxTickGapMs } = this.#options.ledger.parameters()
    return clock + Math.min(Math.max(0, this.#options.now() - at), maxTickGapMs)
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
    swarm.on('connection', (connection) => this.#serve(connection))
    this.#listener = swarm.dht.createServer({}, (connection) => {
      this.#serve(connection)
      this.#server.accept(connection)
    })
    await this.#listener.listen(keyPair)
    for (const core of [this.#log.core, this.#evidence.core]) {
      swarm.join(core.discoveryKey, { server: true, client: false })
    }
    this.#started = true
    if (this.#options.heartbeat ?? true) this.#schedule(0)
  }

  /** Ends ticks and connections, finishes what was received, closes the cores. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#aheadTimer) clearTimeout(this.#aheadTimer)
    this.#feed.notify()
    await this.#submissions.idle()
    this.#server.close()
    await this.#listener?.close()
    await this.#answers.close()
    await this.#refusals.close()
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

  #committed(): void {
    this.#feed.notify()
    this.#log.publish().catch((error: unknown) => {
      this.#options.log('chain.publish-failed', { error: error as Error })
    })
  }

  #schedule(ms: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => this.#heartbeat(), ms)
  }

  #heartbeat(): void {
    const { ledger, now, log } = this.#options
    const began = now()
    const { tickMs } = ledger.parameters()
    try {
      const more = this.tick()
      // Ticks keep their rhythm; what was left over is done between them.
      this.#schedule(more ? MORE_MS : Math.max(MORE_MS, tickMs - (now() - began)))
    } catch (error) {
      log('chain.tick-failed', { error: error as Error })
      this.#schedule(tickMs)
    }
  }

  /** One heartbeat of the chain and all that hangs on it; returns whether work was left over. */
  tick(): boolean {
    const { ledger, log } = this.#options
    const { more, busyMs } = ledger.tick()
    if (busyMs > SLOW_TICK_MS) log('chain.tick-slow', { busyMs })
    this.#committed()
    this.#answers.overdue()
    this.#refusals.overdue()
    if (++this.#ticks % TICKS_PER_CLEANING === 0) this.#clean()
    this.#aheadTimer ??= this.#advanceLater()
    return more
  }

  /** Between ticks the checks to come are worked out, a few at a time. */
  #advanceLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#aheadTimer = null
      if (this.#stopped) return
      try {
        if (this.#options.ledger.advanceChecks()) this.#aheadTimer = this.#advanceLater()
      } catch (error) {
        this.#options.log('chain.checks-failed', { error: error as Error })
      }
    }, MORE_MS)
  }

  #clean(): void {
    const { ledger, now, log } = this.#options
    this.#cleaning ??= (async () => {
      ledger.compact()
      const before = now() - ledger.parameters().evidenceWindowMs
      while (!this.#stopped && (await this.#evidence.prune(before)) > 0);
    })()
      .catch((error: unknown) => log('chain.cleaning-failed', { error: error as Error }))
      .finally(() => (this.#cleaning = null))
  }
}

/** Receipts of the log's last entries, of which a process that ended may have owed some. */
function* recentReceipts(ledger: LedgerApi, keyPair: KeyPair): Generator<Receipt> {
  const { chainId } = ledger
  for (const bytes of ledger.entries(Math.max(0, ledger.length() - RECENT_ENTRIES), RECENT_ENTRIES)) {
    const { seq, at, operation, hash } = decodeEntry(bytes)
    const known = operationHash(chainId, unsignedBytes(decodeOperation(operation, true)))
    yield signReceipt(chainId, keyPair, { seq, operation: known, entry: hash, at })
  }
}
