import { readFileSync } from 'node:fs'
import { decodeChunk } from '../src/chunk/codecs.js'
import { judgeOpening } from '../src/evidence/opening-judge.js'
import { workerTask } from './task.js'

export default workerTask<'judge-opening'>(({ asked, evidence }) => {
  // A copy of what is shared with the chain's thread: libsodium does not take shared memory for a signature.
  const bytes = 'memory' in evidence ? Buffer.from(evidence.memory) : readFileSync(evidence.path)
  return judgeOpening(bytes, asked, { decodeChunk })
})
