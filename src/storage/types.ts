import type Hypercore from 'hypercore'
import type { Clock } from '../clock.js'
import type { SegmentPublic } from '../chunk/codec.js'
import type { OriginalNode } from '../protocol/original-tree.js'
import type { BlockRange } from '../protocol/ranges.js'

export type { SegmentPublic }

/**
 * Turns a stored chunk back into the original block. It throws a CodecError for a chunk that is not one of
 * this segment at this index (the block then counts as lost); any other error counts as passing trouble.
 */
export type Decode = (
  segment: SegmentPublic,
  index: number,
  encoded: Uint8Array
) => Uint8Array | Promise<Uint8Array>

/** Opens chunks of codecs that are slow to open away from the main thread, several at once. */
export interface SlowDecode {
  /** Whether a segment is of such a codec. Its chunks must show by themselves that they are whole and where they belong. */
  is: (segment: SegmentPublic) => boolean
  /** The plain block of each, or why there is none: a CodecError for a chunk that is lost. */
  open: (
    segment: SegmentPublic,
    chunks: readonly { index: number; bytes: Uint8Array }[]
  ) => Promise<(Buffer | Error)[]>
}

/** What the author signed: the state of a hypercore at one length. Recorded by the chain. */
export interface OriginalTree {
  /** 32 bytes. */
  key: Uint8Array
  manifest: Hypercore.Manifest
  fork: number
  length: number
  /** 32 bytes: hypercore's hash over the tree's roots at `length`. */
  treeHash: Uint8Array
  /** Hypercore's own encoding of the author's signature (or signatures); null for a prologue only. */
  signature: Uint8Array | null
}

/** One segment that a pinner is to hold: blocks `[start, end)` of the original, encoded by one signer. */
export interface SegmentSpec extends OriginalTree {
  segment: SegmentPublic
  start: number
  end: number
  /** Blocks that nobody had: their chunks are empty, and they are not served. In order; default: none. */
  holes?: readonly BlockRange[]
}

/** `pending`: being received; `held`: accepted and served; `former`: of a copy that is lost, and served where no other is held. */
export type SegmentState = 'pending' | 'held' | 'former'

/** A segment in a pinner's store. */
export interface StoredSegment extends SegmentSpec {
  state: SegmentState
  /** Encoded bytes on disk, without the store's own overhead. */
  bytes: number
}

/** What of a hypercore is held plainly beyond its segments: served, but neither proven nor paid for. */
export interface Tail {
  key: Buffer
  /** Blocks `[start, end)`. */
  start: number
  end: number
  bytes: number
}

/** What a look at all that is held has found. */
export interface Scrubbed {
  chunks: number
  bytes: number
  /** Chunks that are damaged or gone. */
  lost: number
  /** Chunks that are good, and that no proof can be made of. */
  unproven: number
}

/** A decoded and verified chunk: the plain block, or its size and its BLAKE2b leaf if a worker hashed it. */
export type IngestBlock =
  | { index: number; encoded: Uint8Array; plain: Uint8Array }
  | { index: number; encoded: Uint8Array; plainBytes: number; leaf: Uint8Array }
  | HoleBlock

/** The empty chunk of a hole; the last one of a subtree of holes brings the subtree's root in the author's tree. */
export interface HoleBlock {
  index: number
  encoded: Uint8Array
  hole: OriginalNode | null
}

/** A segment on its way in. One at a time for each hypercore. */
export interface Ingest {
  readonly spec: SegmentSpec
  /** The next index wanted; after a restart, what the disk already has. */
  readonly position: number
  /** Encoded bytes stored so far. */
  readonly bytes: number
  /** Where the segment's Merkle node file belongs; the store deletes it with the segment. */
  readonly nodeFile: string
  /** Stores consecutive blocks from `position` on, all of them or none. Memory: the batch. */
  append(blocks: readonly IngestBlock[]): Promise<void>
  /**
   * Checks the author's signature over the rebuilt tree as `finish` does, but leaves all as it is, so that a fault can be
   * looked for.
   * @param rest as `finish` needs it, of a segment that ends early
   * @throws StorageError STORAGE_TREE_MISMATCH, STORAGE_SIGNATURE, STORAGE_FORKED, STORAGE_INCOMPLETE
   */
  check(rest?: readonly OriginalNode[]): Promise<void>
  /**
   * Deletes the blocks from `end` on, which is then the position.
   * @throws StorageError STORAGE_INCOMPLETE if block `end - 1` is not there
   */
  cutBack(end: number): Promise<void>
  /** Keeps some bytes with the segment, in place of the last note, until it is finished or deleted. */
  keepNote(note: Uint8Array): Promise<void>
  /** What was kept last, also before a restart. */
  note(): Promise<Buffer | null>
  /** A node of the original's tree as it follows from the blocks stored so far; null if it is not complete yet. */
  node(index: number): Promise<OriginalNode | null>
  /**
   * Checks the author's signature over the rebuilt tree, then serves the blocks.
   * @param options.end closes the segment earlier than planned (the signer died); default: the spec's end
   * @param options.rest the nodes of `restNodes(core, end)`, needed where `end` < `length`
   * @throws StorageError STORAGE_TREE_MISMATCH, STORAGE_SIGNATURE (and nothing is left of the segment),
   *   STORAGE_INCOMPLETE (the segment stays as it is)
   */
  finish(options?: { end?: number; rest?: readonly OriginalNode[] }): Promise<void>
  /** Deletes everything that this segment wrote. */
  abort(): Promise<void>
  /** Lets go without deleting: `beginSegment` with the same spec goes on at `position`. */
  suspend(): Promise<void>
}

export interface PinnerStoreOptions {
  /** Default: the machine's. */
  clock?: Clock
  /** Default: `readChunk`, on the main thread. */
  decode?: Decode
  /** For codecs whose chunks are opened elsewhere. Default: none. */
  slow?: SlowDecode
  /** Bytes of blocks opened by `slow` that are kept for other readers. Default: 64 MiB. */
  openedBytes?: number
  /** Most encoded bytes to hold; more is refused with STORAGE_QUOTA. Default: no limit but the disk. */
  capacityBytes?: number
  /** Bytes to leave free on the disk; nothing more is taken in below that. Default: 64 MiB. */
  minFreeBytes?: number
  /** Most bytes to hold plainly of all hypercores together. Default: 4 GiB. */
  tailBytes?: number
}
