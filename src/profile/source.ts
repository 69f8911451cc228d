import { open } from 'node:fs/promises'
import Corestore from 'corestore'
import { randomBytes } from '../crypto/keys.js'
import { scan } from '../drive/scan.js'
import { using } from '../lifecycle.js'
import { readOriginal } from '../storage/original.js'
import type { Clock } from '../clock.js'
import type { Network } from '../swarm/dht.js'
import { SwarmReader, knownLength, readBlocks } from '../swarm/reader.js'
import { originalJson } from './ends/drawn.js'
import type { OriginalJson } from './port.js'

/** What is measured with: random bytes, files, or a hypercore of the swarm. */
export type InputSource =
  { kind: 'random' } | { kind: 'path'; path: string } | { kind: 'key'; key: Buffer; network: Network }

/** Appended at a time. */
const BATCH_BYTES = 4 << 20
const FIND_MS = 60_000

/** A hypercore of the author's, ready to be read and served. */
export interface Prepared {
  name: string
  original: OriginalJson
}

/** Writes a hypercore of about `bytes` bytes into the author's store. What the input has less of is taken again from its beginning. */
export async function prepare(
  dir: string,
  name: string,
  {
    input,
    chunkBytes,
    bytes,
    clock,
    scratch
  }: { input: InputSource; chunkBytes: number; bytes: number; clock: Clock; scratch: string }
): Promise<Prepared> {
  const store = new Corestore(dir)
  try {
    const core = store.get({ name })
    await core.ready()
    let batch: Uint8Array[] = []
    let [batched, written] = [0, 0]
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await core.append(batch)
      batch = []
      batched = 0
    }
    while (written < bytes) {
      const before = written
      for await (const block of blocksOf(input, { chunkBytes, clock, scratch })) {
        batch.push(block)
        batched += block.byteLength
        written += block.byteLength
        if (batched >= BATCH_BYTES) await flush()
        if (written >= bytes) break
      }
      if (written === before) break
    }
    await flush()
    const original = originalJson(await readOriginal(core))
    await core.close()
    return { name, original }
  } finally {
    await store.close()
  }
}

async function* blocksOf(
  input: InputSource,
  { chunkBytes, clock, scratch }: { chunkBytes: number; clock: Clock; scratch: string }
): AsyncGenerator<Uint8Array, void, void> {
  if (input.kind === 'random') for (;;) yield randomBytes(chunkBytes)
  if (input.kind === 'path') {
    yield* cutFiles(input.path, chunkBytes)
    return
  }
  const reader = new SwarmReader({ network: input.network, dir: scratch, seed: randomBytes(32) })
  yield* await using(reader, async (swarm) => {
    const core = await swarm.open(input.key)
    await knownLength(core, 1, { clock, timeoutMs: FIND_MS })
    const blocks: Buffer[] = []
    let bytes = 0
    for await (const block of readBlocks(core, 0, core.length, { timeoutMs: FIND_MS })) {
      blocks.push(block)
      bytes += block.byteLength
      if (bytes >= KEY_BYTES) break
    }
    await core.close()
    return blocks
  })
}

/** Of a hypercore of the swarm no more is downloaded; beyond that its blocks come again. */
const KEY_BYTES = 64 << 20

/** The bytes of all files below a path, one after another. */
async function* cutFiles(path: string, chunkBytes: number): AsyncGenerator<Uint8Array, void, void> {
  const { entries } = await scan(path)
  let chunk = Buffer.allocUnsafeSlow(chunkBytes)
  let filled = 0
  for (const entry of entries) {
    if (entry.kind !== 'file') continue
    const file = await open(entry.path)
    try {
      for (;;) {
        const { bytesRead } = await file.read(chunk, filled, chunkBytes - filled)
        if (bytesRead === 0) break
        filled += bytesRead
        if (filled < chunkBytes) continue
        yield chunk
        chunk = Buffer.allocUnsafeSlow(chunkBytes)
        filled = 0
      }
    } finally {
      await file.close()
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled)
}
