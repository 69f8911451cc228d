import type { Clock } from '../clock.js'
import { SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { throughLog, type Logger, type LogValue } from '../log.js'
import type { Registration } from '../roles/member.js'
import type { Participant } from '../roles/participant.js'
import type { RoleView } from '../protocol/views.js'
import { diskFreeBytes } from '../disk-space.js'
import { pause } from '../wait.js'
import type { Alerts } from './alerts.js'
import { MOST_DRIFT_MS } from './doctor.js'

/** A role as far as it is watched. */
export interface WatchedRole {
  role: 'pinner' | 'signer' | 'verifier'
  name: string
  registration: Registration
  reserveBytes?: number | undefined
  participant: Pick<Participant, 'publicKey' | 'chain' | 'hypercores' | 'trouble'>
  /** Its folder. */
  dir: string
  log: Logger
}

/** How a role stands, as the chain and its machine say. */
export interface RoleStanding {
  balance: bigint
  deposit: bigint
  locked: bigint
  reputationPpm: number
  usedBytes: number
  capacityBytes: number
  hypercores: number
  openChallenges: number
  /** Until the first deadline of an open challenge; null if none is open. */
  deadlineMs: number | null
  freeBytes: number
  /** This machine's date beside the chain's. */
  driftMs: number
  /** A pinner: for how long the chain has heard nothing of it; 0 while it is there. */
  awayMs: number
  /** … whether it is in a pause, or has announced one; and copies for which less is locked than should be, so that it is not drawn. */
  hasPause: boolean
  shortCopies: number
}

export interface RoleWatchOptions {
  roles: readonly WatchedRole[]
  alerts: Alerts
  clock: Clock
  /** Bytes that the disk of a folder has free. Default: what the file system says. */
  freeBytes?: (dir: string) => Promise<number>
  /** Is told how a role stands, each time that it was looked. */
  show?: ((role: WatchedRole, standing: RoleStanding) => void) | undefined
}

/** How often it is looked, and after how long without an answer of the chain that is told. */
const LOOK_MS = 30_000
const AWAY_MS = 90_000
const ANSWER_MS = 15_000
/** What was passed and paid is told so often, all together. */
const PAID_MS = 600_000
/** A pinner's event loop must come round within a tenth of a challenge's time. */
const BEAT_MS = 500
const BEHIND_MS = 2_000
/** R of who has just come: below it, more has failed than was passed. */
const NEWCOMER_PPM = 500_000
const CHALLENGES = 256
/** Events that say that the disk does not give back what was stored. */
const OF_THE_DISK: ReadonlySet<string> = new Set([
  'pinner.block-lost',
  'pinner.read-failed',
  'pinner.scrub-failed',
  'pinner.walk-failed'
])

/** What a role's log said since the last look. */
interface Heard {
  disk: number
  failed: number
  passed: number
  paid: bigint
}

/** Looks after the roles of a program: how they stand, what they are paid, and what their operator must know. */
export class RoleWatch extends Resource {
  readonly #options: RoleWatchOptions
  readonly #heard = new Map<string, Heard>()
  /** When the chain last answered. */
  #answeredAt: number
  #beatAt: number
  #slowestMs = 0
  #paidAt: number

  constructor(options: RoleWatchOptions) {
    super()
    this.#options = options
    this.#answeredAt = this.#beatAt = this.#paidAt = options.clock.now()
  }

  protected start(): Promise<void> {
    const { clock } = this.#options
    this.#beatAt = clock.now()
    const beat = clock.every(BEAT_MS, () => {
      const now = clock.now()
      this.#slowestMs = Math.max(this.#slowestMs, now - this.#beatAt - BEAT_MS)
      this.#beatAt = now
    })
    this.owe('beat', () => beat.unref().cancel())
    const looking = this.#run()
    this.owe('look', () => looking)
    return Promise.resolve()
  }

  /** A role's log, which is listened to. */
  hearing(name: string, log: Logger): Logger {
    return throughLog(log, (event, facts, write) => {
      this.#hear(name, event, facts)
      write(event, facts)
    })
  }

  #hear(name: string, event: string, { outcome, paid }: Record<string, LogValue>): void {
    const heard = this.#of(name)
    if (OF_THE_DISK.has(event)) heard.disk++
    if (event !== 'pinner.settled') return
    if (outcome === 'success') heard.passed++
    else heard.failed++
    if (typeof paid === 'bigint') heard.paid += paid
  }

  #of(name: string): Heard {
    const known = this.#heard.get(name) ?? { disk: 0, failed: 0, passed: 0, paid: 0n }
    this.#heard.set(name, known)
    return known
  }

  async #run(): Promise<void> {
    const { clock, roles } = this.#options
    while (await pause(clock, LOOK_MS, this.signal)) {
      const slowestMs = this.#slowestMs
      this.#slowestMs = 0
      for (const role of roles) await this.#look(role, slowestMs)
      if (clock.now() - this.#paidAt >= PAID_MS) this.#tellPaid()
    }
  }

  #tellPaid(): void {
    const { clock, roles } = this.#options
    const minutes = Math.round((clock.now() - this.#paidAt) / 60_000)
    this.#paidAt = clock.now()
    for (const { name, log } of roles) {
      const heard = this.#of(name)
      const { passed, paid } = heard
      if (passed > 0) log('pinner.paid', { passed, paid, minutes })
      Object.assign(heard, { passed: 0, paid: 0n })
    }
  }

  async #look(role: WatchedRole, slowestMs: number): Promise<void> {
    const { clock, alerts, show, freeBytes: look = diskFreeBytes } = this.#options
    const { name, log, dir } = role
    const heard = this.#of(name)
    const { disk, failed } = heard
    Object.assign(heard, { disk: 0, failed: 0 })
    const freeBytes = await look(dir)
    const short = role.reserveBytes !== undefined && freeBytes < role.reserveBytes
    const ofDisk = disk > 0 ? `${disk} reads failed in the last half minute` : `${freeBytes} bytes are free`
    const { trouble } = role.participant
    alerts.set(name, 'disk', trouble ?? (disk > 0 || short ? ofDisk : null), log)
    const late = `the event loop stood still for ${Math.round(slowestMs)} ms`
    const missed = `${failed} challenges were failed in the last half minute`
    const behind = failed > 0 ? missed : slowestMs > BEHIND_MS ? late : null
    alerts.set(name, 'behind', behind, log)
    try {
      const { standing, view } = await this.#standing(role, freeBytes)
      this.#answeredAt = clock.now()
      alerts.set(name, 'chain', null, log)
      this.#judge(role, standing, view)
      show?.(role, standing)
    } catch (error) {
      if (this.signal.aborted) return
      if (!(error instanceof SwarmError)) return log('role.look-failed', { error: error as Error })
      const awayMs = clock.now() - this.#answeredAt
      if (awayMs < AWAY_MS) return
      alerts.set(name, 'chain', `it has not answered for ${Math.round(awayMs / 1000)} s`, log)
    }
  }

  #judge(role: WatchedRole, { deposit, locked, driftMs }: RoleStanding, view: RoleView | undefined): void {
    const { alerts } = this.#options
    const { name, log, registration } = role
    const drift = `this machine's date is ${Math.round(driftMs / 1000)} s from the chain's`
    alerts.set(name, 'clock', Math.abs(driftMs) > MOST_DRIFT_MS ? drift : null, log)
    // Who has not registered yet, or is leaving, has nothing to be told of.
    if (view?.state !== 'active') return
    const least = role.role === 'pinner' ? Math.min(view.storagePpm, view.retrievalPpm) : view.reputationPpm
    const low = `R is ${(least / 1e6).toFixed(3)}, below that of a newcomer`
    alerts.set(name, 'reputation', least < NEWCOMER_PPM ? low : null, log)
    const lacks = deposit < registration.deposit
    const isLocked = locked * 10n > deposit * 9n
    const short = lacks
      ? `${deposit} grains are deposited, not ${registration.deposit}`
      : `${locked} of ${deposit} grains are locked`
    alerts.set(name, 'deposit', lacks || isLocked ? short : null, log)
  }

  async #standing(
    { role, participant }: WatchedRole,
    freeBytes: number
  ): Promise<{ standing: RoleStanding; view: RoleView | undefined }> {
    const { chain, publicKey } = participant
    const options = { timeoutMs: ANSWER_MS, signal: this.signal }
    const [account, info] = await Promise.all([chain.account(publicKey, options), chain.info(options)])
    const open = role === 'pinner' ? await chain.challenges(CHALLENGES, options) : []
    const waiting = open.filter(({ state }) => state === 'open')
    const first = waiting.reduce((least, { answerBy }) => Math.min(least, answerBy), Infinity)
    const view = account.roles.find((one) => one.role === role)
    const standing: RoleStanding = {
      balance: account.balance,
      deposit: view?.deposit ?? 0n,
      locked: view?.locked ?? 0n,
      reputationPpm: view?.reputationPpm ?? 0,
      usedBytes: view?.usedBytes ?? 0,
      capacityBytes: view?.capacityBytes ?? 0,
      hypercores: participant.hypercores,
      openChallenges: waiting.length,
      deadlineMs: waiting.length > 0 ? first - info.clockNow : null,
      freeBytes,
      driftMs: this.#options.clock.wall() - info.chain.at,
      awayMs: info.clockNow - (view?.awaySince ?? info.clockNow),
      hasPause: (view?.pause ?? null) !== null,
      shortCopies: view?.shortCopies ?? 0
    }
    return { standing, view }
  }
}
