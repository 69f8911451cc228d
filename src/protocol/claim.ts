import { signParts, verifyParts, type KeyPair } from '#crypto/keys.js'

const DOMAIN = 'datdot/evidence-claim/1'

/** What a pinner signs for: that the evidence with this hash (`evidenceHash`) is its own, for this challenge. */
export interface EvidenceClaim {
  challenge: number
  hash: Uint8Array
}

/**
 * A pinner's signature for the bytes that it hands over. Without it a lie would rest on s_k and on bytes that the chain could
 * have made itself; with it whoever reads the evidence sees that the forged bytes are the pinner's.
 */
export function signClaim(
  chainId: Uint8Array,
  keyPair: KeyPair,
  { challenge, hash }: EvidenceClaim
): Uint8Array {
  return signParts(keyPair.secretKey, DOMAIN, chainId, challenge, hash)
}

/** Whether `pinner` signed this claim. */
export function verifyClaim(
  chainId: Uint8Array,
  pinner: Uint8Array,
  { challenge, hash }: EvidenceClaim,
  signature: Uint8Array
): boolean {
  return verifyParts(pinner, signature, DOMAIN, chainId, challenge, hash)
}
