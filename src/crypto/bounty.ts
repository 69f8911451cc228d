import { CryptoError } from '../errors.js'
import { hash, xof } from './hash.js'
import { RSA_BYTES, bigintOf, bytesOf, checkModulus } from './rsa-key.js'
import { PAYLOAD_BYTES, loadRsaPublicKey, type RsaPath } from './rsa.js'

/**
 * What convicts a signer whose key should be gone: a factor of its modulus, or a root that only the living key
 * can make. The first is claimed by commitment and reveal, since whoever sees a factor has it; the second is over
 * a value that names the finder, so that nobody else can claim with it.
 */

/**
 * Whether `factor` divides the modulus and is neither 1 nor all of it: one division. Never throws on hostile bytes.
 * The factor need not be prime.
 */
export function isProperFactor(modulus: Uint8Array, factor: Uint8Array): boolean {
  if (modulus.byteLength !== RSA_BYTES || factor.byteLength !== RSA_BYTES) return false
  const [n, f] = [bigintOf(modulus), bigintOf(factor)]
  return f > 1n && f < n && n % f === 0n
}

/**
 * What a finder logs before it shows a factor: `H("datdot/factor/1", segment id, finder, factor, salt)`. The salt
 * keeps others from trying factors of their own; the finder's key keeps them from showing this one as theirs.
 */
export function factorCommitment(
  segmentId: Uint8Array,
  finder: Uint8Array,
  factor: Uint8Array,
  salt: Uint8Array
): Buffer {
  return hash('datdot/factor/1', segmentId, finder, factor, salt)
}

/** A factor as the 256 bytes that `isProperFactor` takes. */
export function factorBytes(factor: bigint): Buffer {
  if (factor < 0n || factor >= 1n << BigInt(8 * RSA_BYTES)) {
    throw new CryptoError('FACTOR_RANGE', 'a factor is a number below 2^2048')
  }
  return bytesOf(factor, RSA_BYTES)
}

/**
 * The value whose root shows that a key is alive: PAYLOAD_BYTES of `XOF("datdot/alive/1", segment id, finder,
 * beacon value)`. The beacon's round must be later than the acceptance of the segment: before, the signer may
 * have the key.
 */
export function aliveValue(segmentId: Uint8Array, finder: Uint8Array, beaconValue: Uint8Array): Buffer {
  return xof(PAYLOAD_BYTES, 'datdot/alive/1', segmentId, finder, beaconValue)
}

/**
 * Whether `root`, 256 bytes, is the root of `value` modulo N: one public operation. Never throws on hostile roots.
 *
 * @throws CryptoError `RSA_KEY` if the modulus is none
 */
export function isAliveRoot(
  modulus: Uint8Array,
  value: Uint8Array,
  root: Uint8Array,
  path?: RsaPath
): boolean {
  checkModulus(modulus)
  if (value.byteLength !== PAYLOAD_BYTES || root.byteLength !== RSA_BYTES) return false
  const opened = Buffer.alloc(PAYLOAD_BYTES)
  const key = path === undefined ? loadRsaPublicKey(modulus) : loadRsaPublicKey(modulus, path)
  return key.open(root, opened) === -1 && opened.equals(value)
}
