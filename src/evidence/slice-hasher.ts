import { loadAddon } from '#crypto/native.js'
import { pureSliceHasher, type SliceHasher } from './slice-batch.js'
import { VALUE_BYTES, checkGroup, checkPiece, checkStored, siblingCount } from './slices.js'

/** The exports of native/blake3 that slices use. They write to memory that is there, and throw a TypeError only. */
interface Addon extends Pick<SliceHasher, 'groupValues' | 'sliceRoots' | 'chunkLeaves'> {
  groupRoot: (values: Uint8Array, bodyBytes: number, out: Uint8Array) => void
  sliceSiblings: (
    index: number,
    bodyBytes: number,
    values: Uint8Array,
    group: Uint8Array,
    out: Uint8Array
  ) => void
}

/** The hasher on compiled code, or undefined where there is none. */
export const nativeSliceHasher: SliceHasher | undefined = fromAddon(loadAddon('datdot_blake3'))

/** The addon where there is one, else TypeScript; the same results and errors either way. */
export const sliceHasher: SliceHasher = nativeSliceHasher ?? pureSliceHasher

function fromAddon(exports: unknown): SliceHasher | undefined {
  const addon = exports as Addon | undefined
  // An addon of an earlier build has no slices yet.
  if (!addon?.sliceRoots) return undefined
  return {
    groupValues(piece, firstGroup, out) {
      checkPiece(piece, firstGroup, out)
      addon.groupValues(piece, firstGroup, out)
    },
    rootOfGroups(values, bodyBytes) {
      checkStored(values, bodyBytes)
      const out = new Uint8Array(VALUE_BYTES)
      addon.groupRoot(values, bodyBytes, out)
      return out
    },
    siblingsOf(index, bodyBytes, values, group) {
      checkGroup(index, bodyBytes, values, group)
      const out = new Uint8Array(siblingCount(index, bodyBytes) * VALUE_BYTES)
      addon.sliceSiblings(index, bodyBytes, values, group, out)
      return out
    },
    sliceRoots: addon.sliceRoots,
    chunkLeaves: addon.chunkLeaves
  }
}
