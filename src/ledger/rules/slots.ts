import { hash, uniform } from '#crypto/hash.js'
import type { Parameters } from '../../protocol/parameters.js'
import { clockOfRound, roundAt, type RoundBase } from './time.js'

/**
 * The slot of copies that are challenged once in `every` epochs in which a round begins, and the rounds that the slot has left, this
 * one counted.
 */
export function slotOf(
  round: number,
  every: number,
  base: RoundBase,
  p: Pick<Parameters, 'tickMs' | 'epochMs'>
): { slot: number; roundsLeft: number } {
  const slotMs = every * p.epochMs
  const slot = Math.floor(clockOfRound(round, base, p) / slotMs)
  const last = roundAt((slot + 1) * slotMs - 1, base, p)
  return { slot, roundsLeft: Math.max(1, last - round + 1) }
}

/** What a round's value decides of a slot. */
export function slotSeed(chain: Uint8Array, every: number, value: Uint8Array): Uint8Array {
  return hash('datdot/slot/1', chain, every, value)
}

/**
 * How many of the copies that wait in a slot a round draws: its share of them, rounded up or down by its value so that each round draws
 * as many in the mean. The last one draws all that are left.
 */
export function slotShare(seed: Uint8Array, waiting: number, roundsLeft: number): number {
  const rest = waiting % roundsLeft
  const more = rest > 0 && uniform(seed, BigInt(roundsLeft)) < BigInt(rest) ? 1 : 0
  return Math.floor(waiting / roundsLeft) + more
}

/** Which one of those that wait the next lot of a round falls on, counted from 0. */
export function slotLot(seed: Uint8Array, lot: number, waiting: number): number {
  return Number(uniform(hash('datdot/slot-lot/1', seed, lot), BigInt(waiting)))
}
