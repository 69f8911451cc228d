import { sibling } from 'flat-tree'
import type Hypercore from 'hypercore'
import { ChainError, StorageError } from '../errors.js'
import type { Original } from '../protocol/original.js'
import {
  blocksBelow,
  coveringIndices,
  rootIndices,
  treeHashOf,
  type OriginalNode
} from '../protocol/original-tree.js'
import { outside } from '../protocol/ranges.js'
import { encodeManifest, sharedCore, unservedBlocks } from './hypercore-parts.js'
import type { OriginalTree } from './types.js'

/** The newest state of a hypercore that its author signed, or its key fixes, and that this machine has seen. */
export interface SignedOriginal extends OriginalTree {
  byteLength: number
  /** Of the author's tree at `length`, left to right. */
  roots: readonly OriginalNode[]
}

/**
 * What the chain is told of a hypercore, and what a segment of it is checked against.
 *
 * @throws ChainError `HYPERCORE_EMPTY` if it has no blocks
 */
export async function readOriginal(core: Hypercore): Promise<SignedOriginal> {
  await core.ready()
  const { state } = sharedCore(core)
  const { key, manifest } = core
  if (state.length === 0) throw new ChainError('HYPERCORE_EMPTY', `hypercore ${core.id} has no blocks yet`)
  // Hypercore takes no block of a core before it has the manifest.
  if (manifest === null) throw new Error(`hypercore ${core.id} has blocks and no manifest`)
  // Read in one go: a new state of the core replaces all of these at once.
  const { fork, length, byteLength, signature, roots } = state
  return { key, manifest, fork, length, byteLength, roots: [...roots], treeHash: state.hash(), signature }
}

/** An original as operations carry it. */
export function encodeOriginal({ fork, length, roots, manifest, signature }: SignedOriginal): Original {
  return {
    fork,
    length,
    roots: roots.map(({ size, hash }) => ({ size, hash })),
    manifest: encodeManifest(manifest),
    signature: signature ?? new Uint8Array()
  }
}

/**
 * The nodes that complete a tree of the first `end` blocks to the original's `length`: what
 * `Ingest.finish` needs where a segment ends early. The hypercore must have been downloaded.
 *
 * @throws StorageError STORAGE_NO_ORIGINAL if a node is missing
 */
export async function restNodes(core: Hypercore, end: number, length: number): Promise<OriginalNode[]> {
  await core.ready()
  const reader = sharedCore(core).state.storage.read()
  const reads = coveringIndices(end, length).map((index) => reader.getTreeNode(index))
  reader.tryFlush()
  const nodes: OriginalNode[] = []
  for (const node of await Promise.all(reads)) {
    if (node === null) {
      throw new StorageError(
        'STORAGE_NO_ORIGINAL',
        `The tree of hypercore ${core.id} is not complete; download it first.`
      )
    }
    nodes.push(node)
  }
  return nodes
}

/**
 * One node of the original's tree, downloaded with the first block below it that somebody has, or of a hole with one beside it.
 *
 * @throws StorageError STORAGE_NO_ORIGINAL if nobody serves such a block within `timeoutMs`
 */
export async function originalNode(core: Hypercore, index: number, timeoutMs: number): Promise<OriginalNode> {
  await core.ready()
  const read = async (): Promise<OriginalNode | null> => {
    const reader = sharedCore(core).state.storage.read()
    const node = reader.getTreeNode(index)
    reader.tryFlush()
    return node
  }
  let node = await read()
  if (node === null) {
    // What proves a block comes with it: the nodes from its leaf up to one that is known, and those beside them.
    await core.get(nearestServed(core, index), { timeout: timeoutMs }).catch(() => null)
    node = await read()
  }
  if (node !== null) return node
  throw new StorageError(
    'STORAGE_NO_ORIGINAL',
    `Nobody served what is needed of the tree of hypercore ${core.id} within ${timeoutMs} ms.`
  )
}

/**
 * The hash of the author's tree at a length up to the one that is known. Hypercore's own waits for the last block, which may be a hole.
 *
 * @throws StorageError STORAGE_NO_ORIGINAL
 */
export async function treeHashAt(core: Hypercore, length: number, timeoutMs: number): Promise<Uint8Array> {
  const { state } = sharedCore(core)
  if (state.length === length) return state.hash()
  const roots: OriginalNode[] = []
  for (const index of rootIndices(length)) roots.push(await originalNode(core, index, timeoutMs))
  return treeHashOf(roots)
}

/** A block that somebody has, below a node or else beside it; the first one below it where nothing is known. */
function nearestServed(core: Hypercore, index: number): number {
  const shared = sharedCore(core)
  for (const { start, end } of [blocksBelow(index), blocksBelow(sibling(index))]) {
    const last = Math.min(end, core.length)
    const [served] = outside(unservedBlocks(shared, start, last), start, last)
    if (served) return served.start
  }
  return blocksBelow(index).start
}
