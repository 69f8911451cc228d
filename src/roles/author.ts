import { join } from 'node:path'
import Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import { publish } from '../drive/publish.js'
import type { Source } from '../drive/scan.js'
import { Resource } from '../lifecycle.js'
import { createDht } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'

export interface AuthorOptions {
  dir: string
  bootstrap: HyperDHT.Address[]
  /** Address to bind that others reach without a NAT, for a DHT that lives on loopback. */
  host?: string | undefined
  randomBytes: (length: number) => Buffer
}

/** What an author published: the drive's key, which is also its metadata hypercore's and announced alone, and the keys of both hypercores. */
export interface Publication {
  driveKey: Buffer
  hypercores: Buffer[]
  /** What went in, as it was read; `skipped` has what did not. */
  source: Source
}

/**
 * Publishes files as a Hyperdrive and seeds it until it goes offline. An author knows nothing of datdot: this is
 * stock hyperdrive on a stock swarm.
 */
export class Author extends Resource {
  readonly #options: AuthorOptions
  #store!: Corestore
  #swarm!: Hyperswarm
  #drive: Hyperdrive | undefined

  constructor(options: AuthorOptions) {
    super()
    this.#options = options
  }

  /** What it wrote stays in its folder when it leaves the network. */
  protected async start(): Promise<void> {
    const { dir, bootstrap, host, randomBytes } = this.#options
    const store = new Corestore(join(dir, 'store'), { primaryKey: randomBytes(32), unsafe: true })
    this.#store = this.own('store', store)
    await store.ready()
    this.owe('drive', () => this.#drive?.close())
    this.#swarm = new Hyperswarm({ dht: createDht({ bootstrap, host }), seed: randomBytes(32) })
    this.owe('swarm', () => leave(this.#swarm))
    this.#swarm.on('connection', (connection) => {
      // A reader that goes away is no error of the author's.
      connection.on('error', () => {})
      store.replicate(connection)
    })
  }

  /** Writes the source into a new drive and announces it; resolves when the swarm can find them. */
  async publish(
    source: Source,
    options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}
  ): Promise<Publication> {
    const drive = new Hyperdrive(this.#store)
    this.#drive = drive
    await drive.ready()
    const published = await publish(drive, source, options)
    const blobs = await drive.getBlobs()
    if (blobs === null) throw new Error('a drive with files has a blobs hypercore')
    // As the README of hyperdrive has it: all of a drive is found under its key, over the same connections.
    await this.#swarm.join(drive.discoveryKey).flushed()
    // Of links and empty files alone there are no blobs.
    const hypercores = [drive.core, blobs.core].filter(({ length }) => length > 0).map(({ key }) => key)
    return { driveKey: drive.key, hypercores, source: published }
  }
}
