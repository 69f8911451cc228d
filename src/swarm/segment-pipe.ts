import type Protomux from 'protomux'
import type { Clock } from '../clock.js'
import { PeerError, SwarmError } from '../errors.js'
import { deadline, type Patience } from '../wait.js'
import { Pace } from './pace.js'
import { Queue } from './queue.js'
import { MESSAGE_BYTES } from './segment-cutting.js'
import {
  DATA,
  OFFER,
  READY,
  VERDICT,
  idleError,
  protocolError,
  readData,
  readVerdict,
  DataMessage
} from './segment-messages.js'

/** The number rises with every change that an older peer would not understand. */
export const SEGMENT_PROTOCOL = 'datdot/segment/1'

/** Bytes that may be on their way and not yet consumed by the receiver. */
export const WINDOW_BYTES = 8 << 20
/** Most bytes of an offer, checkpoint or verdict. */
const WORD_BYTES_MAX = 64 << 10
/** Bytes of all messages but data that may wait to be taken; the first, before it is known who sends. */
const WAITING_BYTES_MAX = 4 * WORD_BYTES_MAX
const UNASKED_BYTES_MAX = WORD_BYTES_MAX
/** Checkpoints (running roots) that may wait to be taken. */
const ITEMS_MAX = 4096
/** Nothing heard for so long, or too few bytes in all waits that add up to it, ends a transfer. */
export const IDLE_MS = 60_000

export interface PipeOptions {
  clock: Clock
  signal?: AbortSignal | undefined
  idleMs?: number
}

export interface Incoming {
  type: number
  payload: Buffer
}

/** One protomux channel with a bounded queue, whose every wait ends. */
export class SegmentPipe {
  readonly #channel: Protomux.Channel | null
  readonly #messages: Protomux.Message<Uint8Array | DataMessage>[] = []
  readonly #queue = new Queue<Incoming>()
  readonly #idleMs: number
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #closed: Promise<void>
  #buffered = 0
  #waiting = 0
  /** The other side was told to send: until then there is no window for it. */
  #asked = false
  #drained: (() => void) | undefined

