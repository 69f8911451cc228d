import Protomux from 'protomux'
import type HyperDHT from 'hyperdht'
import { SwarmError } from '../errors.js'
import { Mailbox, deadline } from './mailbox.js'
import { Pace } from './pace.js'

/** The number rises with every change that an older peer would not understand. */
export const SEGMENT_PROTOCOL = 'datdot/segment/1'

/** Bytes that may be on their way and not yet consumed by the receiver. */
const WINDOW_BYTES = 8 << 20
/** Aim of one data message. Larger chunks are cut. */
const MESSAGE_BYTES = 128 << 10
/** Most bytes of an offer, word or verdict. */
const WORD_BYTES_MAX = 64 << 10
/** Bytes of all messages but data that may wait to be taken. */
const WAITING_BYTES_MAX = 4 * WORD_BYTES_MAX
/** Most bytes of one encoded chunk; a `seal` of 15 MiB with its header. */
const CHUNK_BYTES_MAX = 16 << 20
/** Words (running roots) that may wait to be taken. */
const ITEMS_MAX = 4096
/** Segments that one connection may carry at a time. */
const CHANNELS_MAX = 16
/** Nothing heard for so long, or too few bytes in all waits that add up to it, ends a transfer. */
export const IDLE_MS = 60_000

/** Encoded chunks one after another, as the engine's batches have them. */
export interface ChunkBytes {
  bytes: Uint8Array
  lengths: ArrayLike<number>
}

/** What flows from signer to pinner after the offer: chunks, signed running roots, and the signed end. */
export type SegmentItem = ({ kind: 'chunks' } & ChunkBytes) | { kind: 'root' | 'end'; word: Buffer }

/** The pinner's verdict on the whole segment. */
export type SegmentVerdict =
  { accepted: true; word: Buffer } | { accepted: false; code: string; message: string }

export interface TransferOptions {
  /** Tells the segments apart that share a connection; up to 32 bytes. */
  id?: Buffer
  signal?: AbortSignal | undefined
  idleMs?: number
  /** A clock in milliseconds that only goes forward; `performance.now` if left out. */
  now?: () => number
  /** Told the number of chunk bytes that the receiver has consumed. */
  onConsumed?: (bytes: number) => void
}

// One message type each, in the order of registration; payloads are bytes that only this file reads.
const OFFER = 0
const READY = 1
const DATA = 2
const CREDIT = 3
const WORD = 4
const VERDICT = 5

/**
 * Hands a segment to a pinner over an encrypted connection: offers it, goes on from the chunk that the pinner
 * wants next, and waits for the verdict. `items` is called with that position; it ends with an `end` item.
 *
 * @throws SwarmError SEGMENT_CLOSED (the peer went away: connect again, it will say where to go on),
 *   SEGMENT_IDLE, SEGMENT_PROTOCOL; what `items` throws; the signal's reason
 */
export async function sendSegment(
  connection: HyperDHT.Connection,
  offer: Buffer,
  items: (position: number) => AsyncIterable<SegmentItem>,
  { id, onConsumed, ...limits }: TransferOptions = {}
): Promise<SegmentVerdict> {
  const channel = new SegmentChannel(Protomux.from(connection), id ?? null, limits)
  try {
    channel.open()
    channel.send(OFFER, offer)
    const ready = await channel.next(READY)
    if (ready.byteLength !== 8) throw protocolError('a position of another length')
    const position = Number(ready.readBigUInt64LE())
    if (!Number.isSafeInteger(position)) throw protocolError(`a position of ${position}`)

    let sent = 0
    let consumed = 0
    const pace = channel.pace()
    const onCredit = (total: number): void => {
      // One that says nothing new would keep an idle transfer alive.
      if (total > sent || total <= consumed)
        throw protocolError('a credit for no bytes, or bytes that were not sent')
      pace.progress(total - consumed)
      consumed = total
      onConsumed?.(consumed)
    }
    for await (const item of items(position)) {
      if (item.kind !== 'chunks') {
        channel.send(WORD, Buffer.concat([Buffer.of(item.kind === 'end' ? 1 : 0), item.word]))
        continue
      }
      for (const message of cut(item)) {
        while (sent - consumed > WINDOW_BYTES) {
          const first = await channel.nextAt(pace, CREDIT, VERDICT)
          if (first.type === VERDICT) return readVerdict(first.payload)
          onCredit(readCredit(first.payload))
        }
        for (let credit = channel.poll(CREDIT); credit !== undefined; credit = channel.poll(CREDIT)) {
          onCredit(readCredit(credit))
        }
        sent += message.bytes.byteLength
        await channel.sendData(message.lengths, message.bytes)
      }
    }
    for (;;) {
      const { type, payload } = await channel.nextAt(pace, CREDIT, VERDICT)
      if (type === VERDICT) return readVerdict(payload)
      onCredit(readCredit(payload))
    }
  } finally {
    channel.close()
  }
}

