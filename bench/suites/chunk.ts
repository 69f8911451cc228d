import type { ChunkBatch } from '../../src/chunk/codec.js'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { WRAP_HEADER_BYTES, wrap } from '../../src/chunk/wrap.js'
import { slabHasher } from '../../src/crypto/blake3-slab.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { QUICK_SIZES, SIZES, chunkAt, encodedChunks, plainChunks, wrapSegment, type Chunks } from '../data.js'
import type { Contender, Suite } from '../harness.js'
import { workOf } from '../threads/work.js'

const RUN_SECONDS = 0.1
const SECONDS = { encode: 14e-6, decode: 39e-6 }
const SLAB_BYTES = 2 * 1024 * 1024
const GROUP_BYTES = 256 * 1024

/** The codec alone on one thread, a slab at a time, against its primitives and against one chunk at a time. */
const suite: Suite = async ({ compare, quick }) => {
  const segment = wrapSegment()
  for (const chunkBytes of quick ? QUICK_SIZES : SIZES) {
    for (const job of ['encode', 'decode'] as const) {
      const plain = plainChunks(chunkBytes, Math.ceil(RUN_SECONDS / (SECONDS[job] + chunkBytes / 1.9e9)))
      const total = plain.count
      const chunks = job === 'encode' ? plain : encodedChunks(plain, segment)
      const bare = workOf({ name: `${job} wrap`, ...chunks, segment })
      const encoder = wrap.createEncoder(segment)
      const decoder = wrap.createDecoder(segment)
      const slab = slabOf(chunkBytes)
      const hashes = new Uint8Array(slab.capacity * 32)

      const slabs = () => {
        for (let first = 0; first < total; first += slab.capacity) {
          const count = Math.min(slab.capacity, total - first)
          slab.batch.firstIndex = first % chunks.count
          const groupChunks = Math.max(1, Math.floor(GROUP_BYTES / slab.slot))
          for (let from = 0; from < count; from += groupChunks) {
            const to = Math.min(count, from + groupChunks)
            // As workers do: what was just copied in is still in the core's cache.
            fill(slab, chunks, first, from, to, job)
            const { slab: bytes, offsets, encodedBytes } = slab.batch
            const hash = () =>
              slabHasher.hashMany(bytes, offsets, encodedBytes, from, to, WRAP_HEADER_BYTES, hashes)
            if (job === 'encode') {
              encoder.bodies(slab.batch, from, to)
              hash()
              encoder.headers(slab.batch, from, to, hashes)
            } else {
              hash()
              decoder.check(slab.batch, from, to, hashes)
              decoder.open(slab.batch, from, to)
            }
          }
        }
      }
      const singles = () => {
        for (let i = 0; i < total; i++) {
          const chunk = chunkAt(chunks, i)
          if (job === 'encode') encodeChunk(segment, i, chunk, randomBytes(32))
          else decodeChunk(segment, i % chunks.count, chunk)
        }
      }
      const contenders: Contender[] = [
        { name: `${job} wrap`, role: 'subject', chunks: total, run: slabs },
        { name: 'bare loop', role: 'ceiling', chunks: total, run: () => bare(0, total) },
        { name: 'one chunk at a time', role: 'alternative', chunks: total, run: singles }
      ]
      await compare({ suite: 'chunk', chunkBytes, threads: 1, contenders })
    }
  }
}

interface BenchSlab {
  batch: ChunkBatch
  /** Bytes of an encoded chunk. */
  slot: number
  capacity: number
}

function slabOf(chunkBytes: number): BenchSlab {
  const slot = wrap.encodedBytes(chunkBytes)
  const capacity = Math.max(1, Math.floor(SLAB_BYTES / slot))
  const offsets = Uint32Array.from({ length: capacity }, (_, i) => i * slot)
  const batch = {
    slab: Buffer.from(new SharedArrayBuffer(capacity * slot)),
    count: capacity,
    firstIndex: 0,
    offsets,
    encodedBytes: new Uint32Array(capacity).fill(slot),
    plainOffsets: offsets.map((offset) => offset + WRAP_HEADER_BYTES),
    plainBytes: new Uint32Array(capacity).fill(chunkBytes),
    seed: randomBytes(32)
  }
  return { batch, slot, capacity }
}

function fill(
  { batch, slot }: BenchSlab,
  chunks: Chunks,
  first: number,
  from: number,
  to: number,
  job: string
): void {
  const headerBytes = job === 'encode' ? WRAP_HEADER_BYTES : 0
  for (let i = from; i < to; i++) batch.slab.set(chunkAt(chunks, first + i), i * slot + headerBytes)
}

export default suite
