import assert from 'node:assert/strict'
import { checkPrimeSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_PRIME_PROOF_BYTES, ROOTS, SQUARES, primeProofHash } from '../../src/crypto/prime-proof-bytes.js'
import { decodePrimeProof, encodePrimeProof, type PrimeProof } from '../../src/crypto/prime-proof-format.js'
import { primeClaimHolds, provePrimes, verifyPrimeProof } from '../../src/crypto/prime-proof.js'
import { bigintOf, bytesOf, rsaKeyFromSeed, serializeSecretKey } from '../../src/crypto/rsa-key.js'
import { bestProof, modulusBytes, seededPrimes, values, weakModulus } from './weak-keys.js'

interface Vector {
  segmentId: string
  secretKey: string
  modulus: string
  proof: string
  hash: string
}

const file = new URL('../../../test/vectors/prime-proof.json', import.meta.url)
const { proofs } = JSON.parse(readFileSync(file, 'utf8')) as { proofs: Vector[] }
const vectors = proofs.map(({ segmentId, secretKey, modulus, proof, hash }) => ({
  segmentId: Buffer.from(segmentId, 'hex'),
  secretKey: Buffer.from(secretKey, 'hex'),
  modulus: Buffer.from(modulus, 'hex'),
  encoded: Buffer.from(proof, 'hex'),
  hash: Buffer.from(hash, 'hex')
}))
const { segmentId, modulus, encoded } = vectors[0]!
const honest = decodePrimeProof(encoded)
const n = bigintOf(modulus)

function changed(change: (proof: PrimeProof) => void): PrimeProof {
  const proof = structuredClone(honest)
  change(proof)
  return proof
}

function factors(primes: bigint[], exponents = primes.map(() => 1)): { p: bigint; exponent: number }[] {
  return primes.map((p, i) => ({ p, exponent: exponents[i]! }))
}

test('keys of four and of three primes give the proofs of the independent implementation, byte by byte', () => {
  for (const { segmentId, secretKey, modulus, encoded, hash } of vectors) {
    const proof = encodePrimeProof(provePrimes(secretKey, segmentId))
    assert.deepEqual(proof, encoded)
    assert.deepEqual(primeProofHash(proof), hash)
    for (const path of ['openssl', 'bigint'] as const) {
      verifyPrimeProof(modulus, segmentId, decodePrimeProof(encoded), path)
    }
  }
})

test('keys drawn anew prove themselves', () => {
  for (const [count, fill] of [
    [4, 31],
    [3, 32],
    [4, 33]
  ] as const) {
    const { publicKey, secretKey } = rsaKeyFromSeed(Buffer.alloc(32, fill), count)
    const proof = provePrimes(secretKey, segmentId)
    assert.equal(proof.generators.length, count)
    verifyPrimeProof(publicKey, segmentId, proof)
  }
})

test('one value has one root for ever: another segment asks for other values', () => {
  const { secretKey } = vectors[0]!
  assert.deepEqual(provePrimes(secretKey, segmentId), honest)
  const other = provePrimes(secretKey, Buffer.alloc(32, 1))
  assert.equal(new Set([...honest.squareRoots, ...other.squareRoots]).size, 2 * SQUARES)
})

test('of moduli with 5, 6, 8, 16 or 32 primes, ever fewer roots can be shown', () => {
  const bounds: [primes: number, most: number][] = [
    [5, 60],
    [6, 40],
    [8, 16],
    [16, 4],
    [32, 2]
  ]
  for (const [count, most] of bounds) {
    const { n, primes } = weakModulus(
      Array.from({ length: count }, () => 1),
      count
    )
    const { proof, squares, roots } = bestProof(factors(primes), segmentId)
    assert.ok(squares <= most, `${count} primes: ${squares} of ${SQUARES}`)
    assert.equal(roots, ROOTS)
    const bytes = modulusBytes(n)
    const held = Array.from({ length: SQUARES }, (_, i) => primeClaimHolds(bytes, segmentId, proof, i))
    assert.equal(held.filter(Boolean).length, squares)
    assert.throws(() => verifyPrimeProof(bytes, segmentId, proof), { code: /^PRIME_PROOF_(SQUARE|RANGE)$/ })
  }
})

test('the attack itself is sound: with four primes or fewer, of any size, it shows all roots', () => {
  for (const primes of [weakModulus([1, 1, 1, 1], 1), weakModulus([1, 1, 1], 2)]) {
    const { proof, squares } = bestProof(factors(primes.primes), segmentId)
    assert.equal(squares, SQUARES)
    verifyPrimeProof(modulusBytes(primes.n), segmentId, proof)
  }
})