/** A segment that a signer offers on a connection of a pinner. */
export interface IncomingSegment {
  offer: Buffer
  /** The signer's key, proven by the connection's handshake. */
  from: Buffer
  /**
   * Tells the signer where to begin, and yields what it sends. Bytes are good until the next item is asked for;
   * asking for it is what allows the signer to send more.
   *
   * @throws SwarmError SEGMENT_CLOSED, SEGMENT_IDLE, SEGMENT_PROTOCOL
   */
  receive(position: number): AsyncGenerator<SegmentItem, void, void>
  accept(word: Buffer): void
  refuse(code: string, message: string): void
}

/**
 * Takes segments offered on a connection, several at a time if their ids differ. What `handle` throws becomes a refusal
 * with the error's code; nothing that a peer sends reaches further than its own channel.
 */
export function acceptSegments(
  connection: HyperDHT.Connection,
  handle: (segment: IncomingSegment) => Promise<void>,
  limits: Pick<TransferOptions, 'signal' | 'idleMs' | 'now'> = {}
): void {
  const mux = Protomux.from(connection)
  let open = 0
  mux.pair({ protocol: SEGMENT_PROTOCOL }, (id) => {
    if (open >= CHANNELS_MAX || (id !== null && id.byteLength > 32)) return
    const channel = new SegmentChannel(mux, id, limits)
    if (!channel.open()) return
    open++
    void serve(channel, connection.remotePublicKey, handle).finally(() => open--)
  })
}

async function serve(
  channel: SegmentChannel,
  from: Buffer,
  handle: (segment: IncomingSegment) => Promise<void>
): Promise<void> {
  try {
    const offer = await channel.next(OFFER)
    let decided = false
    const decide = (verdict: SegmentVerdict): void => {
      if (decided) return
      decided = true
      channel.send(VERDICT, writeVerdict(verdict))
    }
    const refuse = (code: string, message: string): void => decide({ accepted: false, code, message })
    try {
      await handle({
        offer,
        from,
        receive: (position) => receive(channel, position),
        accept: (word) => decide({ accepted: true, word }),
        refuse
      })
      refuse('SEGMENT_UNDECIDED', 'the pinner came to no verdict')
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string }
      refuse(typeof code === 'string' ? code : 'SEGMENT_FAILED', message)
    }
    // The signer closes once it has read the verdict; closing first could overtake it.
    await channel.closed()
  } catch {
    // The peer went away or broke the protocol: its channel ends, which is all there is to do.
  } finally {
    channel.close()
  }
}

async function* receive(channel: SegmentChannel, position: number): AsyncGenerator<SegmentItem, void, void> {
  const ready = Buffer.alloc(8)
  ready.writeBigUInt64LE(BigInt(position))
  channel.send(READY, ready)
  const joiner = new Joiner()
  const pace = channel.pace()
  let consumed = 0
  let credited = 0
  for (;;) {
    const { type, payload } = await channel.nextAt(pace, DATA, WORD)
    if (type === WORD) {
      if (payload.byteLength < 1) throw protocolError('an empty word')
      if (joiner.partial) throw protocolError('a word in the middle of a chunk')
      const kind = payload[0] === 1 ? 'end' : 'root'
      yield { kind, word: payload.subarray(1) }
      if (kind === 'end') return
      continue
    }
    const { lengths, bytes } = readData(payload)
    pace.progress(bytes.byteLength)
    for (const run of joiner.add(lengths, bytes)) yield { kind: 'chunks', ...run }
    consumed += bytes.byteLength
    channel.consumed(bytes.byteLength)
    if (consumed - credited >= WINDOW_BYTES / 8) {
      const credit = Buffer.alloc(8)
      credit.writeBigUInt64LE(BigInt(consumed))
      channel.send(CREDIT, credit)
      credited = consumed
    }
  }
}

/** Puts chunks together that were cut over several messages; whole ones pass without a copy. */
class Joiner {
  #chunk: Buffer | undefined
  #filled = 0

  get partial(): boolean {
    return this.#chunk !== undefined
  }

