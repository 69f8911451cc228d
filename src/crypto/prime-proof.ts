import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { CryptoError } from '../errors.js'
import { hash, keyedBlake3, xof } from './hash.js'
import { gcd, inverse, isStrongProbablePrime, jacobi, power, product } from './integers.js'
import { checkModulusShape } from './modulus.js'
import { MAX_GENERATORS, ROOTS, SQUARES } from './prime-proof-bytes.js'
import { GENERATORS, checkGenerators, decodePrimeProof, type PrimeProof } from './prime-proof-format.js'
import { RSA_BYTES, bigintOf, bytesOf, parseSecretKey } from './rsa-key.js'

/**
 * The proof that a modulus N has at most four prime factors, all different, without saying which: van de Graaf and
 * Peralta's idea (CRYPTO 1987) with hashed values instead of a shared random string, and N-th roots as in Gennaro,
 * Micciancio and Rabin (CCS 1998) and Goldberg, Reyzin, Sagga and Baldimtsi (ASIACRYPT 2019).
 *
 * - N with r different odd primes has 2^r classes of numbers modulo squares, whatever the powers of the primes.
 *   Four generators reach 16 of them at most. A hashed value is in any class alike, so with five primes the roots of
 *   half of them can be shown, of 80 with probability 31 * 2^-80, the best choice of generators included.
 * - If a prime p divides N and phi(N) both (so if p^2 divides N), one number in p at most has an N-th root. No
 *   factor is below 2^20, so seven roots exist with probability 2^-140 at most.
 *
 * docs/security.md has the bounds and what was tried against them. What is shown of a key is what anybody could
 * have made by choosing the roots first, besides which of the table's first numbers are dependent modulo squares:
 * each root is one of all roots of its value, chosen by a secret function of key and value, so the same for ever. Two
 * different roots of one value would show a factor.
 */

/** How N-th powers are computed: by OpenSSL's public operation, or in plain bigints, some six times slower. */
export type PowerPath = 'openssl' | 'bigint'

const VALUE_DOMAIN = 'datdot/primes/1'
/** 128 bits more than N has: modulo N every number is alike, up to 2^-128. */
const VALUE_BYTES = RSA_BYTES + 16

/**
 * A proof for the key of a segment: the same key and segment give the same proof. Some 0.3 s. Every number is
 * checked against N before it is returned, since a wrong one could show a factor. The key's primes become
 * bigints here, which cannot be wiped: run it in a worker that ends afterwards.
 *
 * @throws CryptoError `RSA_KEY` for a malformed key, `PRIME_PROOF_KEY` if its primes are not prime or have no
 *   independent generators in the table (an honest key in 2^60 does not), `RSA_CHECK` after a fault
 */
export function provePrimes(secretKey: Uint8Array, segmentId: Uint8Array): PrimeProof {
  const { primes: bytes, primeBytes, modulus } = parseSecretKey(secretKey)
  const n = bigintOf(modulus)
  const primes = Array.from({ length: bytes.byteLength / primeBytes }, (_, i) =>
    primeOf(bigintOf(bytes.subarray(i * primeBytes, (i + 1) * primeBytes)), n)
  )
  const characters = (value: bigint): number =>
    primes.reduce((bits, { p }, k) => bits | (jacobi(value, p) === 1 ? 0 : 1 << k), 0)
  const join = (parts: bigint[]): bigint =>
    parts.reduce((sum, part, k) => sum + part * primes[k]!.unit, 0n) % n
  const { generators, masks } = independentGenerators(characters, primes.length)
  const values = hashedValues(modulus, segmentId)
  const rootKey = keyedBlake3(hash('datdot/prime-roots/1'), secretKey)
  const proof: PrimeProof = { generators, masks: [], squareRoots: [], roots: [] }
  for (const value of values.slice(0, SQUARES)) {
    const mask = masks.get(characters(value))!
    const square = (value * generated(generators, mask, n)) % n
    const choice = keyedBlake3(rootKey, bytesOf(square, RSA_BYTES))[0]!
    const root = join(
      primes.map(({ p, nonResidue }, k) => {
        const found = squareRoot(square % p, p, nonResidue)
        return Number(found & 1n) === ((choice >> k) & 1) ? found : p - found
      })
    )
    proof.masks.push(mask)
    proof.squareRoots.push(2n * root > n ? n - root : root)
  }
  for (const value of values.slice(SQUARES)) {
    proof.roots.push(join(primes.map(({ p, inverseOfN }) => power(value, inverseOfN, p))))
  }
  try {
    checkClaims(n, values, proof, modPower(n, 'openssl'))
  } catch (error) {
    throw new CryptoError('RSA_CHECK', 'a root in the proof is wrong; nothing of it is given away', {
      cause: error
    })
  }
  return proof
}

