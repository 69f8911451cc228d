import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import { ChainClient } from '../client/client.js'
import { ReceiptFile } from '../client/receipt-file.js'
import { equal } from '../bytes.js'
import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import { SwarmError, type ErrorCode } from '../errors.js'
import { Resource } from '../lifecycle.js'
import type { LogValue, Logger } from '../log.js'
import type { Effect, EffectKind } from '../protocol/effects.js'
import type { RoleName } from '../protocol/operations.js'
import type { RoleView } from '../protocol/views.js'
import { createDht, type Network } from '../swarm/dht.js'
import { loadIdentity } from '../swarm/identity.js'
import { leave } from '../swarm/leave.js'
import { pause } from '../wait.js'
import { costOf } from './fee.js'
import { WorkLoop } from './work-loop.js'

/** What every role needs to take part. */
export interface MemberOptions {
  /** Folder of this role: its identity and all that it keeps. */
  dir: string
  network: Network
  /** Public key of the chain, under which it is reached. */
  chainKey: Buffer
  clock: Clock
  randomBytes: (length: number) => Buffer
  log: Logger
  /** Of several folders with this identity the one that speaks: the chain lets one at a time. Not told without it. */
  instance?: Uint8Array | undefined
  /** Tries to get what a role lacks to register, and returns the grains that came; asked again and again while it waits. */
  fund?: (shortage: Shortage) => Promise<bigint>
}

/** What a role lacks to register. */
export interface Shortage {
  keyPair: KeyPair
  dht: HyperDHT
  /** Grains. */
  missing: bigint
  signal: AbortSignal
}

/** How a role registers: most encoded bytes (0 where it does not matter) and tokens that it stands in with. */
export interface Registration {
  capacityBytes: number
  deposit: bigint
  /** Account that rewards and the deposit go to; its own without it. */
  payout?: Uint8Array | undefined
}

/** How often who waits to be registered looks whether it can be. */
const REGISTER_AGAIN_MS = 2_000

/**
 * One participant: an identity, a DHT node, a connection to the chain, and the work that the chain's log calls for. Closing it stops
 * following and working, and leaves the network.
 */
export class Member extends Resource {
  readonly options: MemberOptions
  #keyPair!: KeyPair
  #dht!: HyperDHT
  #chain!: ChainClient
  #work!: WorkLoop
  /** How each role is to be registered, and who is at it. */
  readonly #wanted = new Map<RoleName, Registration>()
  readonly #registering = new Map<RoleName, Promise<void>>()

  /** Opening throws InputError for an identity that cannot be used (src/swarm/identity.ts). */
  constructor(options: MemberOptions) {
    super()
    this.options = options
  }

