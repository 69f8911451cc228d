import {
  LEAF_BYTES,
  VALUE_BYTES,
  leafValue,
  nodeValue,
  plainMode,
  subtreeValue
} from '../crypto/blake3-tree.js'
import { ForgeryError, ProofError } from '../errors.js'
import { pathLength, split } from '../merkle/shape.js'

// Proofs of 1 KiB slices of a chunk's body. BLAKE3 is itself a tree over 1 KiB (the BLAKE3 paper, section 2), so BLAKE3(body),
// which a segment's leaf holds, is the root over the body's slices. docs/formats.md says what of it must hold.
// No I/O and nothing of Node: src/evidence/slice-hasher.ts has the same on compiled code.

export { VALUE_BYTES }

/** Bytes of a slice; the last of a body may be shorter. */
export const SLICE_BYTES = LEAF_BYTES

/** Slices below one stored chaining value. */
const GROUP_SLICES = 16

/** Bytes of a group. */
export const GROUP_BYTES = GROUP_SLICES * SLICE_BYTES

/** The most bytes of a body: hypercore's 15 MiB, of which `seal` makes 256 bytes of every 255. */
export const MAX_BODY_BYTES = Math.ceil((15 << 20) / 255) * 256

/** The most siblings of a slice: levels of the tree over the largest body. */
export const MAX_SIBLINGS = 14

/** Where a group lies in its body. */
export interface Group {
  /** Its number. */
  group: number
  offset: number
  bytes: number
}

/** A slice that is to be proven, and what proves it. */
export interface SliceProof {
  /** j, the slice's number in the body. */
  index: number
  /** L, the length of the body. */
  bodyBytes: number
  slice: Uint8Array
  /** Chaining values on the way to the root, VALUE_BYTES each, lowest first. */
  siblings: Uint8Array
}

/** n = max(1, ceil(L / 1024)). @throws ProofError `SLICE_BODY` for a length that no body has */
export function sliceCount(bodyBytes: number): number {
  if (!Number.isInteger(bodyBytes) || bodyBytes < 0 || bodyBytes > MAX_BODY_BYTES) {
    throw new ProofError('SLICE_BODY', `A body has 0 to ${MAX_BODY_BYTES} bytes, not ${bodyBytes}`)
  }
  return Math.max(1, Math.ceil(bodyBytes / SLICE_BYTES))
}

/** Bytes of slice `index`: 1024, or what is left for the last. @throws ProofError `SLICE_BODY`, `SLICE_INDEX` */
export function sliceLength(index: number, bodyBytes: number): number {
  checkIndex(index, sliceCount(bodyBytes))
  return Math.min(SLICE_BYTES, bodyBytes - index * SLICE_BYTES)
}

/** Number of siblings that prove slice `index`. @throws ProofError `SLICE_BODY`, `SLICE_INDEX` */
export function siblingCount(index: number, bodyBytes: number): number {
  const slices = sliceCount(bodyBytes)
  checkIndex(index, slices)
  return pathLength(index, slices)
}

/** How many chaining values are stored of a body: one a group, but none where one group is all. */
export function storedGroups(bodyBytes: number): number {
  const slices = sliceCount(bodyBytes)
  return slices <= GROUP_SLICES ? 0 : Math.ceil(slices / GROUP_SLICES)
}

/** The group that slice `index` lies in. @throws ProofError `SLICE_BODY`, `SLICE_INDEX` */
export function groupOf(index: number, bodyBytes: number): Group {
  checkIndex(index, sliceCount(bodyBytes))
  const group = Math.floor(index / GROUP_SLICES)
  const offset = group * GROUP_BYTES
  return { group, offset, bytes: Math.min(GROUP_BYTES, bodyBytes - offset) }
}

/**
 * The chaining values of the groups of a piece of a body, to `out`. Of a body of more than one group these are what is stored.
 *
 * @param piece from group `firstGroup` on; whole groups, unless it ends with its body
 * @param out VALUE_BYTES for each group that the piece begins
 * @throws ProofError `SLICE_BODY` for a piece that no body has, `SLICE_VALUES` if `out` is of another size
 */
