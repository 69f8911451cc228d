import type HyperDHT from 'hyperdht'
import { ChainClient } from '../client/client.js'
import type { Effect, EffectKind } from '../protocol/effects.js'
import type { RoleName } from '../protocol/operations.js'
import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import { DatdotError, type ErrorCode } from '../errors.js'
import type { Logger } from '../log.js'
import { createDht, type Network } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'
import { loadIdentity } from '../swarm/identity.js'

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
}

/** How a role registers: most encoded bytes (0 where it does not matter) and tokens that it stands in with. */
export interface Registration {
  capacityBytes: number
  deposit: bigint
}

/** Looks again even if nothing was heard: what was missed in an outage is still to be done. */
const LOOK_AGAIN_MS = 10_000
/** Pause after work that failed for a reason that may pass. */
const RETRY_MS = 250

/**
 * One participant: an identity, a DHT node and a connection to the chain. It follows the log and calls its role
 * to work when something happened that concerns it; the role then asks the chain what is to be done.
 */
export class Member {
  readonly keyPair: KeyPair
  readonly dht: HyperDHT
  readonly chain: ChainClient
  readonly options: MemberOptions
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #wake: (() => void) | undefined
  #woken = true

  private constructor(options: MemberOptions, keyPair: KeyPair) {
    this.options = options
    this.keyPair = keyPair
    this.dht = createDht(options.network)
    this.chain = new ChainClient({
      chainKey: options.chainKey,
      keyPair,
      connect: () => this.dht.connect(options.chainKey, { keyPair }),
      now: () => performance.now(),
      random: () => options.randomBytes(4).readUInt32LE() / 2 ** 32
    })
  }

  /** @throws InputError for an identity that cannot be used (src/swarm/identity.ts) */
  static async open(options: MemberOptions): Promise<Member> {
    return new Member(options, await loadIdentity(options.dir, options.randomBytes))
  }

  /** Aborted when the member closes. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get log(): Logger {
    return this.options.log
  }

  /** Registers a role unless the chain knows it already. */
  async register(role: RoleName, { capacityBytes, deposit }: Registration): Promise<void> {
    const { roles } = await this.chain.account(this.keyPair.publicKey)
    if (roles.some((known) => known.role === role && known.state === 'active')) return
    await this.chain.register(role, capacityBytes, deposit)
  }

  /**
   * Calls `work` now, and whenever an entry of the log has one of these effects (`'tick'`: at every tick). One
   * call at a time; what throws is logged and tried again. `hear` is told the effects of each entry, and null when some may
   * have been missed: at first, after following failed, and for an entry whose effects are too large to be sent.
   */
  follow(
    wakers: readonly (EffectKind | 'tick')[],
    work: () => Promise<void>,
    hear: (effects: readonly Effect[] | null) => void = () => {}
  ): void {
    const kinds = new Set<string>(wakers)
    this.#background('follow', async () => {
      const { chain } = await this.chain.info({ timeoutMs: 60_000, signal: this.signal })
      hear(null)
      for await (const { operation, effects } of this.chain.events({
        from: chain.length,
        signal: this.signal
      })) {
        hear(effects && effects.effects)
        const concerns = effects === null || effects.effects.some(({ kind }) => kinds.has(kind))
        if (concerns || (operation.kind === 'tick' && kinds.has('tick'))) this.wake()
      }
    })
    this.#background('work', async () => {
      for (;;) {
        await this.#woke()
        await work()
      }
    })
  }

  /** Has the role look again for what is to be done. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Runs a job until it ends or the member closes; `close` waits for it. */
  run(name: string, job: () => Promise<void>): void {
    const running = job()
      .catch((error: unknown) => this.#failed(name, error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Stops following and working, and leaves the network. */
  async close(): Promise<void> {
    this.#stop.abort(new DatdotError('CLOSED', 'this role was closed'))
    this.#wake?.()
    await this.chain.close()
    await Promise.all(this.#running)
    await leave(this.dht)
  }

  /** Waits for a reason to look, or until it is time to look anyway. */
  async #woke(): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN_MS)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = undefined
    }
    this.signal.throwIfAborted()
    this.#woken = false
  }

  /** Runs a job that should never end; begins it again when it fails. */
  #background(name: string, job: () => Promise<void>): void {
    this.run(name, async () => {
      while (!this.signal.aborted) {
        try {
          await job()
        } catch (error) {
          this.#failed(name, error)
          this.#woken = true
          await this.pause(RETRY_MS)
        }
      }
    })
  }

  /** Waits, but not beyond the member's end. */
  async pause(ms: number): Promise<void> {
    if (this.signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.signal.addEventListener('abort', done)
    })
  }

  #failed(name: string, error: unknown): void {
    if (!this.signal.aborted) this.log('role.failed', { job: name, error: error as Error })
  }
}

/** Whether an error carries one of these codes, whoever threw it. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return codes.some((other) => other === code)
}
