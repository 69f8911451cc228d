import { VALUE_BYTES, hashTree, plainMode } from '../crypto/blake3-tree.js'
import { groupValues, rootOfGroups, sliceLength, sliceRoot, siblingCount, siblingsOf } from './slices.js'

/** Bytes of a leaf record: u64 length of the chunk, then the leaf's hash. */
const RECORD_BYTES = 40

/** What makes and checks slice proofs, many in one call. Memory may be shared. */
export interface SliceHasher {
  /** As `groupValues` of src/evidence/slices.ts. */
  groupValues: (piece: Uint8Array, firstGroup: number, out: Uint8Array) => void
  /** As `rootOfGroups`. */
  rootOfGroups: (values: Uint8Array, bodyBytes: number) => Uint8Array
  /** As `siblingsOf`. */
  siblingsOf: (index: number, bodyBytes: number, values: Uint8Array, group: Uint8Array) => Uint8Array
  /**
   * The hash of the body that each slice leads to, to `out`. Slice number `indices[i]` of a body of `bodyBytes[i]` bytes is
   * at `at[i]` of `bytes`, its siblings behind it. Tables of different lengths, and what is no slice or not inside `bytes`,
   * throw a TypeError.
   */
  sliceRoots: (
    bytes: Uint8Array,
    at: Uint32Array,
    indices: Uint32Array,
    bodyBytes: Uint32Array,
    out: Uint8Array
  ) => void
  /**
   * The leaf record of each chunk, to `out`: its header is at `headers[i]` of `bytes`, `bodyHashes` has the hash of its body,
   * which need not be there. What does not fit throws a TypeError.
   */
  chunkLeaves: (
    bytes: Uint8Array,
    headers: Uint32Array,
    headerBytes: number,
    chunkBytes: Uint32Array,
    bodyHashes: Uint8Array,
    out: Uint8Array
  ) => void
}

/** In TypeScript alone: for a browser, and for a machine without the addon. */
export const pureSliceHasher: SliceHasher = {
  groupValues,
  rootOfGroups,
  siblingsOf,

  sliceRoots(bytes, at, indices, bodyBytes, out) {
    const count = at.length
    checkTables(indices.length === count && bodyBytes.length === count && out.length === count * VALUE_BYTES)
    for (let i = 0; i < count; i++) {
      const [index, body] = [indices[i]!, bodyBytes[i]!]
      const { sliceEnd, end } = extentOf(index, body, at[i]!)
      if (end > bytes.byteLength) throw new TypeError('a slice lies outside the bytes')
      const [slice, siblings] = [bytes.subarray(at[i], sliceEnd), bytes.subarray(sliceEnd, end)]
      out.set(sliceRoot({ index, bodyBytes: body, slice, siblings }), i * VALUE_BYTES)
    }
  },

  chunkLeaves(bytes, headers, headerBytes, chunkBytes, bodyHashes, out) {
    const count = headers.length
    checkTables(
      chunkBytes.length === count &&
        bodyHashes.length === count * VALUE_BYTES &&
        out.length === count * RECORD_BYTES
    )
    const message = new Uint8Array(1 + 8 + headerBytes + VALUE_BYTES)
    const view = new DataView(message.buffer)
    for (let i = 0; i < count; i++) {
      if (headers[i]! + headerBytes > bytes.byteLength) throw new TypeError('a header lies outside the bytes')
      view.setUint32(1, chunkBytes[i]!, true)
      message.set(bytes.subarray(headers[i], headers[i]! + headerBytes), 9)
      message.set(bodyHashes.subarray(i * VALUE_BYTES, (i + 1) * VALUE_BYTES), 9 + headerBytes)
      out.set(message.subarray(1, 9), i * RECORD_BYTES)
      out.set(hashTree(plainMode, message), i * RECORD_BYTES + 8)
    }
  }
}

function extentOf(index: number, body: number, at: number): { sliceEnd: number; end: number } {
  try {
    const sliceEnd = at + sliceLength(index, body)
    return { sliceEnd, end: sliceEnd + siblingCount(index, body) * VALUE_BYTES }
  } catch (cause) {
    throw new TypeError('no such slice', { cause })
  }
}

function checkTables(fit: boolean): void {
  if (!fit) throw new TypeError('a table is of another size')
}