  *add(lengths: number[], bytes: Buffer): Generator<ChunkBytes> {
    let at = 0
    if (this.#chunk) {
      const taken = Math.min(this.#chunk.byteLength - this.#filled, bytes.byteLength)
      bytes.copy(this.#chunk, this.#filled, 0, taken)
      this.#filled += taken
      at = taken
      if (this.#filled === this.#chunk.byteLength) {
        yield { bytes: this.#chunk, lengths: [this.#filled] }
        this.#chunk = undefined
      }
    }
    const whole: number[] = []
    let end = at
    for (const [i, length] of lengths.entries()) {
      if (end + length > bytes.byteLength) {
        if (i !== lengths.length - 1 || this.#chunk) throw protocolError('lengths that do not fit the bytes')
        this.#chunk = Buffer.allocUnsafe(length)
        break
      }
      whole.push(length)
      end += length
    }
    if (whole.length > 0) yield { bytes: bytes.subarray(at, end), lengths: whole }
    if (this.#chunk && whole.length < lengths.length) {
      this.#filled = bytes.copy(this.#chunk, 0, end)
    } else if (end !== bytes.byteLength) {
      throw protocolError('bytes that belong to no chunk')
    }
  }
}

/** Cuts encoded chunks into messages: whole chunks up to the aim, a larger chunk into pieces. */
function* cut({ bytes, lengths }: ChunkBytes): Generator<{ lengths: number[]; bytes: Uint8Array }> {
  let start = 0
  let end = 0
  let group: number[] = []
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number
    if (end > start && end - start + length > MESSAGE_BYTES) {
      yield { lengths: group, bytes: bytes.subarray(start, end) }
      group = []
      start = end
    }
    group.push(length)
    end += length
    while (end - start > MESSAGE_BYTES) {
      yield { lengths: group, bytes: bytes.subarray(start, start + MESSAGE_BYTES) }
      group = []
      start += MESSAGE_BYTES
    }
  }
  if (end > start) yield { lengths: group, bytes: bytes.subarray(start, end) }
}

interface Incoming {
  type: number
  payload: Buffer
}

/** One protomux channel with a bounded inbox, whose every wait ends. */
class SegmentChannel {
  readonly #channel: Protomux.Channel | null
  readonly #messages: Protomux.Message<Buffer>[] = []
  readonly #inbox = new Mailbox<Incoming>()
  readonly #idleMs: number
  readonly #now: () => number
  readonly #signal: AbortSignal | undefined
  readonly #closed: Promise<void>
  #buffered = 0
  #waiting = 0
  #drained: (() => void) | undefined

  constructor(
    mux: Protomux,
    id: Buffer | null,
    { idleMs = IDLE_MS, now = () => performance.now(), signal }: TransferOptions
  ) {
    this.#idleMs = idleMs
    this.#now = now
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
      const message = this.#channel?.addMessage<Buffer>({
        encoding: rawBytes,
        onmessage: (payload) => this.#receive(type, payload)
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
    return deadline(this.#closed, { ms: this.#idleMs, signal: this.#signal, error: idleError })
  }

  send(type: number, payload: Buffer): boolean {
    return this.#messages[type]?.send(payload) ?? false
  }

  /** Sends chunk bytes, and waits while the stream below is full. */
  async sendData(lengths: number[], bytes: Uint8Array): Promise<void> {
    const payload = Buffer.allocUnsafe(4 + 4 * lengths.length + bytes.byteLength)
    payload.writeUInt32LE(lengths.length, 0)
    for (const [i, length] of lengths.entries()) payload.writeUInt32LE(length, 4 + 4 * i)
    payload.set(bytes, 4 + 4 * lengths.length)
    this.#signal?.throwIfAborted()
    if (this.#inbox.error) throw this.#inbox.error
    if (this.send(DATA, payload) || this.#channel?.closed !== false) return
    const drained = new Promise<void>((resolve) => (this.#drained = resolve))
    await deadline(drained, { ms: this.#idleMs, signal: this.#signal, error: idleError })
    this.#drained = undefined
  }

  /** The pace that the other side must keep from now on. */
  pace(): Pace {
    return new Pace({ idleMs: this.#idleMs, now: this.#now, error: idleError })
  }

  /** The payload of the next message, which must be of this type. */
  async next(type: number): Promise<Buffer> {
    const incoming = await this.#take(this.#idleMs)
    if (incoming.type === VERDICT && type === READY) {
      const verdict = readVerdict(incoming.payload)
      if (!verdict.accepted) throw new SwarmError(verdict.code, verdict.message)
    }
    return expect(incoming, type).payload
  }

  /** The next message, which must be of one of these types and come in the time that the other side has left. */
  async nextAt(pace: Pace, ...types: [number, number]): Promise<Incoming> {
    return expect(await pace.wait((ms) => this.#take(ms)), ...types)
  }

  /** A message of this type that is there already. */
  poll(type: number): Buffer | undefined {
    if (this.#inbox.peek()?.type !== type) return undefined
    const incoming = this.#inbox.shift() as Incoming
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
      if (type === DATA) this.#buffered += readData(payload).bytes.byteLength
      else if (payload.byteLength > WORD_BYTES_MAX) throw protocolError('a message that is too long')
      else this.#waiting += payload.byteLength
      if (this.#waiting > WAITING_BYTES_MAX) throw protocolError('more words than can wait')
      if (this.#buffered > WINDOW_BYTES + 2 * MESSAGE_BYTES) throw protocolError('more data than was allowed')
      if (this.#inbox.length >= ITEMS_MAX) throw protocolError('more messages than can wait')
      this.#inbox.put({ type, payload })
    } catch (error) {
      this.#fail(error as Error)
      this.close()
    }
  }

  async #take(ms: number): Promise<Incoming> {
    const incoming = await this.#inbox.take({ ms, signal: this.#signal, error: idleError })
    this.#taken(incoming)
    return incoming
  }

  #taken({ type, payload }: Incoming): void {
    if (type !== DATA) this.#waiting -= payload.byteLength
  }

  #fail(error: Error): void {
    this.#inbox.fail(error)
    this.#drained?.()
  }
}

function expect(incoming: Incoming, ...types: number[]): Incoming {
  if (!types.includes(incoming.type)) throw protocolError(`message ${incoming.type} at the wrong time`)
  return incoming
}

/** The rest of a message as it is. */
const rawBytes = {
  preencode(state: { end: number }, bytes: Buffer): void {
    state.end += bytes.byteLength
  },
  encode(state: { start: number; buffer: Uint8Array | null }, bytes: Buffer): void {
    state.buffer?.set(bytes, state.start)
    state.start += bytes.byteLength
  },
  decode(state: { start: number; end: number; buffer: Uint8Array | null }): Buffer {
    const rest = (state.buffer as Buffer).subarray(state.start, state.end)
    state.start = state.end
    return rest
  }
}

function readData(payload: Buffer): { lengths: number[]; bytes: Buffer } {
  const count = payload.byteLength >= 4 ? payload.readUInt32LE(0) : Infinity
  const at = 4 + 4 * count
  if (at > payload.byteLength) throw protocolError('data without its lengths')
  // Only bytes count against the window: lengths may not outgrow them, or they would fill the memory uncounted.
  // All chunks but the last lie in the message whole, and none is empty.
  const size = payload.byteLength - at
  if (size === 0 || count > size + 1) throw protocolError('more lengths than its bytes can fill')
  const lengths: number[] = []
  for (let i = 0; i < count; i++) {
    const length = payload.readUInt32LE(4 + 4 * i)
    if (length < 1 || length > CHUNK_BYTES_MAX) throw protocolError(`a chunk of ${length} bytes`)
    lengths.push(length)
  }
  return { lengths, bytes: payload.subarray(at) }
}

function readCredit(payload: Buffer): number {
  if (payload.byteLength !== 8) throw protocolError('a credit of another length')
  return Number(payload.readBigUInt64LE())
}

function writeVerdict(verdict: SegmentVerdict): Buffer {
  if (verdict.accepted) return Buffer.concat([Buffer.of(1), verdict.word])
  const text = JSON.stringify([verdict.code.slice(0, 64), verdict.message.slice(0, 1024)])
  return Buffer.concat([Buffer.of(0), Buffer.from(text)])
}

function readVerdict(payload: Buffer): SegmentVerdict {
  if (payload[0] === 1) return { accepted: true, word: payload.subarray(1) }
  try {
    const said: unknown = JSON.parse(payload.subarray(1).toString('utf8'))
    if (Array.isArray(said) && typeof said[0] === 'string' && typeof said[1] === 'string') {
      return { accepted: false, code: said[0], message: said[1] }
    }
  } catch {
    // Not JSON: said below.
  }
  throw protocolError('a verdict that cannot be read')
}

function idleError(): SwarmError {
  return new SwarmError('SEGMENT_IDLE', 'the other side has said nothing, or too little, for too long')
}

function protocolError(what: string): SwarmError {
  return new SwarmError('SEGMENT_PROTOCOL', `the other side sent ${what}`)
}
