import type { CodecName } from '../chunk/header.js'
import { DATDOT, parameters, type Parameters } from '../protocol/parameters.js'
import type { Registration } from '../roles/member.js'

/** What `up` starts every participant and the supporter with. */
export const MEMBER_GRAINS = 1_000n * DATDOT
export const SUPPORTER_GRAINS = 1_000_000n * DATDOT
/** For whoever joins: a deposit each, and some more. */
export const FAUCET_GRAINS = 1_000_000n * DATDOT
export const FAUCET_LIMITS = { grant: 250n * DATDOT, daily: 100_000n * DATDOT }
/** Given to each hypercore: enough for days of epochs that last seconds. */
export const DONATION_GRAINS = 100_000n * DATDOT

/** What plans ask for unless they say otherwise: the codec that makes a pinner store every byte. */
export const DEFAULT_CODEC: CodecName = 'seal'

/** Room that a pinner offers beyond what the source needs. */
const SPARE_BYTES = 64 * 2 ** 30

/**
 * The rules of a network that is watched: time runs about a thousand times faster than by default, so that three
 * epochs pass in seconds. The number of steps of a walk and the rule for its deadline stay what they are.
 */
export function fastParameters(): Parameters {
  return parameters({
    tickMs: 250,
    epochMs: 3_000,
    agingRounds: 2,
    acknowledgeMs: 20_000,
    deliverBaseMs: 120_000,
    // All roles share this machine with whatever else it does: nobody fails for being slow here, only for not having what it holds.
    roundTripMs: 5_000,
    // Reports may close after the next epoch has begun; a busy machine needs the time more than the order.
    reportRounds: 16,
    revealRounds: 10,
    graceEpochs: 1_000,
    growthMs: 2_000
  })
}

/** How participants register. */
export function registrationOf(role: 'signer' | 'pinner' | 'verifier'): Registration {
  return { capacityBytes: role === 'verifier' ? 0 : SPARE_BYTES, deposit: 200n * DATDOT }
}
