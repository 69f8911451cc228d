import type HyperDHT from 'hyperdht'
import Protomux from 'protomux'
import { SwarmError } from '../errors.js'
import { decode, encode, type Type } from '../protocol/codec.js'
import { ClientChannel } from '../swarm/rpc-channel.js'
import {
  CHAIN_PROTOCOL,
  methods,
  type MethodName,
  type Request,
  type Response
} from '../protocol/rpc/messages.js'

/** Requests that this end keeps open at a time; below what a server allows. */
const IN_FLIGHT = 32
/** Waits between attempts to connect: doubled from the first to the last, with up to half of it added at random. */
const BACKOFF_MS = { first: 50, last: 5_000 }

export interface ConnectionOptions {
  /** Opens an encrypted connection to the chain, as `dht.connect(chainKey, { keyPair })` does. */
  connect: () => HyperDHT.Connection
  /** Milliseconds that only go forward. */
  now: () => number
  /** A number in [0, 1), for the backoff. */
  random: () => number
}

export interface CallOptions {
  /** How long the answer may take, reconnecting included. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** A connection to a chain that is made when it is needed, and again when it was lost. */
export class ChainConnection {
  readonly #options: ConnectionOptions
  readonly #stopped = new AbortController()
  readonly #waiting: (() => void)[] = []
  #current: Promise<Open> | null = null
  #inFlight = 0
  #failures = 0
  #generation = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Rises with every new connection: what was begun on an earlier one is lost. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Asks the chain. A request may be sent again after the connection was lost, so it must be one that can be.
   *
   * @param request the request, or what makes it; told whether it may have been sent before
   * @param once do not send it again: throw `RPC_CLOSED` if the connection is lost meanwhile
   * @throws SwarmError `RPC_TIMEOUT`, `RPC_CLOSED`, `RPC_PROTOCOL`, or the code that the chain answered with
   */
  async call<M extends MethodName>(
    name: M,
    request: Request<M> | ((again: boolean) => Request<M>),
    { timeoutMs = 15_000, signal, once = false }: CallOptions & { once?: boolean } = {}
  ): Promise<Response<M>> {
    const stop = signal ? AbortSignal.any([signal, this.#stopped.signal]) : this.#stopped.signal
    const { code, response } = methods[name]
    const bodyOf = (again: boolean): Buffer =>
      encode(
        methods[name].request as Type<Request<M>>,
        typeof request === 'function' ? (request as (again: boolean) => Request<M>)(again) : request
      )
    let body = bodyOf(false)
    const until = this.#options.now() + timeoutMs
    await this.#enter(stop)
    try {
      for (;;) {
        stop.throwIfAborted()
        const left = until - this.#options.now()
        if (left <= 0) throw new SwarmError('RPC_TIMEOUT', `The chain did not answer within ${timeoutMs} ms`)
        try {
          const { channel } = await this.#open(left, stop)
          const answer = await channel.request(code, body, { timeoutMs: left, signal: stop })
          return parse(response as Type<Response<M>>, answer)
        } catch (error) {
          if (once || !mayPass(error)) throw error
          body = bodyOf(true)
        }
        await this.#pause(until, stop)
      }
    } finally {
      this.#leave()
    }
  }

  /** Ends what is open and everything that waits for an answer. */
  async close(): Promise<void> {
    this.#stopped.abort(new SwarmError('RPC_CLOSED', 'This client was closed'))
    const current = await this.#current?.catch(() => null)
    current?.channel.close()
    current?.stream.destroy()
  }

  async #open(timeoutMs: number, stop: AbortSignal): Promise<Open> {
    this.#current ??= this.#connect(Math.min(timeoutMs, 10_000))
    const attempt = this.#current
    try {
      const open = await attempt
      if (open.channel.closed) throw new SwarmError('RPC_CLOSED', 'The connection was closed')
      this.#failures = 0
      return open
    } catch (error) {
      if (this.#current === attempt) this.#current = null
      stop.throwIfAborted()
      throw error
    }
  }

  async #connect(timeoutMs: number): Promise<Open> {
    const stream = this.#options.connect()
    // A connection that fails also closes its channel, which is where it is noticed.
    stream.on('error', () => {})
    let timer: NodeJS.Timeout | undefined
    try {
      const channel = new ClientChannel(Protomux.from(stream), CHAIN_PROTOCOL, () => {
        this.#current = null
        stream.destroy()
      })
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new SwarmError('RPC_CLOSED', 'The chain cannot be reached')),
          timeoutMs
        )
      })
      if (!(await Promise.race([channel.opened(), late]))) {
        throw new SwarmError('RPC_CLOSED', 'The chain cannot be reached')
      }
      this.#generation++
      return { stream, channel }
    } catch (error) {
      stream.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits before the next attempt, but not beyond `until`. */
  async #pause(until: number, stop: AbortSignal): Promise<void> {
    const base = Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** Math.min(this.#failures++, 10))
    const ms = Math.min(base * (1 + this.#options.random() / 2), Math.max(0, until - this.#options.now()))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms)
      stop.addEventListener('abort', done)
      function done(): void {
        clearTimeout(timer)
        stop.removeEventListener('abort', done)
        resolve()
      }
    })
  }

  async #enter(stop: AbortSignal): Promise<void> {
    stop.throwIfAborted()
    if (this.#inFlight < IN_FLIGHT) {
      this.#inFlight++
      return
    }
    // Whoever leaves hands its place on, so the count stays.
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#inFlight--
  }
}

interface Open {
  stream: HyperDHT.Connection
  channel: ClientChannel
}

/** Whether the same request may succeed on another connection or a little later. */
function mayPass(error: unknown): boolean {
  return error instanceof SwarmError && ['RPC_CLOSED', 'RPC_BUSY', 'RPC_RATE'].includes(error.code)
}

function parse<T>(type: Type<T>, answer: Buffer): T {
  try {
    return decode(type, answer)
  } catch (error) {
    throw new SwarmError('RPC_PROTOCOL', 'The chain answered with something that is not the protocol', {
      cause: error
    })
  }
}