/**
 * Checks that N has at most four prime factors, all different. The shape of N is checked as well, since the bound
 * rests on it. Some 40 ms, 15 of them for the shape; five times that on path `bigint`.
 *
 * @throws CryptoError as `checkModulusShape`; `PRIME_PROOF_FORM`; `PRIME_PROOF_VALUE` (a hashed value has a factor
 *   in common with N), `PRIME_PROOF_RANGE` (a root is not in its range), `PRIME_PROOF_SQUARE`, `PRIME_PROOF_ROOT`
 */
export function verifyPrimeProof(
  modulus: Uint8Array,
  segmentId: Uint8Array,
  proof: PrimeProof,
  path: PowerPath = 'openssl'
): void {
  checkModulusShape(modulus)
  checkForm(proof)
  const n = bigintOf(modulus)
  checkClaims(n, hashedValues(modulus, segmentId), proof, modPower(n, path))
}

/** What is wrong with a modulus, or with the encoded proof about its primes; nothing if both hold. As long as the check. */
export function primeFault(
  modulus: Uint8Array,
  segmentId: Uint8Array,
  proof: Uint8Array
): CryptoError | undefined {
  try {
    verifyPrimeProof(modulus, segmentId, decodePrimeProof(proof))
  } catch (error) {
    if (error instanceof CryptoError) return error
    throw error
  }
  return undefined
}

/**
 * Whether one claim of a proof holds: square root `claim` for 0 to 79, N-th root `claim` - 80 for 80 to 86. Enough
 * to judge who says that a proof is false and where: one product, or one power. For a modulus of good shape.
 *
 * @throws CryptoError `PRIME_PROOF_FORM` for a proof that is none
 * @throws RangeError for a claim that is no whole number from 0 to 86
 */
export function primeClaimHolds(
  modulus: Uint8Array,
  segmentId: Uint8Array,
  proof: PrimeProof,
  claim: number,
  path: PowerPath = 'openssl'
): boolean {
  if (!Number.isInteger(claim) || claim < 0 || claim >= SQUARES + ROOTS) {
    throw new RangeError(`a proof has claims 0 to ${SQUARES + ROOTS - 1}, not ${claim}`)
  }
  checkForm(proof)
  const n = bigintOf(modulus)
  const value = hashedValue(modulus, segmentId, claim, n)
  if (gcd(value, n) !== 1n) return false
  return faultOf(n, value, proof, claim, (base) => modPower(n, path)(base)) === undefined
}

function checkForm({ generators, masks, squareRoots, roots }: PrimeProof): void {
  checkGenerators(generators, masks)
  if (squareRoots.length !== SQUARES || roots.length !== ROOTS) {
    throw new CryptoError('PRIME_PROOF_FORM', `a proof has ${SQUARES} square roots and ${ROOTS} N-th roots`)
  }
}

function checkClaims(n: bigint, values: bigint[], proof: PrimeProof, nth: (base: bigint) => bigint): void {
  // A value that is 0 modulo a prime has a root there whatever the classes are. One gcd sees all.
  const all = values.reduce((left, value) => (left * value) % n)
  if (gcd(all, n) !== 1n) {
    throw new CryptoError('PRIME_PROOF_VALUE', 'a hashed value has a factor in common with the modulus')
  }
  for (const [claim, value] of values.entries()) {
    const fault = faultOf(n, value, proof, claim, nth)
    if (fault !== undefined) throw new CryptoError(fault, `claim ${claim} about the modulus is false`)
  }
}

type Fault = 'PRIME_PROOF_RANGE' | 'PRIME_PROOF_SQUARE' | 'PRIME_PROOF_ROOT'

function faultOf(
  n: bigint,
  value: bigint,
  proof: PrimeProof,
  claim: number,
  nth: (base: bigint) => bigint
): Fault | undefined {
  if (claim < SQUARES) {
    const root = proof.squareRoots[claim]!
    if (root <= 0n || 2n * root > n) return 'PRIME_PROOF_RANGE'
    const square = (value * generated(proof.generators, proof.masks[claim]!, n)) % n
    return (root * root) % n === square ? undefined : 'PRIME_PROOF_SQUARE'
  }
  const root = proof.roots[claim - SQUARES]!
  if (root <= 0n || root >= n) return 'PRIME_PROOF_RANGE'
  return nth(root) === value ? undefined : 'PRIME_PROOF_ROOT'
}

