import { CryptoError } from '../errors.js'
import { gcd, integerRoot, isStrongProbablePrime, primesBelow, product } from './integers.js'
import { bigintOf, checkModulus } from './rsa-key.js'

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
  checkModulus(modulus)
  const n = bigintOf(modulus)
  const common = gcd(n, smallPrimeProduct() % n)
  if (common !== 1n) throw new CryptoError('MODULUS_FACTOR', 'the modulus has a prime factor below 2^20')
  for (const exponent of EXPONENTS) {
    if (integerRoot(n, exponent) ** BigInt(exponent) === n) {
      throw new CryptoError('MODULUS_POWER', `the modulus is a perfect power, of exponent ${exponent}`)
    }
  }
  if (isStrongProbablePrime(n)) {
    throw new CryptoError('MODULUS_PRIME', 'the modulus is prime, or a strong probable prime to base 2')
  }
}
