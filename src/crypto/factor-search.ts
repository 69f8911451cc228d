import { CryptoError } from '../errors.js'
import { xof } from './hash.js'
import { gcd, inverse, primesBelow } from './integers.js'
import { bytesOf } from './rsa-key.js'

/**
 * The search for small or badly chosen factors of a modulus that pinners make before they accept and go on with
 * afterwards: p - 1 and elliptic curves, in plain bigints. It is a help beside the proof of `prime-proof.ts`, which
 * bounds how many primes there are: a factor of 64 bits is likely found, one of 128 is not.
 *
 * Pure: the same modulus, seed, bounds and place give the same curves. A call does as many curves as its budget of
 * products allows and says where to go on, so that a worker can be asked again and again.
 */

/** Where in the search one is: 0 is p - 1, and number n > 0 the n-th curve. */
export interface FactorSearchOptions {
  /** Picks the curves: another seed, other curves. */
  seed: Uint8Array
  /** Multiplications modulo N that may be spent; one step at least is made. One takes some 5 us at 2048 bits. */
  products: number
  /** The step to begin with, 0 unless a call before said otherwise. */
  from?: number
  /** A factor p is found by a curve if its order modulo p has primes below `bound` only, and one below `farBound`. */
  bound?: number
  farBound?: number
}

export interface FactorSearchResult {
  /** A proper factor, not always prime. */
  factor: bigint | undefined
  /** Products that were made. */
  products: number
  /** What to give as `from` next. */
  next: number
}

/** Good for factors of some 64 bits. */
const BOUND = 11_000
const FAR_BOUND = 1_100_000
const MOST_BOUND = 1 << 26
/** Steps of the far bound's primes: 2 * 3 * 5 * 7 * 11. */
const STRIDE = 2310

/**
 * @throws CryptoError `FACTOR_SEARCH` for a modulus that is even or below 7, bounds or a budget that are none
 */
export function searchFactor(modulus: bigint, options: FactorSearchOptions): FactorSearchResult {
  const { seed, products, from = 0, bound = BOUND, farBound = FAR_BOUND } = options
  const whole = [products, from, bound, farBound].every((value) => Number.isSafeInteger(value) && value >= 0)
  if (
    !whole ||
    bound < 100 ||
    farBound < bound ||
    farBound > MOST_BOUND ||
    modulus < 7n ||
    modulus % 2n === 0n
  ) {
    throw new CryptoError(
      'FACTOR_SEARCH',
      'needs an odd modulus, whole numbers, and bounds 100 <= near <= far <= 2^26'
    )
  }
  const search = new Search(modulus, primesBelow(farBound + 1), bound)
  let next = from
  do {
    const found = next === 0 ? search.minusOne() : search.curve(sigmaOf(seed, modulus, next))
    next++
    if (found !== undefined) return { factor: found, products: search.products, next }
  } while (search.products < products)
  return { factor: undefined, products: search.products, next }
}

/** The parameter of curve `number`: 128 bits, of which 5 values give no curve. */
function sigmaOf(seed: Uint8Array, modulus: bigint, number: number): bigint {
  const bytes = bytesOf(modulus, Math.ceil(modulus.toString(16).length / 2))
  return BigInt(`0x${xof(16, 'datdot/curve/1', seed, bytes, number).toString('hex')}`) + 6n
}

/** A point of a Montgomery curve without its y. */
interface Point {
  x: bigint
  z: bigint
}

class Search {
  products = 0
  readonly #n: bigint
  readonly #powers: number[]
  readonly #far: number[]
  #a24 = 0n

  constructor(n: bigint, primes: number[], bound: number) {
    this.#n = n
    // The largest power of each prime that is not above the bound.
    this.#powers = primes
      .filter((p) => p <= bound)
      .map((p) => p ** Math.floor(Math.log(bound) / Math.log(p) + 1e-9))
    this.#far = primes.filter((p) => p > bound)
  }

