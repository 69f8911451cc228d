import { checkPrimeSync } from 'node:crypto'
import { deriveKey, load } from 'blake3-wasm'
import { ROOTS, SQUARES } from '../../src/crypto/prime-proof-bytes.js'
import { GENERATORS, type PrimeProof } from '../../src/crypto/prime-proof-format.js'

// A signer that takes whatever primes it likes and then shows as many roots as there are: the attacks on
// src/crypto/prime-proof.ts. Shares nothing with it but the table of generators and the shape of a proof.

await load()

const MODULUS_BYTES = 256
/** Rounds of Miller and Rabin: these primes are always the same, and OpenSSL's own choice of 64 takes eight times as long. */
const checks = 8

/** Primes of the given lengths, the two highest bits set, different for each seed and place. */
export function seededPrimes(lengths: number[], seed: number): bigint[] {
  return lengths.map((bits, place) => {
    const bytes = Buffer.from(
      deriveKey('datdot/test/primes', Buffer.from(`${seed} ${place} ${bits}`), {
        length: Math.ceil(bits / 8)
      })
    )
    let p = toBigint(bytes) >> BigInt(8 * bytes.byteLength - bits)
    p |= (3n << BigInt(bits - 2)) | 1n
    while (!checkPrimeSync(p, { checks })) p += 2n
    return p
  })
}

/**
 * A modulus of exactly 2048 bits with `count` different primes, each times its exponent, of about equal lengths,
 * the last prime chosen so that the length is right.
 */
export function weakModulus(exponents: number[], seed: number): { n: bigint; primes: bigint[] } {
  const weight = exponents.reduce((sum, exponent) => sum + exponent, 0)
  const bits = Math.floor(2048 / weight)
  const primes = seededPrimes(
    exponents.slice(0, -1).map(() => bits),
    seed
  )
  const rest = exponents.slice(0, -1).reduce((n, exponent, i) => n * primes[i]! ** BigInt(exponent), 1n)
  const degree = exponents.at(-1)!
  let last = 1n
  for (let bit = 2048n; bit >= 0n; bit--) {
    const more = last | (1n << bit)
    if (more ** BigInt(degree) * rest <= 13n << 2044n) last = more
  }
  last |= 1n
  while (!checkPrimeSync(last, { checks })) last += 2n
  const n = rest * last ** BigInt(degree)
  if (n >> 2047n !== 1n) throw new Error('not 2048 bits')
  return { n, primes: [...primes, last] }
}

export function modulusBytes(n: bigint): Buffer {
  return Buffer.from(n.toString(16).padStart(2 * MODULUS_BYTES, '0'), 'hex')
}

/** The values whose roots a proof shows. */
export function values(n: bigint, segmentId: Uint8Array): bigint[] {
  const domain = 'datdot/primes/1'
  return Array.from({ length: SQUARES + ROOTS }, (_, i) => {
    const index = Buffer.alloc(8)
    index.writeBigUInt64LE(BigInt(i))
    const parts = [Buffer.from(domain), segmentId, modulusBytes(n), index]
    const encoded = parts.flatMap((part) => {
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(part.byteLength))
      return [length, part]
    })
    return toBigint(Buffer.from(deriveKey(domain, Buffer.concat(encoded), { length: 272 }))) % n
  })
}

