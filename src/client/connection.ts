import Protomux from 'protomux'
import type { Clock } from '../clock.js'
import { SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { decode, encode, type Type } from '../protocol/codec.js'
import {
  CHAIN_PROTOCOL,
  methods,
  type MethodName,
  type Request,
  type Response
} from '../protocol/rpc/messages.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import { ClientChannel } from '../swarm/rpc-channel.js'
import { deadline, pause } from '../wait.js'

/** Requests that this end keeps open at a time; below what a server allows. */
const IN_FLIGHT = 32
/** How long one attempt to connect may take. */
const CONNECT_MS = 10_000
/** Waits between attempts to connect: doubled from the first to the last, with up to half of it added at random. */
const BACKOFF_MS = { first: 50, last: 5_000 }

export interface ConnectionOptions {
  /** Opens an encrypted connection to the chain, as `dht.connect(chainKey, { keyPair })` does. */
  connect: () => PeerStream
  clock: Clock
  /** A number in [0, 1), for the backoff. */
  random: () => number
}

export interface CallOptions {
  /** How long the answer may take, reconnecting included. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** A connection to a chain that is made when it is needed, and again when it was lost. */
export class ChainConnection extends Resource {
  readonly clock: Clock
  readonly #options: ConnectionOptions
  /** Those who wait for a request of others to end, in turn. */
  readonly #waiting: (() => void)[] = []
  #current: Promise<Open> | null = null
  #inFlight = 0
  #failures = 0
  #generation = 0

  constructor(options: ConnectionOptions) {
    super()
    this.clock = options.clock
    this.#options = options
    this.owe('stream', () => this.#hangUp())
  }

  /** Rises with every new connection: what was begun on an earlier one is lost. */
  get generation(): number {
    return this.#generation
  }

  /** Nothing is to be done ahead of the first request. */
  protected start(): Promise<void> {
    return Promise.resolve()
  }

  /** What ends whatever waits for an answer. */
  protected override closedError(): Error {
    return new SwarmError('RPC_CLOSED', 'This client was closed')
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
    const stop = signal ? AbortSignal.any([signal, this.signal]) : this.signal
    const { code, response } = methods[name]
    const bodyOf = (again: boolean): Uint8Array =>
      encode(
        methods[name].request as Type<Request<M>>,
        typeof request === 'function' ? (request as (again: boolean) => Request<M>)(again) : request
      )
    let body = bodyOf(false)
    const until = this.clock.now() + timeoutMs
    const patience = (): Patience => {
      const left = until - this.clock.now()
      if (left <= 0) throw late(timeoutMs)
      return { clock: this.clock, ms: left, signal: stop, error: () => late(timeoutMs) }
    }
    await this.#enter(patience())
    try {
      for (;;) {
        stop.throwIfAborted()
        const left = patience()
        try {
          const { channel } = await this.#open(left)
          const answer = await channel.request(code, body, { timeoutMs: patience().ms, signal: stop })
          return parse(response as Type<Response<M>>, answer)
        } catch (error) {
          stop.throwIfAborted()
          if (once || !mayPass(error)) throw error
          body = bodyOf(true)
        }
        await this.#pause(until, stop)
      }
    } finally {
      this.#leave()
    }
  }

  async #hangUp(): Promise<void> {
    const current = await this.#current?.catch(() => null)
    current?.channel.close()
    current?.stream.destroy()
  }

  /** The connection that there is, or the attempt at one, which goes on for others if this one gives up. */
  async #open(patience: Patience): Promise<Open> {
    const open = await deadline(this.#current ?? this.#dial(), patience)
    if (open.channel.closed) throw unreachable()
    this.#failures = 0
    return open
  }

  #dial(): Promise<Open> {
    let attempt: Promise<Open> | null = null
    const forget = (): void => {
      if (this.#current === attempt) this.#current = null
    }
    attempt = this.#connect(forget)
    attempt.catch(forget)
    return (this.#current = attempt)
  }

  async #connect(forget: () => void): Promise<Open> {
    this.signal.throwIfAborted()
    const { clock, signal } = this
    const stream = this.#options.connect()
    // A connection that fails also closes its channel, which is where it is noticed.
    stream.on('error', () => {})
    try {
      const onclose = (): void => {
        forget()
        stream.destroy()
      }
      const channel = new ClientChannel(Protomux.from(stream), CHAIN_PROTOCOL, { clock, onclose })
      const patience = { clock, ms: CONNECT_MS, signal, error: unreachable }
      if (!(await deadline(channel.opened(), patience))) throw unreachable()
      this.#generation++
      return { stream, channel }
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  /** Waits before the next attempt, but not beyond `until`. */
  async #pause(until: number, stop: AbortSignal): Promise<void> {
    const { clock } = this
    const base = Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** Math.min(this.#failures++, 10))
    await pause(
      clock,
      Math.min(base * (1 + this.#options.random() / 2), Math.max(0, until - clock.now())),
      stop
    )
  }

  async #enter(patience: Patience): Promise<void> {
    patience.signal.throwIfAborted()
    if (this.#inFlight < IN_FLIGHT) {
      this.#inFlight++
      return
    }
    let enter = (): void => {}
    const turn = new Promise<void>((resolve) => (enter = resolve))
    this.#waiting.push(enter)
    try {
      await deadline(turn, patience)
    } catch (error) {
      const at = this.#waiting.indexOf(enter)
      if (at >= 0) this.#waiting.splice(at, 1)
      // The place came at the very end of the wait.
      else this.#leave()
      throw error
    }
  }

  /** Whoever leaves hands its place on, so the count stays. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#inFlight--
  }
}

interface Open {
  stream: PeerStream
  channel: ClientChannel
}

interface Patience {
  clock: Clock
  ms: number
  signal: AbortSignal
  error: () => Error
}

/** Whether the same request may succeed on another connection or a little later. */
function mayPass(error: unknown): boolean {
  return error instanceof SwarmError && ['RPC_CLOSED', 'RPC_BUSY', 'RPC_RATE'].includes(error.code)
}

function parse<T>(type: Type<T>, answer: Uint8Array): T {
  try {
    return decode(type, answer)
  } catch (error) {
    throw new SwarmError('RPC_PROTOCOL', 'The chain answered with something that is not the protocol', {
      cause: error
    })
  }
}

function unreachable(): SwarmError {
  return new SwarmError('RPC_CLOSED', 'The chain cannot be reached')
}

function late(timeoutMs: number): SwarmError {
  return new SwarmError('RPC_TIMEOUT', `The chain did not answer within ${timeoutMs} ms`)
}
