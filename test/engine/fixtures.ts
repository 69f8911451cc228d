import { segmentId, type SegmentSecret } from '../../src/chunk/codec.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import type { EngineOptions } from '../../src/engine/engine.js'
import { inlineTasks } from '../../workers/inline.js'
import type { Tasks } from '../../workers/tasks.js'

/** A `wrap` segment whose first chunk has index `start`. */
export function wrapSegment(start = 0): SegmentSecret {
  const { publicKey, secretKey } = keyPairFromSeed(Buffer.alloc(32, 7))
  const blank = Buffer.alloc(32)
  const place = { chain: blank, key: blank, fork: 0, copy: 0, start, signer: publicKey, draw: 0 }
  return { codec: 'wrap', id: segmentId(place), publicKey, secretKey, salt: blank }
}

/** Chunks of these lengths, all different. */
export function chunksOf(lengths: number[]): Buffer[] {
  return lengths.map((length, i) => {
    const chunk = Buffer.alloc(length, i + 1)
    for (let at = 0; at < length; at += 997) chunk[at] = at >> 4
    return chunk
  })
}

/** The items, each a microtask later. */
export async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve()
    yield item
  }
}

/** What does an engine's tasks: two worker threads, or the thread of the caller. */
export const executors: readonly [how: string, options: EngineOptions<Tasks>][] = [
  ['threads', { threads: 2 }],
  ['inline', { inline: inlineTasks }]
]
