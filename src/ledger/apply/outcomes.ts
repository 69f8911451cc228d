import type { Outcome } from '../../protocol/operations.js'
import { isLost } from '../rules/score.js'
import { saveCounters, type Copy } from '../rows.js'
import type { State } from '../state.js'
import { loseCopy } from './copies.js'

/** Whether a failed outcome costs the copy; saves the copy in any case. */
export function afterOutcome(state: State, copy: Copy, outcome: Outcome, reputationPpm: number): void {
  const p = state.parameters
  const failed = outcome === 'failure' || outcome === 'refused'
  if (outcome === 'lie' || (failed && (isLost(copy.score, p) || reputationPpm < p.losesCopiesPpm))) {
    return loseCopy(state, copy, outcome === 'lie')
  }
  saveCounters(state, copy)
}