  constructor(mux: Protomux, id: Buffer | null, { clock, idleMs = IDLE_MS, signal }: PipeOptions) {
    this.#idleMs = idleMs
    this.#clock = clock
    this.#signal = signal
    let ended = (): void => {}
    this.#closed = new Promise((resolve) => (ended = resolve))
    this.#channel = mux.createChannel({
      protocol: SEGMENT_PROTOCOL,
      id,
      onclose: () => {
        this.#fail(new SwarmError('SEGMENT_CLOSED', 'the other side ended the transfer'))
        ended()
      },
      ondrain: () => this.#drained?.()
    })
    for (let type = OFFER; type <= VERDICT; type++) {
      const message = this.#channel?.addMessage<Uint8Array | DataMessage>({
        encoding: rawBytes,
        onmessage: (payload) => this.#receive(type, payload as Buffer)
      })
      if (message) this.#messages.push(message)
    }
  }

  /** False where the connection already has such a channel. */
  open(): boolean {
    if (this.#channel === null) {
      this.#fail(new SwarmError('SEGMENT_BUSY', 'a segment is on its way over this connection already'))
      return false
    }
    this.#channel.open()
    return true
  }

  close(): void {
    this.#drained?.()
    this.#channel?.close()
  }

  closed(): Promise<void> {
    return deadline(this.#closed, this.#patience(this.#idleMs))
  }

  /** Opens the window: from now on the other side may send data. */
  ask(): void {
    this.#asked = true
  }

  send(type: number, payload: Uint8Array | DataMessage): boolean {
    return this.#messages[type]?.send(payload) ?? false
  }

  /** Sends chunk bytes, and waits while the stream below is full. */
  async sendData(lengths: number[], bytes: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted()
    if (this.#queue.error) throw this.#queue.error
    if (this.send(DATA, new DataMessage(lengths, bytes)) || this.#channel?.closed !== false) return
    const drained = new Promise<void>((resolve) => (this.#drained = resolve))
    await deadline(drained, this.#patience(this.#idleMs))
    this.#drained = undefined
  }

  /** The pace that the other side must keep from now on. */
  pace(): Pace {
    return new Pace({ idleMs: this.#idleMs, clock: this.#clock, error: idleError })
  }

  /** The payload of the next message, which must be of this type. */
  async next(type: number): Promise<Buffer> {
    const incoming = await this.#take(this.#idleMs)
    if (incoming.type === VERDICT && type === READY) {
      const verdict = readVerdict(incoming.payload)
      if (!verdict.accepted) throw new PeerError(verdict.code, verdict.message)
    }
    return expect(incoming, type).payload
  }

  /** The next message, which must be of one of these types and come in the time that the other side has left. */
  async nextAt(pace: Pace, ...types: [number, number]): Promise<Incoming> {
    return expect(await pace.wait((ms) => this.#take(ms)), ...types)
  }

  /** A message of this type that is there already. */
  poll(type: number): Buffer | undefined {
    if (this.#queue.peek()?.type !== type) return undefined
    const incoming = this.#queue.shift() as Incoming
    this.#taken(incoming)
    return incoming.payload
  }

  /** Tells that buffered data was used up. */
  consumed(bytes: number): void {
    this.#buffered -= bytes
  }

  /** Never throws: an error in here would destroy the connection with all its channels. */
  #receive(type: number, payload: Buffer): void {
    try {
      if (!this.#asked && type === DATA) throw protocolError('data before it was asked for')
      if (type === DATA) this.#buffered += readData(payload).bytes.byteLength
      else if (payload.byteLength > WORD_BYTES_MAX) throw protocolError('a message that is too long')
      else this.#waiting += payload.byteLength
      if (this.#waiting > (this.#asked ? WAITING_BYTES_MAX : UNASKED_BYTES_MAX))
        throw protocolError('more checkpoints than can wait')
      if (this.#buffered > WINDOW_BYTES + 2 * MESSAGE_BYTES) throw protocolError('more data than was allowed')
      if (this.#queue.length >= ITEMS_MAX) throw protocolError('more messages than can wait')
      // A view of a whole decrypted frame of up to 16 MB: what waits here is a copy.
      this.#queue.put({ type, payload: Buffer.from(Uint8Array.from(payload).buffer) })
    } catch (error) {
      this.#fail(error as Error)
      this.close()
    }
  }

  async #take(ms: number): Promise<Incoming> {
    const incoming = await this.#queue.take(this.#patience(ms))
    this.#taken(incoming)
    return incoming
  }

  #patience(ms: number): Patience {
    return { clock: this.#clock, ms, signal: this.#signal, error: idleError }
  }

  #taken({ type, payload }: Incoming): void {
    if (type !== DATA) this.#waiting -= payload.byteLength
  }

  #fail(error: Error): void {
    this.#queue.fail(error)
    this.#drained?.()
  }
}

function expect(incoming: Incoming, ...types: number[]): Incoming {
  if (!types.includes(incoming.type)) throw protocolError(`message ${incoming.type} at the wrong time`)
  return incoming
}

/** The rest of a message as it is. */
const rawBytes = {
  preencode(state: { end: number }, bytes: Uint8Array | DataMessage): void {
    state.end += bytes.byteLength
  },
  encode(state: { start: number; buffer: Uint8Array | null }, bytes: Uint8Array | DataMessage): void {
    if (bytes instanceof DataMessage) bytes.writeTo(state.buffer!, state.start)
    else state.buffer?.set(bytes, state.start)
    state.start += bytes.byteLength
  },
  decode(state: { start: number; end: number; buffer: Uint8Array | null }): Buffer {
    const rest = (state.buffer as Buffer).subarray(state.start, state.end)
    state.start = state.end
    return rest
  }
}
