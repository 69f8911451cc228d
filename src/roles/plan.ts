import type { CodecName } from '../chunk/header.js'
import type { Plan } from '../protocol/operations.js'
import { DEFAULT_STEPS } from '../protocol/parameters.js'

/** The plan for one hypercore unless more is said of it: challenged in every epoch, found by those who look for `topic`. */
export function planOf(copies: number, codec: CodecName, topic: Buffer): Plan {
  return {
    copies,
    targetPpm: 0,
    codec,
    every: 1,
    steps: DEFAULT_STEPS,
    maxBytes: 2 ** 44,
    topic,
    refreshAfterMs: 0
  }
}
