import type { Engine, StreamOptions } from '../../engine/engine.js'
import type { TreeBuilder } from '../../merkle/builder.js'
import type { Ingest, IngestBlock } from '../../storage/types.js'
import type { OriginalNode } from '../../protocol/original-tree.js'
import { isIn } from '../../protocol/ranges.js'
import type { Received } from './received.js'

/** What takes the chunks of a segment in. */
export interface StoreChunksOptions extends Pick<StreamOptions, 'onProgress'> {
  engine: Pick<Engine, 'decode'>
  /** Grows with the encoded chunks. */
  tree: Pick<TreeBuilder, 'append' | 'chunks'>
  /** Called when more chunks are on the disk. */
  onStored: () => Promise<void>
  /** The nodes of the author's tree that stand for the segment's holes, by the last block below each. Default: none. */
  holes?: ReadonlyMap<number, OriginalNode>
  signal: AbortSignal
}

/**
 * Decodes, checks and stores chunks as they arrive. Workers hash the plain blocks too: their bytes are not looked at here.
 *
 * @throws CodecError for the first chunk that is refused, once those before it are stored
 */
export async function storeChunks(
  received: Pick<Received, 'runs' | 'take'>,
  ingest: Pick<Ingest, 'spec' | 'position' | 'append'>,
  { engine, tree, onStored, holes, signal, onProgress }: StoreChunksOptions
): Promise<void> {
  const how = { signal, firstLeaf: tree.chunks, originals: true, ...(onProgress && { onProgress }) }
  const { segment, holes: ranges = [] } = ingest.spec
  for await (const batch of engine.decode(received.runs(), { segment, start: ingest.position }, how)) {
    const blocks: IngestBlock[] = []
    for (const [i, encoded] of received.take(batch.count).entries()) {
      const index = batch.firstIndex + i
      const leaf = batch.original(i)
      if (isIn(ranges, index)) blocks.push({ index, encoded, hole: holes?.get(index) ?? null })
      else if (leaf) blocks.push({ index, encoded, plainBytes: batch.plainBytes[i]!, leaf })
      else blocks.push({ index, encoded, plain: batch.chunks[i]! })
    }
    tree.append(batch.count, batch.levels)
    await ingest.append(blocks)
    await onStored()
  }
}
