import type { TaskFunctions } from '../src/engine/engine.js'
import decodeChunks from './decode-chunks.js'
import judgeRefusal from './judge-refusal.js'
import piece from './piece.js'
import sealKey from './seal-key.js'
import slab from './slab.js'
import type { Tasks } from './tasks.js'
import verifyEvidence from './verify-evidence.js'
import verifySignatures from './verify-signatures.js'

/**
 * All tasks as functions of this thread, for an engine without threads:
 *
 * ```ts
 * const engine = new Engine({ inline: inlineTasks })
 * ```
 */
export const inlineTasks: TaskFunctions<Tasks> = {
  slab,
  piece,
  'seal-key': sealKey,
  'decode-chunks': decodeChunks,
  'verify-evidence': verifyEvidence,
  'judge-refusal': judgeRefusal,
  'verify-signatures': verifySignatures
}
