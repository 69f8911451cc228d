import type { Outcome } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'

type ScoreParameters = Pick<Parameters, 'failuresMax' | 'failureForgivenBy'>

/**
 * The score of a copy after an outcome: a failure adds `failureForgivenBy`, a success takes 1 of it, down to 0. So it is a sequential test: what fails
 * more than once in `failureForgivenBy` + 1 times goes up and is found in the end, what fails less goes down.
 */
export function scoreAfter(score: number, outcome: Outcome, p: ScoreParameters): number {
  switch (outcome) {
    case 'success':
      return Math.max(0, score - 1)
    // Who is away shows nothing; how long that may be is another matter.
    case 'unknown':
    case 'offline':
      return score
    case 'failure':
    case 'lie':
    case 'refused':
      return score + p.failureForgivenBy
  }
}

/** Whether a copy with this score is lost. */
export function isLost(score: number, p: ScoreParameters): boolean {
  return score >= p.failuresMax * p.failureForgivenBy
}
