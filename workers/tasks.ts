import type { EngineTasks } from '../src/engine/messages.js'
import type { RefusalVerdict } from '../src/evidence/refusal-judge.js'
import type { OpeningVerdict } from '../src/evidence/opening-judge.js'
import type { OpeningTask, RefusalTask, VerifyTask } from '../src/evidence/tasks.js'
import type { FactorStep, FactorTask, ModulusFault, ModulusTask } from '../src/crypto/modulus-task.js'
import type { Verdict } from '../src/evidence/verdict.js'
import type { SignatureTask } from '../src/ledger/signature-checks.js'

/**
 * The tasks that workers can do: one file of workers/ each, named as here, made with `workerTask` of
 * workers/task.ts. Values are structured-clonable. To add a task, add its file, its line here and its line in
 * workers/inline.ts.
 */
export interface Tasks extends EngineTasks {
  'verify-evidence': { input: VerifyTask[]; output: Verdict[] }
  'judge-refusal': { input: RefusalTask; output: RefusalVerdict }
  'judge-opening': { input: OpeningTask; output: OpeningVerdict }
  'check-modulus': { input: ModulusTask; output: ModulusFault | { fault: null } }
  'search-factor': { input: FactorTask; output: FactorStep }
  'verify-signatures': { input: SignatureTask; output: Uint8Array }
}
