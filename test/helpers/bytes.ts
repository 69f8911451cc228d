import { blake3 } from '../../src/crypto/hash.js'

/** `length` bytes that look random and are the same in every run. */
export function bytesFrom(name: string, length: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < length; i++) parts.push(blake3(Buffer.from(`${name} ${i}`)))
  return Buffer.concat(parts).subarray(0, length)
}
