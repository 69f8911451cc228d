import type { SegmentSecret } from '../../chunk/codec.js'
import type { ChunkSource, Engine, StreamOptions } from '../../engine/engine.js'
import type { TreeBuilder } from '../../merkle/builder.js'
import type { NodeFile } from '../../storage/node-file.js'
import type { SegmentItem } from '../../swarm/segment-channel.js'

/** What the chunks of a segment come from, and what grows with them. */
export interface EncodedItemsOptions extends Pick<StreamOptions, 'onProgress'> {
  engine: Pick<Engine, 'encode'>
  /** The plain blocks from `start` on, in order. */
  blocks: ChunkSource
  segment: SegmentSecret
  /** What the keys of `wrap` are drawn from. */
  seed?: Uint8Array
  start: number
  /** Over the chunks before `start`. */
  tree: Pick<TreeBuilder, 'append' | 'bytes' | 'chunks'>
  /** Where the tree's nodes go. */
  nodes: Pick<NodeFile, 'flush'>
  /** The signed root over what the tree has. */
  checkpoint: () => Uint8Array
  /** Whether a running root may be signed after so many chunks. Default: after any. */
  mayEnd?: (chunks: number) => boolean
  /** Encoded bytes between two signed running roots. */
  runningRootBytes: number
  signal: AbortSignal
}

/** Encodes blocks into what a signer sends of a segment: its chunks, and running roots between them, up to its end. */
export async function* encodedItems(options: EncodedItemsOptions): AsyncGenerator<SegmentItem, void, void> {
  const { engine, blocks, segment, seed, start, tree, nodes, checkpoint, signal, onProgress } = options
  let rootBytes = tree.bytes
  const encoding = { segment, start, ...(seed && { seed }) }
  const how = { signal, firstLeaf: tree.chunks, ...(onProgress && { onProgress }) }
  for await (const batch of engine.encode(blocks, encoding, how)) {
    tree.append(batch.count, batch.levels)
    yield { kind: 'chunks', bytes: batch.encoded, lengths: batch.encodedBytes }
    if (tree.bytes - rootBytes < options.runningRootBytes || options.mayEnd?.(tree.chunks) === false) continue
    rootBytes = tree.bytes
    await nodes.flush()
    yield { kind: 'root', checkpoint: checkpoint() }
  }
}
