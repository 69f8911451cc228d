import type { Scenario } from '../scenario.js'
import { castOf, NOTHING } from './cast.js'
import {
  joinerScenarios,
  operatorScenarios,
  pairScenarios,
  signerScenarios,
  supporterScenarios,
  verifierScenarios
} from './others.js'
import { pinnerScenarios } from './pinners.js'

/** Everybody does what is asked; with and without misfortunes. */
const honest: Scenario[] = [
  {
    name: 'honest',
    does: 'nobody is hostile',
    days: 2,
    limit: NOTHING,
    cast: (casting) => castOf(casting, [])
  },
  {
    name: 'misfortunes',
    does: 'nobody is hostile; members are away now and then, messages are lost, the chain restarts',
    days: 2,
    faults: { leaves: 6, restarts: 2, loss: 0.02 },
    limit: NOTHING,
    cast: (casting) => castOf(casting, [])
  }
]

export const scenarios: readonly Scenario[] = [
  ...honest,
  ...pinnerScenarios,
  ...signerScenarios,
  ...pairScenarios,
  ...verifierScenarios,
  ...supporterScenarios,
  ...joinerScenarios,
  ...operatorScenarios
]
