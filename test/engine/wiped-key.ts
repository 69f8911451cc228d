// A process for wiped-key.test.ts: makes a key, encodes with it on worker threads, and wipes it. Says the key, and the seed
// that it was made from, in a form that a search of this process's memory does not find.
import { randomFillSync } from 'node:crypto'
import { segmentSalt } from '../../src/chunk/codec.js'
import { Engine } from '../../src/engine/engine.js'
import { generateSealKey, wipeSegmentKey } from '../../src/engine/seal-key.js'

/** XORed to every byte that is told. */
const DISGUISE = 0xaa

/** What the parent is told; `secret` and `seed` as `disguised` writes them. */
export interface Told {
  state: string
  secret: string
  seed: string
  /** Chunks sealed so far. */
  sealed: number
}

const primes = Number(process.argv[2]) as 3 | 4
const engine = new Engine({ threads: 2, memoryBytes: 2 << 20 })
let sealed = 0
let seed = ''
const random = (length: number): Buffer => {
  const bytes = randomFillSync(Buffer.allocUnsafeSlow(length))
  seed = disguised(bytes)
  return bytes
}
const key = await generateSealKey(engine, { primes, random })
const secret = disguised(key.secretKey)
const id = randomFillSync(Buffer.alloc(32))
const segment = { codec: 'seal' as const, id, salt: segmentSalt(id, id), ...key }
await report('made')
const chunks = Array.from({ length: 12 }, () => randomFillSync(Buffer.alloc(65536)))
// One that is larger than a slab goes another way.
chunks.push(randomFillSync(Buffer.alloc(1 << 20)))
for await (const batch of engine.encode(chunks, { segment, start: 0 })) sealed += batch.count
wipeSegmentKey(segment)
await report('wiped')
await engine.close()

/** Tells the parent and waits for it. */
async function report(state: string): Promise<void> {
  const answered = new Promise((resolve) => process.once('message', resolve))
  process.send!({ state, secret, seed, sealed } satisfies Told)
  await answered
}

function disguised(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (byte ^ DISGUISE).toString(16).padStart(2, '0')
  return text
}
