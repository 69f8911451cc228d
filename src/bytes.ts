// What a browser's Uint8Array lacks beside Node's Buffer. No I/O and nothing of Node.

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Whether two byte strings are the same. Not for secrets: its time depends on them. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false
  return true
}

/** Order by bytes, then by length: below 0 if `a` comes first, 0 if they are the same. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.byteLength, b.byteLength)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.byteLength - b.byteLength
}

/** All parts, one after the other, in memory of their own. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]!
  return text
}

/** The integer of `length` bytes at `at`, little-endian. Exact up to 2^53; what is larger comes out larger than that. */
export function readUint(bytes: Uint8Array, at: number, length: number): number {
  // Written out: every node and number of a proof is read by this. Beyond the end it is NaN, as in the loop.
  if (length === 8) return readU32(bytes, at) + readU32(bytes, at + 4) * 2 ** 32
  if (length === 4) return readU32(bytes, at)
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function readU32(bytes: Uint8Array, at: number): number {
  return bytes[at]! + bytes[at + 1]! * 2 ** 8 + bytes[at + 2]! * 2 ** 16 + bytes[at + 3]! * 2 ** 24
}

/** Writes a whole number below 2^53 as `length` bytes, little-endian. */
export function writeUint(bytes: Uint8Array, value: number, at: number, length: number): void {
  let rest = value >>> 0
  const low = Math.min(length, 4)
  for (let i = 0; i < low; i++, rest >>>= 8) bytes[at + i] = rest
  if (length <= 4) return
  rest = Math.floor(value / 2 ** 32)
  for (let i = 4; i < length; i++, rest >>>= 8) bytes[at + i] = rest
}

export function readU64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readUint(bytes, at + 4, 4)) << 32n) | BigInt(readUint(bytes, at, 4))
}

/** @throws RangeError if the value is not in 0..2^64-1 */
export function writeU64(bytes: Uint8Array, value: bigint, at: number): void {
  if (value < 0n || value >> 64n !== 0n) throw new RangeError(`${value} is not in 0..2^64-1`)
  writeUint(bytes, Number(value & 0xffffffffn), at, 4)
  writeUint(bytes, Number(value >> 32n), at + 4, 4)
}
