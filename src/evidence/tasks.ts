import type { EngineError } from '../errors.js'
import type { Refusal } from '../protocol/refusal.js'
import type { AskedChunk } from '../protocol/views.js'
import type { OpeningVerdict } from './opening-judge.js'
import type { RefusalVerdict } from './refusal-judge.js'
import type { Verdict } from './verdict.js'
import type { SliceChallenge } from './slice-walk.js'

/** Bytes of a received evidence: shared memory, so that a worker reads them without a copy, or a file. */
export type EvidenceBytes = { memory: Uint8Array } | { path: string; byteLength: number }

/** What a worker gets to check one answer. */
export interface VerifyTask {
  challenge: SliceChallenge
  /** The signed s_k. */
  lastState: Uint8Array
  evidence: EvidenceBytes
}

/** Checks answers on worker threads: one verdict a task, in order, or why there is none. */
export type VerifyAnswers = (tasks: VerifyTask[]) => Promise<(Verdict | EngineError)[]>

/** What a worker gets to judge one refusal. */
export interface RefusalTask {
  refusal: Refusal
  evidence: EvidenceBytes
}

/** What a worker gets to judge one opening. */
export interface OpeningTask {
  asked: AskedChunk
  evidence: EvidenceBytes
}

/** Judges an opening on a worker thread. */
export type JudgeOpening = (task: OpeningTask) => Promise<OpeningVerdict>

/** Judges a refusal on a worker thread. */
export type JudgeRefusal = (task: RefusalTask) => Promise<RefusalVerdict>
