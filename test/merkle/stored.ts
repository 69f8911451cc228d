import { TreeBuilder } from '../../src/merkle/builder.js'
import type { TreeNode, TreeRoot } from '../../src/merkle/node.js'
import { MemoryTree } from '../../src/merkle/reader.js'

export interface StoredTree {
  tree: MemoryTree
  root: TreeRoot
  leaves: TreeNode[]
}

/** A stored tree whose leaf `i` says that it has `sizes[i]` bytes; no chunk stands behind it. */
export function storedTree(sizes: number[]): StoredTree {
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  const leaves = sizes.map((bytes, i) => leafOfSize(bytes, i))
  for (const leaf of leaves) builder.appendLeaf(leaf)
  return { tree, root: builder.root(), leaves }
}

/** A leaf of `bytes`, unlike those with another mark. */
export function leafOfSize(bytes: number, mark = 0): TreeNode {
  return { hash: new Uint8Array(32).fill(mark + 1), bytes }
}

/** A node to compare: whatever kind of bytes its hash is. */
export function plain({ hash, bytes }: TreeNode): { hash: string; bytes: number } {
  return { hash: Buffer.from(hash).toString('hex'), bytes }
}

/** The numbers 0, 1, … below `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** The `code` of what `run` throws, or undefined if it throws nothing. */
export async function codeThrown(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
