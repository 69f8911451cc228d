import { belowIndices, completingIndices, NO_FORK_PROOF, type ForkProof } from '../protocol/fork-proof.js'
import {
  childIndices,
  coveringIndices,
  leavesBelow,
  rootIndices,
  type OriginalNode
} from '../protocol/original-tree.js'

/** A tree of a hypercore, of which nodes can be asked for; null where one cannot be had. */
export interface TreeSource {
  length: number
  node(index: number): Promise<OriginalNode | null>
}

/** How many of their first blocks two trees have in common; null if a node that it takes cannot be had. */
async function commonBlocks(before: TreeSource, after: TreeSource): Promise<number | null> {
  let nodes = coveringIndices(0, Math.min(before.length, after.length))
  let kept = 0
  // From the left, down to the first block that differs.
  while (nodes.length > 0) {
    const [index, ...rest] = nodes as [number, ...number[]]
    const [old, now] = await Promise.all([before.node(index), after.node(index)])
    if (!old || !now) return null
    if (Buffer.compare(old.hash, now.hash) === 0) {
      kept += leavesBelow(index)
      nodes = rest
    } else if (index % 2 === 0) return kept
    else nodes = childIndices(index)
  }
  return kept
}

/** What shows how much of a tree its author's next fork leaves; null if a node that it takes cannot be had. */
export async function forkProofOf(before: TreeSource, after: TreeSource): Promise<ForkProof | null> {
  const kept = await commonBlocks(before, after)
  if (kept === null) return null
  if (kept === 0) return NO_FORK_PROOF
  const read = async (source: TreeSource, indices: number[]): Promise<OriginalNode[] | null> => {
    const nodes: OriginalNode[] = []
    for (const index of indices) {
      const node = await source.node(index)
      if (node === null) return null
      nodes.push({ index, size: node.size, hash: node.hash })
    }
    return nodes
  }
  const [prefix, below] = [await read(before, rootIndices(kept)), await read(before, belowIndices(kept))]
  const old = await read(before, completingIndices(kept, before.length))
  const now = await read(after, completingIndices(kept, after.length))
  if (!prefix || !below || !old || !now) return null
  return { kept, prefix, below: below.map(({ hash }) => hash), before: old, after: now }
}
