import { concat, equal } from '../bytes.js'
import { ForgeryError, ProofError } from '../errors.js'
import { verifyBatchRecords } from './batch.js'
import { RECORD_BYTES, decodeNode, encodeNode, parentNode, type TreeNode, type TreeRoot } from './node.js'
import { subtree, type ChunkPosition, type NodeReader } from './reader.js'
import { batchNodes, lowerBound, pathLength, split } from './shape.js'

/** Most leaves of one batch proof. */
export const MAX_BATCH_LEAVES = 4096

/** A leaf to be proven: its index among the segment's chunks, and its node made from the chunk itself. */
export interface ProvenLeaf {
  index: number
  leaf: TreeNode
}

/** The siblings from leaf `index` to the root of the first `chunks` leaves, lowest first. */
export async function prove(reader: NodeReader, index: number, chunks = reader.chunks): Promise<TreeNode[]> {
  checkIndices([index], Math.min(chunks, reader.chunks))
  const siblings: TreeNode[] = []
  for (let start = 0, end = chunks; end - start > 1;) {
    const middle = start + split(end - start)
    if (index < middle) {
      siblings.push(await subtree(reader, middle, end))
      end = middle
    } else {
      siblings.push(await subtree(reader, start, middle))
      start = middle
    }
  }
  return siblings.reverse()
}

/**
 * Checks an inclusion proof and tells which bytes of the segment the chunk is: the sizes of the left siblings
 * are under the root's hash too.
 *
 * @throws ProofError `PROOF_INDEX`, `PROOF_LENGTH` (the path does not fit index and chunks), `PROOF_BYTES`
 *   (sizes are no sizes, or do not add up to the root's) or `PROOF_ROOT`
 */
export function verifyProof(
  root: TreeRoot,
  index: number,
  leaf: TreeNode,
  siblings: TreeNode[]
): ChunkPosition {
  checkIndices([index], root.chunks)
  const expected = pathLength(index, root.chunks)
  if (siblings.length !== expected) {
    throw new ProofError('PROOF_LENGTH', `a path of ${siblings.length} nodes, not ${expected}`)
  }
  const isLeft: boolean[] = []
  for (let start = 0, end = root.chunks; end - start > 1;) {
    const middle = start + split(end - start)
    isLeft.push(index >= middle)
    if (index < middle) end = middle
    else start = middle
  }
  let node = leaf
  let offset = 0
  for (const sibling of siblings) {
    const left = isLeft.pop()!
    if (left) offset += sibling.bytes
    node = left ? join(sibling, node) : join(node, sibling)
  }
  checkRoot(root, node)
  return { index, offset, bytes: leaf.bytes }
}

/**
 * One proof for several leaves, without a node that the others give: the nodes that a walk over the tree from
 * left to right meets outside all paths. `indices` in any order, distinct, at most MAX_BATCH_LEAVES.
 */
export async function proveBatch(
  reader: NodeReader,
  indices: number[],
  chunks = reader.chunks
): Promise<TreeNode[]> {
  const sorted = checkIndices(indices, Math.min(chunks, reader.chunks))
  const nodes: TreeNode[] = []
  const walk = async (start: number, end: number, from: number, to: number): Promise<void> => {
    if (from === to) {
      nodes.push(await subtree(reader, start, end))
    } else if (end - start > 1) {
      const middle = start + split(end - start)
      const cut = lowerBound(sorted, middle, from, to)
      await walk(start, middle, from, cut)
      await walk(middle, end, cut, to)
    }
  }
  await walk(0, chunks, 0, sorted.length)
  return nodes
}

/**
 * Checks a batch proof; returns the leaves' positions in the order of `leaves`.
 *
 * @throws ProofError as `verifyProof` does
 */
