import sodium from 'sodium-native'
import { CryptoError } from '../errors.js'
import { isStrongProbablePrime, primesBelow } from './integers.js'
import { rsaAddon } from './rsa-addon.js'

/** Bytes of the modulus, which is the public key, and of a sealed block. */
export const RSA_BYTES = 256
/** The public exponent, of every key. */
export const RSA_EXPONENT = 65537
/** Bytes of the seed that a key is drawn from. */
export const RSA_SEED_BYTES = 32

/** How many primes a modulus has. */
export type PrimeCount = 3 | 4

/** The lengths in bits that the primes of a key have, in any order; their sum is 2048. */
export const PRIME_BITS: Readonly<Record<PrimeCount, readonly number[]>> = {
  3: [683, 683, 682],
  4: [512, 512, 512, 512]
}

/**
 * A segment's RSA key pair: `publicKey` is the modulus, `secretKey` what `serializeSecretKey` writes, in shared memory:
 * another thread that it is given works on the same bytes, and once its owner wipes it, it is gone for all.
 */
export interface RsaKeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

const SECRET_VERSION = 1
const SECRET_HEADER_BYTES = 2
const CIPHER_KEY_BYTES = 32
/** Odd numbers tried from one random start before a new one is drawn; a prime is found in about 200. */
const WINDOW = 4096
const SMALL_PRIMES = smallPrimes(2048)
/** The first 32 primes, bases of Miller and Rabin's test. */
const BASES = primesBelow(132).map(BigInt)

/**
 * A key pair drawn from RSA_SEED_BYTES of randomness; the same seed gives the same key. Takes some 30 ms: call it in a
 * worker (`generateSealKey`). The seed is as secret as the key; wiping it is the caller's part.
 *
 * Primes are taken as FIPS 186-5 A.1.3 takes starts: random with their two highest bits set, then the next prime;
 * Miller-Rabin. They are distinct, p - 1 is coprime to e, and the product has 2048 bits.
 *
 * The native core leaves no trace of the key but in `secretKey`. Without it, trial division leaves remainders and
 * sealing leaves bigints of the whole key on JavaScript's heap, until their memory is used again.
 */
export function rsaKeyFromSeed(seed: Uint8Array, count: PrimeCount = 4): RsaKeyPair {
  if (seed.byteLength !== RSA_SEED_BYTES)
    throw new CryptoError('RSA_SEED', `a seed has ${RSA_SEED_BYTES} bytes`)
  const secretKey = newSecretKey(count)
  const addon = rsaAddon()
  if (!addon) return { publicKey: drawKey(seed, secretKey), secretKey }
  const publicKey = Buffer.alloc(RSA_BYTES)
  addon.generate(seed, primesOfSecretKey(secretKey).primes, publicKey)
  return { publicKey, secretKey }
}

/** Room for a private key of so many primes, in shared memory; the primes are zeros. */
function newSecretKey(count: PrimeCount): Buffer {
  const secretKey = Buffer.from(new SharedArrayBuffer(SECRET_HEADER_BYTES + count * primeBytesOf(count)))
  secretKey[0] = SECRET_VERSION
  secretKey[1] = count
  return secretKey
}

/** Draws primes into `secretKey` until they make a key; returns its modulus. */
function drawKey(seed: Uint8Array, secretKey: Buffer): Buffer {
  const { primes, primeBytes } = primesOfSecretKey(secretKey)
  let draws = 0
  const draw = (bytes: number): Buffer => drawBytes(seed, draws++, bytes)
  for (;;) {
    PRIME_BITS[secretKey[1] as PrimeCount].forEach((bits, i) => {
      const prime = drawPrime(bits, primeBytes, draw)
      primes.set(prime, i * primeBytes)
      sodium.sodium_memzero(prime)
    })
    const modulus = modulusOf(secretKey)
    if (modulus !== undefined) return modulus // else equal primes, or a product of 2047 bits: about every fifth time
  }
}

/**
 * The private key as bytes (docs/formats.md): version, number of primes, then the primes, big-endian, 64
 * bytes each if there are four and 86 if there are three. All else follows from these.
 */
