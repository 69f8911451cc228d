import { blake3, hash } from '../../src/crypto/hash.js'
import { OriginalTreeBuilder, originalLeaf } from '../../src/protocol/original-tree.js'
import type { Original } from '../../src/protocol/original.js'
import { claimOf } from '../ledger/network.js'

/** A hypercore in memory, at one of its lengths: blocks, and what its author signed of them. */
export interface Authored {
  name: string
  key: Buffer
  original: Original
  blocks: Buffer[]
}

/** Blocks that follow from a name: some of them longer than others. */
export function blocksOf(name: string, count: number, meanBytes: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const one = hash('simulate/block', name, i)
    const bytes = Math.max(1, Math.floor((meanBytes * (1 + (one[0]! % 8))) / 4.5))
    return Buffer.alloc(bytes, one)
  })
}

/** What an author signs over its blocks. */
export function author(name: string, blocks: Buffer[], fork = 0): Authored {
  const builder = new OriginalTreeBuilder()
  for (const block of blocks) builder.appendLeaf(block.byteLength, originalLeaf(block))
  const roots = builder.roots.map(({ size, hash }) => ({ size, hash: Buffer.from(hash) }))
  return { name, blocks, ...claimOf(name, blocks.length, roots, fork) }
}

/** A hypercore of which there is a signature, and nothing else: nobody has its blocks, and its roots are what its author likes. */
export function phantom(name: string, length: number, byteLength: number): Authored {
  const roots = [{ size: byteLength, hash: blake3(Buffer.from(name)) }]
  if ((length & (length - 1)) !== 0) throw new RangeError('one root stands for a power of two of blocks')
  return { name, blocks: [], ...claimOf(name, length, roots) }
}
