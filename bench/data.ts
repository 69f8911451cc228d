import { segmentId, type SegmentSecret } from '../src/chunk/codec.js'
import { codecOf, encodeChunk } from '../src/chunk/codecs.js'
import { keyPairFromSeed, randomBytes } from '../src/crypto/keys.js'
import type { ChunkRun } from '../src/engine/engine.js'

/** Bytes of distinct chunks that a comparison goes over again and again: more than any cache holds. */
const DATA_BYTES = 64 * 1024 * 1024
/** Encoded chunks can be decoded once a stream, each at its own index: so many bytes make streams long enough. */
const ENCODED_BYTES = 256 * 1024 * 1024
const RUN_BYTES = 2 * 1024 * 1024

export const SIZES = [256, 4096, 64 * 1024, 1024 * 1024]
/** What nearly all chunks are. */
export const QUICK_SIZES = [64 * 1024]

/** A `wrap` segment that starts at index 0. */
export function wrapSegment(): SegmentSecret {
  const { publicKey, secretKey } = keyPairFromSeed(randomBytes(32))
  const key = randomBytes(32)
  const place = { chain: key, key, fork: 0, copy: 0, start: 0, signer: publicKey, draw: 0 }
  return { codec: 'wrap', id: segmentId(place), publicKey, secretKey, salt: Buffer.alloc(32) }
}

/** Equal chunks side by side in shared memory. */
export interface Chunks {
  bytes: Buffer
  chunkBytes: number
  count: number
}

/** Chunks of `chunkBytes` random bytes, `most` at most. */
export function plainChunks(chunkBytes: number, most: number): Chunks {
  const count = Math.min(most, Math.floor(DATA_BYTES / chunkBytes))
  const bytes = Buffer.from(new SharedArrayBuffer(count * chunkBytes))
  const block = randomBytes(Math.min(bytes.byteLength, 2 ** 20))
  for (let at = 0; at < bytes.byteLength; at += block.byteLength)
    bytes.set(block.subarray(0, bytes.byteLength - at), at)
  return { bytes, chunkBytes, count }
}

/** The same chunks, again and again up to `most` of them, encoded with `wrap`. */
export function encodedChunks(plain: Chunks, segment: SegmentSecret, most = plain.count): Chunks {
  const chunkBytes = codecOf('wrap').encodedBytes(plain.chunkBytes)
  const count = Math.min(most, Math.floor(ENCODED_BYTES / chunkBytes))
  const bytes = Buffer.from(new SharedArrayBuffer(count * chunkBytes))
  for (let i = 0; i < count; i++) {
    bytes.set(encodeChunk(segment, i, chunkAt(plain, i), randomBytes(32)), i * chunkBytes)
  }
  return { bytes, chunkBytes, count }
}

/** The i-th chunk; beyond the last it begins again. */
export function chunkAt({ bytes, chunkBytes, count }: Chunks, i: number): Buffer {
  const at = (i % count) * chunkBytes
  return bytes.subarray(at, at + chunkBytes)
}

/** `total` chunks one by one, as reading a hypercore with read-ahead yields them. */
export async function* oneByOne(chunks: Chunks, total: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < total; i++) {
    yield chunkAt(chunks, i)
    // Reads that are done come in groups; each group is a turn of its own.
    if (i % 64 === 63) await Promise.resolve()
  }
}

/** `total` chunks in runs of about 2 MiB, as stored chunks are read. */
export function* inRuns(chunks: Chunks, total: number): Generator<ChunkRun> {
  const { bytes, chunkBytes, count } = chunks
  const most = Math.max(1, Math.floor(RUN_BYTES / chunkBytes))
  for (let done = 0; done < total;) {
    const first = done % count
    const chunksHere = Math.min(most, count - first, total - done)
    const lengths = new Uint32Array(chunksHere).fill(chunkBytes)
    yield { bytes: bytes.subarray(first * chunkBytes, (first + chunksHere) * chunkBytes), lengths }
    done += chunksHere
  }
}
