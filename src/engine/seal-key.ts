import sodium from 'sodium-native'
import type { SegmentSecret } from '../chunk/codec.js'
import { randomBytes } from '../crypto/keys.js'
import { RSA_SEED_BYTES, type PrimeCount, type RsaKeyPair } from '../crypto/rsa-key.js'
import { InputError } from '../errors.js'
import type { Engine } from './engine.js'

export interface SealKeyOptions {
  /** 4 (default) is twice as fast to seal with as 3, whose primes are harder to find (docs/security.md). */
  primes?: PrimeCount
  /** Where the seed comes from: `length` bytes that nobody can predict. */
  random?: (length: number) => Uint8Array
  signal?: AbortSignal
}

/**
 * The key pair of one `seal` segment, made on a worker. What a signer does with it:
 *
 * ```ts
 * const key = await generateSealKey(engine)
 * const id = segmentId(place)
 * const salt = segmentSalt(beaconValue, id) // of the round after the original was fixed
 * const segment: SegmentSecret = { codec: 'seal', id, salt, ...key }
 * for await (const batch of engine.encode(blocks, { segment, start })) await send(batch.encoded)
 * // key.publicKey goes on the chain with the segment; once that is accepted, or given up:
 * wipeSegmentKey(segment)
 * ```
 *
 * @throws EngineError `ENGINE_CLOSED`, `ENGINE_CRASH`; the signal's reason
 */
export async function generateSealKey(
  engine: Engine,
  { primes = 4, random = randomBytes, signal }: SealKeyOptions = {}
): Promise<RsaKeyPair> {
  if (primes !== 3 && primes !== 4) {
    throw new InputError('SEAL_PRIMES', `a seal key has 3 or 4 primes, not ${String(primes)}`)
  }
  const seed = random(RSA_SEED_BYTES)
  try {
    const { publicKey, secretKey } = await engine.call('seal-key', { seed, primes }, signal ? { signal } : {})
    return { publicKey: bufferOf(publicKey), secretKey: bufferOf(secretKey) }
  } finally {
    sodium.sodium_memzero(seed)
  }
}

/**
 * Overwrites a segment's private key in this thread. Workers keep none between tasks. Encoding streams of the
 * segment must have ended.
 */
export function wipeSegmentKey(segment: SegmentSecret): void {
  sodium.sodium_memzero(segment.secretKey)
}

/** Classes are lost between threads: what left as a Buffer comes in as a Uint8Array. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
