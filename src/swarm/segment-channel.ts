import Protomux from 'protomux'
import type HyperDHT from 'hyperdht'
import { told, type ErrorCode } from '../errors.js'
import { Joiner, cut } from './segment-cutting.js'
import {
  CREDIT,
  DATA,
  OFFER,
  READY,
  VERDICT,
  CHECKPOINT,
  protocolError,
  readData,
  readNumber,
  readVerdict,
  writeNumber,
  writeVerdict,
  type ChunkBytes,
  type SegmentVerdict
} from './segment-messages.js'
import { SEGMENT_PROTOCOL, SegmentPipe, WINDOW_BYTES, type PipeOptions } from './segment-pipe.js'

export type { ChunkBytes, SegmentVerdict } from './segment-messages.js'
export { IDLE_MS, SEGMENT_PROTOCOL } from './segment-pipe.js'

/** Segments that one connection may carry at a time. */
const CHANNELS_MAX = 16

/** What flows from signer to pinner after the offer: chunks, signed running roots, and the signed end. */
export type SegmentItem = ({ kind: 'chunks' } & ChunkBytes) | { kind: 'root' | 'end'; checkpoint: Uint8Array }

export interface TransferOptions extends PipeOptions {
  /** Tells the segments apart that share a connection; up to 32 bytes. */
  id?: Buffer
  /** Told the number of chunk bytes that the receiver has consumed. */
  onConsumed?: (bytes: number) => void
}

/**
 * Hands a segment to a pinner over an encrypted connection: offers it, goes on from the chunk that the pinner
 * wants next, and waits for the verdict. `items` is called with that position; it ends with an `end` item.
 *
 * @throws SwarmError SEGMENT_CLOSED (the peer went away: connect again, it will say where to go on),
 *   SEGMENT_IDLE, SEGMENT_PROTOCOL; what `items` throws; the signal's reason
 */
export async function sendSegment(
  connection: HyperDHT.Connection,
  offer: Uint8Array,
  items: (position: number) => AsyncIterable<SegmentItem>,
  { id, onConsumed, ...limits }: TransferOptions
): Promise<SegmentVerdict> {
  const channel = new SegmentPipe(Protomux.from(connection), id ?? null, limits)
  try {
    channel.open()
    channel.send(OFFER, offer)
    const ready = await channel.next(READY)
    const position = readNumber(ready, 'a position')

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
        channel.send(CHECKPOINT, Buffer.concat([Buffer.of(item.kind === 'end' ? 1 : 0), item.checkpoint]))
        continue
      }
      for (const message of cut(item)) {
        while (sent - consumed > WINDOW_BYTES) {
          const first = await channel.nextAt(pace, CREDIT, VERDICT)
          if (first.type === VERDICT) return readVerdict(first.payload)
          onCredit(readNumber(first.payload, 'a credit'))
        }
        for (let credit = channel.poll(CREDIT); credit !== undefined; credit = channel.poll(CREDIT)) {
          onCredit(readNumber(credit, 'a credit'))
        }
        sent += message.bytes.byteLength
        await channel.sendData(message.lengths, message.bytes)
      }
    }
    for (;;) {
      const { type, payload } = await channel.nextAt(pace, CREDIT, VERDICT)
      if (type === VERDICT) return readVerdict(payload)
      onCredit(readNumber(payload, 'a credit'))
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
  accept(signed: Uint8Array): void
  refuse(code: ErrorCode, message: string): void
}

/**
 * Takes segments offered on a connection, several at a time if their ids differ. What `handle` throws becomes a refusal
 * with the error's code; nothing that a peer sends reaches further than its own channel.
 */
export function acceptSegments(
  connection: HyperDHT.Connection,
  handle: (segment: IncomingSegment) => Promise<void>,
  limits: Pick<TransferOptions, 'clock' | 'signal' | 'idleMs'>
): void {
  const mux = Protomux.from(connection)
  let open = 0
  mux.pair({ protocol: SEGMENT_PROTOCOL }, (id) => {
    if (open >= CHANNELS_MAX || (id !== null && id.byteLength > 32)) return
    const channel = new SegmentPipe(mux, id, limits)
    if (!channel.open()) return
    open++
    void serve(channel, connection.remotePublicKey, handle).finally(() => open--)
  })
}

async function serve(
  channel: SegmentPipe,
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
    const refuse = (code: ErrorCode, message: string): void => decide({ accepted: false, code, message })
    try {
      await handle({
        offer,
        from,
        receive: (position) => receive(channel, position),
        accept: (signed) => decide({ accepted: true, signed }),
        refuse
      })
      refuse('SEGMENT_UNDECIDED', 'the pinner came to no verdict')
    } catch (error) {
      const { code, message } = told(error, 'SEGMENT_FAILED')
      refuse(code, message)
    }
    // The signer closes once it has read the verdict; closing first could overtake it.
    await channel.closed()
  } catch {
    // The peer went away or broke the protocol: its channel ends, which is all there is to do.
  } finally {
    channel.close()
  }
}

async function* receive(channel: SegmentPipe, position: number): AsyncGenerator<SegmentItem, void, void> {
  channel.ask()
  channel.send(READY, writeNumber(position))
  const joiner = new Joiner()
  const pace = channel.pace()
  let consumed = 0
  let credited = 0
  for (;;) {
    const { type, payload } = await channel.nextAt(pace, DATA, CHECKPOINT)
    if (type === CHECKPOINT) {
      if (payload.byteLength < 1) throw protocolError('an empty checkpoint')
      if (joiner.partial) throw protocolError('a checkpoint in the middle of a chunk')
      const kind = payload[0] === 1 ? 'end' : 'root'
      yield { kind, checkpoint: payload.subarray(1) }
      if (kind === 'end') return
      continue
    }
    const { lengths, bytes } = readData(payload)
    pace.progress(bytes.byteLength)
    for (const run of joiner.add(lengths, bytes)) yield { kind: 'chunks', ...run }
    consumed += bytes.byteLength
    channel.consumed(bytes.byteLength)
    if (consumed - credited >= WINDOW_BYTES / 8) {
      channel.send(CREDIT, writeNumber(consumed))
      credited = consumed
    }
  }
}
