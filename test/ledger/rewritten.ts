import { hash } from '../../src/crypto/hash.js'
import type { ForkProof } from '../../src/protocol/fork-proof.js'
import type { Plan, Statement } from '../../src/protocol/operations.js'
import type { Original } from '../../src/protocol/original.js'
import {
  childIndices,
  coveringIndices,
  OriginalTreeBuilder,
  rootIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import { claimOf, type TestNetwork } from './network.js'

/** Blocks as their leaves: all that a ledger knows of them. */
export type Leaf = { size: number; hash: Uint8Array }

export function leaves(name: string, count: number, size = 1_000): Leaf[] {
  return Array.from({ length: count }, (_, i) => ({ size, hash: hash('test/leaf', name, i) }))
}

function treeOf(blocks: readonly Leaf[]): { nodes: Map<number, OriginalNode>; roots: OriginalNode[] } {
  const builder = new OriginalTreeBuilder()
  const nodes = new Map<number, OriginalNode>()
  for (const { size, hash } of blocks)
    for (const node of builder.appendLeaf(size, hash)) nodes.set(node.index, node)
  return { nodes, roots: builder.roots }
}

const bare = ({ size, hash }: OriginalNode): Leaf => ({ size, hash })

/** What the author of `name` signs: these blocks, of this fork. */
export function claimOfBlocks(
  name: string,
  blocks: readonly Leaf[],
  fork = 0
): { key: Buffer; original: Original } {
  return claimOf(name, blocks.length, treeOf(blocks).roots.map(bare), fork)
}

/** A proof of what two trees have in common, or that it is `kept` blocks. */
export function proofOf(before: readonly Leaf[], after: readonly Leaf[], kept?: number): ForkProof {
  let common = 0
  while (before[common] && before[common]?.hash === after[common]?.hash) common++
  kept ??= common
  if (kept === 0) return { kept, prefix: [], below: [], before: [], after: [] }
  const [old, now] = [treeOf(before).nodes, treeOf(after).nodes]
  const rest = (nodes: Map<number, OriginalNode>, length: number): Leaf[] =>
    kept === length
      ? []
      : [2 * kept, ...coveringIndices(kept + 1, length)].map((index) => bare(nodes.get(index)!))
  return {
    kept,
    prefix: rootIndices(kept).map((index) => bare(old.get(index)!)),
    below: rootIndices(kept).flatMap((root) => childIndices(root).map((index) => old.get(index)!.hash)),
    before: rest(old, before.length),
    after: rest(now, after.length)
  }
}

/** That the author of `name` has rewritten it. */
export function forkOf(
  name: string,
  before: readonly Leaf[],
  after: readonly Leaf[],
  { fork = 1, proof = proofOf(before, after) }: { fork?: number; proof?: ForkProof } = {}
): Statement & { kind: 'fork' } {
  return { kind: 'fork', body: { ...claimOfBlocks(name, after, fork), proof } }
}

const PLAN: Plan = {
  copies: 1,
  targetPpm: 0,
  codec: 'wrap',
  every: 1,
  steps: 8,
  maxBytes: 1 << 30,
  topic: Buffer.alloc(32, 9),
  refreshAfterMs: 0
}

/** Registers a hypercore of real blocks. */
export function sponsorBlocks(
  network: TestNetwork,
  name: string,
  blocks: readonly Leaf[],
  { donation = 100_000_000n, ...plan }: Partial<Plan> & { donation?: bigint } = {}
): Buffer {
  const claim = claimOfBlocks(name, blocks)
  network.send(network.supporter, {
    kind: 'sponsor',
    body: { ...claim, plan: { ...PLAN, ...plan }, donation }
  })
  return claim.key
}
