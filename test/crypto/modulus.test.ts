import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bitLength,
  gcd,
  integerRoot,
  inverse,
  jacobi,
  power,
  primesBelow,
  product
} from '../../src/crypto/integers.js'
import { checkModulusShape, smallPrimeProduct } from '../../src/crypto/modulus.js'
import { modPow, modulusBytes, seededPrimes, weakModulus } from './weak-keys.js'

/** p (2p - 1) for primes p and 2p - 1: composite, and a strong probable prime to base 2. Found by search. */
const PSEUDOPRIME =
  '93849535f46f0c27e305aa30728a0428303b56310bd074256da3ed64c77b55833e32e7e8f56aab09e93d0ae6af26c705' +
  'd44af6bb15017693665dee8e8e6c9b5969b81d4db446080ee7b6a10b997e0050bdb1b93b878e486a58abc5281867f717' +
  '43ab7464b437320777f991610e9230ce159f2211b6c44dffa1f9f780159e2bb998386a85fbf4a1b7a830f17d4387d4f7' +
  '0b34b3e6e242532b86d19c84a1fd7c689891cf066cf7be832ebf0e64ce872e6f4c430b22235e68f2bc36c9a30ff9c611' +
  '3faa74fab34ce93985ce3d7dca62cf7cf5a12e59139f972c012175d51490d2749218cf4475b5b94eb105867465e799fa' +
  'bfd1518a6683fe686d1f517cc09e6731'

test('moduli of 2 to 32 large primes have a good shape: their number is for the proof to show', () => {
  for (const count of [2, 3, 4, 5, 32]) {
    checkModulusShape(
      modulusBytes(
        weakModulus(
          Array.from({ length: count }, () => 1),
          count
        ).n
      )
    )
  }
})

test('an even modulus, a shorter and a longer one are refused', () => {
  const { n } = weakModulus([1, 1, 1, 1], 4)
  const bytes = modulusBytes(n)
  const low = Buffer.from(bytes)
  low[0]! &= 0x7f
  for (const bad of [modulusBytes(n - 1n), low, bytes.subarray(1), Buffer.concat([bytes, bytes])]) {
    assert.throws(() => checkModulusShape(bad), { name: 'CryptoError', code: 'RSA_KEY' })
  }
})

test('a factor below 2^20 is found, up to the last prime, and the first prime above is none', () => {
  const withFactor = (factor: bigint): Buffer => {
    const [p] = seededPrimes([1000], 7) as [bigint]
    return modulusBytes(factor * p * weakCofactor(factor * p))
  }
  for (const factor of [3n, 65537n, 1048573n]) {
    assert.throws(() => checkModulusShape(withFactor(factor)), { code: 'MODULUS_FACTOR' })
  }
  checkModulusShape(withFactor(1048583n))
})

test('perfect powers are refused, up to the largest exponent that leaves factors above 2^20', () => {
  for (const exponent of [2, 3, 5, 7, 31, 37, 97, 101]) {
    let base = integerRoot(13n << 2044n, exponent) | 1n
    while (gcd(base, smallPrimeProduct()) !== 1n) base -= 2n
    const n = base ** BigInt(exponent)
    assert.equal(bitLength(n), 2048)
    assert.throws(() => checkModulusShape(modulusBytes(n)), { code: 'MODULUS_POWER' }, `exponent ${exponent}`)
  }
})

test('a prime is refused, and a composite that a base 2 test takes for one', () => {
  const [p] = seededPrimes([2048], 9) as [bigint]
  for (const bytes of [modulusBytes(p), Buffer.from(PSEUDOPRIME, 'hex')]) {
    assert.throws(() => checkModulusShape(bytes), { code: 'MODULUS_PRIME' })
  }
})

test('the small primes are those that trial division finds', () => {
  const primes = primesBelow(1 << 20)
  assert.equal(primes.length, 82025)
  assert.equal(primes.at(-1), 1048573)
  assert.ok(primes.slice(0, 2000).every((p) => primes.every((d) => d * d > p || p % d !== 0)))
  assert.equal(smallPrimeProduct() % 1048573n, 0n)
})

test('integer roots, lengths, inverses, powers and symbols are what their definitions say', () => {
  const value = fc.bigInt({ min: 1n, max: (1n << 2048n) - 1n })
  const odd = value.map((n) => 2n * n + 1n)
  fc.assert(
    fc.property(value, fc.integer({ min: 2, max: 101 }), (n, degree) => {
      const root = integerRoot(n, degree)
      assert.ok(root ** BigInt(degree) <= n && (root + 1n) ** BigInt(degree) > n)
      assert.equal(bitLength(n), n.toString(2).length)
    })
  )
  fc.assert(
    fc.property(value, odd, (a, n) => {
      const found = inverse(a, n)
      assert.equal(found === undefined, gcd(a, n) !== 1n)
      if (found !== undefined) assert.equal((a * found) % n, 1n)
    })
  )
  fc.assert(
    fc.property(value, fc.bigInt({ min: 0n, max: 1n << 80n }), odd, (a, e, n) => {
      assert.equal(power(a, e, n), modPow(a % n, e, n))
    })
  )
  const [p, q] = seededPrimes([90, 100], 3) as [bigint, bigint]
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 128n), max: 1n << 128n }), (a) => {
      const symbol = (prime: bigint): number => {
        const euler = modPow(((a % prime) + prime) % prime, (prime - 1n) / 2n, prime)
        return euler === prime - 1n ? -1 : Number(euler)
      }
      assert.equal(jacobi(a, p * q), symbol(p) * symbol(q))
    })
  )
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -5n, max: 1n << 64n })), (values) => {
      assert.equal(
        product(values),
        values.reduce((a, b) => a * b, 1n)
      )
    })
  )
})

/** A prime that fills `part` up to 2048 bits. */
function weakCofactor(part: bigint): bigint {
  const start = (13n << 2044n) / part
  for (let seed = 1; ; seed++) {
    const [p] = seededPrimes([bitLength(start)], seed) as [bigint]
    if (bitLength(p * part) === 2048) return p
  }
}
