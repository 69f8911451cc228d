import { CryptoError } from '../errors.js'
import { gcd, integerRoot, isStrongProbablePrime, primesBelow, product } from './integers.js'
import { RSA_BYTES, bigintOf } from './rsa-key.js'

/** No prime factor of an accepted modulus is below this. */
export const LEAST_FACTOR = 1 << 20

const MODULUS_BITS = 2048

/** A power of numbers that have no factor below LEAST_FACTOR has no larger exponent; primes are enough. */
const EXPONENTS = primesBelow(Math.floor(MODULUS_BITS / Math.log2(LEAST_FACTOR)) + 1)

let smallPrimes: bigint | undefined

/** The product of all primes below LEAST_FACTOR, 1.5 Mbit, made once: some 0.1 s. */
export function smallPrimeProduct(): bigint {
  smallPrimes ??= product(primesBelow(LEAST_FACTOR).map(BigInt))
  return smallPrimes
}

/**
 * What everybody can see of a modulus: that it is odd, has exactly 2048 bits, no prime factor below 2^20, is no
 * perfect power and is not prime. A function of N alone, in integers and without random bases, so that all who
 * apply the rules agree. How many primes it has is for `verifyPrimeProof` to say.
 *
 * A modulus that is a strong probable prime to base 2 is refused, prime or not. An honest N is none: the order of
 * 2 modulo each of its primes would have to divide N - 1, about 1 in the prime each.
 *
 * @throws CryptoError `RSA_KEY` (odd, 2048 bits), `MODULUS_FACTOR`, `MODULUS_POWER` or `MODULUS_PRIME`
 */
export function checkModulusShape(modulus: Uint8Array): void {
  const fault = shapeFault(modulus)
  if (fault) throw new CryptoError(fault, SHAPE_FAULTS[fault])
}

/** What is wrong with a modulus that `checkModulusShape` refuses, in words. */
export const SHAPE_FAULTS = {
  RSA_KEY: 'the modulus is even, or has not exactly 2048 bits',
  MODULUS_FACTOR: 'the modulus has a prime factor below 2^20',
  MODULUS_POWER: 'the modulus is a perfect power',
  MODULUS_PRIME: 'the modulus is prime, or a strong probable prime to base 2'
} as const
export type ShapeFault = keyof typeof SHAPE_FAULTS

/** What `checkModulusShape` would refuse a modulus for. Some 15 ms. */
export function shapeFault(modulus: Uint8Array): ShapeFault | null {
  const isWhole = modulus.byteLength === RSA_BYTES && (modulus[0]! & 0x80) !== 0
  if (!isWhole || (modulus[RSA_BYTES - 1]! & 1) === 0) return 'RSA_KEY'
  const n = bigintOf(modulus)
  if (gcd(n, smallPrimeProduct() % n) !== 1n) return 'MODULUS_FACTOR'
  for (const exponent of EXPONENTS) {
    if (integerRoot(n, exponent) ** BigInt(exponent) === n) return 'MODULUS_POWER'
  }
  return isStrongProbablePrime(n) ? 'MODULUS_PRIME' : null
}