/** The values whose roots are shown: first those of the squares, then those of the N-th roots. */
function hashedValues(modulus: Uint8Array, segmentId: Uint8Array): bigint[] {
  const n = bigintOf(modulus)
  return Array.from({ length: SQUARES + ROOTS }, (_, i) => hashedValue(modulus, segmentId, i, n))
}

function hashedValue(modulus: Uint8Array, segmentId: Uint8Array, index: number, n: bigint): bigint {
  return bigintOf(xof(VALUE_BYTES, VALUE_DOMAIN, segmentId, modulus, index)) % n
}

/** The product of the generators in `mask`, modulo n. */
function generated(generators: readonly number[], mask: number, n: bigint): bigint {
  const factors = generators.filter((_, k) => ((mask >> k) & 1) === 1).map((index) => GENERATORS[index]!)
  const value = product(factors)
  return value < 0n ? n + (value % n) : value % n
}

/** base -> base^N mod N, for 0 < base < N */
function modPower(n: bigint, path: PowerPath): (base: bigint) => bigint {
  if (path === 'bigint') return (base) => power(base, n, n)
  // A public exponent must be below N for OpenSSL: N = 2 * half + 1.
  const half = (n - 1n) / 2n
  const [modulus, exponent] = [n, half].map((value) => bytesOf(value, RSA_BYTES).toString('base64url'))
  let key: ReturnType<typeof createPublicKey>
  try {
    key = createPublicKey({ key: { kty: 'RSA', n: modulus!, e: exponent! }, format: 'jwk' })
    rawPower(key, 1n)
  } catch {
    return modPower(n, 'bigint') // built or configured without such exponents
  }
  return (base) => {
    const root = rawPower(key, base)
    return (((root * root) % n) * base) % n
  }
}

function rawPower(key: ReturnType<typeof createPublicKey>, base: bigint): bigint {
  return bigintOf(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, bytesOf(base, RSA_BYTES)))
}

interface Prime {
  p: bigint
  /** 1 modulo p, 0 modulo the other primes. */
  unit: bigint
  /** N^-1 modulo p - 1. */
  inverseOfN: bigint
  nonResidue: bigint
}

function primeOf(p: bigint, n: bigint): Prime {
  const rest = n / p
  const inverseOfRest = inverse(rest, p)
  const inverseOfN = inverse(n, p - 1n)
  const nonResidue = GENERATORS.map((value) => ((value % p) + p) % p).find((value) => jacobi(value, p) === -1)
  const made = inverseOfRest !== undefined && inverseOfN !== undefined && nonResidue !== undefined
  if (!made || !isStrongProbablePrime(p)) {
    throw new CryptoError('PRIME_PROOF_KEY', 'no proof can be made for this key: take a new one')
  }
  return { p, unit: rest * inverseOfRest, inverseOfN, nonResidue }
}

/**
 * The first generators of the table whose characters are independent, `count` of them, and for each pattern of
 * characters the mask of generators that has it.
 */
function independentGenerators(
  characters: (value: bigint) => number,
  count: number
): { generators: number[]; masks: Map<number, number> } {
  const generators: number[] = []
  const masks = new Map([[0, 0]])
  for (const [index, value] of GENERATORS.entries()) {
    const added = characters(value)
    if (masks.has(added)) continue
    for (const [pattern, mask] of [...masks]) masks.set(pattern ^ added, mask | (1 << generators.length))
    generators.push(index)
    if (generators.length === count) return { generators, masks }
  }
  throw new CryptoError(
    'PRIME_PROOF_KEY',
    `fewer than ${Math.min(count, MAX_GENERATORS)} independent generators`
  )
}

/** A square root of the square `a` modulo the prime p: Tonelli and Shanks. */
function squareRoot(a: bigint, p: bigint, nonResidue: bigint): bigint {
  let odd = p - 1n
  let twos = 0
  while ((odd & 1n) === 0n) {
    odd >>= 1n
    twos++
  }
  const half = power(a, (odd - 1n) / 2n, p)
  let root = (half * a) % p
  let rest = (half * root) % p
  let generator = power(nonResidue, odd, p)
  while (rest !== 1n) {
    let order = 0
    for (let square = rest; square !== 1n && order < twos; order++) square = (square * square) % p
    if (order >= twos) throw new CryptoError('RSA_CHECK', 'a number that should be a square is none')
    let step = generator
    for (let i = order + 1; i < twos; i++) step = (step * step) % p
    root = (root * step) % p
    generator = (step * step) % p
    rest = (rest * generator) % p
    twos = order
  }
  return root
}
