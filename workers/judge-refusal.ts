import { readFileSync } from 'node:fs'
import { judgeRefusal } from '../src/evidence/refusal-judge.js'
import { refusalTools } from '../src/ledger/refusal-tools.js'
import { workerTask } from './task.js'

export default workerTask<'judge-refusal'>(({ refusal, evidence }) => {
  // A copy of what is shared with the chain's thread: libsodium does not take shared memory for a signature.
  const bytes = 'memory' in evidence ? Buffer.from(evidence.memory) : readFileSync(evidence.path)
  return judgeRefusal(bytes, refusal, refusalTools)
})
