import type Protomux from 'protomux'
import type { Clock } from '../clock.js'
import { PeerError, SwarmError, told, type ErrorCode } from '../errors.js'
import { bytes, decode, encode, struct, text, uint, type Type } from '../protocol/codec.js'
import { deadline } from '../wait.js'

/** Requests, responses and cancellations on one channel of an encrypted connection. */

/** Largest body of a request or response. */
const MESSAGE_BYTES_MAX = 12 << 20

/** What one connection may ask of a server at a time. */
export interface Quotas {
  /** Requests that are being answered. */
  inFlight: number
  /** Bytes of their bodies. */
  bytesInFlight: number
  /** Requests a second, over time, and how many may come at once; a dear one counts as several. */
  perSecond: number
  burst: number
  /** Bytes of responses that the peer has not taken off the wire. */
  backlogBytes: number
  /** Refused and malformed requests after which the channel is closed. */
  offences: number
}

export const defaultQuotas: Readonly<Quotas> = {
  inFlight: 64,
  bytesInFlight: 64 << 20,
  perSecond: 500,
  burst: 1000,
  backlogBytes: 64 << 20,
  offences: 500
}

const requestType = struct({ id: uint(), method: uint(65_535), body: bytes(MESSAGE_BYTES_MAX) })
const responseType = struct({ id: uint(), error: uint(1), body: bytes(MESSAGE_BYTES_MAX) })
const errorType = struct({ code: text(64), message: text(1024) })
const cancelType = struct({ id: uint() })

/** A whole message as it is, so that what is wrong in it is found where it can be answered. */
const raw: Type<Uint8Array> = {
  layout: { is: 'bytes', most: MESSAGE_BYTES_MAX },
  preencode(state, value) {
    state.end += value.byteLength
  },
  encode(state, value) {
    state.buffer!.set(value, state.start)
    state.start += value.byteLength
  },
  decode(state) {
    const { buffer, byteOffset } = state.buffer!
    const value = Buffer.from(buffer, byteOffset + state.start, state.end - state.start)
    state.start = state.end
    return value
  }
}

/** Answers one request; the body is its own to keep. Throws DatdotErrors, whose code and message the peer gets. */
export type Handler = (body: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>

/** Memory that all channels of a server share: for bodies of requests, and for responses that nobody takes off the wire. */
export class SharedMemory {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** Returns false, and takes nothing, where there is not as much. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
  }
}

export interface ServerOptions {
  handlers: ReadonlyMap<number, Handler>
  /** For the rate of requests. */
  clock: Pick<Clock, 'now'>
  quotas?: Partial<Quotas>
  /** As how many requests one of a method counts; 1 unless it says otherwise. */
  costs?: ReadonlyMap<number, number>
  memory?: SharedMemory
  /** Is told once, when the channel or its connection is gone. */
  onclose?: () => void
}

/** The serving end: handlers by number, within quotas. One for each connection that opens the protocol. */
export class ServerChannel {
  readonly #channel: Protomux.Channel
  readonly #response: Protomux.Message<Uint8Array>
  readonly #beat: Protomux.Message<Uint8Array>
  readonly #handlers: ReadonlyMap<number, Handler>
  readonly #costs: ReadonlyMap<number, number> | undefined
  #memory: SharedMemory
  #quotas: Quotas
  readonly #clock: Pick<Clock, 'now'>
  readonly #running = new Map<number, AbortController>()
  #bytesInFlight = 0
  #backlog = 0
  #offences = 0
  #tokens: number
  #refilledAt: number
  #heardAt: number