test('a prime that is there twice or more leaves no N-th root, however few the primes are', () => {
  for (const exponents of [
    [2, 1, 1],
    [2, 1, 1, 1],
    [3, 1],
    [9, 7],
    [2, 2, 1]
  ]) {
    const { n, primes } = weakModulus(exponents, 40)
    const { proof, squares, roots } = bestProof(factors(primes, exponents), segmentId)
    assert.deepEqual([squares, roots], [SQUARES, 0], `exponents ${exponents.join()}`)
    assert.throws(() => verifyPrimeProof(modulusBytes(n), segmentId, proof), { code: 'PRIME_PROOF_ROOT' })
  }
})

test('a prime that divides another less one is refused for the same lack of roots', () => {
  const [r] = seededPrimes([520], 50) as [bigint]
  const [p, q] = seededPrimes([480, 480], 51) as [bigint, bigint]
  const rest = p * q * r
  let multiple = (13n << 2044n) / (rest * p)
  multiple -= multiple % 2n
  while (!checkPrimeSync(multiple * p + 1n)) multiple -= 2n
  const all = [p, q, r, multiple * p + 1n]
  const product = all.reduce((a, b) => a * b)
  assert.equal(product.toString(2).length, 2048)
  const { proof, squares, roots } = bestProof(factors(all), segmentId)
  assert.deepEqual([squares, roots], [SQUARES, 0])
  assert.throws(() => verifyPrimeProof(modulusBytes(product), segmentId, proof), { code: 'PRIME_PROOF_ROOT' })
})

test('a value that is 0 modulo a prime would be free, and is refused', () => {
  // 97 primes just above 2^20: one hashed value in some 10^4 is a multiple of one of them.
  const primes = seededPrimes(
    Array.from({ length: 96 }, () => 21),
    60
  )
  const distinct = [...new Set(primes)]
  const base = distinct.reduce((a, b) => a * b)
  for (let seed = 1; ; seed++) {
    const bits = 2048 + (seed % 2) - base.toString(2).length
    const [last] = seededPrimes([bits], 1000 + seed) as [bigint]
    const product = base * last
    if (product >> 2047n !== 1n) continue
    const at = values(product, segmentId).findIndex((value) => distinct.some((p) => value % p === 0n))
    if (at === -1) continue
    const bytes = modulusBytes(product)
    assert.throws(() => verifyPrimeProof(bytes, segmentId, honest), { code: 'PRIME_PROOF_VALUE' })
    assert.equal(primeClaimHolds(bytes, segmentId, honest, at), false)
    return
  }
})

test('generators with a factor of N in common are out of reach: N has no factor below 2^20', () => {
  const [p] = seededPrimes([2039], 70) as [bigint]
  const product = p * 307n
  assert.equal(product.toString(2).length, 2048)
  assert.throws(() => verifyPrimeProof(modulusBytes(product), segmentId, honest), { code: 'MODULUS_FACTOR' })
})

test('generators that depend on each other only lose answers', () => {
  const { n, primes } = weakModulus([1, 1, 1, 1], 1)
  const best = bestProof(factors(primes), segmentId)
  assert.equal(best.squares, SQUARES)
  // Of this key the first four generators of different classes are dependent.
  const { proof: poor, squares } = bestProof(factors(primes), segmentId, 1)
  assert.ok(squares < SQUARES)
  assert.throws(() => verifyPrimeProof(modulusBytes(n), segmentId, poor), { code: 'PRIME_PROOF_SQUARE' })
})

test('a proof holds for its segment and its modulus only', () => {
  assert.throws(() => verifyPrimeProof(modulus, Buffer.alloc(32), honest), { code: 'PRIME_PROOF_SQUARE' })
  const other = vectors.find((vector) => !vector.modulus.equals(modulus))!.modulus
  assert.throws(() => verifyPrimeProof(other, segmentId, honest), { code: /^PRIME_PROOF_/ })
})

test('roots that are 0, not below N, or the larger of two are refused', () => {
  const cases: [code: string, change: (proof: PrimeProof) => void][] = [
    ['PRIME_PROOF_RANGE', (proof) => (proof.squareRoots[0] = 0n)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.squareRoots[79] = n)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.squareRoots[5] = n - proof.squareRoots[5]!)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.squareRoots[6] = n + proof.squareRoots[6]!)],
    ['PRIME_PROOF_SQUARE', (proof) => (proof.squareRoots[7] = proof.squareRoots[8]!)],
    ['PRIME_PROOF_SQUARE', (proof) => (proof.masks[7] = proof.masks[7]! ^ 1)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.roots[0] = 0n)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.roots[6] = n)],
    ['PRIME_PROOF_RANGE', (proof) => (proof.roots[1] = proof.roots[1]! + n)],
    ['PRIME_PROOF_ROOT', (proof) => (proof.roots[2] = n - proof.roots[2]!)],
    ['PRIME_PROOF_ROOT', (proof) => (proof.roots[3] = 1n)],
    ['PRIME_PROOF_FORM', (proof) => (proof.generators = [])],
    ['PRIME_PROOF_FORM', (proof) => (proof.generators = [0, 1, 2, 64])],
    ['PRIME_PROOF_FORM', (proof) => (proof.generators = [0, 1, 1, 2])],
    ['PRIME_PROOF_FORM', (proof) => (proof.generators = [0, 1, 2, 3, 4])],
    ['PRIME_PROOF_FORM', (proof) => (proof.generators = [0, 1, 2, NaN])],
    ['PRIME_PROOF_FORM', (proof) => (proof.masks[0] = 16)],
    ['PRIME_PROOF_FORM', (proof) => proof.masks.pop()],
    ['PRIME_PROOF_FORM', (proof) => proof.squareRoots.pop()],
    ['PRIME_PROOF_FORM', (proof) => proof.roots.push(1n)]
  ]
  for (const [code, change] of cases) {
    for (const path of ['openssl', 'bigint'] as const) {
      assert.throws(() => verifyPrimeProof(modulus, segmentId, changed(change), path), {
        name: 'CryptoError',
        code
      })
    }
  }
})

