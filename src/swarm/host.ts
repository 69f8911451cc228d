import type Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { systemClock, type Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import { DatdotError, SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { deadline, unlessAborted } from '../wait.js'
import { createReachableDht, type Network } from './dht.js'
import { ConnectionGate } from './gate.js'
import { leave } from './leave.js'
import { toHex } from '../bytes.js'

const MAX_CONNECTIONS = 256
const MAX_PER_KEY = 4
const MAX_PER_ADDRESS = 128
/** Bytes of messages that have begun and not ended. */
const UNFINISHED_BYTES = 64 << 20

/** Attaches what a host offers beside replication to one connection. */
export type Attach = (connection: HyperDHT.Connection) => void

export interface HostOptions {
  network: Network
  keyPair: KeyPair
  /** Replicated on every connection. */
  store: Corestore
  attach?: Attach
  /** How many may be connected. */
  limits?: ConnectionLimits | undefined
}

/** Connections that a host holds; the least useful give way to new ones. */
export interface ConnectionLimits {
  /** In all. Default: 256. */
  all?: number | undefined
  /** With one peer. Default: 4. */
  perPeer?: number | undefined
}

/**
 * A pinner's place on the swarm: reachable under its identity, serving its store to whoever looks for one of the
 * hypercores that it announces, with channels of its own beside replication on the same connections.
 */
export class SwarmHost extends Resource {
  readonly #options: HostOptions
  #swarm: Hyperswarm | undefined
  #gate: ConnectionGate | undefined

  constructor(options: HostOptions) {
    super()
    this.#options = options
  }

  /** Accepts connections to the identity's key. The store stays its owner's. */
  protected async start(): Promise<void> {
    const { network, keyPair, store, attach } = this.#options
    const dht = await createReachableDht(network)
    const gate = new ConnectionGate({
      ...limitsOf(this.#options.limits),
      perAddress: MAX_PER_ADDRESS,
      unfinishedBytes: UNFINISHED_BYTES,
      clock: systemClock
    })
    this.#gate = gate
    const swarm = new Hyperswarm({
      dht,
      keyPair,
      maxPeers: MAX_CONNECTIONS,
      firewall: (key) => gate.refuses(key)
    })
    this.#swarm = swarm
    this.owe('swarm', () => leave(swarm))
    swarm.on('connection', (connection) => {
      connection.on('error', () => {})
      if (!gate.admit(connection)) return
      attach?.(connection)
      store.replicate(connection)
    })
    await unlessAborted(swarm.listen(), this.signal)
  }

  /** The swarm, once it is open, for whoever counts. */
  get swarm(): Hyperswarm {
    return this.#open()
  }

  /** Holds so many connections from now on. */
  limit(limits: ConnectionLimits | undefined): void {
    this.#gate?.limit(limitsOf(limits))
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#swarm?.connections.size ?? 0
  }

  /** Announces a hypercore; resolves when readers can find it. */
  async announce(discoveryKey: Uint8Array): Promise<void> {
    await this.#open().join(discoveryKey, { server: true, client: false }).flushed()
  }

  /** Announces it no more. */
  async withdraw(discoveryKey: Uint8Array): Promise<void> {
    await this.#open().leave(discoveryKey)
  }

  #open(): Hyperswarm {
    this.signal.throwIfAborted()
    if (!this.#swarm) throw new DatdotError('NOT_OPEN', 'this host is not open yet')
    return this.#swarm
  }
}

function limitsOf({ all = MAX_CONNECTIONS, perPeer = MAX_PER_KEY }: ConnectionLimits = {}): {
  all: number
  perKey: number
} {
  return { all, perKey: perPeer }
}

/**
 * Opens an encrypted connection to a peer's key.
 *
 * @throws SwarmError PEER_UNREACHABLE; the signal's reason
 */
export async function connectTo(
  dht: HyperDHT,
  publicKey: Uint8Array,
  keyPair: KeyPair,
  { clock, timeoutMs, signal }: { clock: Clock; timeoutMs: number; signal?: AbortSignal | undefined }
): Promise<HyperDHT.Connection> {
  signal?.throwIfAborted()
  const connection = dht.connect(publicKey, { keyPair })
  let failure: Error | undefined
  connection.on('error', (error) => (failure = error))
  const error = (): SwarmError =>
    unreachable(publicKey, failure?.message ?? `no answer within ${timeoutMs} ms`)
  try {
    const opened = await deadline(connection.opened, { clock, ms: timeoutMs, signal, error })
    if (!opened) throw error()
    return connection
  } catch (failed) {
    connection.destroy()
    throw failed
  }
}

export function unreachable(publicKey: Uint8Array, why: string): SwarmError {
  return new SwarmError('PEER_UNREACHABLE', `Peer ${toHex(publicKey)} cannot be reached: ${why}`)
}
