import { RSA_BYTES, RSA_EXPONENT, bigintOf, bytesOf } from './rsa-key.js'

// The operations of native/rsa in plain TypeScript, for machines where it could not be compiled. Slow, and its
// time depends on the key: a signer that others can time should have a compiler.

const PAYLOAD_BYTES = RSA_BYTES - 1
const PAYLOAD_END = 1n << 2040n

interface BigintPrime {
  p: bigint
  /** e^-1 mod (p - 1) */
  d: bigint
  /** N / p times its inverse mod p: 1 mod p, 0 modulo the other primes. */
  unit: bigint
}

export interface BigintKey {
  n: bigint
  primes: BigintPrime[]
}

/** A key from its modulus and, for a private one, its primes, all big-endian. */
export function parseBigintKey(modulus: Uint8Array, primes: Uint8Array[]): BigintKey {
  const n = bigintOf(modulus)
  return {
    n,
    primes: primes.map(bigintOf).map((p) => {
      const rest = n / p
      return { p, d: inverse(BigInt(RSA_EXPONENT), p - 1n), unit: rest * inverse(rest % p, p) }
    })
  }
}

/** Seals n blocks; false, and nothing of use in `sealed`, if a result does not open to its block. */
export function sealBigint(key: BigintKey, plain: Uint8Array, sealed: Uint8Array): boolean {
  for (let i = 0; i * PAYLOAD_BYTES < plain.byteLength; i++) {
    const y = bigintOf(plain.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES))
    let c = 0n
    for (const { p, d, unit } of key.primes) c += power(y % p, d, p) * unit
    const block = sealed.subarray(i * RSA_BYTES, (i + 1) * RSA_BYTES)
    block.set(bytesOf(c % key.n, RSA_BYTES))
    // What is released is what is checked.
    const released = bigintOf(block)
    if (released >= key.n || publicPower(released, key.n) !== y) return false
  }
  return true
}

/** Opens n blocks; -1, or the number of the first that is refused. */
export function openBigint(key: BigintKey, sealed: Uint8Array, plain: Uint8Array): number {
  for (let i = 0; i * RSA_BYTES < sealed.byteLength; i++) {
    const c = bigintOf(sealed.subarray(i * RSA_BYTES, (i + 1) * RSA_BYTES))
    if (c >= key.n) return i
    const y = publicPower(c, key.n)
    if (y >= PAYLOAD_END) return i
    plain.set(bytesOf(y, PAYLOAD_BYTES), i * PAYLOAD_BYTES)
  }
  return -1
}

/** c^65537 mod n */
function publicPower(c: bigint, n: bigint): bigint {
  let y = c
  for (let i = 0; i < 16; i++) y = (y * y) % n
  return (y * c) % n
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}

/** a^-1 mod m by Euclid's algorithm; 0 if there is none. */
function inverse(a: bigint, m: bigint): bigint {
  let [low, high] = [a % m, m]
  let [x, y] = [1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high] = [high - quotient * low, low]
    ;[x, y] = [y - quotient * x, x]
  }
  return high === 1n ? ((y % m) + m) % m : 0n
}
