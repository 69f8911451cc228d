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
import { deadline, joinSignals, pause, settled } from '../wait.js'
import { Heartbeat, LOOK_MS } from './heartbeat.js'

/** Requests that this end keeps open at a time; below what a server allows. */
const IN_FLIGHT = 32
/**
 * Attempts to connect begin so long one after the other until one of them succeeds, and each may take so long: one that began while
 * nobody was there must not hold up the next.
 */
const DIAL_EVERY_MS = 1_500
const DIAL_MS = 6_000
const DIALS = 5
/** Waits between such series: doubled from the first to the last, with up to half of it added at random. */
const BACKOFF_MS = { first: 50, last: 1_500 }

export interface ConnectionOptions {
  /** Opens an encrypted connection to the chain, as `dht.connect(chainKey, { keyPair })` does. */
  connect: () => PeerStream
  clock: Clock
  /** A number in [0, 1), for the backoff. */
  random: () => number
  /** Whether to look, while an answer is awaited, that the chain is still there, and to connect anew when it is not; by default not. */
  heartbeat?: boolean
  /** Says on each connection which of its identity's copies speaks: see `hello`. By default it says nothing. */
  instance?: Uint8Array | undefined
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
  #replacing = false
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
    const { signal: stop, release } = joinSignals(signal, this.signal)
    try {
      return await this.#call(name, request, { timeoutMs, stop, once })
    } finally {
      release()
    }
  }

  async #call<M extends MethodName>(
    name: M,
    request: Request<M> | ((again: boolean) => Request<M>),
    { timeoutMs, stop, once }: { timeoutMs: number; stop: AbortSignal; once: boolean }
  ): Promise<Response<M>> {
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
    if (current) hangUp(current)
  }

  /** The connection that there is, or the attempt at one, which goes on for others if this one gives up. */
  async #open(patience: Patience): Promise<Open> {
    const open = await deadline(this.#current ?? this.#dial(), patience)
    if (open.channel.closed) throw unreachable()
    this.#failures = 0
    return open
  }

  #dial(): Promise<Open> {
    const attempt = this.#connect().then((open) => this.#greet(open))
    this.#use(attempt)
    return attempt
  }

  /** Has an attempt be the connection, until it fails or what came of it is lost. */
  #use(attempt: Promise<Open>): void {
    const forget = (): void => {
      if (this.#current === attempt) this.#current = null
    }
    this.#current = attempt
    attempt.then(({ lost }) => void lost.then(forget), forget)
  }

  /** A connection: of several attempts, the first that succeeds. */
  async #connect(): Promise<Open> {
    const { clock, signal } = this
    const over = new AbortController()
    const { signal: stop, release } = joinSignals(signal, over.signal)
    const attempts: Promise<Open>[] = []
    let won: Open | undefined
    try {
      for (let left = DIALS; left > 0 && !won; left--) {
        signal.throwIfAborted()
        attempts.push(this.#attempt(stop))
        const any = Promise.any(attempts).catch(() => Promise.reject(unreachable()))
        const last = left === 1
        if (last || (await settled(any, { clock, ms: DIAL_EVERY_MS, signal }))) won = await any
      }
      this.#generation++
      return won!
    } finally {
      over.abort()
      release()
      for (const attempt of attempts) {
        void attempt.then(
          (open) => open !== won && hangUp(open),
          () => {}
        )
      }
    }
  }

  async #attempt(stop: AbortSignal): Promise<Open> {
    stop.throwIfAborted()
    const { clock } = this
    const stream = this.#options.connect()
    // A connection that fails also closes its channel, which is where it is noticed.
    stream.on('error', () => {})
    let close = (): void => {}
    const lost = new Promise<void>((resolve) => (close = resolve))
    try {
      const onclose = (): void => {
        close()
        stream.destroy()
      }
      const channel = new ClientChannel(Protomux.from(stream), CHAIN_PROTOCOL, { clock, onclose })
      const patience = { clock, ms: DIAL_MS, signal: stop, error: unreachable }
      if (!(await deadline(channel.opened(), patience))) throw unreachable()
      const open = { stream, channel, lost }
      if (this.#options.heartbeat) this.#watch(open)
      return open
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  /**
   * Says which copy of the identity's folder speaks. The chain then hangs up on what this one had before.
   *
   * @throws SwarmError `INSTANCE_ELSEWHERE`; `RPC_CLOSED` if it could not be said
   */
  async #greet(open: Open): Promise<Open> {
    const { instance } = this.#options
    if (!instance) return open
    try {
      const { code, request } = methods.hello
      const patience = { timeoutMs: DIAL_MS, signal: this.signal }
      await open.channel.request(code, encode(request, { instance }), patience)
      return open
    } catch (error) {
      hangUp(open)
      if (error instanceof SwarmError && error.code === 'INSTANCE_ELSEWHERE') throw error
      throw unreachable()
    }
  }

  /** Looks after the other end as long as the connection lasts. */
  #watch({ channel, lost }: Open): void {
    const { clock } = this
    const heartbeat = new Heartbeat(channel, clock)
    const timer = clock.every(LOOK_MS, () => {
      if (heartbeat.silent()) void this.#replace(channel)
    })
    void lost.then(() => timer.cancel())
  }

  /**
   * Makes another connection beside one whose other end is silent, and hangs up on the old one when it has: a chain that was killed
   * and is back is there at once, while one that is slow loses nothing.
   */
  async #replace(silent: ClientChannel): Promise<void> {
    const before = this.#current
    if (this.#replacing || this.signal.aborted) return
    this.#replacing = true
    const asked = this.clock.now()
    try {
      const open = await this.#connect()
      // It spoke again: what was asked there is answered there.
      if (this.#current !== before || silent.closed || silent.heardAt > asked) return hangUp(open)
      this.#use(this.#greet(open))
      silent.close()
    } catch {
      // Nobody is there; while the old one stays silent it is tried again.
      await pause(this.clock, BACKOFF_MS.last / 2, this.signal)
    } finally {
      this.#replacing = false
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
  /** Resolves when it is closed, by whom ever. */
  lost: Promise<void>
}

function hangUp({ channel, stream }: Open): void {
  channel.close()
  stream.destroy()
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
