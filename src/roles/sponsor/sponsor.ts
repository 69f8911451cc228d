import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import crypto from 'hypercore-crypto'
import type { CodecName } from '../../chunk/header.js'
import { ChainError, DatdotError, InputError, SwarmError } from '../../errors.js'
import { Resource } from '../../lifecycle.js'
import type { Plan } from '../../protocol/operations.js'
import { Wakeup } from '../../wait.js'
import { Member, hasCode, type MemberOptions } from '../member.js'
import { planOf } from '../plan.js'
import { wholeCopies } from '../whole-copies.js'
import { ApiKeys } from './api-keys.js'
import { openSponsorDatabase } from './database.js'
import { lookFor, type SignedCore } from './look.js'
import { Pins, type Pin } from './pins.js'
import { PinPurse } from './purse.js'

export interface SponsorOptions extends MemberOptions {
  /** Its database. */
  file: string
  copies: number
  codec: CodecName
}

/** How often is looked at what has changed, and at pins that were whole. */
const LOOK_MS = 1_000
const PINNED_MS = 30_000
/** Hypercores that are looked for at a time: one that nobody serves holds up few others. */
const LOOKS = 4
/** Pins whose state is asked for in one round. */
const CHECKED = 64
/** Longest that one question to the chain may take, so that a chain that is away holds up nothing else. */
const ASK_MS = 30_000

/**
 * Has hypercores kept for clients at the expense of a purse of its own, within their quotas. What speaks a protocol to the clients uses `keys`
 * and `pins`; what they ask for is done here.
 */
export class Sponsor extends Resource {
  readonly #options: SponsorOptions
  readonly #wakeup = new Wakeup()
  readonly #looking = new Set<number>()
  /** What is found, and waits for its turn to be paid. */
  readonly #found = new Map<number, SignedCore[]>()
  #db!: BetterSqlite3.Database
  #member!: Member
  #keys!: ApiKeys
  #pins!: Pins
  #purse!: PinPurse
  #told = ''

  constructor(options: SponsorOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { file, clock, randomBytes, dir } = this.#options
    this.#db = this.own('database', await openSponsorDatabase(file))
    this.#keys = new ApiKeys(this.#db, clock)
    this.#pins = new Pins(this.#db, { clock, randomBytes })
    await rm(join(dir, 'looks'), { recursive: true, force: true })
    this.#member = await this.acquire('member', new Member(this.#options))
    this.#purse = new PinPurse(this.#member.chain, this.#pins)
    this.#member.run('pins', () => this.#work())
  }

  get keys(): ApiKeys {
    return this.#keys
  }

  get pins(): Pins {
    return this.#pins
  }

  /** Account that pins are paid from. */
  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  /** Has it look at once for what is to be done. */
  wake(): void {
    this.#wakeup.wake()
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#member
    while (!signal.aborted) {
      try {
        this.#look()
        await this.#pay()
        await this.#check()
      } catch (error) {
        if (signal.aborted) return
        // A chain that is away comes back; a disk that fails is told, and tried again.
        this.#tell('sponsor.waits', { error: error as Error })
        if (!(error instanceof DatdotError)) log('role.failed', { job: 'pins', error: error as Error })
      }
      await this.#wakeup.wait(clock, LOOK_MS, signal)
    }
  }

