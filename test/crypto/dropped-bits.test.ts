import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bigintOf, bytesOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { PAYLOAD_BYTES, loadRsaPrivateKey } from '../../src/crypto/rsa.js'
import { bytesFrom } from '../helpers/bytes.js'
import { modPow } from './weak-keys.js'

// The attack whose price docs/security.md states: a pinner drops bits of each sealed block, and finds them again with the plain
// block at hand. It works; what it saves is bounded by its table and its products.

const BLOCKS = 8
/** Bits of u, and of the largest number whose power is in the table. */
const DROPPED = 16
const TABLE = 10
const E = 65537n

/** u of at most DROPPED bits, and |u c mod N|, which is that much shorter than N: Euclid's algorithm on (N, c). */
function shortened(c: bigint, n: bigint): { w: bigint; u: bigint } {
  let [a, b, x, y] = [n, c, 0n, 1n]
  for (;;) {
    const quotient = a / b
    const next = x - quotient * y
    if ((next < 0n ? -next : next) > 1n << BigInt(DROPPED)) return { w: b, u: y }
    ;[a, b, x, y] = [b, a - quotient * b, y, next]
  }
}

test('bits of a sealed block that Euclid’s algorithm drops are found again from the plain block, by a table and a meet in the middle', () => {
  const { publicKey, secretKey } = rsaKeyFromSeed(Buffer.alloc(32, 9), 4)
  const n = bigintOf(publicKey)
  const plain = bytesFrom('dropped bits', BLOCKS * PAYLOAD_BYTES)
  const sealed = Buffer.alloc(BLOCKS * 256)
  loadRsaPrivateKey(secretKey).seal(plain, sealed)

  // Once a segment: powers up to 2^TABLE, and inverses of those of the other half.
  const powers = new Map<bigint, bigint>()
  for (let u = 1n; u <= 1n << BigInt(TABLE); u++) powers.set(modPow(u, E, n), u)
  const others = Array.from({ length: 1 << (DROPPED - TABLE) }, (_, i) => BigInt(i + 1))
  const inverses = others.map((u) => ({ u, inverse: modPow(inverse(u, n), E, n) }))

  let recovered = 0
  let products = 0
  for (let i = 0; i < BLOCKS; i++) {
    const c = bigintOf(sealed.subarray(i * 256, (i + 1) * 256))
    const y = bigintOf(plain.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES))
    const { w, u } = shortened(c, n)
    assert.equal((((u * c - w) % n) + n) % n, 0n)
    // The next u would have had more bits, so w is below N / 2^DROPPED.
    assert.ok(w << BigInt(DROPPED) < n)
    // From here on c and u are forgotten.
    const ratio = (modPow(w, E, n) * inverse(y, n)) % n
    for (const { u: part, inverse: by } of inverses) {
      const left = (ratio * by) % n
      products++
      const [plus, minus] = [powers.get(left), powers.get(n - left)]
      const found = plus === undefined ? (minus === undefined ? undefined : -minus * part) : plus * part
      if (found === undefined) continue
      const again = (((w * inverse(((found % n) + n) % n, n)) % n) + n) % n
      assert.deepEqual(bytesOf(again, 256), sealed.subarray(i * 256, (i + 1) * 256))
      recovered++
      break
    }
  }
  // A u that is no product of two such halves is found by another combination, which this does not look for.
  assert.ok(recovered >= 2, `${recovered} of ${BLOCKS}`)
  assert.ok(products <= BLOCKS * inverses.length)
})

function inverse(a: bigint, m: bigint): bigint {
  let [low, high, x, y] = [a % m, m, 1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high, x, y] = [high - quotient * low, low, y - quotient * x, x]
  }
  return ((y % m) + m) % m
}
