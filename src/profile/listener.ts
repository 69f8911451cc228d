import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import type { Clock } from '../clock.js'
import { DatdotError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { createDht, type Network } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'
import { EndProcess } from './end-process.js'
import { keysOf, readLines, writeLine, type PeerAsks } from './peer-lines.js'
import type { EndName, EndOptions } from './port.js'

/** What a client may have run here: what takes bytes. */
const ALLOWED: readonly EndName[] = ['raw-sink', 'reader', 'pinner']
/** Ends at a time. */
const ENDS_MAX = 8
/** Events of an end that are told. */
const EVENTS = ['ready', 'taken', 'served', 'found', 'use', 'begun 0', 'use 0'] as const
/** Longer than any measurement: who waits for an event decides how long that may take. */
const EVENT_MS = 24 * 3_600_000

export interface PeerListenerOptions {
  network: Network
  /** 32 random bytes, which the client is told. */
  code: Uint8Array
  /** For what ends write; emptied by who made it. */
  dir: string
  threads: number
  /** Bytes that a client may have moved here in all. */
  limitBytes: number
  clock: Clock
}

/** Answers one client, who has the one-time code: runs the receiving ends of its measurements on this machine. */
export class PeerListener extends Resource {
  readonly #options: PeerListenerOptions
  readonly #ends = new Map<number, EndProcess>()
  #moved = 0
  #client: HyperDHT.Connection | undefined
  #end!: () => void
  /** Resolves when the client is gone. */
  readonly ended: Promise<void>

  constructor(options: PeerListenerOptions) {
    super()
    this.#options = options
    this.ended = new Promise((resolve) => (this.#end = resolve))
  }

  protected async start(): Promise<void> {
    const { network, code } = this.#options
    const { listener, client } = keysOf(code)
    const dht = createDht(network)
    this.owe('dht', () => leave(dht))
    this.owe('ends', () => Promise.all([...this.#ends.values()].map((end) => end.close())))
    // Nobody else is let in, and the code is used up by the first who comes with it.
    const firewall = (key: Buffer): boolean => this.#client !== undefined || !key.equals(client.publicKey)
    const server = dht.createServer({ firewall }, (connection) => this.#serve(connection))
    await server.listen(listener)
  }

  #serve(connection: HyperDHT.Connection): void {
    connection.on('error', () => {})
    if (this.#client) return void connection.destroy()
    this.#client = connection
    connection.once('close', () => this.#end())
    readLines<PeerAsks>(connection, (message) => {
      if (message.ask === 'start') void this.#start(connection, message)
      else if (message.ask === 'order') this.#ends.get(message.id)?.order(String(message.name))
      else if (message.ask === 'close') void this.#close(connection, message.id)
    })
  }

  async #start(
    connection: HyperDHT.Connection,
    { id, end, options }: Extract<PeerAsks, { ask: 'start' }>
  ): Promise<void> {
    const tell = (event: string, value: unknown): void => writeLine(connection, { id, event, value })
    try {
      if (!ALLOWED.includes(end) || this.#ends.size >= ENDS_MAX || this.#ends.has(id)) {
        throw new DatdotError('PROFILE_END', `this machine does not run ${JSON.stringify(end)} for a client`)
      }
      const { network, dir, threads, clock, limitBytes } = this.#options
      const { bootstrap, host } = network
      const folder = join(dir, `${end}-${Number(id)}`)
      await mkdir(folder, { recursive: true })
      // Where things lie, and how many threads there are, is said here.
      const given = { ...options, network: { bootstrap, host }, dir: folder, threads } as EndOptions[EndName]
      let before = 0
      const onBytes = (bytes: number): void => {
        this.#moved += Math.max(0, bytes - before)
        before = bytes
        if (this.#moved > limitBytes) connection.destroy(new Error('more bytes than are allowed'))
      }
      const process = new EndProcess({ end, options: given, clock, onBytes })
      this.#ends.set(id, process)
      await process.ready()
      for (const event of EVENTS) {
        process.heard(event, EVENT_MS).then(
          (value) => tell(event, value),
          (error: Error) => tell('failed', { message: error.message })
        )
      }
    } catch (error) {
      tell('failed', { message: (error as Error).message })
    }
  }

  async #close(connection: HyperDHT.Connection, id: number): Promise<void> {
    const end = this.#ends.get(id)
    await end?.close().catch(() => {})
    this.#ends.delete(id)
    writeLine(connection, { id, event: 'closed', value: null })
  }
}
