import { NEXT, RESIDUES, STRIDE, followChain, type FactorPlan } from './factor-plan.js'
import { inverse } from './integers.js'

/** An elliptic curve in Montgomery's form with a point: x and z of it, and (A + 2) / 4 of the curve's coefficient A. */
export interface Curve {
  x: bigint
  z: bigint
  a24: bigint
}

/** Two numbers modulo N: what the near bound comes to, and the far bound. A factor that is found divides one of them. */
export interface FoundNumbers {
  near: bigint
  far: bigint
}

/** A point without its y. */
interface Point {
  x: bigint
  z: bigint
}

/**
 * The search for a factor of one modulus in plain bigints, for machines without the compiled core and moduli of any
 * length. native/rsa/factor.c does the same, sum by sum: both come to the same numbers.
 */
export class BigintFactors {
  readonly #n: bigint

  constructor(modulus: bigint) {
    this.#n = modulus
  }

  /**
   * p - 1, or p + 1: the sequence V(k) = a^k + a^-k that begins with V(1), at the product of all that the plan multiplies
   * by, less the 2 that it is where the power of a is 1.
   */
  powers(start: bigint, plan: FactorPlan): FoundNumbers {
    let x = start
    for (let i = 0; i < plan.chain.length; i += 2) x = this.#sequenceAt(x, plan.chain[i]!)
    const second = this.#sequence(x, x, 2n)
    const small: bigint[] = []
    let [before, at] = [x, x]
    for (let j = 1, kept = 0; ; j += 2) {
      if (RESIDUES[kept] === j) small[kept++] = at
      if (j === STRIDE / 2) break
      ;[before, at] = [at, this.#sequence(second, at, before)]
    }
    const stride = this.#sequence(at, at, 2n)
    ;[before, at] = [2n, stride]
    for (let multiple = 1; multiple < plan.first; multiple++) {
      ;[before, at] = [at, this.#sequence(at, stride, before)]
    }
    let far = 1n
    for (const entry of plan.far) {
      if (entry === NEXT) [before, at] = [at, this.#sequence(at, stride, before)]
      else far = this.#times(far, at - small[entry]!)
    }
    return { near: this.#positive(x - 2n), far: this.#positive(far) }
  }

  /** Lenstra's method: the z of all that the plan multiplies by, and the product of differences of two x for far primes. */
  curve({ x, z, a24 }: Curve, plan: FactorPlan): FoundNumbers {
    const n = this.#n
    let point: Point = { x, z }
    for (let i = 0; i < plan.chain.length; i += 2) {
      point = this.#multiply(point, plan.chain[i]!, plan.chain[i + 1]!, a24)
    }
    const near = this.#positive(point.z)
    const kept: Point[] = []
    const second = this.#double(point, a24)
    let [before, at] = [point, point]
    for (let j = 1; ; j += 2) {
      if (RESIDUES[kept.length] === j) kept.push(at)
      if (j === STRIDE / 2) break
      ;[before, at] = [at, this.#add(at, second, j === 1 ? point : before)]
    }
    const stride = this.#double(at, a24)
    at = stride
    const last = plan.first + plan.far.reduce((count, entry) => count + (entry === NEXT ? 1 : 0), 0)
    for (let multiple = 1; multiple <= last; multiple++) {
      if (multiple >= plan.first) kept.push(at)
      ;[before, at] = [at, multiple === 1 ? this.#double(at, a24) : this.#add(at, stride, before)]
    }
    // All x where z is 1, by one inversion.
    const products: bigint[] = []
    let all = 1n
    for (const { z } of kept) {
      products.push(all)
      all = this.#times(all, z)
    }
    let inverted = inverse(all, n)
    if (inverted === undefined) return { near, far: this.#positive(all) }
    const plain: bigint[] = []
    for (let i = kept.length - 1; i >= 0; i--) {
      plain[i] = this.#times(kept[i]!.x, this.#times(inverted, products[i]!))
      inverted = this.#times(inverted, kept[i]!.z)
    }
    let far = 1n
    let multiple = RESIDUES.length
    for (const entry of plan.far) {
      if (entry === NEXT) multiple++
      else far = this.#times(far, plain[multiple]! - plain[entry]!)
    }
    return { near, far: this.#positive(far) }
  }

  #sequence(a: bigint, b: bigint, c: bigint): bigint {
    return (a * b - c) % this.#n
  }

  #sequenceAt(start: bigint, k: number): bigint {
    let low = start
    let high = this.#sequence(start, start, 2n)
    for (const bit of k.toString(2).slice(1)) {
      const between = this.#sequence(low, high, start)
      if (bit === '1') [low, high] = [between, this.#sequence(high, high, 2n)]
      else [low, high] = [this.#sequence(low, low, 2n), between]
    }
    return low
  }

  /** k times a point by a chain of sums whose differences are known: PRAC, see `followChain`. */
  #multiply(point: Point, k: number, start: number, a24: bigint): Point {
    if (k === 2) return this.#double(point, a24)
    let a = this.#double(point, a24)
    let b = point
    let c = point
    followChain(k, start, (step) => {
      if (step === 0) {
        ;[a, b] = [b, a]
      } else if (step === 1) {
        const t = this.#add(a, b, c)
        ;[a, b] = [this.#add(t, a, b), this.#add(b, t, a)]
      } else if (step === 2 || step === 4) {
        ;[a, b] = [this.#double(a, a24), this.#add(a, b, c)]
      } else if (step === 3) {
        ;[b, c] = [this.#add(b, a, c), b]
      } else if (step === 5) {
        ;[a, c] = [this.#double(a, a24), this.#add(c, a, b)]
      } else if (step === 6) {
        const twice = this.#double(a, a24)
        const both = this.#add(a, b, c)
        ;[a, b, c] = [this.#add(twice, a, a), this.#add(twice, both, c), b]
      } else if (step === 7) {
        const both = this.#add(a, b, c)
        ;[a, b] = [this.#add(a, this.#double(a, a24), a), this.#add(both, a, b)]
      } else if (step === 8) {
        const both = this.#add(a, b, c)
        ;[a, b, c] = [this.#add(a, this.#double(a, a24), a), both, this.#add(c, a, b)]
      } else {
        ;[b, c] = [this.#double(b, a24), this.#add(c, b, a)]
      }
    })
    return this.#add(a, b, c)
  }

  #double({ x, z }: Point, a24: bigint): Point {
    const plus = this.#times(x + z, x + z)
    const minus = this.#times(x - z, x - z)
    const four = plus - minus
    return { x: this.#times(plus, minus), z: this.#times(four, minus + this.#times(a24, four)) }
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

  #times(a: bigint, b: bigint): bigint {
    return (a * b) % this.#n
  }

  #positive(value: bigint): bigint {
    return ((value % this.#n) + this.#n) % this.#n
  }
}
