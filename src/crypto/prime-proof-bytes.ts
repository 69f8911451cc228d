import { hash } from '#crypto/hash.js'

// What whoever passes a proof about prime factors on must know of it, without reading it.

/** Hashed values whose square root is shown, each times some of the generators. */
export const SQUARES = 80
/** Hashed values whose N-th root is shown. */
export const ROOTS = 7
/** Most generators, and so most prime factors that a proof can be made for. */
export const MAX_GENERATORS = 4

/** Version and number of generators. */
export const PROOF_HEADER_BYTES = 2
export const MASK_BYTES = SQUARES / 2
const NUMBER_BYTES = 256

/** The most bytes of an encoded proof. */
export const MAX_PRIME_PROOF_BYTES =
  PROOF_HEADER_BYTES + MAX_GENERATORS + MASK_BYTES + (SQUARES + ROOTS) * NUMBER_BYTES

/**
 * What is bound where a proof is promised before it is shown: `H("datdot/prime-proof/1", encoded)`.
 */
export function primeProofHash(encoded: Uint8Array): Uint8Array {
  return hash('datdot/prime-proof/1', encoded)
}