export function serializeSecretKey(primes: readonly Uint8Array[]): Buffer {
  const bytes = primeBytesOf(primes.length === 3 ? 3 : 4)
  const out = Buffer.alloc(SECRET_HEADER_BYTES + primes.length * bytes)
  out[0] = SECRET_VERSION
  out[1] = primes.length
  primes.forEach((prime, i) => out.set(prime, SECRET_HEADER_BYTES + i * bytes))
  return out
}

/**
 * The parts of a serialised private key, and its modulus. `primes` is a view of `secretKey`.
 *
 * @throws CryptoError `RSA_KEY`
 */
export function parseSecretKey(secretKey: Uint8Array): {
  primes: Uint8Array
  primeBytes: number
  modulus: Buffer
} {
  const parts = primesOfSecretKey(secretKey)
  const modulus = modulusOf(secretKey)
  if (modulus === undefined) {
    throw new CryptoError('RSA_KEY', 'the primes are equal, of a wrong size, or make no modulus of 2048 bits')
  }
  return { ...parts, modulus }
}

/**
 * The primes of a serialised private key, as a view of it; nothing is computed with them.
 *
 * @throws CryptoError `RSA_KEY` if they are not as many and as long as it says
 */
export function primesOfSecretKey(secretKey: Uint8Array): { primes: Uint8Array; primeBytes: number } {
  const count = secretKey[1]
  if (secretKey[0] !== SECRET_VERSION || (count !== 3 && count !== 4)) {
    throw new CryptoError('RSA_KEY', 'not a private key of a form that this version knows')
  }
  const primeBytes = primeBytesOf(count)
  if (secretKey.byteLength !== SECRET_HEADER_BYTES + count * primeBytes) {
    throw new CryptoError(
      'RSA_KEY',
      `a private key of ${count} primes does not have ${secretKey.byteLength} bytes`
    )
  }
  return { primes: secretKey.subarray(SECRET_HEADER_BYTES), primeBytes }
}

/** @throws CryptoError `RSA_KEY` unless `modulus` is 256 bytes of an odd number of exactly 2048 bits */
export function checkModulus(modulus: Uint8Array): void {
  if (modulus.byteLength !== RSA_BYTES || modulus[0]! < 0x80 || modulus[RSA_BYTES - 1]! % 2 === 0) {
    throw new CryptoError('RSA_KEY', 'a modulus is 256 bytes, big-endian, odd, with its highest bit set')
  }
}

/** Big-endian bytes as a number. */
export function bigintOf(bytes: Uint8Array): bigint {
  return BigInt('0x0' + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex'))
}

/** `value`, which fits, as `length` big-endian bytes. */
export function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
}

function primeBytesOf(count: PrimeCount): number {
  return count === 4 ? 64 : 86
}

/** The product of the primes; undefined if two are equal, one is unsuitable, or it has not 2048 bits. */
function modulusOf(secretKey: Uint8Array): Buffer | undefined {
  const count = secretKey[1] as PrimeCount
  const bytes = primeBytesOf(count)
  let product = bigNumber(RSA_BYTES + bytes)
  product[0] = 1
  const seen: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const at = SECRET_HEADER_BYTES + i * bytes
    const prime = secretKey.subarray(at, at + bytes)
    const bits = 8 * bytes - Math.clz32(prime[0]!) + 24
    const sized = count === 4 ? bits === 512 : bits === 682 || bits === 683
    const same = seen.some((other) => Buffer.compare(other, prime) === 0)
    if (!sized || same || prime[bytes - 1]! % 2 === 0) return undefined
    if (modSmall(prime, RSA_EXPONENT) === 1) return undefined
    seen.push(prime)
    product = timesPrime(product, prime)
  }
  const modulus = Buffer.from(product.subarray(0, RSA_BYTES)).reverse()
  const fits = modulus[0]! >= 0x80 && product.subarray(RSA_BYTES).every((byte) => byte === 0)
  sodium.sodium_memzero(product)
  return fits ? modulus : undefined
}

