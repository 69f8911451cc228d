import { searchFactor } from './factor-search.js'
import { gcd } from './integers.js'
import { bigintOf } from './rsa-key.js'

/** Bounds of p - 1 and of each curve: a fifth of a second for the first, where the widest that make sense take five times that. */
const BOUND = 2_000
const FAR_BOUND = 200_000

/** What a search for a factor of a modulus may cost. */
export interface ModulusSearch {
  /** Moduli of other segments, which must share no prime with this one. */
  others: readonly Uint8Array[]
  /** Picks the curves. */
  seed: Uint8Array
  /** Multiplications modulo N; none are made for 0. One takes some 5 us. */
  products: number
}

/**
 * A proper factor of a modulus, if one is found: a prime in common with another modulus, or one that p - 1 or
 * elliptic curves find. An honest modulus has none that could be found.
 */
export function findFactor(modulus: Uint8Array, search: ModulusSearch): bigint | undefined {
  const n = bigintOf(modulus)
  for (const other of search.others) {
    const common = gcd(n, bigintOf(other))
    if (common !== 1n && common !== n) return common
  }
  if (search.products <= 0) return undefined
  return searchFactor(n, { seed: search.seed, products: search.products, bound: BOUND, farBound: FAR_BOUND })
    .factor
}
