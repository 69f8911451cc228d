import type HyperDHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import type { KeyPair } from '../crypto/keys.js'
import { systemClock } from '../clock.js'
import { Resource } from '../lifecycle.js'
import { ConnectionGate } from '../swarm/gate.js'
import { leave } from '../swarm/leave.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import { unlessAborted } from '../wait.js'

/** Connections of clients and of those who follow the cores; the least useful give way to new ones, members last. */
const LIMITS = { all: 1_024, perKey: 8, perAddress: 256, unfinishedBytes: 64 << 20 }

export interface ChainHostOptions {
  /** The chain's key, under which it is reached. */
  keyPair: KeyPair
  /** Serves the cores; it is left when this closes. Its own key pair must be another one than the chain's. */
  swarm: Hyperswarm
  stores: {
    cores: Record<'log' | 'evidence', { discoveryKey: Buffer }>
    replicate(connection: object): void
  }
  /** Offers the chain's protocol on a connection. */
  accept: (connection: PeerStream) => void
  /** Whether a key is that of an account, whose connections go last where there are too many. */
  knows?: (key: Uint8Array) => boolean
}

/** A chain's place on the swarm: it is reached under its key, and whoever looks for its cores finds them here. */
export class ChainHost extends Resource {
  readonly #options: ChainHostOptions
  readonly #connections = new Set<PeerStream>()

  constructor(options: ChainHostOptions) {
    super()
    const { swarm, keyPair } = options
    if (swarm.keyPair.publicKey.equals(keyPair.publicKey)) {
      throw new RangeError('the swarm of a chain needs a key pair of its own')
    }
    this.#options = options
    this.owe('swarm', () => leave(swarm))
  }

  protected async start(): Promise<void> {
    const { swarm, keyPair, stores, accept } = this.#options
    this.owe('connections', () => {
      for (const connection of this.#connections) connection.destroy()
    })
    const { knows } = this.#options
    const gate = new ConnectionGate({
      ...LIMITS,
      clock: systemClock,
      ...(knows && { keeps: ({ remotePublicKey }) => knows(remotePublicKey) })
    })
    swarm.on('connection', (connection) => {
      if (gate.admit(connection)) this.#serve(connection)
    })
    const firewall = (key: Uint8Array): boolean => gate.refuses(key)
    const listener: HyperDHT.Server = swarm.dht.createServer({ firewall }, (connection) => {
      connection.on('error', () => {})
      if (gate.admit(connection) && this.#serve(connection)) accept(connection)
    })
    this.own('listener', listener)
    await unlessAborted(listener.listen(keyPair), this.signal)
    for (const { discoveryKey } of Object.values(stores.cores)) {
      swarm.join(discoveryKey, { server: true, client: false })
    }
  }

  /** Returns false once this is closing. */
  #serve(connection: PeerStream): boolean {
    // A peer that goes away is no error of the chain's.
    connection.on('error', () => {})
    if (this.signal.aborted) {
      connection.destroy()
      return false
    }
    this.#connections.add(connection)
    connection.once('close', () => this.#connections.delete(connection))
    this.#options.stores.replicate(connection)
    return true
  }
}
