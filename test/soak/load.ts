import { randomBytes } from 'node:crypto'
import Hyperdrive from 'hyperdrive'
import * as idEncoding from 'hypercore-id-encoding'
import { systemClock } from '../../src/clock.js'
import { deadline, pause } from '../../src/wait.js'
import { stockPeer } from '../roles/stock.js'
import { closeAfter, type Closing } from '../helpers/close-after.js'
import { command, type SoakNetwork } from './network.js'

/** What was done to the network so far. */
export interface Work {
  appended: number
  reads: number
  readBytes: number
  /** Reads that did not give what was published, or nothing in time. */
  failed: string[]
}

interface Drive {
  key: string
  plain: Buffer
}

const APPEND_MS = 1_000
const READ_EVERY_MS = 5_000
const READ_MS = 60_000

/**
 * An author that goes on writing to a hypercore which is kept, and readers that come, read a whole drive and go, until `signal` says so.
 * All of it is done by the stock packages.
 */
export class Load {
  readonly work: Work = { appended: 0, reads: 0, readBytes: 0, failed: [] }
  readonly #room: Closing
  readonly #network: SoakNetwork
  readonly #drives: readonly Drive[]

  constructor(room: Closing, network: SoakNetwork, drives: readonly Drive[]) {
    this.#room = room
    this.#network = network
    this.#drives = drives
  }

  /** Resolves when all that was going on has ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#write(signal), this.#read(signal)])
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { network, config } = this.#network
    const { store, swarm } = await stockPeer(this.#room, network)
    const core = store.get({ name: 'live' })
    await core.append(Array.from({ length: 50 }, () => randomBytes(1_000)))
    swarm.join(core.discoveryKey)
    await swarm.flush()
    await command(this.#room, ['support', idEncoding.encode(core.key), '--codec', 'wrap', '--config', config])
    while (!signal.aborted) {
      await core.append(randomBytes(1_000))
      this.work.appended++
      await pause(systemClock, APPEND_MS, signal)
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      const drive = this.#drives[turn % this.#drives.length]!
      await this.#readOnce(drive).catch((error: Error) => {
        this.work.failed.push(`read ${turn}: ${error.message}`)
      })
      this.work.reads++
      await pause(systemClock, READ_EVERY_MS, signal)
    }
  }

  async #readOnce({ key, plain }: Drive): Promise<void> {
    const visit = new Visit()
    try {
      const { store, swarm } = await stockPeer(visit, this.#network.network)
      const drive = new Hyperdrive(store, idEncoding.decode(key))
      closeAfter(visit, () => drive.close())
      await drive.ready()
      const done = drive.findingPeers()
      swarm.join(drive.discoveryKey, { server: false })
      swarm.flush().then(done, done)
      const reading = drive.core.update({ wait: true }).then(() => drive.get('/file'))
      const error = (): Error => new Error(`nothing came within ${READ_MS} ms`)
      const read = await deadline(reading, { clock: systemClock, ms: READ_MS, error })
      if (!read?.equals(plain)) throw new Error('what was read is not what was published')
      this.work.readBytes += read.byteLength
    } finally {
      await visit.end()
    }
  }
}

/** A room of its own: what a reader opens goes when it has read. */
class Visit implements Closing {
  readonly #closes: (() => unknown)[] = []

  after(close: () => unknown): void {
    this.#closes.push(close)
  }

  async end(): Promise<void> {
    for (const close of this.#closes) await close()
  }
}
