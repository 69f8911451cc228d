import assert from 'node:assert/strict'
import { checkPrimeSync } from 'node:crypto'
import { test } from 'node:test'
import { closeFactor } from '../../src/crypto/close-primes.js'
import { product } from '../../src/crypto/integers.js'
import { bigintOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { bytesFrom } from '../helpers/bytes.js'

/** The next primes from numbers on that lie up to 2^`bits` above `start`. */
function primesAbove(start: bigint, bits: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => {
    let p =
      start +
      (BigInt(`0x${Buffer.from(bytesFrom(`${bits} ${i}`, 32)).toString('hex')}`) >> BigInt(256 - bits))
    p |= 1n
    while (!checkPrimeSync(p)) p += 2n
    return p
  })
}

const start = bigintOf(bytesFrom('start', 64)) | (3n << 510n)

for (const bits of [16, 64, 120]) {
  test(`four primes of 512 bits that are 2^${bits} apart are found`, () => {
    const primes = primesAbove(start, bits, 4)
    const factor = closeFactor(product(primes))
    assert.ok(factor !== undefined && primes.includes(factor))
  })
}

test('four primes just below 2^512, whose reduction is nearly free, are found', () => {
  const primes = primesAbove((1n << 512n) - (1n << 100n), 99, 4)
  const factor = closeFactor(product(primes))
  assert.ok(factor !== undefined && primes.includes(factor))
})

test('three primes that are close to each other are found', () => {
  const primes = primesAbove(3n << 681n, 200, 3)
  const factor = closeFactor(product(primes))
  assert.ok(factor !== undefined && primes.includes(factor))
})

test('two primes of 1024 bits that are close to each other are found', () => {
  const primes = primesAbove(3n << 1022n, 250, 2)
  const factor = closeFactor(product(primes))
  assert.ok(factor !== undefined && primes.includes(factor))
})

test('honest moduli, powers and small numbers have none that could be found', () => {
  for (const count of [3, 4] as const) {
    assert.equal(closeFactor(bigintOf(rsaKeyFromSeed(Buffer.alloc(32, count), count).publicKey)), undefined)
  }
  for (const n of [7n, 9n, 15n, 35n, 77n, 1001n]) {
    const factor = closeFactor(n)
    assert.ok(factor === undefined || (n % factor === 0n && factor > 1n && factor < n))
  }
  const [p] = primesAbove(start, 16, 1) as [bigint]
  const factor = closeFactor(p ** 4n)
  assert.ok(factor === undefined || p ** 4n % factor === 0n)
})
