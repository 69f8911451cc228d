import { workerTask } from '../../../workers/task.js'
import type { EvidenceBytes } from '../../../src/evidence/tasks.js'
import type { Verdict } from '../../../src/evidence/verdict.js'

/** First byte of an evidence with which this task never comes to its end, and of one with which its thread dies. */
const ENDLESS = 0xee
const DEADLY = 0xdd

/** In place of the real task: says of every evidence that it holds, but for those two. */
export default workerTask<'verify-evidence'>((tasks) =>
  tasks.map(({ evidence }): Verdict => {
    const first = firstOf(evidence)
    if (first === DEADLY) process.exit(7)
    while (first === ENDLESS);
    return { ok: true, hash: Uint8Array.of(first), bytes: 1 }
  })
)

function firstOf(evidence: EvidenceBytes): number {
  return 'memory' in evidence ? evidence.memory[0]! : 0
}