  /** Pollard's p - 1: p is found if p - 1 has small primes and one larger at most. */
  minusOne(): bigint | undefined {
    let x = 3n
    for (const power of this.#powers) x = this.#power(x, power)
    const near = this.#proper(x - 1n)
    if (near !== undefined) return near
    // From each far prime to the next by a small even step, whose power is kept.
    const steps = new Map<number, bigint>()
    let last = 0
    let at = 1n
    let all = 1n
    for (const prime of this.#far) {
      let step = last === 0 ? undefined : steps.get(prime - last)
      if (step === undefined) {
        step = this.#power(x, prime - last)
        if (last !== 0) steps.set(prime - last, step)
      }
      at = this.#times(at, step)
      all = this.#times(all, at - 1n)
      last = prime
    }
    return this.#proper(all)
  }

  /** Lenstra's method on Montgomery's curves by Suyama's parameter, whose order is a multiple of 12. */
  curve(sigma: bigint): bigint | undefined {
    const n = this.#n
    const u = (sigma * sigma - 5n) % n
    const v = (4n * sigma) % n
    const x = (u * u * u) % n
    const z = (v * v * v) % n
    const divisor = (16n * x * v) % n
    const inverted = inverse(divisor, n)
    if (inverted === undefined) return this.#proper(divisor)
    // (A + 2) / 4 of the curve's coefficient A.
    const difference = (((v - u) % n) + n) % n
    this.#a24 = (((difference * difference * difference) % n) * (3n * u + v) * inverted) % n
    this.products += 12
    let point: Point = { x, z }
    for (const power of this.#powers) point = this.#multiply(point, power)
    return this.#proper(point.z) ?? this.#farPrimes(point)
  }

  /** All primes q = m * STRIDE +- j at once: q times the point is nothing if m * STRIDE and j times it are alike. */
  #farPrimes(point: Point): bigint | undefined {
    if (this.#far.length === 0) return undefined
    const small = new Map<number, Point & { xz: bigint }>()
    for (let j = 1; j < STRIDE / 2; j += 2) {
      if (gcd(BigInt(j), BigInt(STRIDE)) === 1n) small.set(j, this.#kept(this.#multiply(point, j)))
    }
    const stride = this.#multiply(point, STRIDE)
    let m = Math.max(1, Math.round(this.#far[0]! / STRIDE))
    let before = m === 1 ? undefined : this.#multiply(stride, m - 1)
    let at = this.#multiply(stride, m)
    let large = this.#kept(at)
    let all = 1n
    for (const prime of this.#far) {
      while (prime > m * STRIDE + STRIDE / 2) {
        const next = before === undefined ? this.#double(at) : this.#add(at, stride, before)
        before = at
        at = next
        large = this.#kept(at)
        m++
      }
      const j = small.get(Math.abs(prime - m * STRIDE))
      if (j === undefined) continue // a prime of the stride, and so not far
      // x1 z2 - x2 z1, by one product.
      const cross = this.#times(large.x - j.x, large.z + j.z) - large.xz + j.xz
      all = this.#times(all, cross)
    }
    return this.#proper(all)
  }

  #kept({ x, z }: Point): Point & { xz: bigint } {
    return { x, z, xz: this.#times(x, z) }
  }

  #multiply(point: Point, factor: number): Point {
    if (factor === 1) return point
    let low = point
    let high = this.#double(point)
    for (const bit of factor.toString(2).slice(1)) {
      const sum = this.#add(low, high, point)
      if (bit === '1') [low, high] = [sum, this.#double(high)]
      else [low, high] = [this.#double(low), sum]
    }
    return low
  }

  #double({ x, z }: Point): Point {
    const plus = this.#times(x + z, x + z)
    const minus = this.#times(x - z, x - z)
    const four = plus - minus
    return { x: this.#times(plus, minus), z: this.#times(four, minus + this.#times(this.#a24, four)) }
  }

  /** The sum of two points whose difference is known. */
  #add(a: Point, b: Point, difference: Point): Point {
    const u = this.#times(a.x - a.z, b.x + b.z)
    const v = this.#times(a.x + a.z, b.x - b.z)
    const sum = u + v
    const rest = u - v
    return {
      x: this.#times(difference.z, this.#times(sum, sum)),
      z: this.#times(difference.x, this.#times(rest, rest))
    }
  }

  #power(base: bigint, exponent: number): bigint {
    let result = base
    for (const bit of exponent.toString(2).slice(1)) {
      result = this.#times(result, result)
      if (bit === '1') result = this.#times(result, base)
    }
    return result
  }

  #times(a: bigint, b: bigint): bigint {
    this.products++
    return (a * b) % this.#n
  }

  /** The gcd of a value and N, if it is a proper factor. */
  #proper(value: bigint): bigint | undefined {
    const n = this.#n
    const factor = gcd(n, ((value % n) + n) % n)
    return factor === 1n || factor === n ? undefined : factor
  }
}
