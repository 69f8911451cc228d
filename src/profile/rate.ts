import { segmentId, type SegmentSecret } from '../chunk/codec.js'
import type { CodecName } from '../chunk/header.js'
import type { Clock } from '../clock.js'
import { keyPairFromSeed, randomBytes } from '../crypto/keys.js'
import { Engine } from '../engine/engine.js'
import { generateSealKey } from '../engine/seal-key.js'

const TRIAL_MS = 300

/** Bytes a second that the engine encodes here, roughly: only how long a measurement is to be follows from it. */
export async function encodeRate(
  codec: CodecName,
  { chunkBytes, threads, clock }: { chunkBytes: number; threads: number; clock: Clock }
): Promise<number> {
  const engine = new Engine({ threads })
  try {
    const keys = codec === 'seal' ? await generateSealKey(engine) : keyPairFromSeed(randomBytes(32))
    const zeros = Buffer.alloc(32)
    const place = { chain: zeros, key: zeros, fork: 0, copy: 0, start: 0, signer: zeros, draw: 0 }
    const segment: SegmentSecret = { codec, id: segmentId(place), salt: zeros, ...keys }
    const chunk = randomBytes(chunkBytes)
    let until = Infinity
    const blocks = function* (): Generator<Uint8Array> {
      while (clock.now() < until) yield chunk
    }
    // The first stream starts the threads and loads their code.
    for await (const batch of engine.encode([chunk], { segment, start: 0 })) void batch
    const began = clock.now()
    until = began + TRIAL_MS
    let bytes = 0
    for await (const { count } of engine.encode(blocks(), { segment, start: 0 })) bytes += count * chunkBytes
    return bytes / ((clock.now() - began) / 1000)
  } finally {
    await engine.close()
  }
}
