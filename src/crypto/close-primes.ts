import { gcd, integerRoot } from './integers.js'

/** What a modulus may be a product of: two numbers, three or four, all close to its root of that degree. */
const DEGREES = [2, 3, 4] as const
/** Steps to a root at the most: a start is twice too large or so, and each step takes a quarter off at least. */
const STEPS = 400

/**
 * A proper factor of N = p1 p2 ... pd whose factors are all close to each other, and so to r, the d-th root of N: less than
 * r^(1/d) or so apart, which is 2^128 for four primes of 512 bits, 2^227 for three of 683, 2^512 for two numbers (Fermat's
 * method finds these). With them are primes that are all just below a power of two, whose reduction is nearly free.
 *
 * N in base r, with digits of either sign, is then the polynomial (r + d1) (r + d2) ... (r + dd), where r + di is pi: its
 * roots are the distances.
 */
export function closeFactor(n: bigint): bigint | undefined {
  for (const degree of DEGREES) {
    const r = integerRoot(n, degree)
    if (r < 4n) continue
    const root = largestRoot(digitsOf(n, r, degree))
    if (root === undefined) continue
    const factor = gcd(n, r - root > 0n ? r - root : root - r)
    if (factor !== 1n && factor !== n) return factor
  }
  return undefined
}

/** Coefficients from the constant one on, each between -r / 2 and r / 2, but for the last. */
function digitsOf(n: bigint, r: bigint, degree: number): bigint[] {
  const digits: bigint[] = []
  for (let i = 0; i < degree; i++) {
    let digit = n % r
    if (2n * digit > r) digit -= r
    digits.push(digit)
    n = (n - digit) / r
  }
  return [...digits, n]
}

/** The largest root of a polynomial that begins with x^d and has whole real roots only; undefined where it is found not to be so. */
function largestRoot(coefficients: readonly bigint[]): bigint | undefined {
  const degree = coefficients.length - 1
  if (coefficients[degree] !== 1n) return undefined
  // No root is larger than twice the largest i-th root of what stands i places below the highest.
  let x = 1n
  for (let i = 1; i <= degree; i++) {
    const c = coefficients[degree - i]!
    const size = (c < 0n ? -c : c) + 1n
    const bound = 2n * ((i === 1 ? size : integerRoot(size, i)) + 1n)
    if (bound > x) x = bound
  }
  // Newton's steps from above never go below the largest root.
  for (let step = 0; step < STEPS; step++) {
    let value = 0n
    let slope = 0n
    for (let i = degree; i >= 0; i--) {
      slope = slope * x + value
      value = value * x + coefficients[i]!
    }
    if (value === 0n) return x
    if (value < 0n || slope <= 0n) return undefined
    x -= value > slope ? value / slope : 1n
  }
  return undefined
}