  protected async start(): Promise<void> {
    const { dir, network, chainKey, clock, log, randomBytes, instance } = this.options
    const keyPair = (this.#keyPair = await loadIdentity(dir, randomBytes))
    const dht = (this.#dht = createDht(network))
    this.owe('DHT', () => leave(dht))
    const path = join(dir, 'receipts.jsonl')
    const receipts = await this.acquire('receipts', new ReceiptFile({ path, log }))
    const chain = new ChainClient({
      chainKey,
      keyPair,
      receipts,
      connect: () => dht.connect(chainKey, { keyPair }),
      heartbeat: true,
      instance,
      clock,
      random: () => randomBytes(4).readUInt32LE() / 2 ** 32
    })
    this.#chain = chain
    const work = (this.#work = new WorkLoop({ chain, clock, log, signal: this.signal }))
    this.owe('work', () => work.idle())
    this.own('chain', chain)
  }

  get keyPair(): KeyPair {
    return this.#keyPair
  }

  get dht(): HyperDHT {
    return this.#dht
  }

  get chain(): ChainClient {
    return this.#chain
  }

  get log(): Logger {
    return this.options.log
  }

  /**
   * Registers a role, or has the chain know another capacity and a higher deposit. Who has not the tokens, or finds no chain, waits
   * and goes on when that has changed; the log says what for. Whoever asks for something else meanwhile changes what is waited for.
   */
  register(role: RoleName, wanted: Registration): Promise<void> {
    this.#wanted.set(role, wanted)
    const running =
      this.#registering.get(role) ?? this.#register(role).finally(() => this.#registering.delete(role))
    this.#registering.set(role, running)
    return running
  }

  async #register(role: RoleName): Promise<void> {
    const { log, clock, fund } = this.options
    const { signal, keyPair, dht } = this
    let told: string | undefined
    const tell = (event: string, facts: Record<string, LogValue>): void => {
      const words = JSON.stringify([event, facts.missing?.toString()])
      if (words !== told) log(event, facts)
      told = words
    }
    for (;;) {
      signal.throwIfAborted()
      const wanted = this.#wanted.get(role)!
      try {
        const account = await this.chain.account(keyPair.publicKey, { signal })
        const known = account.roles.find((one) => one.role === role)
        const fee = await this.#feeOf(role, wanted)
        if (wanted.payout && known && !isPaidTo(known, wanted.payout)) {
          tell('role.payout-other', { key: keyPair.publicKey, payout: known.payout })
        }
        const next = stepOf(known, { ...wanted, fee }, account.balance)
        if (next.kind === 'register') {
          await this.chain.register(role, next.capacityBytes, next.deposit, next.payout)
          const { capacityBytes } = next
          log('role.registered', { key: keyPair.publicKey, deposit: wanted.deposit, capacityBytes })
        }
        if (next.kind !== 'wait') {
          if (this.#wanted.get(role) === wanted) return
          continue
        }
        if (await fund?.({ keyPair, dht, missing: next.missing, signal })) continue
        tell('role.waiting', { key: keyPair.publicKey, balance: account.balance, missing: next.missing })
      } catch (error) {
        signal.throwIfAborted()
        // What it had is spent between asking and registering: it is looked at again.
        if (!hasCode(error, 'BALANCE_TOO_LOW', 'FEE_UNPAID')) {
          if (!(error instanceof SwarmError)) throw error
          if (error.code === 'INSTANCE_ELSEWHERE') tell('role.elsewhere', { key: keyPair.publicKey })
          else tell('role.no-chain', { key: this.options.chainKey, code: error.code })
        }
      }
      await pause(clock, REGISTER_AGAIN_MS, signal)
    }
  }

  /** What registering burns, at most. */
  async #feeOf(role: RoleName, { capacityBytes, deposit }: Registration): Promise<bigint> {
    const body = { role, capacityBytes, deposit, payout: this.keyPair.publicKey }
    return (await costOf(this.chain, [{ kind: 'register', body }])).fee
  }

  /** Calls `work` when the log says so: see WorkLoop.follow. */
  follow(
    wakers: readonly (EffectKind | 'tick')[],
    work: () => Promise<void>,
    hear?: (effects: readonly Effect[] | null) => void
  ): void {
    this.#work.follow(wakers, work, hear)
  }

  /** Has the role look again for what is to be done. */
  wake(): void {
    this.#work.wake()
  }

  /** Runs a job until it ends or the member closes, which waits for it. */
  run(name: string, job: () => Promise<void>): void {
    this.#work.run(name, job)
  }

  /** Waits, but not beyond the member's end. */
  pause(ms: number): Promise<void> {
    return this.#work.pause(ms)
  }
}

type Step =
  | { kind: 'done' }
  | { kind: 'register'; capacityBytes: number; deposit: bigint; payout: Uint8Array | null }
  | { kind: 'wait'; missing: bigint }

/** What there is to do so that the chain knows a role as it is wanted. */
function stepOf(
  known: RoleView | undefined,
  { capacityBytes, deposit, fee, payout: wantedPayout }: Registration & { fee: bigint },
  balance: bigint
): Step {
  // Who is leaving goes on with what it has.
  if (known?.state === 'retiring') return { kind: 'done' }
  const active = known?.state === 'active' ? known : undefined
  const lacking = deposit > (active?.deposit ?? 0n) ? deposit - (active?.deposit ?? 0n) : 0n
  const short = lacking + fee > balance
  if (short && !active) return { kind: 'wait', missing: lacking + fee - balance }
  const capacity = Math.max(capacityBytes, active?.usedBytes ?? 0)
  const more = short ? 0n : lacking
  const own = !known || equal(known.payout, known.key)
  // Another account than the own one is changed by that one alone.
  const payout = wantedPayout && own && !(known && equal(wantedPayout, known.payout)) ? wantedPayout : null
  // It works with what the chain knows until it earns the fee of saying more.
  if (active && short && fee > balance) return { kind: 'done' }
  if (active && more === 0n && active.capacityBytes === capacity && !payout) return { kind: 'done' }
  return { kind: 'register', capacityBytes: capacity, deposit: more, payout }
}

/** Whether a role pays out to an account, or may be told to by its own key. */
function isPaidTo({ key, payout }: RoleView, wanted: Uint8Array): boolean {
  return equal(payout, wanted) || equal(payout, key)
}

/** Whether an error carries one of these codes, whoever threw it. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return codes.some((other) => other === code)
}