/** Little-endian bytes; kept out of bigints, which cannot be wiped. */
function bigNumber(bytes: number): Uint8Array {
  return new Uint8Array(bytes)
}

/** `a` (little-endian) times `prime` (big-endian), modulo the length of `a`. Wipes `a`. */
function timesPrime(a: Uint8Array, prime: Uint8Array): Uint8Array {
  const out = bigNumber(a.byteLength)
  for (let i = 0; i < prime.byteLength; i++) {
    const digit = prime[prime.byteLength - 1 - i]!
    let carry = 0
    for (let j = 0; i + j < out.byteLength; j++) {
      carry += digit * a[j]! + out[i + j]!
      out[i + j] = carry
      carry >>>= 8
    }
  }
  sodium.sodium_memzero(a)
  return out
}

/** Draw number `index` of a seed: that many bytes of XChaCha20 under the seed, nonce = u64 index, then zeros. */
function drawBytes(seed: Uint8Array, index: number, bytes: number): Buffer {
  const nonce = Buffer.alloc(24)
  nonce.writeUInt32LE(index, 0)
  const out = Buffer.alloc(bytes)
  sodium.crypto_stream_xchacha20_xor(out, out, nonce, seed.subarray(0, CIPHER_KEY_BYTES))
  return out
}

/** A prime of exactly `bits` bits, its second highest bit set too, p - 1 coprime to e; `bytes` long. */
function drawPrime(bits: number, bytes: number, draw: (bytes: number) => Buffer): Buffer {
  for (;;) {
    const start = draw(bytes)
    const spare = 8 * bytes - bits
    for (let bit = 0; bit < spare; bit++) clearBit(start, 8 * bytes - 1 - bit)
    setBit(start, bits - 1)
    setBit(start, bits - 2)
    setBit(start, 0)
    const found = nextPrime(start, bits)
    if (found !== undefined) return found
  }
}

/** The first suitable prime from odd `start` on, within WINDOW odd numbers and `bits` bits. Changes `start`. */
function nextPrime(start: Buffer, bits: number): Buffer | undefined {
  const rests = SMALL_PRIMES.map((prime) => modSmall(start, prime))
  const exponentRest = modSmall(start, RSA_EXPONENT)
  let added = 0
  for (let step = 0; step < 2 * WINDOW; step += 2) {
    if (rests.some((rest, i) => (rest + step) % SMALL_PRIMES[i]! === 0)) continue
    if ((exponentRest + step) % RSA_EXPONENT === 1) continue
    addSmall(start, step - added)
    added = step
    const spare = 8 * start.byteLength - bits
    if (spare > 0 && start[0]! >> (8 - spare) !== 0) return undefined
    if (spare === 0 && start[0]! < 0x80) return undefined
    if (isPrime(bigintOf(start))) return start
  }
  return undefined
}

/** By fixed bases: what a seed gives is the same in every run and on every machine. */
function isPrime(candidate: bigint): boolean {
  return BASES.every((base) => isStrongProbablePrime(candidate, base))
}

function smallPrimes(limit: number): number[] {
  const primes: number[] = []
  for (let n = 3; n < limit; n += 2) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  }
  return primes
}

function modSmall(bytes: Uint8Array, modulus: number): number {
  let rest = 0
  for (const byte of bytes) rest = (rest * 256 + byte) % modulus
  return rest
}

/** `bytes`, big-endian, plus `amount`; wraps around. */
function addSmall(bytes: Uint8Array, amount: number): void {
  let carry = amount
  for (let i = bytes.byteLength - 1; i >= 0 && carry > 0; i--) {
    carry += bytes[i]!
    bytes[i] = carry
    carry >>>= 8
  }
}

/** Bit 0 is the lowest of big-endian `bytes`. */
function setBit(bytes: Uint8Array, bit: number): void {
  bytes[bytes.byteLength - 1 - (bit >> 3)]! |= 1 << (bit & 7)
}

function clearBit(bytes: Uint8Array, bit: number): void {
  bytes[bytes.byteLength - 1 - (bit >> 3)]! &= ~(1 << (bit & 7))
}
