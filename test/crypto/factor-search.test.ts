import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchFactor } from '../../src/crypto/factor-search.js'
import { seededPrimes } from './weak-keys.js'

const seed = Buffer.alloc(32, 1)

test('curves find factors of 48 bits in a modulus that has nothing else', () => {
  const n = seededPrimes([48, 48, 48, 48, 48, 48, 48, 48], 5).reduce((a, b) => a * b)
  const { factor } = searchFactor(n, { seed, products: 3_000_000, from: 1, bound: 2000, farBound: 60_000 })
  assert.ok(factor !== undefined && factor > 1n && factor < n)
  assert.equal(n % factor, 0n)
})

test('a factor of 40 bits is found among large ones, by the same curve again for the same seed', () => {
  const primes = seededPrimes([40, 90, 100], 6)
  const n = primes.reduce((a, b) => a * b)
  const options = { seed, products: 5_000_000, from: 1, bound: 500, farBound: 30_000 }
  const result = searchFactor(n, options)
  assert.equal(result.factor, primes[0])
  assert.deepEqual(searchFactor(n, options), result)
  // Going on in steps is the same search.
  let next = 1
  let products = 0
  let found: bigint | undefined
  while (found === undefined) {
    const step = searchFactor(n, { ...options, products: 1, from: next })
    ;({ factor: found, next } = step)
    products += step.products
  }
  assert.deepEqual({ factor: found, products, next }, result)
})

test('p - 1 finds a prime of 200 bits that is a smooth number plus one, with one larger prime too', () => {
  const smooth = [
    3, 7, 31, 127, 499, 997, 991, 983, 977, 971, 967, 953, 947, 941, 937, 929, 919, 911, 907, 887
  ]
  const [other] = seededPrimes([256], 8) as [bigint]
  for (const far of [883, 49_999]) {
    const base = 2n * BigInt(far) * smooth.reduce((product, q) => product * BigInt(q), 1n)
    const factor = smoothPrime(base)
    const result = searchFactor(factor * other, { seed, products: 1, bound: 1000, farBound: 50_000 })
    assert.equal(result.factor, factor)
    assert.equal(result.next, 1)
  }
})

test('a budget ends the search where it can be taken up', () => {
  const [p, q] = seededPrimes([200, 210], 9) as [bigint, bigint]
  const options = { seed, bound: 100, farBound: 1000 }
  const first = searchFactor(p * q, { ...options, products: 0 })
  assert.deepEqual([first.factor, first.next], [undefined, 1])
  const more = searchFactor(p * q, { ...options, products: 60_000, from: first.next })
  assert.equal(more.factor, undefined)
  assert.ok(more.next > 2 && more.products >= 60_000 && more.products < 110_000)
})

test('numbers that are no modulus, bounds or budget are refused', () => {
  const good = { seed, products: 1 }
  for (const [n, options] of [
    [10n, good],
    [5n, good],
    [-15n, good],
    [15n, { ...good, products: -1 }],
    [15n, { ...good, products: NaN }],
    [15n, { ...good, from: 0.5 }],
    [15n, { ...good, bound: 10 }],
    [15n, { ...good, bound: 1000, farBound: 999 }],
    [15n, { ...good, farBound: 2 ** 27 }]
  ] as const) {
    assert.throws(() => searchFactor(n, options), { name: 'CryptoError', code: 'FACTOR_SEARCH' })
  }
})

/** base * k + 1 for the first small k, itself smooth, that makes it prime by Fermat's test to a few bases. */
function smoothPrime(base: bigint): bigint {
  for (let k = 1n; ; k++) {
    const candidate = base * k + 1n
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