/** The best proof that one with all the factors can make, and how many of its claims hold. */
export function bestProof(
  factors: { p: bigint; exponent: number }[],
  segmentId: Uint8Array,
  tries = 60
): { proof: PrimeProof; squares: number; roots: number } {
  const n = factors.reduce((product, { p, exponent }) => product * p ** BigInt(exponent), 1n)
  const hashed = values(n, segmentId)
  const classOf = (value: bigint): string =>
    factors.map(({ p }) => (jacobi(mod(value, p), p) === 1 ? '0' : '1')).join('')
  const classes = hashed.slice(0, SQUARES).map(classOf)
  const tableClasses = GENERATORS.map(classOf)
  let best = { generators: [0, 1, 2, 3], masks: new Map<string, number>(), answers: -1 }
  for (const generators of spans(tableClasses, tries)) {
    const masks = new Map<string, number>()
    for (let mask = 0; mask < 16; mask++) {
      const key = generators.reduce(
        (sum, index, k) => ((mask >> k) & 1 ? xor(sum, tableClasses[index]!) : sum),
        '0'.repeat(factors.length)
      )
      if (!masks.has(key)) masks.set(key, mask)
    }
    const answers = classes.filter((key) => masks.has(key)).length
    if (answers > best.answers) best = { generators, masks, answers }
  }
  const masks = classes.map((key) => best.masks.get(key) ?? 0)
  const squareRoots = hashed.slice(0, SQUARES).map((value, i) => {
    if (!best.masks.has(classes[i]!)) return 1n
    const factor = best.generators.reduce(
      (left, index, k) => ((masks[i]! >> k) & 1 ? left * GENERATORS[index]! : left),
      1n
    )
    const root = rootModulo(mod(value * factor, n), n, factors)
    return 2n * root > n ? n - root : root
  })
  const order = factors.reduce((phi, { p, exponent }) => phi * (p - 1n) * p ** BigInt(exponent - 1), 1n)
  const exponent = inverse(n, order)
  const roots = hashed.slice(SQUARES).map((value) => {
    if (exponent === 0n) return 1n
    return combined(n, factors, (p, power) => modPow(value % power, exponent % (power - power / p), power))
  })
  return {
    proof: { generators: best.generators, masks, squareRoots, roots },
    squares: best.answers,
    roots: exponent === 0n ? 0 : ROOTS
  }
}

/** Some choices of four generators, of different classes each; where there are few classes, all. */
function* spans(classes: string[], tries: number): Generator<number[]> {
  const kinds = classes.flatMap((key, index) => (classes.indexOf(key) === index ? [index] : []))
  for (let d = 3; d < kinds.length; d++) {
    for (let a = 0; a < d; a++) {
      for (let b = a + 1; b < d; b++) {
        for (let c = b + 1; c < d; c++) {
          yield [kinds[a]!, kinds[b]!, kinds[c]!, kinds[d]!]
          if (--tries === 0) return
        }
      }
    }
  }
}

function rootModulo(square: bigint, n: bigint, factors: { p: bigint; exponent: number }[]): bigint {
  return combined(n, factors, (p, power) => {
    let root = cipolla(square % p, p)
    // Hensel's lifting: one more power of p each time.
    for (let reached = p; reached < power; reached *= p) {
      root = mod(root - (root * root - square) * inverse(2n * root, power), power)
    }
    return root
  })
}

/** The number below n that is what `modulo` says modulo each prime's power. */
function combined(
  n: bigint,
  factors: { p: bigint; exponent: number }[],
  modulo: (p: bigint, power: bigint) => bigint
): bigint {
  let sum = 0n
  for (const { p, exponent } of factors) {
    const power = p ** BigInt(exponent)
    const rest = n / power
    sum += modulo(p, power) * rest * inverse(rest % power, power)
  }
  return sum % n
}

/** Whether `a` is a square modulo an odd prime (1), is not (-1), or is 0, by reciprocity. */
function jacobi(a: bigint, p: bigint): number {
  let sign = 1
  for (let m = p; ;) {
    if (a === 0n) return m === 1n ? sign : 0
    while (a % 2n === 0n) {
      a /= 2n
      if (m % 8n === 3n || m % 8n === 5n) sign = -sign
    }
    if (a % 4n === 3n && m % 4n === 3n) sign = -sign
    ;[a, m] = [m % a, a]
  }
}

function cipolla(a: bigint, p: bigint): bigint {
  if (a === 0n) return 0n
  if (p % 4n === 3n) return modPow(a, (p + 1n) / 4n, p)
  let t = 0n
  while (jacobi(mod(t * t - a, p), p) !== -1) t++
  const w = mod(t * t - a, p)
  let [x, y] = [1n, 0n]
  for (const bit of ((p + 1n) / 2n).toString(2)) {
    ;[x, y] = [(x * x + y * y * w) % p, (2n * x * y) % p]
    if (bit === '1') [x, y] = [(x * t + y * w) % p, (x + y * t) % p]
  }
  return x
}

export function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}

function inverse(a: bigint, m: bigint): bigint {
  let [low, high, x, y] = [mod(a, m), m, 1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high, x, y] = [high - quotient * low, low, y - quotient * x, x]
  }
  return high === 1n ? mod(y, m) : 0n
}

function mod(a: bigint, m: bigint): bigint {
  return ((a % m) + m) % m
}

function xor(a: string, b: string): string {
  return [...a].map((bit, i) => (bit === b[i] ? '0' : '1')).join('')
}

function toBigint(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}
