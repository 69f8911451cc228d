import { BLOCKS_MAX, BYTES_MAX } from '../bounds.js'
import { ChainError } from '../errors.js'
import { equal } from '../bytes.js'
import { fixed, list, struct, uint, type Infer } from './codec.js'
import {
  childIndices,
  coveringIndices,
  nodeHash,
  OriginalTreeBuilder,
  rootIndices,
  type OriginalHash,
  type OriginalNode
} from './original-tree.js'

/** Most roots of a tree, and most subtrees that complete one to another. */
const ROOTS_MAX = 40
const COVER_MAX = 80

const nodes = (most: number) => list(struct({ size: uint(BYTES_MAX), hash: fixed(32) }), most)

/**
 * What two trees of one hypercore have in common: their first `kept` blocks, and not the next. `prefix`: roots of these, left to right; `below`: the two
 * children's hashes of each that is no block itself, which bind its size; `before`, `after`: what completes them to the tree that was, and to the new one: the next block, then the largest
 * subtrees. Flat indices follow from the lengths. All are empty where `kept` is 0: then nothing is said.
 */
export const forkProofType = struct({
  kept: uint(BLOCKS_MAX),
  prefix: nodes(ROOTS_MAX),
  below: list(fixed(32), 2 * ROOTS_MAX),
  before: nodes(COVER_MAX),
  after: nodes(COVER_MAX)
})
export type ForkProof = Infer<typeof forkProofType>

/** A proof that says nothing: none of it need be kept. */
export const NO_FORK_PROOF: ForkProof = { kept: 0, prefix: [], below: [], before: [], after: [] }

/** Flat indices of what completes the first `kept` blocks to a tree of `length`: the next block alone, so that it can be compared, then the rest. */
export function completingIndices(kept: number, length: number): number[] {
  if (kept >= length) return []
  return [2 * kept, ...coveringIndices(kept + 1, length)]
}

/** Flat indices of the children that bind the sizes of the roots of a tree of `kept` blocks. */
export function belowIndices(kept: number): number[] {
  return rootIndices(kept).flatMap(childIndices)
}

/**
 * Checks how many blocks two trees have in common, and no more than these.
 *
 * @returns bytes that are certainly kept: those of all roots of the common tree but one that is a block itself, whose size nothing binds
 * @throws ChainError FORK_PROOF_SHAPE, FORK_PROOF_HASH
 */
export function verifyForkProof(proof: ForkProof, before: OriginalHash, after: OriginalHash): number {
  const { kept, prefix, below } = proof
  if (kept > before.length || kept > after.length) throw misshapen(kept)
  if (kept === 0) {
    if (prefix.length + below.length + proof.before.length + proof.after.length > 0) throw misshapen(kept)
    return 0
  }
  const indices = rootIndices(kept)
  if (prefix.length !== indices.length || below.length !== belowIndices(kept).length) throw misshapen(kept)
  const roots = prefix.map(({ size, hash }, place): OriginalNode => ({ index: indices[place]!, size, hash }))
  let bytes = 0
  let at = 0
  for (const { index, size, hash } of roots) {
    if (childIndices(index).length === 0) continue
    if (!equal(nodeHash(size, below[at]!, below[at + 1]!), hash)) throw forged()
    at += 2
    bytes += size
  }
  const trees = [
    { completing: proof.before, tree: before },
    { completing: proof.after, tree: after }
  ]
  for (const { completing, tree } of trees) {
    const wanted = completingIndices(kept, tree.length)
    if (completing.length !== wanted.length) throw misshapen(kept)
    const builder = new OriginalTreeBuilder(roots)
    for (const [place, { size, hash }] of completing.entries())
      builder.appendNode({ index: wanted[place]!, size, hash })
    if (!equal(builder.hash(), tree.treeHash)) throw forged()
  }
  const [next] = proof.before
  const [other] = proof.after
  if (next && other && equal(next.hash, other.hash)) {
    throw new ChainError('FORK_PROOF_HASH', `Block ${kept} is the same in both trees.`)
  }
  return bytes
}

function misshapen(kept: number): ChainError {
  return new ChainError('FORK_PROOF_SHAPE', `The proof does not fit ${kept} blocks in common.`)
}

function forged(): ChainError {
  return new ChainError('FORK_PROOF_HASH', 'The trees do not begin with these blocks.')
}
