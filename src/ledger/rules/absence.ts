import type { Parameters } from '../../protocol/parameters.js'
import { pausedEpochs, type Pause } from './pause.js'

/** Steps of a walk that find a loss of 1 % with p = 99 %: what a copy owes after a long absence. */
const LONG_WALK_STEPS = 459
/** A short absence is answered for with so many times the steps of the plan: five whole slots, which find a loss of 10 % with p = 99 %. */
const SHORT_WALK_FACTOR = 5
/** A walk's steps are over slices of so many bytes. */
const SLICE_BYTES = 1_024

/** Steps of the walk that a copy answers after a challenge was missed: more, the longer ago that is. Never fewer than the plan's. */
export function returnSteps(
  { steps, bytes, missedMs }: { steps: number; bytes: number; missedMs: number },
  p: Pick<Parameters, 'repairMs'>
): number {
  const slices = Math.max(1, Math.ceil(bytes / SLICE_BYTES))
  const wanted =
    missedMs < p.repairMs
      ? Math.min(SHORT_WALK_FACTOR * steps, LONG_WALK_STEPS)
      : Math.min(LONG_WALK_STEPS, slices)
  return Math.max(steps, wanted)
}

/** What a copy comes to that has been missed for some time, when it is missed again. */
export function missedFor(
  missedMs: number,
  p: Pick<Parameters, 'repairMs' | 'offlineMaxMs'>
): 'kept' | 'replaced' | 'lost' {
  if (missedMs >= p.offlineMaxMs) return 'lost'
  return missedMs >= p.repairMs ? 'replaced' : 'kept'
}

/** Epochs that are paid: since the last outcome, and not those in which the pinner was away, up to the one in which it came back, nor its pauses. */
export function paidEpochs(
  epoch: number,
  { last, back, pauses = [] }: { last: number; back: number; pauses?: readonly Pause[] }
): number {
  const from = Math.max(last, back)
  return epoch <= from ? 0 : epoch - from - pausedEpochs(pauses, from, epoch)
}

/** How long a copy is not paid whose substitute was there before it came back: as long as it was away, at most until the surplus ends. */
export function unpaidMs(missedMs: number, p: Pick<Parameters, 'surplusMs'>): number {
  return Math.min(missedMs, p.surplusMs)
}

/**
 * Whether so many went away together that it is not they who failed: more than a third of what pinners have locked for live copies.
 *
 * @param away what those have locked who went within an epoch of each other and are still away
 */
export function isMassOutage(away: bigint, held: bigint): boolean {
  return 3n * away > held
}

/** Until when nobody is replaced or punished for an absence that began so, while so many are away. */
export function heldUntil(since: number, limitMs: number, p: Pick<Parameters, 'massOutageMs'>): number {
  return since + limitMs + p.massOutageMs
}

/** What a signer gets of X whose task is withdrawn: all once it has delivered, half while it works, or nothing. */
export function withdrawnPay(state: 'delivered' | 'delivering' | 'other', reward: bigint): bigint {
  if (state === 'delivered') return reward
  return state === 'delivering' ? reward / 2n : 0n
}
