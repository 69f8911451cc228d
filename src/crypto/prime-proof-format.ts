import { CryptoError } from '../errors.js'
import { PROOF_HEADER_BYTES, MASK_BYTES, MAX_GENERATORS, ROOTS, SQUARES } from './prime-proof-bytes.js'
import { RSA_BYTES, bigintOf, bytesOf } from './rsa-key.js'

/** -1 and the first 63 primes: what generators are taken from, by index. All are below LEAST_FACTOR. */
export const GENERATORS: readonly bigint[] = [
  ...[-1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97],
  ...[101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197],
  ...[199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307]
].map(BigInt)

const VERSION = 1

/** A proof that a modulus has no more prime factors than there are generators, all of them different. */
export interface PrimeProof {
  /** Indices into GENERATORS, ascending, 1 to MAX_GENERATORS of them. */
  generators: number[]
  /** For each square, which generators the hashed value is multiplied with: bit k for `generators[k]`. */
  masks: number[]
  /** SQUARES square roots, each the smaller of s and N - s. */
  squareRoots: bigint[]
  /** ROOTS N-th roots, below N. */
  roots: bigint[]
}

/** The proof as bytes, in its only form (docs/formats.md). */
export function encodePrimeProof(proof: PrimeProof): Buffer {
  const head = Buffer.from([VERSION, proof.generators.length, ...proof.generators])
  const masks = Buffer.alloc(MASK_BYTES)
  proof.masks.forEach((mask, i) => {
    masks[i >> 1]! |= mask << (4 * (i & 1))
  })
  const numbers = [...proof.squareRoots, ...proof.roots].map((value) => bytesOf(value, RSA_BYTES))
  return Buffer.concat([head, masks, ...numbers])
}

/**
 * Reads a proof. Its numbers are bounded by their places only; whether they are below N is for the check.
 *
 * @throws CryptoError `PRIME_PROOF_FORM` for bytes that no proof encodes to
 */
export function decodePrimeProof(encoded: Uint8Array): PrimeProof {
  const count = encoded[1] ?? 0
  if (encoded[0] !== VERSION || count < 1 || count > MAX_GENERATORS) {
    throw malformed('it does not begin with version 1 and 1 to 4 generators')
  }
  const masksAt = PROOF_HEADER_BYTES + count
  const numbersAt = masksAt + MASK_BYTES
  if (encoded.byteLength !== numbersAt + (SQUARES + ROOTS) * RSA_BYTES) {
    throw malformed(`with ${count} generators it does not have ${encoded.byteLength} bytes`)
  }
  const masks = Array.from(
    { length: SQUARES },
    (_, i) => (encoded[masksAt + (i >> 1)]! >> (4 * (i & 1))) & 15
  )
  const numbers = Array.from({ length: SQUARES + ROOTS }, (_, i) =>
    bigintOf(encoded.subarray(numbersAt + i * RSA_BYTES, numbersAt + (i + 1) * RSA_BYTES))
  )
  const generators = Array.from(encoded.subarray(PROOF_HEADER_BYTES, masksAt))
  checkGenerators(generators, masks)
  return { generators, masks, squareRoots: numbers.slice(0, SQUARES), roots: numbers.slice(SQUARES) }
}

/** @throws CryptoError `PRIME_PROOF_FORM` unless the generators are of the table, ascending, and masks of them */
export function checkGenerators(generators: readonly number[], masks: readonly number[]): void {
  const { length } = generators
  if (length < 1 || length > MAX_GENERATORS) throw malformed('it has no generators, or more than 4')
  for (const [k, index] of generators.entries()) {
    if (!(index >= 0 && index < GENERATORS.length) || (k > 0 && index <= generators[k - 1]!)) {
      throw malformed('its generators are not ascending indices below 64')
    }
  }
  if (masks.length !== SQUARES || masks.some((mask) => !(mask >= 0 && mask < 1 << length))) {
    throw malformed('it does not name generators of its own for each of 80 squares')
  }
}

function malformed(what: string): CryptoError {
  return new CryptoError('PRIME_PROOF_FORM', `not a proof about prime factors: ${what}`)
}
