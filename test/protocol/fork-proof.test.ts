import assert from 'node:assert/strict'
import test from 'node:test'
import { verifyForkProof } from '../../src/protocol/fork-proof.js'
import { forkProofOf, type TreeSource } from '../../src/storage/fork.js'
import { sharedCore } from '../../src/storage/hypercore-parts.js'
import { readOriginal } from '../../src/storage/original.js'
import type Hypercore from 'hypercore'
import { authorCore, noiseBlocks } from '../storage/support.js'

/** The tree of a hypercore as it is now; what its author takes away afterwards is remembered. */
async function treeOf(core: Hypercore): Promise<TreeSource> {
  const { storage } = sharedCore(core).state
  const nodes = new Map<number, { index: number; size: number; hash: Uint8Array } | null>()
  for (let index = 0; index < 2 * core.length; index++) {
    const reader = storage.read()
    const node = reader.getTreeNode(index)
    reader.tryFlush()
    nodes.set(index, await node)
  }
  return { length: core.length, node: (index) => Promise.resolve(nodes.get(index) ?? null) }
}

for (const [length, kept, more] of [
  [50, 30, 1],
  [50, 49, 0],
  [33, 32, 40],
  [64, 1, 2],
  [7, 6, 1],
  [5, 5, 0],
  [5, 5, 3]
] as const) {
  test(`of ${length} blocks of a stock hypercore a fork with ${more} others shows that it leaves ${kept}`, async (t) => {
    const core = await authorCore(t, noiseBlocks(length, 300, 'a'))
    const before = await treeOf(core)
    const old = await readOriginal(core)
    await core.truncate(kept)
    if (more > 0) await core.append(noiseBlocks(more, 200, 'b'))
    const now = await readOriginal(core)
    assert.equal(now.fork, 1)
    const proof = (await forkProofOf(before, await treeOf(core)))!
    assert.equal(proof.kept, kept)
    // A last block that is a root itself is not counted.
    assert.equal(verifyForkProof(proof, old, now), 300 * (kept - (kept % 2)))
    if (kept < length) assert.throws(() => verifyForkProof(proof, now, now), { code: /^FORK_PROOF_/ })
    const lost: TreeSource = { ...before, node: () => Promise.resolve(null) }
    assert.equal(await forkProofOf(lost, await treeOf(core)), null)
  })
}

test('of trees that have nothing in common nothing is shown', async (t) => {
  const [one, other] = [
    await authorCore(t, noiseBlocks(4, 9, 'a')),
    await authorCore(t, noiseBlocks(4, 9, 'b'))
  ]
  const proof = (await forkProofOf(await treeOf(one), await treeOf(other)))!
  assert.deepEqual(proof, { kept: 0, prefix: [], below: [], before: [], after: [] })
  assert.equal(verifyForkProof(proof, await readOriginal(one), await readOriginal(other)), 0)
})
