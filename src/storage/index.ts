/// <reference path="../types/hypercore.d.ts" preserve="true" />
/// <reference path="../types/corestore.d.ts" preserve="true" />
/**
 * `datdot/storage`: a pinner's disk. Hypercores are stored encoded, one segment after the other, and served as the plain
 * originals through stock hypercore sessions. Opening a store and looking at what it holds:
 *
 * ```js
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { PinnerStore } from 'datdot/storage'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'datdot-'))
 * const store = new PinnerStore(folder, { capacityBytes: 1e9 })
 * await store.ready()
 * console.log(store.segments().length, 'segments,', store.freeBytes, 'bytes free')
 * await store.close()
 * await rm(folder, { recursive: true })
 * ```
 *
 * `examples/serve-veiled-core.js` fills one and has a stock client read from it.
 *
 * @module
 */
export { PinnerStore } from './pinner-store.js'
export { originalNode, readOriginal, restNodes } from './original.js'
export { readChunk } from './read-chunk.js'
export type {
  Decode,
  Ingest,
  IngestBlock,
  OriginalTree,
  PinnerStoreOptions,
  SegmentSpec,
  SegmentState,
  StoredSegment
} from './types.js'
