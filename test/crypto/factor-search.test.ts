import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchFactor } from '../../src/crypto/factor-search.js'
import { seededPrimes } from './weak-keys.js'

const seed = Buffer.alloc(32, 1)

test('curves find factors of 48 bits in a modulus that has nothing else', () => {
  const n = seededPrimes([48, 48, 48, 48, 48, 48, 48, 48], 5).reduce((a, b) => a * b)
  const { factor } = searchFactor(n, { seed, steps: 40, from: 1, bound: 2000, farBound: 60_000 })
  assert.ok(factor !== undefined && factor > 1n && factor < n)
  assert.equal(n % factor, 0n)
})

test('a factor of 40 bits is found among large ones, by the same curve again for the same seed', () => {
  const primes = seededPrimes([40, 90, 100], 6)
  const n = primes.reduce((a, b) => a * b)
  const options = { seed, steps: 60, from: 1, bound: 500, farBound: 30_000 }
  const result = searchFactor(n, options)
  assert.equal(result.factor, primes[0])
  assert.deepEqual(searchFactor(n, options), result)
  // Going on in steps is the same search.
  let next = 1
  let found: bigint | undefined
  while (found === undefined) {
    const step = searchFactor(n, { ...options, steps: 1, from: next })
    ;({ factor: found, next } = step)
  }
  assert.deepEqual({ factor: found, next }, result)
})

test('p - 1 finds a prime of 200 bits that is a smooth number plus one, with one larger prime too', () => {
  const smooth = [
    3, 7, 31, 127, 499, 997, 991, 983, 977, 971, 967, 953, 947, 941, 937, 929, 919, 911, 907, 887
  ]
  const [other] = seededPrimes([256], 8) as [bigint]
  for (const far of [883, 49_999]) {
    const base = 2n * BigInt(far) * smooth.reduce((product, q) => product * BigInt(q), 1n)
    const factor = smoothPrime(base)
    const result = searchFactor(factor * other, { seed, steps: 1, bound: 1000, farBound: 50_000 })
    assert.equal(result.factor, factor)
    assert.equal(result.next, 1)
  }
})

test('p + 1 finds a prime of 200 bits that is a smooth number less one, with one larger prime too', () => {
  const smooth = [
    3, 7, 31, 127, 499, 997, 991, 983, 977, 971, 967, 953, 947, 941, 937, 929, 919, 911, 907, 887
  ]
  const [other] = seededPrimes([256], 8) as [bigint]
  for (const far of [883, 49_999]) {
    const factor = smoothPrime(2n * BigInt(far) * smooth.reduce((product, q) => product * BigInt(q), 1n), -1n)
    const result = searchFactor(factor * other, { seed, steps: 1, bound: 1000, farBound: 50_000 })
    assert.deepEqual(result, { factor, next: 1 })
  }
})

test('a number of steps ends the search where it can be taken up', () => {
  const [p, q] = seededPrimes([200, 210], 9) as [bigint, bigint]
  const options = { seed, bound: 100, farBound: 1000 }
  assert.deepEqual(searchFactor(p * q, { ...options, steps: 1 }), { factor: undefined, next: 1 })
  assert.deepEqual(searchFactor(p * q, { ...options, steps: 5, from: 1 }), { factor: undefined, next: 6 })
})

test('numbers that are no modulus, bounds or budget are refused', () => {
  const good = { seed, steps: 1 }
  for (const [n, options] of [
    [10n, good],
    [5n, good],
    [-15n, good],
    [15n, { ...good, steps: 0 }],
    [15n, { ...good, steps: NaN }],
    [15n, { ...good, from: 0.5 }],
    [15n, { ...good, bound: 10 }],
    [15n, { ...good, bound: 1000, farBound: 999 }],
    [15n, { ...good, farBound: 2 ** 24 }]
  ] as const) {
    assert.throws(() => searchFactor(n, options), { name: 'CryptoError', code: 'FACTOR_SEARCH' })
  }
})

/** base * k + `more` for the first small k, itself smooth, that makes it prime by Fermat's test to a few bases. */
function smoothPrime(base: bigint, more = 1n): bigint {
  for (let k = 1n; ; k++) {
    const candidate = base * k + more
    if ([2n, 3n, 5n, 7n].every((a) => fermat(a, candidate))) return candidate
  }
}

function fermat(a: bigint, n: bigint): boolean {
  let result = 1n
  for (const bit of (n - 1n).toString(2)) {
    result = (result * result) % n
    if (bit === '1') result = (result * a) % n
  }
  return result === 1n
}
