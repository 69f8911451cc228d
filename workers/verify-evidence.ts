import { readFileSync } from 'node:fs'
import type { EvidenceBytes, VerifyTask } from '../src/evidence/tasks.js'
import { sliceTools } from '../src/evidence/slice-tools.js'
import type { Verdict } from '../src/evidence/verdict.js'
import { verifySliceEvidence } from '../src/evidence/verify-slices.js'
import { workerTask } from './task.js'

export default workerTask<'verify-evidence'>((tasks) => tasks.map(verify))

function verify({ challenge, lastState, evidence }: VerifyTask): Verdict {
  const verdict = verifySliceEvidence(bytesOf(evidence), challenge, lastState, sliceTools)
  if (!verdict.ok) return verdict
  // Which slices were visited follows from the evidence, and does not cross threads.
  const { ok, hash, bytes } = verdict
  return { ok, hash, bytes }
}

/** An evidence is at most some 2 MB. */
function bytesOf(evidence: EvidenceBytes): Uint8Array {
  return 'memory' in evidence ? evidence.memory : readFileSync(evidence.path)
}
