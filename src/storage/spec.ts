import { StorageError } from '../errors.js'
import { encodeManifest, manifestFits } from './hypercore-parts.js'
import type { SegmentSpec } from './types.js'
import { toHex } from '../bytes.js'

const ID_BYTES = 32
const KEY_BYTES = 32
const HASH_BYTES = 32
/** Generous: a seal key in SPKI form has under 300. */
const MAX_PUBLIC_KEY_BYTES = 4096
const MAX_SIGNATURE_BYTES = 1 << 16

/**
 * Checks what a segment says of itself, as far as that can be told without its blocks.
 * @throws StorageError STORAGE_SPEC, STORAGE_MANIFEST
 */
export function checkSpec(spec: SegmentSpec): void {
  const { start, end, length, fork, key, treeHash, signature, segment } = spec
  const wrong: string[] = []
  const integers = [start, end, length, fork].every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!integers || start >= end || end > length) wrong.push('its range of blocks')
  if (!areHoles(spec)) wrong.push('its holes')
  if (key.byteLength !== KEY_BYTES) wrong.push('the key')
  if (treeHash.byteLength !== HASH_BYTES) wrong.push('the tree hash')
  if (signature !== null && signature.byteLength > MAX_SIGNATURE_BYTES) wrong.push('the signature')
  if (segment.id.byteLength !== ID_BYTES) wrong.push('the segment id')
  if (segment.publicKey.byteLength > MAX_PUBLIC_KEY_BYTES) wrong.push('the public key')
  if (segment.salt.byteLength > MAX_PUBLIC_KEY_BYTES) wrong.push('the salt')
  if (wrong.length > 0) {
    throw new StorageError('STORAGE_SPEC', `This is not a segment: wrong is ${wrong.join(', ')}.`)
  }
  if (!fits(spec)) {
    throw new StorageError(
      'STORAGE_MANIFEST',
      `The manifest is not that of hypercore ${toHex(key)}; the key would be another one.`
    )
  }
}

/** Whether ranges lie in a segment, one after the other, with a block between two of them. */
function areHoles({ holes = [], start, end }: SegmentSpec): boolean {
  let least = start
  for (const hole of holes) {
    if (![hole.start, hole.end].every(Number.isSafeInteger)) return false
    if (hole.start < least || hole.end <= hole.start || hole.end > end) return false
    least = hole.end + 1
  }
  return true
}

/** Whether two specs mean the same segment of the same original. */
export function sameSpec(a: SegmentSpec, b: SegmentSpec): boolean {
  const numbers = ({ start, end, length, fork, holes = [] }: SegmentSpec) =>
    [start, end, length, fork, ...holes.flatMap((hole) => [hole.start, hole.end])].join()
  const bytes = (s: SegmentSpec) => [
    s.key,
    s.treeHash,
    s.signature ?? Buffer.alloc(0),
    encodeManifest(s.manifest),
    s.segment.id,
    s.segment.publicKey,
    s.segment.salt
  ]
  const others = bytes(b)
  return (
    numbers(a) === numbers(b) &&
    a.segment.codec === b.segment.codec &&
    bytes(a).every((part, i) => Buffer.compare(part, others[i]!) === 0)
  )
}

function fits(spec: SegmentSpec): boolean {
  try {
    return manifestFits(spec.key, spec.manifest)
  } catch {
    return false
  }
}
