import { createRequire } from 'node:module'
import { WRAP_HEADER_BYTES } from '../../src/chunk/wrap.js'
import { Engine } from '../../src/engine/engine.js'
import { slices } from '../evidence/slices.js'
import {
  QUICK_SIZES,
  SIZES,
  chunkAt,
  encodedChunks,
  inRuns,
  plainChunks,
  wrapSegment,
  type Chunks
} from '../data.js'
import type { Contender, Suite } from '../harness.js'
import { loops } from '../threads/pool.js'

const RUN_SECONDS = 0.3
/** Seconds that a core hashes a stored chunk in, about. */
const HASH_SECONDS = (chunkBytes: number) => 200e-9 + chunkBytes / 8e9
/** The same with one call a hash from JavaScript. */
const CALLS_SECONDS = (chunkBytes: number) => 6e-6 + chunkBytes / 2e9
/** Encoding the chunks to be hashed takes a signature each: so many at most, over which all go again. */
const MOST_CHUNKS = 20_000

type Hash = (input: Uint8Array) => Uint8Array

/** Other builds of BLAKE3, where they are installed: they are no part of the package. */
async function otherHashes(absent: (what: string) => void): Promise<{ name: string; hash: Hash }[]> {
  const require = createRequire(import.meta.url)
  const found: { name: string; hash: Hash }[] = []
  for (const [name, id] of [
    ['blake3, compiled', 'blake3'],
    ['blake3, WebAssembly', 'blake3-wasm']
  ] as const) {
    try {
      // The WebAssembly build has no types of its own that say how it is loaded here.
      const build = require(id) as { hash: Hash; load?: () => Promise<void> }
      await build.load?.()
      found.push({ name, hash: build.hash })
    } catch {
      absent(`merkle: ${id} is not installed`)
    }
  }
  return found
}

/** Rebuilding the tree of stored chunks against bare BLAKE3, and against one call a hash; then proofs of slices. */
const suite: Suite = async (context) => {
  const { cores, compare, note, quick, absent } = context
  const others = await otherHashes(absent)
  const segment = wrapSegment()
  for (const chunkBytes of quick ? QUICK_SIZES : SIZES) {
    const chunks = encodedChunks(plainChunks(chunkBytes, MOST_CHUNKS), segment)
    for (const threads of cores === 1 ? [1] : [1, cores]) {
      const engine = new Engine({ threads })
      const total = Math.ceil(RUN_SECONDS / HASH_SECONDS(chunkBytes)) * threads
      const slow = Math.ceil(RUN_SECONDS / 2 / CALLS_SECONDS(chunkBytes))
      const bare = await loops(threads, { name: 'blake3', ...chunks, segment })
      const calls = await loops(threads, { name: 'one call a hash', ...chunks, segment })
      const alone = (name: string, hash: Hash): Contender => {
        return {
          name,
          role: 'alternative',
          chunks: slow,
          threads: 1,
          run: () => hashTree(hash, chunks, slow)
        }
      }
      const rebuild = () => engine.rebuild(inRuns(chunks, total), { codec: 'wrap' }).then(() => undefined)
      const contenders: Contender[] = [
        { name: 'rebuild', role: 'subject', chunks: total, run: rebuild },
        { name: 'bare BLAKE3', role: 'ceiling', chunks: total, run: () => bare.run(total) },
        {
          name: 'one call a hash',
          role: 'alternative',
          chunks: slow * threads,
          run: () => calls.run(slow * threads)
        },
        ...others.map(({ name, hash }) => alone(name, hash))
      ]
      await compare({ suite: 'merkle', chunkBytes, threads, contenders })
      await bare.close()
      await calls.close()

      if (threads === cores && chunkBytes === 64 * 1024) {
        const started = performance.now()
        await engine.rebuild(copies(chunks, total), { codec: 'wrap' })
        const mbPerSecond = (total * chunks.chunkBytes) / 1e3 / (performance.now() - started)
        note('rebuild of 64 KiB chunks that must be copied in, MB/s', Math.round(mbPerSecond))
      }
      await engine.close()
    }
  }
  await slices(context)
}

/** Chunks in memory that is not shared, one by one. */
function* copies(chunks: Chunks, total: number): Generator<Buffer> {
  const own = Array.from({ length: Math.min(64, chunks.count) }, (_, i) => Buffer.from(chunkAt(chunks, i)))
  for (let i = 0; i < total; i++) yield own[i % own.length]!
}

/** The work of a rebuild by one call a hash: body, leaf and, for all but the last chunk, a node. */
function hashTree(hash: Hash, chunks: Chunks, total: number): void {
  const leaf = Buffer.alloc(1 + 8 + WRAP_HEADER_BYTES + 32)
  const node = Buffer.alloc(1 + 8 + 64)
  const body = Buffer.alloc(chunks.chunkBytes - WRAP_HEADER_BYTES)
  for (let i = 0; i < total; i++) {
    // A compiled `blake3` crashes on shared memory.
    body.set(chunkAt(chunks, i).subarray(WRAP_HEADER_BYTES))
    leaf.set(hash(body), leaf.byteLength - 32)
    node.set(hash(leaf), 9)
    hash(node)
  }
}

export default suite
