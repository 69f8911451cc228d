import sodium from 'sodium-native'
import type { SegmentSecret } from '../chunk/codec.js'
import { randomBytes } from '../crypto/keys.js'
import { RSA_SEED_BYTES, type PrimeCount, type RsaKeyPair } from '../crypto/rsa-key.js'
import { InputError } from '../errors.js'
import { unlessAborted } from '../wait.js'
import { Engine } from './engine.js'
import { LEAST_MEMORY_BYTES } from './slab.js'

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
  // Shared memory: the worker reads it where it is, and there is one copy to wipe.
  const seed = Buffer.from(new SharedArrayBuffer(RSA_SEED_BYTES))
  const given = random(RSA_SEED_BYTES)
  seed.set(given)
  sodium.sodium_memzero(given)
  const made = engine.call('seal-key', { seed, primes })
  const wipeSeed = () => sodium.sodium_memzero(seed)
  made.then(wipeSeed, wipeSeed)
  try {
    const { publicKey, secretKey } = await (signal ? unlessAborted(made, signal) : made)
    return { publicKey: bufferOf(publicKey), secretKey: bufferOf(secretKey) }
  } catch (error) {
    // A key that comes after all is nobody's.
    made.then(
      ({ secretKey }) => sodium.sodium_memzero(secretKey),
      () => {}
    )
    throw error
  }
}

/**
 * The proof that the key of a `seal` segment has at most four primes, encoded. The same key and segment give the
 * same. Made on a thread that ends with it, since it leaves the primes on that thread's heap; some 0.4 s.
 *
 * @throws CryptoError `PRIME_PROOF_KEY`, `RSA_CHECK`; EngineError; the signal's reason
 */
export async function provePrimesOf(
  { id, secretKey }: Pick<SegmentSecret, 'id' | 'secretKey'>,
  signal?: AbortSignal
): Promise<Buffer> {
  const engine = new Engine({ threads: 1, memoryBytes: LEAST_MEMORY_BYTES })
  try {
    const made = engine.call('prove-primes', { secretKey, segmentId: id }, signal ? { signal } : {})
    return bufferOf(await made)
  } finally {
    await engine.close()
  }
}

/**
 * Overwrites a segment's private key, for all threads that it was given to; workers keep no other between tasks, and
 * streams wipe what they had of it when they end. Encoding streams of the segment must have ended.
 */
export function wipeSegmentKey(segment: SegmentSecret): void {
  sodium.sodium_memzero(segment.secretKey)
}

/** Classes are lost between threads: what left as a Buffer comes in as a Uint8Array. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
