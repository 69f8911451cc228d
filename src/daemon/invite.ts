import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import * as idEncoding from 'hypercore-id-encoding'
import { ChainClient } from '../client/client.js'
import type { Clock } from '../clock.js'
import { keyPairFromSeed, type KeyPair } from '../crypto/keys.js'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { costOf } from '../roles/fee.js'
import { createDht, type Network } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'

/** Where the inviter keeps the codes that it gave out, to take back what nobody used. */
const FILE = 'invites.jsonl'

/** A new code: the seed of an account, which whoever has the code may spend. */
export function newInvite(randomBytes: (length: number) => Buffer): { code: string; keyPair: KeyPair } {
  const seed = randomBytes(32)
  return { code: idEncoding.encode(seed), keyPair: keyPairFromSeed(seed) }
}

/** Roles that somebody who is invited may begin at once. */
const ROLES_INVITED = 3

/** What joining burns beside the deposits, at most: each role takes what it lacks and registers, and the rest goes to a wallet. */
export async function feesOfJoining(chain: ChainClient, amount: bigint): Promise<bigint> {
  const taken = { kind: 'transfer' as const, body: { to: chain.publicKey, amount } }
  const body = { role: 'pinner' as const, capacityBytes: 2 ** 44, deposit: amount, payout: chain.publicKey }
  const joined = Array.from({ length: ROLES_INVITED }, () => [taken, { kind: 'register' as const, body }])
  return (await costOf(chain, [...joined.flat(), taken])).fee
}

/** The account of a code. @throws InputError INVITE_INVALID */
export function keyPairOfInvite(code: string): KeyPair {
  if (!idEncoding.isValid(code)) {
    throw new InputError('INVITE_INVALID', 'this is no code that datdot invite has printed')
  }
  return keyPairFromSeed(idEncoding.decode(code))
}

/** Keeps a code in the folder of who gave it out, readable by its owner only. */
export async function keepInvite(dir: string, code: string): Promise<void> {
  await appendFile(join(dir, FILE), JSON.stringify({ code }) + '\n', { mode: 0o600 })
}

/** Codes that were given out from this folder. */
export async function keptInvites(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { code: string }).code)
}

export interface PurseOptions {
  network: Network
  chainKey: Buffer
  keyPair: KeyPair
  clock: Clock
  randomBytes: (length: number) => Buffer
}

/** An account that is only paid from: of an invite's code. */
export class Purse extends Resource {
  readonly #options: PurseOptions
  #dht!: HyperDHT
  #chain!: ChainClient

  constructor(options: PurseOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { network, chainKey, keyPair, clock, randomBytes } = this.#options
    const dht = (this.#dht = createDht(network))
    this.owe('DHT', () => leave(dht))
    await dht.ready()
    this.#chain = this.own(
      'chain',
      new ChainClient({
        chainKey,
        keyPair,
        connect: () => this.#dht.connect(chainKey, { keyPair }),
        heartbeat: true,
        clock,
        random: () => randomBytes(4).readUInt32LE() / 2 ** 32
      })
    )
  }

  /** Grains that it holds. */
  async balance(): Promise<bigint> {
    return (await this.#chain.account(this.#options.keyPair.publicKey)).balance
  }

  /** Moves up to `most` grains, all without it, as far as it has them beside the fee; returns how many. */
  async pay(to: Buffer, most?: bigint): Promise<bigint> {
    const held = await this.balance()
    const { fee } = await costOf(this.#chain, [{ kind: 'transfer', body: { to, amount: held } }])
    const left = held > fee ? held - fee : 0n
    const amount = most === undefined || most > left ? left : most
    if (amount > 0n) await this.#chain.transfer(to, amount)
    return amount
  }
}
