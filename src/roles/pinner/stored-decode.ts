import type { Engine } from '../../engine/engine.js'
import type { SlowDecode } from '../../storage/types.js'

/** Opens stored chunks of `seal` on workers; the stream cipher of `wrap` is faster than the way there. */
export function storedDecode(engine: Pick<Engine, 'openChunks'>): SlowDecode {
  return {
    is: ({ codec }) => codec === 'seal',
    open: (segment, chunks) => engine.openChunks(segment, chunks)
  }
}
