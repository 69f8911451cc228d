import blakeHash from '@napi-rs/blake-hash'
import type { Codec, SegmentPublic, SegmentSecret } from '../chunk/codec.js'
import type { Clock } from '../clock.js'
import { encodeNode, leafOf } from '../merkle/node.js'
import { turn } from '../wait.js'
import { Batch } from './batch.js'
import type { SlabLease } from './lease.js'
import { noTimes, type Job, type StageTimes } from './messages.js'
import type { Executor } from './executor.js'

/** The main thread hashes so much at a time: well under a millisecond. */
const HASH_STEP_BYTES = 1024 * 1024

/** A chunk that is larger than a slab, and what is needed to do it. */
export interface LargeChunk {
  job: Job
  segment: SegmentPublic | SegmentSecret
  codec: Codec
  index: number
  /** Plain when encoding, else encoded. */
  bytes: Uint8Array
  seed: Uint8Array
  firstDraw: number
  workers: Executor
  lease: SlabLease
  clock: Clock
  signal: AbortSignal
}

/**
 * Does a chunk that is larger than a slab in pieces, which workers cipher side by side; hashing, which is ten
 * times faster, stays here. The result is in memory of its own.
 *
 * @throws CodecError if the chunk is refused, and as `Executor.call` does
 */
export async function workLargeChunk(chunk: LargeChunk): Promise<{ batch: Batch; times: StageTimes }> {
  const times = noTimes()
  const { codec, job, bytes } = chunk
  if (job === 'encode') {
    const out = Buffer.allocUnsafeSlow(codec.encodedBytes(bytes.byteLength))
    const hasher = new BodyHasher(times, chunk.clock)
    await inPieces(chunk, bytes.byteLength, new Uint8Array(0), times, (piece, plainOffset) => {
      const at = codec.headerBytes + pieceLength(codec, plainOffset)
      out.set(piece, at)
      hasher.update(out.subarray(at, at + piece.byteLength))
    })
    const bodyHash = hasher.digest()
    const encoder = codec.createEncoder(chunk.segment as SegmentSecret)
    const { index, seed, firstDraw } = chunk
    const at = { index, plainBytes: bytes.byteLength, seed, firstDraw }
    out.set(encoder.pieceHeader(at, bodyHash))
    encoder.wipe()
    return { batch: batchOf(chunk, out, out, bytes.byteLength, bodyHash), times }
  }

  const hasher = new BodyHasher(times, chunk.clock)
  const body = bytes.subarray(codec.headerBytes)
  if (job === 'decode') codec.plainBytes(bytes)
  for (let at = 0; at < body.byteLength; at += HASH_STEP_BYTES) {
    hasher.update(body.subarray(at, at + HASH_STEP_BYTES))
    await turn()
    chunk.signal.throwIfAborted()
  }
  const bodyHash = hasher.digest()
  if (job === 'leaves') return { batch: batchOf(chunk, bytes, Buffer.alloc(0), 0, bodyHash), times }

  // A copy: Buffer's slice is a view, and all of the memory behind it would travel with every piece.
  const header = Uint8Array.from(bytes.subarray(0, codec.headerBytes))
  const decoder = codec.createDecoder(chunk.segment)
  const plainBytes = decoder.checkHeader(chunk.index, header, bytes.byteLength, bodyHash)
  const out = Buffer.allocUnsafeSlow(plainBytes)
  await inPieces(chunk, plainBytes, header, times, (piece, plainOffset) => out.set(piece, plainOffset))
  return { batch: batchOf(chunk, bytes, out, plainBytes, bodyHash), times }
}

/** Sends a chunk's pieces through the workers; `take` gets the results in order. */
async function inPieces(
  chunk: LargeChunk,
  plainBytes: number,
  header: Uint8Array,
  times: StageTimes,
  take: (piece: Uint8Array, plainOffset: number) => void
): Promise<void> {
  const { codec, lease, workers, segment, index, seed, firstDraw, bytes } = chunk
  const encoding = chunk.job === 'encode'
  const done: Promise<void>[] = []
  let last: Promise<unknown> = Promise.resolve()
  let failed = false
  for (let plainOffset = 0; plainOffset < plainBytes && !failed;) {
    const slab = await lease.acquire().catch(async (error: unknown) => {
      await Promise.allSettled(done)
      throw error
    })
    const { data } = slab
    const most = codec.pieceBytes * Math.floor(data.byteLength / pieceLength(codec, codec.pieceBytes))
    const plainLength = Math.min(most, plainBytes - plainOffset)
    const bodyAt = codec.headerBytes + pieceLength(codec, plainOffset)
    const input = encoding
      ? bytes.subarray(plainOffset, plainOffset + plainLength)
      : bytes.subarray(bodyAt, bodyAt + pieceLength(codec, plainLength))
    const fill = () => data.set(input, encoding ? data.byteLength - input.byteLength : 0)
    fill()
    const before = last
    const offset = plainOffset
    const piece = workers.call(
      'piece',
      {
        job: encoding ? 'encode' : 'decode',
        slab: slab.number,
        segment,
        index,
        plainBytes,
        plainOffset,
        pieceBytes: input.byteLength,
        seed,
        firstDraw,
        header
      },
      { again: fill, slab }
    )
    const taken = Promise.all([piece, before]).then(([result]) => {
      times.cipherMs += result.times.cipherMs
      const at = encoding ? data.byteLength - pieceLength(codec, plainLength) : 0
      take(data.subarray(at, at + result.bytes), offset)
    })
    last = taken
    const settled = Promise.allSettled([piece, taken]).then(() => lease.release(slab))
    taken.catch(() => (failed = true))
    done.push(settled)
    plainOffset += plainLength
  }
  await Promise.all(done)
  await last
}

/** Bytes of the encoded form of the first `plainBytes` of a chunk, without the header. */
function pieceLength(codec: Codec, plainBytes: number): number {
  return plainBytes === 0 ? 0 : codec.encodedBytes(plainBytes) - codec.headerBytes
}

function batchOf(
  chunk: LargeChunk,
  encoded: Uint8Array,
  out: Buffer,
  plainBytes: number,
  bodyHash: Uint8Array
): Batch {
  const { job, codec, index } = chunk
  const leaf = leafOf(encoded.subarray(0, codec.headerBytes), encoded.byteLength, bodyHash)
  const comesOut = job === 'leaves' ? 0 : 1
  return new Batch({
    firstIndex: index,
    count: 1,
    encodedBytes: Uint32Array.of(encoded.byteLength),
    plainBytes: Uint32Array.of(plainBytes).subarray(0, comesOut),
    levels: encodeNode(leaf),
    encoded: job === 'encode' ? out : Buffer.alloc(0),
    data: out,
    offsets: new Uint32Array(comesOut),
    lengths: Uint32Array.of(out.byteLength).subarray(0, comesOut)
  })
}

/** BLAKE3 of a body that comes in parts. */
class BodyHasher {
  readonly #hasher = new blakeHash.Blake3Hasher()
  readonly #times: StageTimes

  readonly #clock: Clock

  constructor(times: StageTimes, clock: Clock) {
    this.#times = times
    this.#clock = clock
  }

  update(part: Uint8Array): void {
    const start = this.#clock.now()
    this.#hasher.update(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
    this.#times.hashMs += this.#clock.now() - start
  }

  digest(): Buffer {
    return this.#hasher.digestBuffer()
  }
}
