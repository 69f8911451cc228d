import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import Protomux from 'protomux'
import { toHex } from '../bytes.js'
import type { Clock } from '../clock.js'
import { SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { amount, decode, encode, struct } from '../protocol/codec.js'
import { Member, type MemberOptions } from '../roles/member.js'
import type { KeyPair } from '../crypto/keys.js'
import { connectTo } from '../swarm/host.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import { ClientChannel, ServerChannel } from '../swarm/rpc-channel.js'

const PROTOCOL = 'datdot/faucet/1'
/** Method: tokens for the key that the connection was made with. */
const GRANT = 1
const empty = struct({})
const granted = struct({ amount })

/** Grants of one day to one address: a few machines behind one NAT. */
const PER_HOST = 16
const DAY_MS = 86_400_000
/** A newcomer asks for nothing else. */
const QUOTAS = { perSecond: 1, burst: 8, inFlight: 2 }

export interface FaucetLimits {
  /** Grains for each newcomer. */
  grant: bigint
  /** Most grains in any 24 hours. */
  daily: bigint
}

/** What was given, as a line of the faucet's file. */
interface Grant {
  at: number
  key: string
  host: string
  amount: string
}

/**
 * A service of the chain's operator, which no rule of the chain knows: gives newcomers their first tokens, from an account of its
 * own, within daily limits that a restart does not forget. On connections to the chain's key.
 */
export class Faucet extends Resource {
  readonly #options: MemberOptions
  #limits: FaucetLimits
  readonly #file: string
  readonly #channels = new Set<ServerChannel>()
  #grants: Grant[] = []
  #member!: Member
  /** One at a time, so that limits are looked at with all before counted. */
  #last: Promise<unknown> = Promise.resolve()

  constructor({ limits, ...options }: MemberOptions & { limits: FaucetLimits }) {
    super()
    this.#options = options
    this.#limits = limits
    this.#file = join(options.dir, 'grants.jsonl')
  }

  protected async start(): Promise<void> {
    this.owe('channels', () => this.#channels.forEach((channel) => channel.close()))
    this.#member = await this.acquire('member', new Member(this.#options))
    const kept = await readFile(this.#file, 'utf8').catch(() => '')
    this.#grants = kept.split('\n').flatMap(readGrant)
  }

  /** Gives within other limits from now on. */
  change(limits: FaucetLimits): void {
    this.#limits = limits
  }

  /** Offers the service on a connection. */
  accept(connection: PeerStream): void {
    const mux = Protomux.from(connection)
    mux.pair({ protocol: PROTOCOL }, () => {
      if (this.signal.aborted) return
      const key = connection.remotePublicKey
      const host = (connection as HyperDHT.Connection).rawStream.remoteHost
      const answer = async (): Promise<Uint8Array> => {
        const turn = this.#last.then(() => this.#grant(key, host))
        this.#last = turn.catch(() => {})
        return encode(granted, { amount: await turn })
      }
      const channel: ServerChannel = new ServerChannel(mux, PROTOCOL, {
        handlers: new Map([[GRANT, answer]]),
        clock: this.#options.clock,
        quotas: QUOTAS,
        onclose: () => this.#channels.delete(channel)
      })
      this.#channels.add(channel)
    })
  }

  async #grant(key: Buffer, host: string): Promise<bigint> {
    const { chain, signal, log } = this.#member
    const { clock } = this.#options
    const { grant, daily } = this.#limits
    const id = toHex(key)
    const now = clock.wall()
    const account = await chain.account(key, { signal })
    if (account.nonce > 0 || account.balance > 0n || this.#grants.some((one) => one.key === id)) {
      throw new SwarmError('FAUCET_KNOWN', 'The faucet gives to newcomers only, and once')
    }
    const today = this.#grants.filter(({ at }) => at > now - DAY_MS)
    const given = today.reduce((sum, one) => sum + BigInt(one.amount), 0n)
    if (given + grant > daily || today.filter((one) => one.host === host).length >= PER_HOST) {
      throw new SwarmError('FAUCET_EMPTY', 'The faucet has given what it may today; ask again tomorrow')
    }
    const one: Grant = { at: now, key: id, host, amount: grant.toString() }
    // Noted before it is paid: a crash between the two gives too little, never too much.
    this.#grants.push(one)
    await appendFile(this.#file, JSON.stringify(one) + '\n', { mode: 0o600 })
    await chain.transfer(key, grant)
    log('faucet.granted', { key, amount: grant })
    return grant
  }
}

/**
 * Asks the faucet of a chain's operator for tokens for a key. Returns the grains that it gave.
 *
 * @throws SwarmError FAUCET_NONE, FAUCET_KNOWN, FAUCET_EMPTY, PEER_UNREACHABLE
 */
export async function askFaucet(
  dht: HyperDHT,
  {
    chainKey,
    keyPair,
    clock,
    signal
  }: { chainKey: Buffer; keyPair: KeyPair; clock: Clock; signal: AbortSignal }
): Promise<bigint> {
  const timeoutMs = 15_000
  const connection = await connectTo(dht, chainKey, keyPair, { clock, timeoutMs, signal })
  try {
    const channel = new ClientChannel(Protomux.from(connection), PROTOCOL, { clock })
    if (!(await channel.opened())) throw new SwarmError('FAUCET_NONE', 'This chain has no faucet')
    return decode(granted, await channel.request(GRANT, encode(empty, {}), { timeoutMs, signal })).amount
  } finally {
    connection.destroy()
  }
}

/** A line that a crash cut off is none. */
function readGrant(line: string): Grant[] {
  try {
    return [JSON.parse(line) as Grant]
  } catch {
    return []
  }
}
