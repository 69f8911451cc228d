import { hash, keyedBlake3, uniform } from '#crypto/hash.js'
import { verifyBatchRecords } from '../merkle/batch.js'
import { sliceHasher } from './slice-hasher.js'
import type { SliceTools } from './verify-slices.js'

/** What Node checks slices with: compiled code where there is some, else TypeScript. */
export const sliceTools: SliceTools = {
  hash,
  keyedBlake3,
  uniform,
  sliceRoots: sliceHasher.sliceRoots,
  chunkLeaves: sliceHasher.chunkLeaves,
  verifyBatch: verifyBatchRecords
}
