import type { TaskFunctions } from '../src/engine/engine.js'
import checkModulus from './check-modulus.js'
import decodeChunks from './decode-chunks.js'
import judgeOpening from './judge-opening.js'
import judgeRefusal from './judge-refusal.js'
import openChunks from './open-chunks.js'
import piece from './piece.js'
import provePrimes from './prove-primes.js'
import sealKey from './seal-key.js'
import searchFactor from './search-factor.js'
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
  'prove-primes': provePrimes,
  'decode-chunks': decodeChunks,
  'open-chunks': openChunks,
  'verify-evidence': verifyEvidence,
  'judge-refusal': judgeRefusal,
  'judge-opening': judgeOpening,
  'check-modulus': checkModulus,
  'search-factor': searchFactor,
  'verify-signatures': verifySignatures
}
