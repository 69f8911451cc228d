import type Hypercore from 'hypercore'
import type { Clock } from '../clock.js'
import type { BlockRange } from '../protocol/ranges.js'
import { blocksBelow, coveringIndices, type OriginalNode } from '../protocol/original-tree.js'
import { pause } from '../wait.js'
import { sharedCore, unservedBlocks } from './hypercore-parts.js'
import { originalNode } from './original.js'

const LOOK_MS = 100

export interface HoleOptions {
  clock: Clock
  /** How long peers may take to say what they have. */
  waitMs: number
  signal?: AbortSignal | undefined
}

/**
 * Holes: blocks in `[start, end)` of an open hypercore that nobody has. Returns at once where every block is with somebody, and
 * else when the time is over; without any peer nothing is known, and nothing is a hole.
 */
export async function findHoles(
  core: Hypercore,
  start: number,
  end: number,
  { clock, waitMs, signal }: HoleOptions
): Promise<BlockRange[]> {
  await core.ready()
  const shared = sharedCore(core)
  const until = clock.now() + waitMs
  let asked = false
  for (;;) {
    signal?.throwIfAborted()
    const holes = unservedBlocks(shared, start, end)
    if (holes.length === 0) return []
    // Who is asked for a block says which ones around it are there.
    if (!asked) core.get(holes[0]!.start, { timeout: waitMs }).catch(() => {})
    asked = true
    if (clock.now() >= until) return core.peers.length > 0 ? holes : []
    await pause(clock, LOOK_MS, signal)
  }
}

/**
 * The nodes of the author's tree that stand for holes, by the last block below each. Stock clients delete the tree below what they
 * clear, but not these: the proof of a block beside a hole needs them, and brings them.
 *
 * @throws StorageError STORAGE_NO_ORIGINAL if one does not come in time
 */
export async function holeNodes(
  core: Hypercore,
  holes: readonly BlockRange[],
  { clock, waitMs, signal }: HoleOptions
): Promise<Map<number, OriginalNode>> {
  const until = clock.now() + waitMs
  const nodes = new Map<number, OriginalNode>()
  for (const index of holes.flatMap(({ start, end }) => coveringIndices(start, end))) {
    signal?.throwIfAborted()
    const left = Math.max(1, until - clock.now())
    nodes.set(blocksBelow(index).end - 1, await originalNode(core, index, left))
  }
  return nodes
}
