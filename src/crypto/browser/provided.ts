/**
 * What a browser has to be given: Ed25519 as libsodium has it (small orders and malleable signatures refused) and
 * BLAKE2b. All else is TypeScript of this repository.
 */
export interface Provided {
  /** BLAKE2b-256 of the joined parts. */
  blake2b(...parts: Uint8Array[]): Uint8Array
  /** The public key (32 bytes) of a seed (32 bytes). */
  publicKey(seed: Uint8Array): Uint8Array
  /** Signature (64 bytes) of a message; `secretKey` is seed and public key. */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
  /** Whether a signature (64 bytes) is of this message under this public key (32 bytes). Never throws. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

let given: Provided | undefined

/** To be called once, before anything is signed or checked. */
export function provideCrypto(functions: Provided): void {
  given = functions
}

/** @throws Error if nothing was given */
export function provided(): Provided {
  if (given) return given
  throw new Error('call provideCrypto with Ed25519 and BLAKE2b first')
}
