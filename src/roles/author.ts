import { join } from 'node:path'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import { publish } from '../drive/publish.js'
import type { Source } from '../drive/scan.js'
import { leave } from '../swarm/leave.js'

export interface AuthorOptions {
  dir: string
  bootstrap: HyperDHT.Address[]
  /** Address to bind that others reach without a NAT, for a DHT that lives on loopback. */
  host?: string | undefined
  randomBytes: (length: number) => Buffer
}

/** What an author announces: the drive's key, which is also its metadata hypercore's, and its blobs hypercore's. */
export interface Publication {
  driveKey: Buffer
  hypercores: Buffer[]
}

/**
 * Publishes files as a Hyperdrive and seeds it until it goes offline. An author knows nothing of datdot: this is
 * stock hyperdrive on a stock swarm.
 */
export class Author {
  readonly #store: Corestore
  readonly #swarm: Hyperswarm
  #drive: Hyperdrive | undefined

  constructor({ dir, bootstrap, host, randomBytes }: AuthorOptions) {
    this.#store = new Corestore(join(dir, 'store'), { primaryKey: randomBytes(32), unsafe: true })
    const dht = new HyperDHT({ bootstrap, ...(host ? { host, firewalled: false } : {}) })
    this.#swarm = new Hyperswarm({ dht, seed: randomBytes(32) })
    this.#swarm.on('connection', (connection) => {
      // A reader that goes away is no error of the author's.
      connection.on('error', () => {})
      this.#store.replicate(connection)
    })
  }

  /** Writes the source into a new drive and announces its hypercores; resolves when the swarm can find them. */
  async publish(
    source: Source,
    options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}
  ): Promise<Publication> {
    const drive = new Hyperdrive(this.#store)
    this.#drive = drive
    await drive.ready()
    await publish(drive, source, options)
    const blobs = await drive.getBlobs()
    if (blobs === null) throw new Error('a drive with files has a blobs hypercore')
    const cores = [drive.core, blobs.core]
    await Promise.all(cores.map((core) => this.#swarm.join(core.discoveryKey, { client: false }).flushed()))
    return { driveKey: drive.key, hypercores: cores.map((core) => core.key) }
  }

  /** Leaves the network; what it wrote stays in its folder. */
  async close(): Promise<void> {
    await leave(this.#swarm)
    await this.#drive?.close()
    await this.#store.close()
  }
}
