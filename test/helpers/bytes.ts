import assert from 'node:assert/strict'
import { blake3 } from '../../src/crypto/hash.js'

/** `length` bytes that look random and are the same in every run. */
export function bytesFrom(name: string, length: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < length; i++) parts.push(blake3(Buffer.from(`${name} ${i}`)))
  return Buffer.concat(parts).subarray(0, length)
}

/** The same values, with all bytes in them as plain Uint8Arrays, whatever class a caller or SQLite made of them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

/** Asserts that two values are the same, bytes being compared as bytes. */
export function assertSame(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(plain(actual), plain(expected), message)
}
