import { hash, uniform } from '#crypto/hash.js'

/** Largest weight of one candidate: with 2^22 candidates the sum stays at 2^53. */
export const WEIGHT_MAX = 2 ** 31
/** Most candidates of one urn. */
export const CANDIDATES_MAX = 2 ** 22

/**
 * Candidates with weights, from which lots are drawn: a binary indexed tree (Fenwick, *A New Data Structure for Cumulative
 * Frequency Tables*, 1994) over their numbers. Changing a weight and finding whom a number falls on both take O(log n) steps.
 */
export class Urn {
  /** Cell i holds the sum of the weights of the 2^(trailing zeros of i) candidates that end with number i - 1. */
  #sums: Float64Array
  #weights: Float64Array
  #total = 0

  constructor(size = 0) {
    this.#sums = new Float64Array(capacityFor(size) + 1)
    this.#weights = new Float64Array(capacityFor(size))
  }

  /** Sum of all weights. */
  get total(): number {
    return this.#total
  }

  weight(candidate: number): number {
    return this.#weights[candidate] ?? 0
  }

  /**
   * @param candidate its number, 0 and up; the urn grows as needed
   * @throws RangeError for a number or weight out of bounds
   */
  set(candidate: number, weight: number): void {
    if (!Number.isInteger(weight) || weight < 0 || weight > WEIGHT_MAX) {
      throw new RangeError(`a weight is a whole number in 0..2^31, not ${weight}`)
    }
    if (!Number.isInteger(candidate) || candidate < 0 || candidate >= CANDIDATES_MAX) {
      throw new RangeError(`a candidate's number is in 0..${CANDIDATES_MAX - 1}, not ${candidate}`)
    }
    if (candidate >= this.#weights.length) this.#grow(candidate + 1)
    const change = weight - this.#weights[candidate]!
    if (change === 0) return
    this.#weights[candidate] = weight
    this.#total += change
    for (let cell = candidate + 1; cell < this.#sums.length; cell += cell & -cell) this.#sums[cell]! += change
  }

  /** Everybody who weighs something: number and weight in turn, in order of numbers. */
  pairs(): Uint32Array {
    const pairs: number[] = []
    for (const [candidate, weight] of this.#weights.entries()) if (weight > 0) pairs.push(candidate, weight)
    return Uint32Array.from(pairs)
  }

  /** The candidate on whom `point` falls, where each takes as much of `0..total - 1` as it weighs, in order of numbers. */
  at(point: number): number {
    if (!(point >= 0 && point < this.#total)) throw new RangeError(`${point} is not in 0..${this.#total - 1}`)
    let before = 0
    let left = point
    for (let step = this.#weights.length; step > 0; step >>= 1) {
      const cell = before + step
      if (cell >= this.#sums.length || this.#sums[cell]! > left) continue
      left -= this.#sums[cell]!
      before = cell
    }
    return before
  }

  /**
   * Draws without replacement, as many as are asked for: draw t falls on `U(H("datdot/lot/2", seed, t), weight left)`. The urn is as before once the
   * generator has ended, which a `for` loop sees to also when it is left early; it must not be changed meanwhile.
   *
   * @param excluded candidates that are not in this draw
   */
  *draw(seed: Uint8Array, excluded: Iterable<number> = []): Generator<number, void, void> {
    const taken: [candidate: number, weight: number][] = []
    const take = (candidate: number): void => {
      taken.push([candidate, this.weight(candidate)])
      this.set(candidate, 0)
    }
    try {
      for (const candidate of new Set(excluded)) if (this.weight(candidate) > 0) take(candidate)
      for (let t = 0; this.#total > 0; t++) {
        const winner = this.at(Number(uniform(hash('datdot/lot/2', seed, t), BigInt(this.#total))))
        take(winner)
        yield winner
      }
    } finally {
      for (const [candidate, weight] of taken) this.set(candidate, weight)
    }
  }

  #grow(size: number): void {
    const weights = this.#weights
    const capacity = Math.min(CANDIDATES_MAX, capacityFor(Math.max(size, 2 * weights.length)))
    this.#weights = new Float64Array(capacity)
    this.#weights.set(weights)
    this.#sums = new Float64Array(capacity + 1)
    for (let cell = 1; cell <= capacity; cell++) {
      this.#sums[cell]! += this.#weights[cell - 1]!
      const parent = cell + (cell & -cell)
      if (parent <= capacity) this.#sums[parent]! += this.#sums[cell]!
    }
  }
}

/** A power of two: `at` halves its way down. */
function capacityFor(size: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, size)))
}
