import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_BATCH, sharedFactors } from '../../src/crypto/batch-gcd.js'
import { xof } from '../../src/crypto/hash.js'
import { seededPrimes } from './weak-keys.js'

test('planted shared primes are found among 1,000 moduli of 2048 bits, and nothing else', () => {
  // Random odd numbers share small factors often and large ones never.
  const number = (bytes: number, index: number): bigint =>
    BigInt(`0x${xof(bytes, 'datdot/test/batch', index).toString('hex')}`) | 1n
  const moduli = Array.from({ length: 1000 }, (_, i) => number(256, i))
  const [p, q] = seededPrimes([1024, 1024], 2) as [bigint, bigint]
  const planted: [index: number, prime: bigint][] = [
    [3, q],
    [17, p],
    [500, p],
    [501, q],
    [999, q]
  ]
  for (const [index, prime] of planted) moduli[index] = prime * number(128, 2000 + index)
  const found = sharedFactors(moduli).flatMap(({ index, factor }) => {
    const prime = [p, q].find((large) => factor % large === 0n)
    return prime === undefined ? [] : [[index, prime]]
  })
  assert.deepEqual(found, planted)
})

test('every pair with a common factor is named, as gcds of all pairs say', () => {
  const primes = [3n, 5n, 7n, 11n, 13n, 101n, 65537n, 1000003n]
  const prime = fc.constantFrom(...primes)
  const modulus = fc.tuple(prime, prime).map(([p, q]) => p * q)
  fc.assert(
    fc.property(fc.array(modulus, { maxLength: 40 }), (moduli) => {
      const found = new Map(sharedFactors(moduli).map(({ index, factor }) => [index, factor]))
      for (const [i, n] of moduli.entries()) {
        const shares = moduli.some((m, j) => i !== j && euclid(n, m) !== 1n)
        assert.equal(found.has(i), shares)
        const factor = found.get(i)
        if (factor === undefined) continue
        assert.ok(factor > 1n && n % factor === 0n)
        // A proper factor, wherever some other modulus is not the same.
        const proper = moduli.some((m, j) => i !== j && euclid(n, m) !== 1n && euclid(n, m) !== n)
        if (proper) assert.ok(factor < n)
      }
    })
  )
})

test('two keys that share both primes with others are taken apart, and equal ones are named', () => {
  assert.deepEqual(sharedFactors([15n, 21n, 35n, 143n]), [
    { index: 0, factor: 3n },
    { index: 1, factor: 3n },
    { index: 2, factor: 5n }
  ])
  assert.deepEqual(sharedFactors([77n, 15n, 77n]), [
    { index: 0, factor: 77n },
    { index: 2, factor: 77n }
  ])
  assert.deepEqual(sharedFactors([]), [])
  assert.deepEqual(sharedFactors([15n]), [])
})

test('more than can be done, and what is no modulus, is refused', () => {
  for (const bad of [[15n, 1n], [15n, 0n], [15n, -15n], Array.from({ length: MAX_BATCH + 1 }, () => 15n)]) {
    assert.throws(() => sharedFactors(bad), { name: 'CryptoError', code: 'BATCH_GCD' })
  }
})

function euclid(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a
}