export function verifyBatch(root: TreeRoot, leaves: ProvenLeaf[], nodes: TreeNode[]): ChunkPosition[] {
  const sorted = checkIndices(
    leaves.map(({ index }) => index),
    root.chunks
  )
  const byIndex = new Map(leaves.map(({ index, leaf }) => [index, leaf]))
  const records = sorted.map((index) => encodeNode(byIndex.get(index)!))
  const found = verifyBatchRecords(root, sorted, concat(records), encodeProof(nodes))
  const offsets = new Map(sorted.map((index, i) => [index, found[i]!]))
  return leaves.map(({ index, leaf }) => ({ index, offset: offsets.get(index)!, bytes: leaf.bytes }))
}

/** Nodes of the batch proof for these leaves. */
export function batchLength(indices: number[], chunks: number): number {
  return batchNodes(checkIndices(indices, chunks), chunks)
}

/** A proof, single or batch, as bytes: its nodes' records. */
export function encodeProof(nodes: TreeNode[]): Uint8Array {
  return concat(nodes.map(encodeNode))
}

/**
 * The nodes of a proof for these leaves of a tree of `chunks`: one index for `verifyProof`, with `batch` for
 * `verifyBatch`.
 *
 * @throws ProofError `PROOF_INDEX`, `PROOF_LENGTH` unless the bytes are exactly as many as such a proof has, or
 *   `PROOF_BYTES`
 */
export function decodeProof(encoded: Uint8Array, index: number, chunks: number): TreeNode[] {
  checkIndices([index], chunks)
  return decodeNodes(encoded, pathLength(index, chunks))
}

/** `decodeProof` for a batch. */
export function decodeBatchProof(encoded: Uint8Array, indices: number[], chunks: number): TreeNode[] {
  return decodeNodes(encoded, batchLength(indices, chunks))
}

function decodeNodes(encoded: Uint8Array, count: number): TreeNode[] {
  if (encoded.byteLength !== count * RECORD_BYTES) {
    throw new ProofError(
      'PROOF_LENGTH',
      `a proof of ${encoded.byteLength} bytes, not ${count * RECORD_BYTES} for these leaves`
    )
  }
  return Array.from({ length: count }, (_, i) => decodeNode(encoded, i * RECORD_BYTES))
}

/** The indices in order, after checking that they are leaves, distinct and not too many. */
function checkIndices(indices: number[], chunks: number): number[] {
  if (!Number.isSafeInteger(chunks)) {
    throw new ProofError('PROOF_INDEX', `no tree has ${chunks} chunks`)
  }
  if (indices.length < 1 || indices.length > MAX_BATCH_LEAVES) {
    throw new ProofError(
      'PROOF_INDEX',
      `a proof is for 1 to ${MAX_BATCH_LEAVES} leaves, not ${indices.length}`
    )
  }
  const sorted = indices.toSorted((a, b) => a - b)
  for (const [i, index] of sorted.entries()) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= chunks || index === sorted[i - 1]) {
      throw new ProofError('PROOF_INDEX', `index ${index} is not one distinct leaf of ${chunks}`)
    }
  }
  return sorted
}

function checkRoot(root: TreeRoot, node: TreeNode): void {
  if (node.bytes !== root.bytes) {
    throw new ProofError(
      'PROOF_BYTES',
      `the proof's sizes add up to ${node.bytes}, the root's is ${root.bytes}`
    )
  }
  if (!equal(node.hash, root.hash)) {
    throw new ForgeryError('PROOF_ROOT', 'the proof does not lead to the root')
  }
}

/** `parentNode` of nodes that a stranger may have sent. */
function join(left: TreeNode, right: TreeNode): TreeNode {
  for (const { bytes } of [left, right]) {
    if (!Number.isSafeInteger(bytes) || bytes < 1) {
      throw new ProofError('PROOF_BYTES', `no node has ${bytes} bytes below it`)
    }
  }
  if (!Number.isSafeInteger(left.bytes + right.bytes)) {
    throw new ProofError('PROOF_BYTES', 'the sizes of the proof are too large')
  }
  return parentNode(left, right)
}
