import { execFileSync } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { Engine, type Batch } from '../../src/engine/engine.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import {
  QUICK_SIZES,
  SIZES,
  chunkAt,
  encodedChunks,
  oneByOne,
  plainChunks,
  wrapSegment,
  type Chunks
} from '../data.js'
import type { Contender, Suite } from '../harness.js'
import { loops, singles } from '../threads/pool.js'

/** Seconds that a core works on a chunk, about. */
const ENCODE_SECONDS = (chunkBytes: number) => 14e-6 + chunkBytes / 1.9e9
const DECODE_SECONDS = (chunkBytes: number) => 39e-6 + chunkBytes / 1.9e9
/** Of a contender: long enough that how a stream begins and ends counts for little. */
const RUN_SECONDS = 0.3
/** Of those that are far slower than the others. */
const SLOW_RUN_SECONDS = 0.08

/** The whole pipeline against bare loops on as many threads, one chunk a message, and the main thread alone. */
const suite: Suite = async ({ cores, compare, note, quick }) => {
  const segment = wrapSegment()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  for (const threads of cores === 1 || quick ? [cores] : [1, cores]) {
    const engine = new Engine({ threads })
    for (const chunkBytes of quick ? QUICK_SIZES : SIZES) {
      for (const job of ['encode', 'decode'] as const) {
        const seconds = (job === 'encode' ? ENCODE_SECONDS : DECODE_SECONDS)(chunkBytes)
        const perCore = Math.ceil(RUN_SECONDS / seconds)
        const slow = Math.ceil(SLOW_RUN_SECONDS / seconds)
        const plain = plainChunks(chunkBytes, perCore)
        const wanted = perCore * threads
        const chunks = job === 'encode' ? plain : encodedChunks(plain, segment, wanted)
        // A chunk decodes at its own index only, so a stream of encoded ones goes over them once.
        const length = job === 'encode' ? wanted : chunks.count
        const total = length * Math.ceil(wanted / length)

        const work = { name: `${job} wrap` as const, ...chunks, segment }
        const bare = await loops(threads, work)
        const messages = await singles(threads, job, segment, chunks)
        const subject = async () => {
          for (let done = 0; done < total; done += length) {
            const source = oneByOne(chunks, length)
            delay.enable()
            await consume(engine[job](source, { segment, start: 0 }))
            delay.disable()
          }
        }
        const contenders: Contender[] = [
          { name: `${job} wrap`, role: 'subject', chunks: total, run: subject },
          { name: 'bare loop', role: 'ceiling', chunks: total, run: () => bare.run(total) },
          {
            name: 'one chunk a message',
            role: 'alternative',
            chunks: slow * threads,
            run: () => messages.run(slow * threads)
          },
          {
            name: 'main thread',
            role: 'alternative',
            chunks: slow,
            threads: 1,
            run: mainThread(job, chunks, slow)
          }
        ]
        await compare({ suite: 'engine', chunkBytes, threads, contenders })
        await bare.close()
        await messages.close()
      }
    }
    await engine.close()
  }
  note('event loop delay, p99, ms', delay.percentile(99) / 1e6)

  if (quick) return
  const memory = fileURLToPath(new URL('../memory.js', import.meta.url))
  for (const kind of ['pooled', 'fresh']) {
    const measured = execFileSync(process.execPath, [memory, kind]).toString()
    for (const [name, value] of Object.entries(JSON.parse(measured) as Record<string, number>)) {
      note(`${kind} chunks: ${name}`, value)
    }
  }

  function mainThread(job: 'encode' | 'decode', chunks: Chunks, total: number): () => void {
    return () => {
      for (let i = 0; i < total; i++) {
        const chunk = chunkAt(chunks, i)
        if (job === 'encode') encodeChunk(segment, i, chunk, randomBytes(32))
        else decodeChunk(segment, i % chunks.count, chunk)
      }
    }
  }
}

/** What a signer or pinner does with batches besides sending and storing them: the tree. */
async function consume(batches: AsyncIterable<Batch>): Promise<void> {
  const tree = new TreeBuilder()
  for await (const { count, levels } of batches) tree.append(count, levels)
  tree.root()
}

export default suite
