import { writeUint } from '../bytes.js'
import { SwarmError } from '../errors.js'
import { UINT_MAX } from '../bounds.js'

/** Most bytes of one encoded chunk; a `seal` of 15 MiB with its header. */
const CHUNK_BYTES_MAX = 16 << 20

/** The messages of a transfer (docs/formats.md), by their numbers. */
export const OFFER = 0
export const READY = 1
export const DATA = 2
export const CREDIT = 3
export const CHECKPOINT = 4
export const VERDICT = 5

/** Encoded chunks one after another, as the engine's batches have them. */
export interface ChunkBytes {
  bytes: Uint8Array
  lengths: ArrayLike<number>
}

/** The pinner's verdict on the whole segment; a refusal is in its words, which are bounded and not trusted. */
export type SegmentVerdict =
  { accepted: true; signed: Uint8Array } | { accepted: false; code: string; message: string }

/** Bytes of chunks, and the lengths of those that begin in them; written into its frame without a copy of its own before. */
export class DataMessage {
  readonly byteLength: number
  readonly #lengths: readonly number[]
  readonly #bytes: Uint8Array

  constructor(lengths: readonly number[], bytes: Uint8Array) {
    this.#lengths = lengths
    this.#bytes = bytes
    this.byteLength = 4 + 4 * lengths.length + bytes.byteLength
  }

  /** Writes all of it from `at` on. */
  writeTo(target: Uint8Array, at: number): void {
    writeUint(target, this.#lengths.length, at, 4)
    for (const [i, length] of this.#lengths.entries()) writeUint(target, length, at + 4 + 4 * i, 4)
    target.set(this.#bytes, at + 4 + 4 * this.#lengths.length)
  }
}

/** @throws SwarmError SEGMENT_PROTOCOL */
export function readData(payload: Buffer): { lengths: number[]; bytes: Buffer } {
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

/** A position or credit. */
export function writeNumber(value: number): Buffer {
  const payload = Buffer.alloc(8)
  payload.writeBigUInt64LE(BigInt(value))
  return payload
}

/** @throws SwarmError SEGMENT_PROTOCOL */
export function readNumber(payload: Buffer, what: string): number {
  if (payload.byteLength !== 8) throw protocolError(`${what} of another length`)
  const value = Number(payload.readBigUInt64LE())
  if (value > UINT_MAX) throw protocolError(`${what} of ${value}`)
  return value
}

export function writeVerdict(verdict: SegmentVerdict): Buffer {
  if (verdict.accepted) return Buffer.concat([Buffer.of(1), verdict.signed])
  const text = JSON.stringify([verdict.code.slice(0, 64), verdict.message.slice(0, 1024)])
  return Buffer.concat([Buffer.of(0), Buffer.from(text)])
}

/** @throws SwarmError SEGMENT_PROTOCOL */
export function readVerdict(payload: Buffer): SegmentVerdict {
  if (payload[0] === 1) return { accepted: true, signed: payload.subarray(1) }
  try {
    const said: unknown = JSON.parse(payload.subarray(1).toString('utf8'))
    if (Array.isArray(said) && typeof said[0] === 'string' && typeof said[1] === 'string') {
      return { accepted: false, code: said[0].slice(0, 64), message: said[1].slice(0, 1024) }
    }
  } catch {
    // Not JSON: said below.
  }
  throw protocolError('a verdict that cannot be read')
}

export function idleError(): SwarmError {
  return new SwarmError('SEGMENT_IDLE', 'the other side has said nothing, or too little, for too long')
}

export function protocolError(what: string): SwarmError {
  return new SwarmError('SEGMENT_PROTOCOL', `the other side sent ${what}`)
}
