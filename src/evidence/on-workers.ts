import { EngineError } from '../errors.js'
import type { OpeningVerdict } from './opening-judge.js'
import type { RefusalVerdict } from './refusal-judge.js'
import type {
  JudgeOpening,
  JudgeRefusal,
  OpeningTask,
  RefusalTask,
  VerifyAnswers,
  VerifyTask
} from './tasks.js'
import type { Verdict } from './verdict.js'

/** Longest that a thread may be at evidence: a thousand times what the largest takes. A verdict by time is none, since nobody could work it out again. */
const JUDGE_MS = 30_000

interface Limits {
  timeoutMs: number
}

/** The tasks of workers/ that judge, as `Engine.call` does them. */
export interface JudgingTasks {
  verify: (tasks: VerifyTask[], limits: Limits) => Promise<Verdict[]>
  judge: (task: RefusalTask, limits: Limits) => Promise<RefusalVerdict>
  judgeOpening: (task: OpeningTask, limits: Limits) => Promise<OpeningVerdict>
}

/** Judges evidence on worker threads, for the chain and for whoever audits it: with a deadline, so that no evidence holds a thread for ever. */
export function judgesOnWorkers(
  on: JudgingTasks,
  timeoutMs = JUDGE_MS
): { verify: VerifyAnswers; judge: JudgeRefusal; judgeOpening: JudgeOpening } {
  const verify = (tasks: VerifyTask[]): Promise<Verdict[]> => on.verify(tasks, { timeoutMs })
  return {
    async verify(tasks) {
      try {
        return await verify(tasks)
      } catch (error) {
        if (!isThreadLost(error)) throw error
        if (tasks.length === 1) return [error]
        // One of them did it: the others are not to suffer for that.
        const alone = tasks.map((task) =>
          verify([task]).then(
            ([verdict]) => verdict!,
            (failure: unknown) => {
              if (isThreadLost(failure)) return failure
              throw failure
            }
          )
        )
        return Promise.all(alone)
      }
    },
    judge: (task) => on.judge(task, { timeoutMs }),
    judgeOpening: (task) => on.judgeOpening(task, { timeoutMs })
  }
}

/** Whether a task took its thread with it, by time or by a crash: the input may be why, and nothing can be said of it. */
export function isThreadLost(error: unknown): error is EngineError {
  return error instanceof EngineError && (error.code === 'ENGINE_TIMEOUT' || error.code === 'ENGINE_CRASH')
}
