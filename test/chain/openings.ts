import { equal } from '../../src/bytes.js'
import { evidenceOf, type AnswerEvidence } from '../../src/client/upload.js'
import { encodeOpening, openingHash } from '../../src/evidence/opening.js'
import { encodeProof, prove } from '../../src/merkle/proof.js'
import {
  encodeOriginalProof,
  originalLeaf,
  OriginalTreeBuilder,
  proofIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import type { AskedChunk } from '../../src/protocol/views.js'
import type { HeldCopy } from './pinner.js'

/** The author's leaf of a block, and its path to the roots. */
export function ofOriginal(
  blocks: readonly Buffer[],
  index: number
): { leaf: { size: number; hash: Buffer }; original: Uint8Array } {
  const nodes = new Map<number, OriginalNode>()
  const builder = new OriginalTreeBuilder()
  for (const block of blocks) {
    for (const node of builder.appendLeaf(block.byteLength, originalLeaf(block))) nodes.set(node.index, node)
  }
  const { siblings, roots } = proofIndices(index, blocks.length)
  const at = (node: number): OriginalNode => nodes.get(node)!
  const { size, hash } = at(2 * index)
  return {
    leaf: { size, hash: Buffer.from(hash) },
    original: encodeOriginalProof(Buffer.alloc(0), siblings.map(at), roots.map(at))
  }
}

/** How many blocks have a tree with this hash. */
function lengthOf(blocks: readonly Buffer[], treeHash: Uint8Array): number {
  const builder = new OriginalTreeBuilder()
  for (const block of blocks) {
    builder.appendLeaf(block.byteLength, originalLeaf(block))
    if (equal(builder.hash(), treeHash)) return builder.length
  }
  throw new Error('these are not the blocks of this original')
}

/** What a pinner shows of a chunk that it is asked for, whether it is what it should be or not. */
export async function opened(
  segments: readonly HeldCopy[],
  blocks: readonly Buffer[],
  { segment, index }: AskedChunk
): Promise<AnswerEvidence> {
  const { record, chunks, tree } = segments.find(({ record: { root } }) => equal(root, segment.root))!
  const at = index - record.start
  const length = lengthOf(blocks, segment.treeHash)
  const bytes = encodeOpening({
    length,
    proof: encodeProof(await prove(tree, at)),
    level: 0,
    ...ofOriginal(blocks.slice(0, length), index),
    chunk: chunks[at]!
  })
  return evidenceOf(bytes, openingHash(bytes))
}
