import { ChainError } from '../errors.js'
import { BLOCKS_MAX, BYTES_MAX } from '../bounds.js'
import { bytes, fixed, list, struct, uint, type Infer } from './codec.js'
import { rootIndices, treeHashOf, type OriginalNode } from './original-tree.js'

/** Roots of a tree are as many as its length has ones in binary. */
const ROOTS_MAX = 40

/**
 * A state of a hypercore as its author signed it. `roots`: those of the author's tree, left to right; their flat indices
 * follow from `length`. How many bytes there are is in them and so under the signature. `manifest`, `signature`: as
 * hypercore encodes them; a hypercore that nobody signs (a prologue) has an empty signature, its manifest says what it holds.
 */
export const originalType = struct({
  fork: uint(),
  length: uint(BLOCKS_MAX),
  roots: list(struct({ size: uint(BYTES_MAX), hash: fixed(32) }), ROOTS_MAX),
  manifest: bytes(4_096),
  signature: bytes(4_096)
})
export type Original = Infer<typeof originalType>

/** A hypercore without blocks: nobody has signed anything of it. */
export const emptyOriginal: Original = {
  fork: 0,
  length: 0,
  roots: [],
  manifest: new Uint8Array(),
  signature: new Uint8Array()
}

/** What the roots of an original's tree come to. */
export interface OriginalSums {
  /** Bytes of all blocks. */
  byteLength: number
  /** 32 bytes: what the author's signature is over, with fork and length. */
  treeHash: Uint8Array
}

/**
 * The bytes and the tree hash that follow from an original's roots.
 *
 * @throws ChainError `ORIGINAL_INVALID` if they are not the roots of a tree of this length, or have more bytes than a hypercore may
 */
export function sumsOf({ length, roots }: Pick<Original, 'length' | 'roots'>): OriginalSums {
  if (length > BLOCKS_MAX) {
    throw new ChainError('ORIGINAL_INVALID', `a hypercore has at most ${BLOCKS_MAX} blocks, not ${length}`)
  }
  const indices = rootIndices(length)
  if (indices.length !== roots.length) {
    throw new ChainError(
      'ORIGINAL_INVALID',
      `a tree of ${length} blocks has ${indices.length} roots, not ${roots.length}`
    )
  }
  const byteLength = roots.reduce((sum, { size }) => sum + size, 0)
  if (byteLength > BYTES_MAX) {
    throw new ChainError('ORIGINAL_INVALID', `a hypercore has at most ${BYTES_MAX} bytes, not ${byteLength}`)
  }
  const nodes = roots.map((root, place): OriginalNode => ({ index: indices[place]!, ...root }))
  return { byteLength, treeHash: treeHashOf(nodes) }
}
