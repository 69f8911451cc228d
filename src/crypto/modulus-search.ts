import { searchFactor } from './factor-search.js'
import { gcd } from './integers.js'
import { bigintOf } from './rsa-key.js'

/** Bounds of p - 1, p + 1 and of each curve: they take a fifth of what the widest that make sense take. */
const BOUND = 2_000
const FAR_BOUND = 200_000

/** What a search for a factor of a modulus may cost. */
export interface ModulusSearch {
  /** Moduli of other segments, which must share no prime with this one. */
  others: readonly Uint8Array[]
  /** Picks the curves. */
  seed: Uint8Array
  /** Steps of `searchFactor`, of which the first is special forms and the others are curves; none are made for 0. */
  steps: number
}

/**
 * A proper factor of a modulus, if one is found: a prime in common with another modulus, or one that
 * `searchFactor` finds. An honest modulus has none that could be found.
 */
export function findFactor(modulus: Uint8Array, search: ModulusSearch): bigint | undefined {
  const n = bigintOf(modulus)
  for (const other of search.others) {
    const common = gcd(n, bigintOf(other))
    if (common !== 1n && common !== n) return common
  }
  if (search.steps <= 0) return undefined
  return searchFactor(n, { seed: search.seed, steps: search.steps, bound: BOUND, farBound: FAR_BOUND }).factor
}
