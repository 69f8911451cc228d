import { defaultQuotas, type Quotas } from '../../swarm/rpc-channel.js'
import type { Rates } from './allowance.js'
import type { Standing } from './fair-queue.js'

/**
 * What one account, and one connection of a member, may have the chain do: a fifth of its thread in units of some 50 µs, in bursts of
 * two seconds of it. A pinner with 10,000 copies needs one operation a round.
 */
export const MEMBER_RATES: Rates = {
  perSecond: { operations: 1_000, bytes: 8 << 20, units: 4_000 },
  burst: { operations: 10_000, bytes: 64 << 20, units: 40_000 }
}

/** The same of a stranger, whose own operations are refused whatever they say. */
const STRANGER_RATES: Rates = {
  perSecond: { operations: 16, bytes: 64 << 10, units: 32 },
  burst: { operations: 256, bytes: 1 << 20, units: 512 }
}

export const ratesOf = (standing: Standing): Rates => (standing === 'member' ? MEMBER_RATES : STRANGER_RATES)

/** What one connection of a stranger may ask at a time: enough to read the chain, too little to keep it from others. */
export const STRANGER_QUOTAS: Readonly<Quotas> = {
  ...defaultQuotas,
  inFlight: 16,
  bytesInFlight: 2 << 20,
  perSecond: 100,
  burst: 500,
  backlogBytes: 8 << 20,
  offences: 100
}