export function groupValues(piece: Uint8Array, firstGroup: number, out: Uint8Array): void {
  checkPiece(piece, firstGroup, out)
  for (let at = 0, i = 0; at < piece.byteLength; at += GROUP_BYTES, i++) {
    const bytes = Math.min(GROUP_BYTES, piece.byteLength - at)
    subtreeValue(plainMode, piece, at, bytes, (firstGroup + i) * GROUP_SLICES, out, i * VALUE_BYTES)
  }
}

/**
 * BLAKE3 of a body of more than one group from its stored values.
 *
 * @throws ProofError `SLICE_BODY`, `SLICE_VALUES`
 */
export function rootOfGroups(values: Uint8Array, bodyBytes: number): Uint8Array {
  checkStored(values, bodyBytes)
  return joinValues(values, 0, storedGroups(bodyBytes), true)
}

/** The siblings of slice `index` of a whole body. @throws ProofError `SLICE_BODY`, `SLICE_INDEX` */
export function proveSlice(body: Uint8Array, index: number): Uint8Array {
  const values = new Uint8Array(storedGroups(body.byteLength) * VALUE_BYTES)
  if (values.byteLength > 0) groupValues(body, 0, values)
  const { offset, bytes } = groupOf(index, body.byteLength)
  return siblingsOf(index, body.byteLength, values, body.subarray(offset, offset + bytes))
}

/**
 * The siblings of slice `index` from what a pinner reads: the body's stored values, and the bytes of the slice's group.
 *
 * @throws ProofError `SLICE_BODY`, `SLICE_INDEX`, `SLICE_VALUES`, `SLICE_GROUP` (other bytes than the group has)
 */
export function siblingsOf(
  index: number,
  bodyBytes: number,
  values: Uint8Array,
  group: Uint8Array
): Uint8Array {
  const place = checkGroup(index, bodyBytes, values, group)
  const slices = sliceCount(bodyBytes)
  const siblings = new Uint8Array(pathLength(index, slices) * VALUE_BYTES)
  // From the root down, so the highest sibling comes first and goes last.
  let at = siblings.byteLength
  for (let start = 0, end = slices; end - start > 1;) {
    const middle = start + split(end - start)
    const [from, to] = index < middle ? [middle, end] : [start, middle]
    at -= VALUE_BYTES
    if (end - start > GROUP_SLICES) {
      siblings.set(joinValues(values, from / GROUP_SLICES, Math.ceil(to / GROUP_SLICES), false), at)
    } else {
      const offset = from * SLICE_BYTES - place.offset
      const bytes = Math.min(to * SLICE_BYTES, bodyBytes) - from * SLICE_BYTES
      subtreeValue(plainMode, group, offset, bytes, from, siblings, at)
    }
    if (index < middle) end = middle
    else start = middle
  }
  return siblings
}

/**
 * The hash of the body that a slice and its siblings lead to. Number and sides of the siblings, and the slice's length, follow
 * from j and L alone; so nothing of a proof says how large the tree is.
 *
 * @throws ProofError `SLICE_BODY`, `SLICE_INDEX`, `SLICE_LENGTH` (the slice has another length), `SLICE_SIBLINGS` (their number)
 */
export function sliceRoot({ index, bodyBytes, slice, siblings }: SliceProof): Uint8Array {
  const length = sliceLength(index, bodyBytes)
  if (slice.byteLength !== length) {
    throw new ProofError('SLICE_LENGTH', `Slice ${index} has ${length} bytes, not ${slice.byteLength}`)
  }
  const slices = sliceCount(bodyBytes)
  const levels = pathLength(index, slices)
  if (siblings.byteLength !== levels * VALUE_BYTES) {
    throw new ProofError(
      'SLICE_SIBLINGS',
      `Slice ${index} of ${slices} is proven by ${levels * VALUE_BYTES} bytes of siblings, not ${siblings.byteLength}`
    )
  }
  const value = new Uint8Array(VALUE_BYTES)
  leafValue(plainMode, slice, 0, length, index, levels === 0, value, 0)
  climb(index, 0, slices, true, siblings, value)
  return value
}

