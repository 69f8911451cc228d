import type { Clock, Timer } from '../clock.js'
import type { EvidenceIntake } from '../client/evidence-intake.js'
import type { KeyPair } from '../crypto/keys.js'
import type { JudgeOpening, JudgeRefusal, VerifyAnswers } from '../evidence/tasks.js'
import type { LedgerApi, TickResult } from '../ledger/types.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import { decodeEntry } from '../protocol/entry.js'
import { decodeOperation, operationHash, unsignedBytes } from '../protocol/operations.js'
import type { Parameters } from '../protocol/parameters.js'
import { signReceipt } from '../protocol/receipt.js'
import type { Receipt } from '../protocol/views.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import type { Quotas } from '../swarm/rpc-channel.js'
import { pause } from '../wait.js'
import { Answers } from './evidence/answers.js'
import { Openings } from './evidence/openings.js'
import { Refusals } from './evidence/refusals.js'
import type { EvidenceKeeper } from './evidence/store.js'
import type { TroubledInputs } from './evidence/troubled.js'
import { EventFeed } from './feed.js'
import { ChainRpcServer } from './rpc-server.js'
import { Submissions, type SignatureCheck } from './submissions.js'
import { ChainTime, type Beat } from './time.js'
import { isFarOff } from '../ledger/rules/time.js'

/** Ticks between two looks at what has become too old: evidence, and details of the log. */
const TICKS_PER_CLEANING = 60
/** Entries whose receipts are given again to senders that a crash of the chain kept from them. */
const RECENT_ENTRIES = 1024
/** Pause after a tick that left work over, so that requests get their turn. */
const MORE_MS = 1
/** A tick that took longer is worth a line in the log. */
const SLOW_TICK_MS = 50

/** What a chain keeps beside its ledger: ChainStores, or what keeps it elsewhere. */
export interface ServiceStores {
  /** Where the log is published. Nothing waits for it but the service's end. */
  readonly publishedLog: { publish(): Promise<void> }
  readonly evidence: EvidenceKeeper
  readonly intake: EvidenceIntake
  readonly troubled: Pick<TroubledInputs, 'add'>
}

export interface ChainServiceOptions {
  /** The open ledger; its owner closes it after the service. */
  ledger: LedgerApi
  /** Open as well, and their owner's to close. */
  stores: ServiceStores
  /** The chain's key, which signs receipts. */
  keyPair: KeyPair
  verify: VerifyAnswers
  verifySignatures?: SignatureCheck
  judge: JudgeRefusal
  judgeOpening: JudgeOpening
  clock: Clock
  log: Logger
  quotas?: Partial<Quotas>
  /** Chain time; by default it goes on with the clock's. */
  time?: ChainTime
  /** How often the process looks whether it stood still, which is no chain time; by default never. */
  beat?: Beat
  /** How long chain time stands still after a restart, so that who owes something can come back first; by default not at all. */
  resumeMs?: number
  /** False if somebody else calls `tick`; by default the service does, as often as the parameters say. */
  heartbeat?: boolean
}

/**
 * A running chain: its ledger with everything around it, but no network of its own. It ticks, has the log published, answers RPC
 * on the connections that it is given, has answers to challenges checked and settles them, judges refusals.
 *
 * ```ts
 * const service = new ChainService({ ledger, stores, keyPair, verify, judge, clock, log })
 * await service.ready()
 * service.accept(connection)
 * …
 * await service.close()
 * ```
 */
export class ChainService extends Resource {
  readonly #options: ChainServiceOptions
  readonly #time: ChainTime
  #feed!: EventFeed
  #answers!: Answers
  #refusals!: Refusals
  #openings!: Openings
  #server!: ChainRpcServer
  #submissions!: Submissions
  #rules!: Parameters
  #timer: Timer | null = null
  #trouble: Error | null = null
  #ticks = 0
  /** The last tick that was asked for. */
  #ticking: Promise<unknown> = Promise.resolve()
  #advancing: Promise<void> | null = null
  #cleaning: Promise<void> | null = null

  constructor(options: ChainServiceOptions) {
    super()
    this.#options = options
    this.#time = options.time ?? new ChainTime(options.clock, options.beat)
  }

  /** Chain time now, in ms. */
  time(): number {
    return this.#time.now()
  }

  /** What the last heartbeat failed of; null if it did not. */
  get trouble(): Error | null {
    return this.#trouble
  }

  /** Peers that use the protocol now. */
  get connections(): number {
    return this.#server.connections
  }

  /** Whether somebody with this key is connected and has an account. */
  knows(key: Uint8Array): boolean {
    return this.#server.knows(key)
  }

  /** Offers the protocol on a connection. */
  accept(connection: PeerStream): void {
    if (!this.signal.aborted) this.#server.accept(connection)
  }

