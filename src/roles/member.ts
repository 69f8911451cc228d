import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import { ChainClient } from '../client/client.js'
import { ReceiptFile } from '../client/receipt-file.js'
import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import type { ErrorCode } from '../errors.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import type { Effect, EffectKind } from '../protocol/effects.js'
import type { RoleName } from '../protocol/operations.js'
import { createDht, type Network } from '../swarm/dht.js'
import { loadIdentity } from '../swarm/identity.js'
import { leave } from '../swarm/leave.js'
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
}

/** How a role registers: most encoded bytes (0 where it does not matter) and tokens that it stands in with. */
export interface Registration {
  capacityBytes: number
  deposit: bigint
}

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

  /** Opening throws InputError for an identity that cannot be used (src/swarm/identity.ts). */
  constructor(options: MemberOptions) {
    super()
    this.options = options
  }

  protected async start(): Promise<void> {
    const { dir, network, chainKey, clock, log, randomBytes } = this.options
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

  /** Registers a role unless the chain knows it already. */
  async register(role: RoleName, { capacityBytes, deposit }: Registration): Promise<void> {
    const { roles } = await this.chain.account(this.keyPair.publicKey)
    if (roles.some((known) => known.role === role && known.state === 'active')) return
    await this.chain.register(role, capacityBytes, deposit)
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

/** Whether an error carries one of these codes, whoever threw it. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return codes.some((other) => other === code)
}
