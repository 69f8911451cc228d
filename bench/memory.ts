// Streams 4 GiB through the engine in a process of its own, and prints what memory that took, as JSON.
import { readFileSync } from 'node:fs'
import { Engine } from '../src/engine/engine.js'
import { randomBytes } from '../src/crypto/keys.js'
import { wrapSegment } from './data.js'

const STREAM_BYTES = 4 * 2 ** 30
const CHUNK_BYTES = 64 * 1024
const MIB = 2 ** 20

const engine = new Engine()
const segment = wrapSegment()
const template = randomBytes(CHUNK_BYTES)

/**
 * With `fresh`, chunks in new memory each: what the collector has not freed yet is then counted too. Else in
 * memory that comes round again after more chunks than are ever under way.
 */
const fresh = process.argv[2] === 'fresh'
const ring = Array.from({ length: 512 }, () => Buffer.from(template))

async function* chunks(bytes: number): AsyncGenerator<Buffer> {
  for (let i = 0; i * CHUNK_BYTES < bytes; i++) {
    yield fresh ? Buffer.from(new Uint8Array(template).buffer) : ring[i % ring.length]!
    if (i % 16 === 0) await Promise.resolve()
  }
}

async function run(bytes: number): Promise<number> {
  const started = performance.now()
  for await (const { count } of engine.encode(chunks(bytes), { segment, start: 0 })) {
    if (count === 0) throw new Error('an empty batch')
  }
  return (performance.now() - started) / 1000
}

// At rest is with the workers started and their code loaded.
await run(CHUNK_BYTES)
const restMiB = process.memoryUsage().rss / MIB
const seconds = await run(STREAM_BYTES)
const peakMiB = peakBytes() / MIB
await engine.close()
process.stdout.write(
  JSON.stringify({
    'memory at rest, MiB': Math.round(restMiB),
    'memory peak in a stream of 4 GiB, MiB': Math.round(peakMiB),
    'memory peak above rest, in slab budgets': Number(
      ((peakMiB - restMiB) / (engine.memoryBytes / MIB)).toFixed(2)
    ),
    'stream of 4 GiB, MB/s': Math.round(STREAM_BYTES / 1e6 / seconds)
  })
)

/**
 * Most memory that this process has had. Linux counts into `maxRSS` what the parent had when it started this
 * process; the high-water mark of the process's own memory does not.
 */
function peakBytes(): number {
  try {
    const own = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    if (own) return Number(own[1]) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
