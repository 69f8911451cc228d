import type { Parameters } from '../../src/protocol/parameters.js'
import type { Operator } from './chain.js'
import type { Authored } from './hypercores.js'
import type { Strategy } from './party.js'
import type { Fate, Outcome } from './run.js'

/** Who takes part. */
export interface Member {
  name: string
  strategy: Strategy
  /** One of those whose gain is measured. All others are honest. */
  hostile?: boolean
  /** Grains at genesis; 1,000 datdot if not given. */
  grains?: bigint
}

/** Who and what there is. */
export interface Cast {
  members: Member[]
  /** Hypercores whose blocks somebody serves. */
  hypercores: Authored[]
  operator?: Operator
  /** Keys of the hypercores whose copies are counted; all if not given. */
  counted?: Buffer[]
}

/** What is to be cast. */
export interface Casting {
  /** False: the same network with the hostile ones as honest ones would be, or without them; what they gain is measured against it. */
  hostile: boolean
  seed: number
}

/** What an attack may do at most, in the mean of its runs. */
export interface Limit {
  /** Grains paid for what was not done, less pay that the attackers missed and what was burned of their deposits. */
  gain: bigint
  /** Grains burned of honest members' deposits, beyond what is without the attack. */
  harm: bigint
  /** Copies that honest pinners lose beyond that. */
  copies: number
  /** Share of the wanted copies that are missing because of it, over the whole time. */
  kept: number
}

/** An attack, or none. */
export interface Scenario {
  name: string
  /** What the hostile ones do, in a few words. */
  does: string
  /** Days that show it, unless the command line says otherwise. */
  days: number
  rules?: Partial<Parameters>
  cast(casting: Casting): Cast
  /** Scenarios with the same name here are alike without their attackers: one run serves all. */
  without?: string
  /** What of the attackers' pay they had not earned, in grains; 0 if not given. */
  unearned?(outcome: Outcome, hostile: readonly Fate[]): bigint
  /** It must change nothing about who else is drawn. */
  sameDraws?: boolean
  /** What is allowed today. */
  limit: Limit
  /** What it still gains or harms under today's rules, and what would end it. */
  missing?: string
  /** Chance that one challenge finds it, by the formula. */
  found?: number
  /** Faults of the world, a day: members that are gone for up to an hour, restarts of the chain; and the share of messages that is lost. */
  faults?: { leaves: number; restarts: number; loss: number }
}
