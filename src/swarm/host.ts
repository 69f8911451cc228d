import type Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type { KeyPair } from '../crypto/keys.js'
import { SwarmError } from '../errors.js'
import { createDht, type Network } from './dht.js'
import { leave } from './leave.js'

/** Connections that a host holds at most; readers beyond them are turned away and come back. */
const MAX_CONNECTIONS = 256

/** Attaches what a host offers beside replication to one connection. */
export type Attach = (connection: HyperDHT.Connection) => void

export interface HostOptions {
  network: Network
  keyPair: KeyPair
  /** Replicated on every connection. */
  store: Corestore
  attach?: Attach
}

/**
 * A pinner's place on the swarm: reachable under its identity, serving its store to whoever looks for one of the
 * hypercores that it announces, with channels of its own beside replication on the same connections.
 */
export class SwarmHost {
  readonly dht: HyperDHT
  readonly #swarm: Hyperswarm

  constructor({ network, keyPair, store, attach }: HostOptions) {
    this.dht = createDht(network)
    this.#swarm = new Hyperswarm({ dht: this.dht, keyPair, maxPeers: MAX_CONNECTIONS })
    this.#swarm.on('connection', (connection) => {
      connection.on('error', () => {})
      attach?.(connection)
      store.replicate(connection)
    })
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#swarm.connections.size
  }

  /** Accepts connections to the identity's key. */
  listen(): Promise<void> {
    return this.#swarm.listen()
  }

  /** Announces a hypercore; resolves when readers can find it. */
  async announce(discoveryKey: Buffer): Promise<void> {
    await this.#swarm.join(discoveryKey, { server: true, client: false }).flushed()
  }

  /** Announces it no more. */
  async withdraw(discoveryKey: Buffer): Promise<void> {
    await this.#swarm.leave(discoveryKey)
  }

  /** Leaves the swarm, in bounded time; the store stays open. */
  async close(): Promise<void> {
    await leave(this.#swarm)
  }
}

/**
 * Opens an encrypted connection to a peer's key.
 *
 * @throws SwarmError PEER_UNREACHABLE
 */
export async function connectTo(
  dht: HyperDHT,
  publicKey: Buffer,
  keyPair: KeyPair,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }
): Promise<HyperDHT.Connection> {
  signal?.throwIfAborted()
  const connection = dht.connect(publicKey, { keyPair })
  let failure: Error | undefined
  connection.on('error', (error) => (failure = error))
  const timer = setTimeout(() => connection.destroy(), timeoutMs)
  const abort = (): void => void connection.destroy()
  signal?.addEventListener('abort', abort)
  try {
    if (await connection.opened) return connection
    signal?.throwIfAborted()
    throw unreachable(publicKey, failure?.message ?? `no answer within ${timeoutMs} ms`)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

export function unreachable(publicKey: Buffer, why: string): SwarmError {
  return new SwarmError('PEER_UNREACHABLE', `Peer ${publicKey.toString('hex')} cannot be reached: ${why}`)
}
