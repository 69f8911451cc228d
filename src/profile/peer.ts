import type HyperDHT from 'hyperdht'
import type { Clock } from '../clock.js'
import { DatdotError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { createDht, type Network } from '../swarm/dht.js'
import { connectTo } from '../swarm/host.js'
import { leave } from '../swarm/leave.js'
import { deadline } from '../wait.js'
import type { RunningEnd } from './end-process.js'
import { keysOf, readLines, writeLine, type PeerTells } from './peer-lines.js'
import type { Launch } from './run.js'

const CONNECT_MS = 60_000
const CLOSE_MS = 20_000

/** Another machine that listens: starts ends there. */
export class PeerMachine extends Resource {
  readonly #options: { network: Network; code: Uint8Array; clock: Clock }
  readonly #ends = new Map<number, PeerEnd>()
  #connection!: HyperDHT.Connection
  #next = 0

  constructor(options: { network: Network; code: Uint8Array; clock: Clock }) {
    super()
    this.#options = options
  }

  /** @throws SwarmError PEER_UNREACHABLE if nobody listens with that code */
  protected async start(): Promise<void> {
    const { network, code, clock } = this.#options
    const { listener, client } = keysOf(code)
    const dht = createDht(network)
    this.owe('dht', () => leave(dht))
    const connection = await connectTo(dht, listener.publicKey, client, { clock, timeoutMs: CONNECT_MS })
    this.owe('connection', () => connection.destroy())
    this.#connection = connection
    readLines<PeerTells>(connection, ({ id, event, value }) => this.#ends.get(id)?.hear(event, value))
    connection.once('close', () => {
      for (const end of this.#ends.values()) end.hear('failed', { message: 'the connection ended' })
    })
  }

  /** Where the other machine is. */
  get address(): string {
    return this.#connection.rawStream.remoteHost
  }

  /** Starts an end there; its folders are that machine's own. */
  readonly launch: Launch = (end, options) => {
    const id = this.#next++
    const started = new PeerEnd(this.#connection, id, this.#options.clock)
    this.#ends.set(id, started)
    writeLine(this.#connection, { ask: 'start', id, end, options })
    return Promise.resolve(started)
  }
}

/** An end on another machine. */
class PeerEnd implements RunningEnd {
  readonly #connection: HyperDHT.Connection
  readonly #id: number
  readonly #clock: Clock
  readonly #said = new Map<string, unknown>()
  readonly #waiting = new Map<string, (value: unknown) => void>()
  readonly #failed: Promise<never>
  #fail!: (error: Error) => void

  constructor(connection: HyperDHT.Connection, id: number, clock: Clock) {
    this.#connection = connection
    this.#id = id
    this.#clock = clock
    this.#failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.#failed.catch(() => {})
  }

  hear(event: string, value: unknown): void {
    if (event === 'failed') {
      const { message } = value as { message: string }
      return this.#fail(new DatdotError('PROFILE_END', `the other machine: ${message}`))
    }
    this.#said.set(event, value)
    this.#waiting.get(event)?.(value)
  }

  async heard<T>(event: string, timeoutMs: number): Promise<T> {
    if (this.#said.has(event)) return this.#said.get(event) as T
    const said = new Promise<T>((resolve) => this.#waiting.set(event, (value) => resolve(value as T)))
    const error = (): Error =>
      new DatdotError('PROFILE_END', `the other machine did not come to "${event}" within ${timeoutMs} ms`)
    return deadline(Promise.race([said, this.#failed]), { clock: this.#clock, ms: timeoutMs, error })
  }

  order(name: string): void {
    writeLine(this.#connection, { ask: 'order', id: this.#id, name })
  }

  async close(): Promise<void> {
    writeLine(this.#connection, { ask: 'close', id: this.#id })
    await this.heard('closed', CLOSE_MS).catch(() => {})
  }
}