/** Checks a slice against BLAKE3(body). @throws ProofError what `sliceRoot` throws, and `SLICE_ROOT` */
export function verifySlice(bodyHash: Uint8Array, proof: SliceProof): void {
  const root = sliceRoot(proof)
  if (bodyHash.byteLength !== VALUE_BYTES || root.some((byte, i) => byte !== bodyHash[i])) {
    throw new ForgeryError('SLICE_ROOT', `Slice ${proof.index} is none of this body`)
  }
}

/**
 * Joins `value`, of slice `index`, with its siblings inside the subtree over slices `[start, end)`; returns how many bytes of
 * siblings that took.
 */
function climb(
  index: number,
  start: number,
  end: number,
  isRoot: boolean,
  siblings: Uint8Array,
  value: Uint8Array
): number {
  if (end - start === 1) return 0
  const middle = start + split(end - start)
  if (index < middle) {
    const at = climb(index, start, middle, false, siblings, value)
    nodeValue(plainMode, value, 0, siblings, at, isRoot, value, 0)
    return at + VALUE_BYTES
  }
  const at = climb(index, middle, end, false, siblings, value)
  nodeValue(plainMode, siblings, at, value, 0, isRoot, value, 0)
  return at + VALUE_BYTES
}

/** The value over groups `[from, to)` of a body's values. */
function joinValues(values: Uint8Array, from: number, to: number, isRoot: boolean): Uint8Array {
  if (to - from === 1) return values.subarray(from * VALUE_BYTES, to * VALUE_BYTES)
  const middle = from + split(to - from)
  const out = new Uint8Array(VALUE_BYTES)
  const left = joinValues(values, from, middle, false)
  nodeValue(plainMode, left, 0, joinValues(values, middle, to, false), 0, isRoot, out, 0)
  return out
}

function checkIndex(index: number, slices: number): void {
  if (Number.isInteger(index) && index >= 0 && index < slices) return
  throw new ProofError('SLICE_INDEX', `Slice ${index} is none of ${slices}`)
}

/** What `groupValues` asks of its arguments. @throws ProofError `SLICE_BODY`, `SLICE_VALUES` */
export function checkPiece(piece: Uint8Array, firstGroup: number, out: Uint8Array): void {
  const bytes = piece.byteLength
  const whole = Number.isInteger(firstGroup) && firstGroup >= 0
  if (!whole || bytes < 1 || firstGroup * GROUP_BYTES + bytes > MAX_BODY_BYTES) {
    throw new ProofError('SLICE_BODY', `No body has ${bytes} bytes from group ${firstGroup} on`)
  }
  checkValues(out, Math.ceil(bytes / GROUP_BYTES))
}

/** What `rootOfGroups` asks of its arguments. @throws ProofError `SLICE_BODY`, `SLICE_VALUES` */
export function checkStored(values: Uint8Array, bodyBytes: number): void {
  const groups = storedGroups(bodyBytes)
  checkValues(values, groups)
  if (groups === 0) throw new ProofError('SLICE_BODY', `No values are stored of a body of ${bodyBytes} bytes`)
}

/** What `siblingsOf` asks of its arguments. @throws ProofError `SLICE_BODY`, `SLICE_INDEX`, `SLICE_VALUES`, `SLICE_GROUP` */
export function checkGroup(index: number, bodyBytes: number, values: Uint8Array, group: Uint8Array): Group {
  const place = groupOf(index, bodyBytes)
  checkValues(values, storedGroups(bodyBytes))
  if (group.byteLength === place.bytes) return place
  throw new ProofError(
    'SLICE_GROUP',
    `Group ${place.group} has ${place.bytes} bytes, not ${group.byteLength}`
  )
}

function checkValues(values: Uint8Array, groups: number): void {
  if (values.byteLength === groups * VALUE_BYTES) return
  throw new ProofError(
    'SLICE_VALUES',
    `${groups} chaining values have ${groups * VALUE_BYTES} bytes, not ${values.byteLength}`
  )
}