  /** Closing ends ticks, finishes what was received, and publishes what came of it. */
  protected async start(): Promise<void> {
    const { ledger, stores, keyPair, clock, log, quotas, beat, resumeMs = 0 } = this.#options
    const standing = await ledger.chain()
    // Since a process began is when its date may be off by far: it says so once, in an entry of its own.
    if (isFarOff(standing.at, clock.wall())) {
      log('chain.date-set', { from: standing.at, to: clock.wall() })
      await ledger.setTime({ now: standing.clock })
    }
    const [view, parameters] = await Promise.all([ledger.chain(), ledger.parameters()])
    const recent = await recentReceipts(ledger, keyPair, view.length)
    this.#rules = parameters
    this.#time.raise(view.clock)
    if (view.length > 1) this.#time.hold(resumeMs)
    if (beat) {
      const looking = clock.every(beat.everyMs, () => this.#time.look()).unref()
      this.owe('beat', () => looking.cancel())
    }
    this.owe('last entries of the log', () => stores.publishedLog.publish())
    this.owe('cleaning', () => this.#cleaning)
    this.#feed = new EventFeed(ledger, clock, view.length)
    const onCommit = (length: number): void => this.#committed(length)
    const { intake, evidence, troubled } = stores
    const time = (): number => this.#time.now()
    const began = { round: view.round, parameters }
    const ports = { ledger, intake, store: evidence, troubled, time, log, onCommit, began }
    const { verify, judge, judgeOpening, verifySignatures } = this.#options
    this.#refusals = this.own('refusals', new Refusals({ ...ports, judge }))
    this.#openings = this.own('openings', new Openings({ ...ports, judge: judgeOpening, keyPair }))
    this.#answers = this.own('answers', new Answers({ ...ports, verify, keyPair }))
    const submissions = new Submissions({ ledger, clock, time, onCommit, check: verifySignatures, recent })
    this.#submissions = submissions
    this.#server = this.own(
      'RPC server',
      new ChainRpcServer({
        ledger,
        submissions,
        feed: this.#feed,
        answers: this.#answers,
        openings: this.#openings,
        refusals: this.#refusals,
        evidence,
        time,
        clock,
        quotas
      })
    )
    // Those who submitted get their receipts before their channels are closed.
    this.own('submissions', submissions)
    this.owe('checks to come', () => this.#advancing)
    this.owe('ticks', () => {
      this.#timer?.cancel()
      return this.#ticking
    })
    if (this.#options.heartbeat ?? true) this.#schedule(0)
  }

  #committed(length: number): void {
    const { stores, log } = this.#options
    this.#feed.notify(length)
    stores.publishedLog.publish().catch((error: unknown) => {
      log('chain.publish-failed', { error: error as Error })
    })
  }

  #schedule(ms: number): void {
    if (!this.signal.aborted) this.#timer = this.#options.clock.after(ms, () => void this.#heartbeat())
  }

  async #heartbeat(): Promise<void> {
    const { clock, log } = this.#options
    const began = clock.now()
    let more = false
    try {
      more = await this.tick()
      this.#trouble = null
    } catch (error) {
      this.#trouble = error as Error
      log('chain.tick-failed', { error: error as Error })
    }
    // Ticks keep their rhythm; what was left over is done between them.
    this.#schedule(more ? MORE_MS : Math.max(MORE_MS, this.#rules.tickMs - (clock.now() - began)))
  }

  /** One heartbeat of the chain and all that hangs on it, once those before it are done; returns whether work was left over. */
  tick(): Promise<boolean> {
    const tick = this.#ticking.then(() => this.#tick())
    this.#ticking = tick.catch(() => {})
    return tick
  }

  async #tick(): Promise<boolean> {
    this.signal.throwIfAborted()
    const { ledger, log } = this.#options
    const now = this.#time.now()
    const { stalledMs } = this.#time
    const when = { now, heard: this.#submissions.heard(now), stalledMs }
    const { receipt, more, busyMs, chain, parameters }: TickResult = await ledger.tick(undefined, when)
    this.#time.told(stalledMs)
    this.#time.raise(chain.clock)
    if (busyMs > SLOW_TICK_MS) log('chain.tick-slow', { busyMs })
    this.#rules = parameters
    this.#committed(receipt.seq + 1)
    await this.#answers.overdue()
    await this.#refusals.overdue()
    await this.#openings.settle()
    if (++this.#ticks % TICKS_PER_CLEANING === 0) this.#cleaning ??= this.#clean()
    this.#advancing ??= this.#advance()
    return more
  }

  /** Between ticks the checks to come are worked out, a few at a time. */
  async #advance(): Promise<void> {
    const { ledger, clock, log } = this.#options
    try {
      while (await pause(clock, MORE_MS, this.signal)) if (!(await ledger.advanceChecks())) break
    } catch (error) {
      log('chain.checks-failed', { error: error as Error })
    } finally {
      this.#advancing = null
    }
  }

  async #clean(): Promise<void> {
    const { ledger, stores, log } = this.#options
    try {
      await ledger.compact()
      const before = this.#time.now() - this.#rules.evidenceWindowMs
      while (!this.signal.aborted && (await stores.evidence.prune(before)) > 0);
    } catch (error) {
      log('chain.cleaning-failed', { error: error as Error })
    } finally {
      this.#cleaning = null
    }
  }
}

/** Receipts of the log's last entries, of which a process that ended may have owed some. */
async function recentReceipts(ledger: LedgerApi, keyPair: KeyPair, length: number): Promise<Receipt[]> {
  const { chainId } = ledger
  const entries = await ledger.entries(Math.max(0, length - RECENT_ENTRIES), RECENT_ENTRIES)
  return entries.map((bytes) => {
    const { seq, at, clock, arrived, operation, hash } = decodeEntry(bytes)
    const known = operationHash(chainId, unsignedBytes(decodeOperation(operation, true)))
    return signReceipt(chainId, keyPair, { seq, operation: known, entry: hash, at, clock, arrived })
  })
}
