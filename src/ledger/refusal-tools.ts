import { decodeChunk } from '../chunk/codecs.js'
import { isProperFactor } from '../crypto/bounty.js'
import { primeFault } from '../crypto/prime-proof.js'
import type { RefusalTools } from '../evidence/refusal-judge.js'

/** What a refusal is judged with where the native parts of this project run. */
export const refusalTools: RefusalTools = { decodeChunk, primeFault, isProperFactor }
