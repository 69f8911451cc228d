import type { Engine } from '../../engine/engine.js'
import { readChunk } from '../../storage/read-chunk.js'
import type { Decode } from '../../storage/types.js'

/** Decodes stored chunks off the main thread where that is slow; the stream cipher is faster than the way there. */
export function storedDecode(engine: Pick<Engine, 'decodeChunks'>): Decode {
  return async (segment, index, bytes) => {
    if (segment.codec === 'wrap') return readChunk(segment, index, bytes)
    const [plain] = await engine.decodeChunks(segment, [{ index, bytes }])
    return plain as Uint8Array
  }
}