  /** Begins to look for what is queued. */
  #look(): void {
    for (const pin of this.#pins.queued(CHECKED)) {
      if (this.#looking.size >= LOOKS) return
      if (this.#looking.has(pin.seq) || this.#found.has(pin.seq)) continue
      this.#looking.add(pin.seq)
      this.#member.run('look', () => this.#lookFor(pin))
    }
  }

  async #lookFor(pin: Pin): Promise<void> {
    const { network, dir, clock, randomBytes } = this.#options
    const { signal } = this.#member
    try {
      const folder = join(dir, 'looks', String(pin.seq))
      const where = { network, dir: folder, clock, randomBytes, signal }
      this.#found.set(pin.seq, await lookFor(pin.cid, pin.origins, where))
    } catch (error) {
      if (signal.aborted) return
      const code = error instanceof SwarmError ? error.code : 'HYPERCORE_UNREACHABLE'
      if (this.#pins.live(pin.seq))
        this.#pins.stand(pin, 'failed', { code, details: (error as Error).message })
      this.#options.log('sponsor.pin-failed', { id: pin.id, code, error: error as Error })
    } finally {
      this.#looking.delete(pin.seq)
      this.wake()
    }
  }

  /** Pays for what is found, one after the other: each payment has the nonce after the one before. */
  async #pay(): Promise<void> {
    const { signal } = this.#member
    for (const payment of this.#pins.signed()) await this.#purse.settle(payment, signal)
    for (const [seq, found] of [...this.#found]) {
      const pin = this.#pins.live(seq)
      if (pin?.status !== 'queued') {
        this.#found.delete(seq)
        continue
      }
      try {
        await this.#payFor(pin, found)
        this.#found.delete(seq)
        this.#options.log('sponsor.paid', { id: pin.id, key: pin.cid, amount: pin.cost })
      } catch (error) {
        if (signal.aborted || !this.#refused(pin, error)) throw error
      }
    }
  }

  async #payFor(pin: Pin, found: readonly SignedCore[]): Promise<void> {
    const { signal } = this.#member
    const sponsored = found.map((one) => ({ ...one, plan: this.#plan(pin) }))
    let payments = this.#pins.payments(pin)
    if (payments.length === 0) {
      const fee = await this.#purse.feeOf(sponsored)
      const amount = (pin.cost - fee) / BigInt(found.length)
      if (amount <= 0n) {
        throw new InputError('PIN_TOO_SMALL', `a pin costs ${pin.cost} grains, and its fees are ${fee}`)
      }
      // It may have been deleted meanwhile.
      if (this.#pins.live(pin.seq)?.status !== 'queued') return
      payments = this.#pins.payments(
        pin,
        found.map(({ key }) => key),
        amount
      )
    }
    for (const payment of payments) {
      if (payment.paid) continue
      const one = sponsored.find(({ key }) => key.equals(payment.hypercore))
      if (!one) throw new SwarmError('HYPERCORE_UNREACHABLE', 'one of its hypercores is not found any more')
      await this.#purse.pay(payment, one.original, one.plan, signal)
    }
    if (this.#pins.live(pin.seq)) this.#pins.stand(pin, 'pinning')
  }

  /** Says of a pin why it was not paid; false if that is not about this pin. */
  #refused(pin: Pin, error: unknown): boolean {
    if (hasCode(error, 'BALANCE_TOO_LOW', 'FEE_UNPAID')) {
      const details = `the purse of this node is short: ${(error as Error).message}`
      if (this.#pins.live(pin.seq)) this.#pins.stand(pin, 'queued', { code: 'PIN_WAITS_FOR_PURSE', details })
      this.#tell('sponsor.purse-short', { key: this.publicKey })
      return true
    }
    // Registered or lapsed between asking and paying: the next round sees it.
    if (hasCode(error, 'HYPERCORE_KNOWN', 'HYPERCORE_LAPSED', 'PAYMENT_OPEN')) return true
    const isFinal = error instanceof ChainError || hasCode(error, 'PIN_TOO_SMALL', 'HYPERCORE_UNREACHABLE')
    if (!isFinal) return false
    const { code, message } = error as DatdotError
    this.#found.delete(pin.seq)
    if (this.#pins.live(pin.seq)) this.#pins.stand(pin, 'failed', { code, details: message })
    this.#options.log('sponsor.pin-failed', { id: pin.id, code, error: error as Error })
    return true
  }

  /** Asks the chain how far pins are that are paid for. */
  async #check(): Promise<void> {
    const now = this.#options.clock.wall()
    const due = [
      ...this.#pins.toCheck('pinning', now, CHECKED),
      ...this.#pins.toCheck('pinned', now - PINNED_MS, CHECKED)
    ]
    for (const pin of due) {
      let [whole, wanted, lapsed] = [0, 0, false]
      for (const { hypercore } of this.#pins.payments(pin)) {
        const { signal } = this.#member
        const view = await this.#member.chain.hypercore(hypercore, { timeoutMs: ASK_MS, signal })
        lapsed ||= !view || view.state === 'lapsed'
        whole += view ? wholeCopies(view) : 0
        wanted += view?.wanted ?? 0
      }
      if (!this.#pins.live(pin.seq)) continue
      if (lapsed) {
        this.#pins.stand(pin, 'failed', {
          code: 'HYPERCORE_LAPSED',
          details: 'nothing is left to pay for it'
        })
      } else this.#pins.stand(pin, whole >= wanted ? 'pinned' : 'pinning', { whole, wanted })
    }
  }

  #plan({ cid, origins }: Pin): Plan {
    const { copies, codec } = this.#options
    return planOf(copies, codec, crypto.discoveryKey(origins[0] ?? cid))
  }

  /** Says what it waits for once, and again when that has changed. */
  #tell(event: string, facts: { error?: Error; key?: Buffer }): void {
    const words = `${event} ${facts.error?.message ?? ''}`
    if (words !== this.#told) this.#options.log(event, facts)
    this.#told = words
  }
}