  constructor(mux: Protomux, protocol: string, options: ServerOptions) {
    this.#handlers = options.handlers
    this.#quotas = { ...defaultQuotas, ...options.quotas }
    this.#costs = options.costs
    this.#memory = options.memory ?? new SharedMemory(Infinity)
    this.#clock = options.clock
    this.#tokens = this.#quotas.burst
    this.#refilledAt = this.#heardAt = options.clock.now()
    const channel = mux.createChannel({
      protocol,
      ondrain: () => this.#drained(),
      onclose: () => {
        this.#drained()
        for (const controller of this.#running.values()) controller.abort(gone())
        options.onclose?.()
      }
    })
    if (channel === null) throw new SwarmError('RPC_CHANNEL', 'This connection has the channel already')
    this.#channel = channel
    // Handlers of messages must not throw: protomux would destroy the connection with all its channels.
    channel.addMessage({ encoding: raw, onmessage: (message: Uint8Array) => this.#onrequest(message) })
    this.#response = channel.addMessage({ encoding: raw })
    channel.addMessage({ encoding: raw, onmessage: (message: Uint8Array) => this.#oncancel(message) })
    this.#beat = channel.addMessage({ encoding: raw, onmessage: () => this.#onbeat() })
    channel.open()
  }

  get closed(): boolean {
    return this.#channel.closed
  }

  /** When the asking end was last heard of. */
  get heardAt(): number {
    return this.#heardAt
  }

  close(): void {
    this.#channel.close()
  }

  /** Replaces what this connection may take: the server has learned who asks. */
  allow(quotas: Quotas, memory: SharedMemory): void {
    this.#drained()
    this.#memory = memory
    const more = quotas.burst - this.#quotas.burst
    this.#quotas = quotas
    this.#tokens = Math.min(quotas.burst, this.#tokens + Math.max(0, more))
  }

  #onrequest(message: Uint8Array): void {
    this.#heardAt = this.#clock.now()
    let request
    try {
      request = decode(requestType, message)
    } catch {
      this.#offend()
      return
    }
    const { id, method, body } = request
    const handler = this.#handlers.get(method)
    if (!handler) return this.#refuse(id, 'RPC_METHOD', `There is no method ${method}`)
    if (this.#running.has(id)) return this.#refuse(id, 'RPC_ID', `Request ${id} is being answered already`)
    if (!this.#takeTokens(this.#costs?.get(method) ?? 1))
      return this.#refuse(id, 'RPC_RATE', 'Too many requests: wait a second')
    const { inFlight, bytesInFlight } = this.#quotas
    const memory = this.#memory
    const full = this.#running.size >= inFlight || this.#bytesInFlight + body.byteLength > bytesInFlight
    if (full || !memory.take(body.byteLength)) {
      return this.#refuse(id, 'RPC_BUSY', 'Too many requests at a time: wait for an answer first')
    }
    // Protomux hands out a view of a whole decrypted frame of up to 16 MB: what is kept beyond this call is a copy.
    const kept = Buffer.from(Uint8Array.from(body).buffer)
    void this.#answer(id, handler, kept).finally(() => memory.give(kept.byteLength))
  }

  async #answer(id: number, handler: Handler, body: Uint8Array): Promise<void> {
    const controller = new AbortController()
    this.#running.set(id, controller)
    this.#bytesInFlight += body.byteLength
    try {
      this.#send(id, 0, await handler(body, controller.signal))
    } catch (error) {
      if (controller.signal.aborted) return
      const { code, message } = publicError(error)
      if (code === 'RPC_MALFORMED') this.#offences++
      this.#send(id, 1, encode(errorType, { code, message }))
    } finally {
      this.#running.delete(id)
      this.#bytesInFlight -= body.byteLength
    }
  }

  #oncancel(message: Uint8Array): void {
    try {
      this.#running.get(decode(cancelType, message).id)?.abort(gone())
    } catch {
      this.#offend()
    }
  }

  /** Says that this end lives, whatever waits for its turn here; whoever asks all the time is not told, and counts as an offender. */
  #onbeat(): void {
    this.#heardAt = this.#clock.now()
    if (!this.#takeTokens(1)) this.#offend()
    else if (!this.closed && this.#backlog === 0) this.#beat.send(nothing)
  }

  #refuse(id: number, code: ErrorCode, message: string): void {
    this.#send(id, 1, encode(errorType, { code, message }))
    this.#offend()
  }

  /** Counts what no honest client does; after enough of it the channel is closed. */
  #offend(): void {
    if (++this.#offences >= this.#quotas.offences) this.close()
  }

  #send(id: number, error: 0 | 1, body: Uint8Array): void {
    if (this.closed) return
    const message = encode(responseType, { id, error, body })
    if (this.#response.send(message)) return
    // The peer does not read what it asked for: without an end to this, we would hold it all.
    const fits = this.#memory.take(message.byteLength)
    if (fits) this.#backlog += message.byteLength
    if (!fits || this.#backlog > this.#quotas.backlogBytes) this.close()
  }

  #drained(): void {
    this.#memory.give(this.#backlog)
    this.#backlog = 0
  }

  #takeTokens(cost: number): boolean {
    const { perSecond, burst } = this.#quotas
    const now = this.#clock.now()
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#refilledAt) * perSecond) / 1000)
    this.#refilledAt = now
    // What costs more than all that there may be takes all.
    const taken = Math.min(cost, burst)
    if (this.#tokens < taken) return false
    this.#tokens -= taken
    return true
  }
}

const nothing = new Uint8Array(0)

interface Pending {
  resolve: (body: Uint8Array) => void
  reject: (error: Error) => void
}

/** The asking end. */
export class ClientChannel {
  readonly #channel: Protomux.Channel
  readonly #request: Protomux.Message<Uint8Array>
  readonly #cancel: Protomux.Message<Uint8Array>
  readonly #beat: Protomux.Message<Uint8Array>
  readonly #clock: Clock
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #heardAt: number

  /** @param onclose is told once, when the channel or its connection is gone */
  constructor(
    mux: Protomux,
    protocol: string,
    { clock, onclose = () => {} }: { clock: Clock; onclose?: () => void }
  ) {
    this.#clock = clock
    const channel = mux.createChannel({
      protocol,
      onclose: () => {
        for (const { reject } of this.#pending.values()) reject(gone())
        this.#pending.clear()
        onclose()
      }
    })
    if (channel === null) throw new SwarmError('RPC_CHANNEL', 'This connection has the channel already')
    this.#channel = channel
    this.#request = channel.addMessage({ encoding: raw })
    channel.addMessage({ encoding: raw, onmessage: (message: Uint8Array) => this.#onresponse(message) })
    this.#cancel = channel.addMessage({ encoding: raw })
    this.#beat = channel.addMessage({ encoding: raw, onmessage: () => this.#hear() })
    this.#heardAt = clock.now()
    channel.open()
  }

  /** When the other end was last heard of. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** Whether something that was asked is not answered yet. */
  get waiting(): boolean {
    return this.#pending.size > 0
  }

  /** Asks for a sign of life, which shows in `heardAt` when it comes. */
  beat(): void {
    if (!this.closed) this.#beat.send(nothing)
  }

  #hear(): void {
    this.#heardAt = this.#clock.now()
  }

  /** Whether the other end speaks the protocol; waits until it has said so. */
  opened(): Promise<boolean> {
    return this.#channel.fullyOpened()
  }

  get closed(): boolean {
    return this.#channel.closed
  }

  close(): void {
    this.#channel.close()
  }

  /**
   * Asks and waits for the answer.
   *
   * @throws SwarmError with the code that the server gave, or `RPC_CLOSED`, `RPC_TIMEOUT`; the signal's reason
   */
  async request(
    method: number,
    body: Uint8Array,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (this.closed) throw gone()
    const id = this.#nextId++
    const answer = new Promise<Uint8Array>((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    try {
      this.#request.send(encode(requestType, { id, method, body }))
      const error = (): SwarmError => timedOut(timeoutMs)
      return await deadline(answer, { clock: this.#clock, ms: timeoutMs, signal, error })
    } finally {
      // What is still waited for was given up: the other end need not go on.
      if (this.#pending.delete(id) && !this.closed) this.#cancel.send(encode(cancelType, { id }))
    }
  }

  #onresponse(message: Uint8Array): void {
    this.#hear()
    try {
      const { id, error, body } = decode(responseType, message)
      const pending = this.#pending.get(id)
      if (!pending) return
      this.#pending.delete(id)
      if (error === 0) return pending.resolve(body)
      const { code, message: text } = decode(errorType, body)
      pending.reject(new PeerError(code, text))
    } catch {
      // A server that does not speak the protocol: nothing that it says can be matched to a request.
      this.close()
    }
  }
}

/** What a stranger may know of an error. */
function publicError(error: unknown): { code: ErrorCode; message: string } {
  const { code, message } = told(error, 'RPC_FAILED')
  return { code, message: clip(message, 1024) }
}

function clip(message: string, most: number): string {
  let clipped = message.slice(0, most)
  while (Buffer.byteLength(clipped) > most) clipped = clipped.slice(0, -1)
  return clipped
}

function gone(): SwarmError {
  return new SwarmError('RPC_CLOSED', 'The connection was closed')
}

function timedOut(ms: number): SwarmError {
  return new SwarmError('RPC_TIMEOUT', `No answer came within ${ms} ms`)
}
