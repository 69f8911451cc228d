import { CryptoError } from '../errors.js'
import { closeFactor } from './close-primes.js'
import type { Curve, FoundNumbers } from './factor-bigint.js'
import { factorEngine, type FactorEngine } from './factor-engine.js'
import { factorPlan, type FactorPlan } from './factor-plan.js'
import { xof } from './hash.js'
import { bitLength, gcd, inverse } from './integers.js'
import { bytesOf } from './rsa-key.js'
import type { RsaPath } from './rsa.js'

/**
 * The search for small or badly chosen factors of a modulus that pinners make before they accept and go on with afterwards:
 * factors that are close to each other, those with a smooth p - 1 or p + 1, and elliptic curves. It is a help beside the proof
 * of `prime-proof.ts`, which bounds how many primes there are: a factor of 64 bits is found, one of 128 is not.
 *
 * Pure: the same modulus, seed, bounds and place give the same result, whatever path computes it.
 */

/** Where in the search one is: 0 is close factors, p - 1 and p + 1, and number n > 0 the n-th curve. */
export interface FactorSearchOptions {
  /** Picks the curves: another seed, other curves. */
  seed: Uint8Array
  /** How many steps to make at the most: curves cost least if as many as the path has lanes are made at once. */
  steps: number
  /** The step to begin with, 0 unless a call before said otherwise. */
  from?: number
  /** A factor p is found by a curve if its order modulo p has primes below `bound` only, and one below `farBound`. */
  bound?: number
  farBound?: number
  /** How it is computed. Default: the fastest there is. */
  path?: RsaPath
}

export interface FactorSearchResult {
  /** A proper factor, not always prime. */
  factor: bigint | undefined
  /** What to give as `from` next. */
  next: number
}

/** Good for factors of some 64 bits. */
export const BOUND = 11_000
export const FAR_BOUND = 1_100_000
const MOST_BOUND = 1 << 23

/**
 * Starts of sequences for p - 1 and p + 1, as fractions. The first is 3 + 1/3, a power of 3 and its inverse, for p - 1; each
 * other one is for p - 1 or for p + 1, half of the primes each. 2/7 and 6/5 have a multiple of 6 and of 4 as order.
 */
export const STARTS = [
  [10n, 3n],
  [2n, 7n],
  [6n, 5n],
  [23n, 11n]
] as const

/**
 * @throws CryptoError `FACTOR_SEARCH` for a modulus that is even or below 7, bounds or a number of steps that are none
 */
export function searchFactor(modulus: bigint, options: FactorSearchOptions): FactorSearchResult {
  const { seed, steps, from = 0, bound = BOUND, farBound = FAR_BOUND, path } = options
  const whole = [steps, from, bound, farBound].every((value) => Number.isSafeInteger(value) && value >= 0)
  if (
    !whole ||
    steps < 1 ||
    bound < 100 ||
    farBound < bound ||
    farBound > MOST_BOUND ||
    modulus < 7n ||
    modulus % 2n === 0n
  ) {
    throw new CryptoError(
      'FACTOR_SEARCH',
      'needs an odd modulus, whole numbers, a step, and bounds 100 <= near <= far <= 2^23'
    )
  }
  const search = new Search(modulus, seed, factorEngine(modulus, path), factorPlan(bound, farBound))
  let next = from
  if (next === 0) {
    const factor = search.special()
    next++
    if (factor !== undefined) return { factor, next }
  }
  while (next < from + steps) {
    const result = search.curves(next, Math.min(search.lanes, from + steps - next))
    if (result.factor !== undefined) return result
    next = result.next
  }
  return { factor: undefined, next }
}

class Search {
  readonly #n: bigint
  readonly #seed: Uint8Array
  readonly #engine: FactorEngine
  readonly #plan: FactorPlan

  constructor(n: bigint, seed: Uint8Array, engine: FactorEngine, plan: FactorPlan) {
    this.#n = n
    this.#seed = seed
    this.#engine = engine
    this.#plan = plan
  }

  get lanes(): number {
    return this.#engine.lanes
  }

  /** Close factors, and primes p with a smooth p - 1 or p + 1. */
  special(): bigint | undefined {
    const n = this.#n
    const close = closeFactor(n)
    if (close !== undefined) return close
    const starts: bigint[] = []
    for (const [above, below] of STARTS) {
      const inverted = inverse(below, n)
      if (inverted === undefined) return this.#proper(below)
      starts.push((above * inverted) % n)
    }
    for (const found of this.#engine.powers(starts, this.#plan)) {
      const factor = this.#factorOf(found)
      if (factor !== undefined) return factor
    }
    return undefined
  }

  /** `count` curves from number `first` on: the factor that the first of them finds. */
  curves(first: number, count: number): FactorSearchResult {
    const curves = curvesOf(this.#n, this.#seed, first, count)
    for (const [i, found] of this.#engine.curves(curves, this.#plan).entries()) {
      const factor = this.#factorOf(found)
      if (factor !== undefined) return { factor, next: first + i + 1 }
    }
    return { factor: undefined, next: first + count }
  }

  #factorOf({ near, far }: FoundNumbers): bigint | undefined {
    return this.#proper(near) ?? this.#proper(far)
  }

  /** The gcd of a value and N, if it is a proper factor. */
  #proper(value: bigint): bigint | undefined {
    const factor = gcd(this.#n, value)
    return factor === 1n || factor === this.#n ? undefined : factor
  }
}

/**
 * Curves from number `first` on by Suyama's formulas, so that their order is a multiple of 12. One that cannot be made, since its
 * divisor has a factor in common with N, has that divisor as the z of its point, which stays so: it finds the factor.
 */
export function curvesOf(n: bigint, seed: Uint8Array, first: number, count: number): Curve[] {
  const parts = Array.from({ length: count }, (_, i) => {
    const sigma = sigmaOf(seed, n, first + i)
    const u = modulo(sigma * sigma - 5n, n)
    const v = (4n * sigma) % n
    const x = (u * u * u) % n
    const z = (v * v * v) % n
    return { x, z, above: modulo((v - u) ** 3n * (3n * u + v), n), below: (16n * x * v) % n }
  })
  // All divisions by one inversion.
  const before = [1n]
  for (const { below } of parts) before.push((before.at(-1)! * below) % n)
  let all = inverse(before.at(-1)!, n)
  if (all === undefined) {
    if (count === 1) return [{ x: 0n, z: parts[0]!.below, a24: 0n }]
    return parts.flatMap((_, i) => curvesOf(n, seed, first + i, 1))
  }
  const curves: Curve[] = []
  for (let i = count - 1; i >= 0; i--) {
    const { x, z, above, below } = parts[i]!
    curves[i] = { x, z, a24: (above * all * before[i]!) % n }
    all = (all * below) % n
  }
  return curves
}

/** The parameter of curve `number`: 128 bits, of which 5 values give no curve. */
function sigmaOf(seed: Uint8Array, modulus: bigint, number: number): bigint {
  const bytes = bytesOf(modulus, Math.ceil(bitLength(modulus) / 8))
  return BigInt(`0x${xof(16, 'datdot/curve/1', seed, bytes, number).toString('hex')}`) + 6n
}

function modulo(value: bigint, n: bigint): bigint {
  return ((value % n) + n) % n
}
