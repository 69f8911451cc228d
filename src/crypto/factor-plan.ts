import { gcd, primesBelow } from './integers.js'

/** Multiples of this number, less or more a residue, reach all far primes: 2 * 3 * 5 * 7 * 11. */
export const STRIDE = 2310
/** The odd numbers below half of the stride that have no prime in common with it. */
export const RESIDUES: readonly number[] = Array.from({ length: STRIDE / 4 }, (_, i) => 2 * i + 1).filter(
  (j) => gcd(BigInt(j), BigInt(STRIDE)) === 1n
)
/** In `FactorPlan.far`: on to the next multiple of the stride. */
export const NEXT = 0xffff

/** What a search by p - 1, p + 1 or an elliptic curve does, whatever computes it: all that its bounds decide. */
export interface FactorPlan {
  /**
   * Pairs: a prime by which is multiplied, as often as its power is not above the near bound, and where its chain of
   * sums begins (see `chainStart`).
   */
  chain: Uint32Array
  /** The multiple of the stride that comes first. */
  first: number
  /** Numbers of residues, all at that multiple, then `NEXT`, and so on: each stands for a prime or two at least. */
  far: Uint16Array
}

let newest: { bound: number; farBound: number; plan: FactorPlan } | undefined

/** The plan for primes up to `bound`, and one more up to `farBound`. */
export function factorPlan(bound: number, farBound: number): FactorPlan {
  if (newest?.bound === bound && newest.farBound === farBound) return newest.plan
  const primes = primesBelow(farBound + 1)
  const chain: number[] = []
  for (const prime of primes) {
    if (prime > bound) break
    const start = chainStart(prime)
    for (let power = prime; power <= bound; power *= prime) chain.push(prime, start)
  }
  const plan = { chain: Uint32Array.from(chain), ...farPlan(primes.filter((prime) => prime > bound)) }
  newest = { bound, farBound, plan }
  return plan
}

function farPlan(primes: readonly number[]): Pick<FactorPlan, 'first' | 'far'> {
  const numberOf = new Map(RESIDUES.map((residue, number) => [residue, number]))
  const first = Math.max(1, Math.round((primes[0] ?? 0) / STRIDE))
  const far: number[] = []
  let multiple = first
  let taken = new Set<number>()
  for (const prime of primes) {
    while (prime > multiple * STRIDE + STRIDE / 2) {
      far.push(NEXT)
      multiple++
      taken = new Set()
    }
    const number = numberOf.get(Math.abs(prime - multiple * STRIDE))
    // Not there: a prime of the stride, which is multiplied by before.
    if (number === undefined || taken.has(number)) continue
    taken.add(number)
    far.push(number)
  }
  return { first, far: Uint16Array.from(far) }
}

/** Ratios at which a chain may be split, near the golden one (Montgomery, 1992). */
const RATIOS = [
  1.61803398875, 1.72360679775, 1.618347119656, 1.617914406529, 1.612429949509, 1.632839806089,
  1.620181980807, 1.580178728295, 1.61721461653, 1.38196601125
]
const SUM_PRODUCTS = 6
const DOUBLE_PRODUCTS = 5

/** Where the chain of sums that multiplies by a prime begins, of some tries that which takes the fewest products. */
function chainStart(prime: number): number {
  let best = { start: 2, products: Infinity }
  if (prime > 3) {
    for (const ratio of RATIOS) {
      const start = Math.round(prime / ratio)
      if (2 * start <= prime || start >= prime) continue
      const products = chainProducts(prime, start)
      if (products < best.products) best = { start, products }
    }
  }
  return best.start
}

/** Products of the chain, Infinity if it does not come to the number. */
function chainProducts(number: number, start: number): number {
  let products = DOUBLE_PRODUCTS + SUM_PRODUCTS
  const rest = followChain(number, start, (step) => {
    products += STEP_PRODUCTS[step]!
  })
  return rest === 1 ? products : Infinity
}

/** What each step of a chain costs, by its number in `followChain`. */
const STEP_PRODUCTS = [
  0,
  3 * SUM_PRODUCTS,
  SUM_PRODUCTS + DOUBLE_PRODUCTS,
  SUM_PRODUCTS,
  SUM_PRODUCTS + DOUBLE_PRODUCTS,
  SUM_PRODUCTS + DOUBLE_PRODUCTS,
  3 * SUM_PRODUCTS + DOUBLE_PRODUCTS,
  3 * SUM_PRODUCTS + DOUBLE_PRODUCTS,
  3 * SUM_PRODUCTS + DOUBLE_PRODUCTS,
  SUM_PRODUCTS + DOUBLE_PRODUCTS
]

/** The steps of Montgomery's PRAC for a number and a start: which one, 1 to 9, and 0 where two numbers change places. */
export function followChain(number: number, start: number, step: (which: number) => void): number {
  let d = number - start
  let e = 2 * start - number
  while (d !== e) {
    if (d < e) {
      ;[d, e] = [e, d]
      step(0)
    }
    const quarter = Math.floor(e / 4)
    if (d - e <= quarter && (d + e) % 3 === 0) {
      d = (2 * d - e) / 3
      e = (e - d) / 2
      step(1)
    } else if (d - e <= quarter && (d - e) % 6 === 0) {
      d = (d - e) / 2
      step(2)
    } else if (Math.floor((d + 3) / 4) <= e) {
      d -= e
      step(3)
    } else if ((d + e) % 2 === 0) {
      d = (d - e) / 2
      step(4)
    } else if (d % 2 === 0) {
      d /= 2
      step(5)
    } else if (d % 3 === 0) {
      d = d / 3 - e
      step(6)
    } else if ((d + e) % 3 === 0) {
      d = (d - 2 * e) / 3
      step(7)
    } else if ((d - e) % 3 === 0) {
      d = (d - e) / 3
      step(8)
    } else {
      e /= 2
      step(9)
    }
    if (e === 0) return 0 // only where the number and the start have a factor in common
  }
  return d
}
