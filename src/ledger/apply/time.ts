import { ChainError } from '../../errors.js'
import { owedKinds, type Body, type Operation } from '../../protocol/operations.js'
import { dateRange, isFarOff } from '../rules/time.js'
import type { State } from '../state.js'

/** When an entry is made, and when what it holds came. */
export interface Moment {
  /** Chain time of the entry. */
  clock: number
  /** Of an owed operation: chain time when it came. Of a tick: chain time up to which all that came is on the log. Null for others. */
  arrived: number | null
}

/**
 * Chain time goes on to that of the entry, and the chain's date with it.
 *
 * @throws ChainError `TIME_BACKWARDS`
 */
export function goOn(state: State, { clock, arrived }: Moment): void {
  const { head } = state
  const sinceMs = clock - head.clock
  if (sinceMs < 0) throw new ChainError('TIME_BACKWARDS', `chain time cannot go back from ${head.clock}`)
  head.clock = clock
  head.at += sinceMs
  state.moment = { arrived: arrived ?? clock, sinceMs }
}

/**
 * Whether an operation can have come when its entry says that it did.
 *
 * @param anchorClock chain time of the entry that its sender had seen
 * @throws ChainError `ARRIVED_WRONG`
 */
export function checkArrival(
  state: State,
  { kind }: Operation,
  { clock, arrived }: Moment,
  anchorClock: number
): void {
  const { head } = state
  const wrong = (why: string): ChainError => new ChainError('ARRIVED_WRONG', `this ${kind} ${why}`)
  const owed = owedKinds.has(kind)
  if (!owed && kind !== 'tick') {
    if (arrived !== null) throw wrong('is not owed, so that it does not matter when it came')
    return
  }
  if (arrived === null) throw wrong('needs to say when it came')
  if (arrived > clock) throw wrong('is on the log before it came')
  if (arrived < head.heard) throw wrong('came before a tick that says that all until then is on the log')
  if (owed && arrived < anchorClock) throw wrong('came before the entry was made that its sender had seen')
}

/**
 * Gives an entry of the chain the date that a tick names.
 *
 * @throws ChainError `TIME_SLEW`
 */
export function follow(state: State, { at, stalledMs }: Pick<Body<'tick'>, 'at' | 'stalledMs'>): void {
  const { head, moment } = state
  const passedMs = head.clock - head.tickClock
  const { least, most } = dateRange({ at: head.at, passedMs, sinceMs: moment.sinceMs, stalledMs })
  if (at < least || at > most) {
    throw new ChainError('TIME_SLEW', `this tick's date must be from ${least} to ${most}, not ${at}`)
  }
  head.at = at
  head.tickClock = head.clock
  head.heard = moment.arrived
}

/**
 * Corrects the chain's date, which no rule goes by.
 *
 * @throws ChainError `TIME_NEAR`
 */
export function setTime(state: State, { at }: Body<'setTime'>): void {
  const { head } = state
  if (!isFarOff(head.at, at)) {
    throw new ChainError('TIME_NEAR', `ticks lead the date from ${head.at} to ${at} by themselves`)
  }
  head.at = at
}
