import assert from 'node:assert/strict'
import { checkPrimeSync } from 'node:crypto'
import { test } from 'node:test'
import { factorEngine } from '../../src/crypto/factor-engine.js'
import { factorPlan } from '../../src/crypto/factor-plan.js'
import { searchFactor } from '../../src/crypto/factor-search.js'
import { power, product } from '../../src/crypto/integers.js'
import { factorAddon } from '../../src/crypto/rsa-addon.js'
import { bigintOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { NATIVE_PATHS, rsaPaths, type NativePath } from '../../src/crypto/rsa.js'
import { extremeKeys, primesOf } from '../helpers/rsa-keys.js'
import { seededPrimes } from './weak-keys.js'

const native = rsaPaths().filter((path): path is NativePath => path !== 'bigint')
const seed = Buffer.alloc(32, 3)
const n = bigintOf(rsaKeyFromSeed(Buffer.alloc(32, 7), 4).publicKey)

/** Points and coefficients that come from nowhere; of nine, a batch of eight lanes leaves one over. */
function curvesOf(modulus: bigint, count = 9): { x: bigint; z: bigint; a24: bigint }[] {
  return Array.from({ length: count }, (_, i) => {
    const [x, z, a24] = [5n, 6n, 7n].map((base) => power(base, BigInt(1000 + i), modulus))
    return { x: x!, z: z!, a24: a24! }
  })
}

test('every path comes to the numbers of plain bigints, also for moduli of extreme shape', () => {
  const extreme = extremeKeys().map(({ secretKey }) => product(primesOf(secretKey)))
  for (const modulus of [n, ...extreme]) {
    // A near bound above the first multiple of the stride, so that the far primes do not begin at it.
    for (const plan of modulus === n
      ? [factorPlan(100, 5000), factorPlan(4000, 9000)]
      : [factorPlan(120, 3000)]) {
      const curves = [...curvesOf(modulus, modulus === n ? 9 : 2), { x: 0n, z: 1n, a24: modulus - 1n }]
      const plain = factorEngine(modulus, 'bigint')
      const starts = curves.slice(0, 3).map(({ x }) => x)
      const expected = [plain.powers(starts, plan), plain.curves(curves, plan)]
      for (const path of native) {
        const engine = factorEngine(modulus, path)
        assert.deepEqual([engine.powers(starts, plan), engine.curves(curves, plan)], expected, path)
      }
    }
  }
})

test('a point that is nothing modulo one prime of the modulus gives that prime on every path', () => {
  const plan = factorPlan(100, 3000)
  const { factor } = searchFactor(n, { seed, steps: 1, path: 'bigint' })
  assert.equal(factor, undefined)
  const primes = seededPrimes([64, 1984], 4) as [bigint, bigint]
  const modulus = primes[0] * primes[1]
  if (modulus >> 2047n !== 1n) assert.fail('needs 2048 bits')
  const curves = [...curvesOf(modulus).slice(0, 2), { x: 5n, z: primes[0], a24: 7n }]
  for (const path of ['bigint' as const, ...native]) {
    const [one, other, found] = factorEngine(modulus, path).curves(curves, plan)
    assert.ok(one!.near % primes[0] !== 0n && one!.far % primes[0] !== 0n && other!.far % primes[0] !== 0n)
    assert.equal(found!.near % primes[0], 0n)
    assert.equal(found!.far % primes[0], 0n)
  }
})

test('a search finds the same factor by the same curve on every path, however many steps are made at once', () => {
  const parts = product(seededPrimes([34, 34, 36, 700], 11))
  let rest = ((1n << 2047n) / parts) | 1n
  do rest += 2n
  while (!checkPrimeSync(rest))
  const modulus = parts * rest
  const options = { seed, bound: 200, farBound: 5000, from: 1 }
  const expected = searchFactor(modulus, { ...options, steps: 64, path: 'bigint' })
  assert.ok(expected.factor !== undefined && modulus % expected.factor === 0n)
  for (const path of native) {
    assert.deepEqual(searchFactor(modulus, { ...options, steps: 64, path }), expected)
    assert.deepEqual(searchFactor(modulus, { ...options, steps: expected.next - 1, path }), expected)
    if (expected.next > 2) {
      const less = searchFactor(modulus, { ...options, steps: expected.next - 2, path })
      assert.deepEqual(less, { factor: undefined, next: expected.next - 1 })
    }
  }
})

test('the core refuses a plan that would have no end, numbers that are not below N, and room that does not fit', () => {
  const core = factorAddon()
  if (!core) return // nothing was compiled here
  const key = core.publicKey(rsaKeyFromSeed(Buffer.alloc(32, 7), 4).publicKey)
  const chain = Uint32Array.of(2, 2, 3, 2, 7, 5)
  const far = Uint16Array.of(0, 239, 0xffff, 7)
  const good = [key, 0, chain, far, 1, Buffer.alloc(256, 1), Buffer.alloc(512)] as const
  core.searchPowers(...good)
  const bad: [number, unknown][] = [
    [0, {}],
    [1, 9],
    [2, Uint32Array.of(9, 6)],
    [2, Uint32Array.of(7, 3)],
    [2, Uint32Array.of(7, 7)],
    [2, Uint32Array.of(1, 1)],
    [2, Uint32Array.of(7)],
    [2, new Uint8Array(8)],
    [2, Uint32Array.of(0xffffffff, 0x90000000)],
    [3, Uint16Array.of(240)],
    [3, new Uint16Array(5000).fill(0xffff)],
    [4, 0],
    [4, 1.5],
    [4, NaN],
    [4, 2 ** 40],
    [5, Buffer.alloc(255)],
    [5, Buffer.alloc(256, 255)],
    [6, Buffer.alloc(511)]
  ]
  for (const call of ['searchPowers', 'searchCurves'] as const) {
    for (const [at, value] of bad) {
      const values: unknown[] = [...good]
      if (call === 'searchCurves') values[5] = Buffer.alloc(768, 1)
      values[at] = value
      assert.throws(
        () => (core[call] as (...values: unknown[]) => void)(...values),
        { code: 'RSA_ARGUMENT' },
        `${call} ${at}`
      )
    }
  }
  const wiped = core.publicKey(rsaKeyFromSeed(Buffer.alloc(32, 7), 4).publicKey)
  core.wipe(wiped)
  assert.throws(
    () =>
      core.searchPowers(
        wiped,
        ...(good.slice(1) as unknown as [0, typeof chain, typeof far, 1, Buffer, Buffer])
      ),
    {
      code: 'RSA_ARGUMENT'
    }
  )
  assert.equal(NATIVE_PATHS.portable, 0)
})
