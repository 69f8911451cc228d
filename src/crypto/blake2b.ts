import sodium from 'sodium-native'

const HASH_BYTES = 32

/** BLAKE2b-256 of the joined parts: what hypercore makes its own trees with. */
export function blake2b(...parts: Uint8Array[]): Buffer {
  const out = Buffer.allocUnsafe(HASH_BYTES)
  if (parts.length === 1) sodium.crypto_generichash(out, parts[0]!)
  else sodium.crypto_generichash_batch(out, parts)
  return out
}
