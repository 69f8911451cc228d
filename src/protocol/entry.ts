import { bytes, decode, encode, fixed, optional, struct, uint, type Infer } from './codec.js'
import { DETAIL_BYTES_MAX, OPERATION_BYTES_MAX } from './operations.js'

/**
 * One block of the published log: an operation with its place, times and the hash that chains it. `at` is the chain's date, `clock` chain time
 * when the entry was made; `arrived`, of an operation that its sender owed, chain time when it came, and of a tick the chain time up to
 * which all that came is on the log before it.
 */
export const entryType = struct({
  seq: uint(),
  at: uint(),
  clock: uint(),
  arrived: optional(uint()),
  rules: uint(65_535),
  /** Core and detail, as `decodeOperation` reads them; the detail may be pruned. */
  operation: bytes(8 * (OPERATION_BYTES_MAX + DETAIL_BYTES_MAX)),
  effectsHash: fixed(32),
  hash: fixed(32)
})
export type Entry = Infer<typeof entryType>

export function encodeEntry(entry: Entry): Uint8Array {
  return encode(entryType, entry)
}

/** @throws ChainError OPERATION_MALFORMED */
export function decodeEntry(from: Uint8Array): Entry {
  return decode(entryType, from)
}