test('the one false claim of a proof is found by its number, on both paths', () => {
  for (const path of ['openssl', 'bigint'] as const) {
    const square = changed((proof) => (proof.squareRoots[41] = 5n))
    assert.equal(primeClaimHolds(modulus, segmentId, square, 41, path), false)
    assert.equal(primeClaimHolds(modulus, segmentId, square, 40, path), true)
    const root = changed((proof) => (proof.roots[4] = 5n))
    assert.equal(primeClaimHolds(modulus, segmentId, root, 84, path), false)
    assert.equal(primeClaimHolds(modulus, segmentId, root, 85, path), true)
  }
  for (const claim of [-1, 87, 0.5, NaN]) {
    assert.throws(() => primeClaimHolds(modulus, segmentId, honest, claim), RangeError)
  }
})

test('a key with a composite instead of a prime gets no proof', () => {
  const [a, b, c] = seededPrimes([512, 512, 512], 80).map((p) => bytesOf(p, 64)) as [Buffer, Buffer, Buffer]
  const [small, smaller] = seededPrimes([256, 256], 81) as [bigint, bigint]
  const composite = bytesOf(small * smaller, 64)
  const secretKey = serializeSecretKey([a, b, c, composite])
  assert.throws(() => provePrimes(secretKey, segmentId), { name: 'CryptoError', code: 'PRIME_PROOF_KEY' })
})

test('a proof has one form as bytes, and bytes that are no proof are refused', () => {
  assert.equal(encoded.byteLength, MAX_PRIME_PROOF_BYTES)
  const bad: Uint8Array[] = [
    Buffer.alloc(0),
    encoded.subarray(0, 1),
    encoded.subarray(0, -1),
    Buffer.concat([encoded, Buffer.alloc(1)]),
    Buffer.concat([Buffer.from([2]), encoded.subarray(1)]),
    Buffer.concat([Buffer.from([1, 5]), encoded.subarray(2)]),
    Buffer.concat([Buffer.from([1, 0]), encoded.subarray(6)]),
    Buffer.concat([Buffer.from([1, 4, 1, 0]), encoded.subarray(4)]),
    // Three generators, and masks that name a fourth.
    Buffer.concat([Buffer.from([1, 3]), encoded.subarray(2, 5), Buffer.alloc(40, 8), encoded.subarray(46)])
  ]
  for (const bytes of bad) {
    assert.throws(() => decodePrimeProof(bytes), { name: 'CryptoError', code: 'PRIME_PROOF_FORM' })
  }
})

test('any proof goes to bytes and back', () => {
  const number = fc.bigInt({ min: 0n, max: (1n << 2048n) - 1n })
  const proof = fc
    .uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 4 })
    .chain((generators) =>
      fc.record(
        {
          generators: fc.constant(generators.sort((a, b) => a - b)),
          masks: fc.array(fc.integer({ min: 0, max: (1 << generators.length) - 1 }), {
            minLength: SQUARES,
            maxLength: SQUARES
          }),
          squareRoots: fc.array(number, { minLength: SQUARES, maxLength: SQUARES }),
          roots: fc.array(number, { minLength: ROOTS, maxLength: ROOTS })
        },
        { noNullPrototype: true }
      )
    )
  fc.assert(
    fc.property(proof, (value) => {
      assert.deepEqual(decodePrimeProof(encodePrimeProof(value)), value)
    }),
    { numRuns: 20 }
  )
})

test('a proof with any one bit changed is refused', () => {
  fc.assert(
    fc.property(fc.nat(8 * encoded.byteLength - 1), (bit) => {
      const bytes = Buffer.from(encoded)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      assert.throws(() => verifyPrimeProof(modulus, segmentId, decodePrimeProof(bytes)), {
        name: 'CryptoError'
      })
    }),
    { numRuns: 40 }
  )
})
