import { join } from 'node:path'
import type Hypercore from 'hypercore'
import { opened } from '../../lifecycle.js'
import type { SignedRecord } from '../../protocol/hand-over.js'
import type { AssignmentView } from '../../protocol/views.js'
import { StorageError, SwarmError } from '../../errors.js'
import { NodeFile } from '../../storage/node-file.js'
import { findHoles, holeNodes } from '../../storage/holes.js'
import { originalNode } from '../../storage/original.js'
import { blocksOf, outside, within, type BlockRange } from '../../protocol/ranges.js'
import { coveringIndices, type OriginalNode } from '../../protocol/original-tree.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import type { Ingest, SegmentSpec } from '../../storage/types.js'
import { SwarmReader, knownLength } from '../../swarm/reader.js'
import type { Member } from '../member.js'
import { SegmentFault, originalEvidence } from './segment-fault.js'

/** How long the original may take to be found, or a block of it that is needed; and all of that. */
const ORIGINAL_MS = 15_000
const SEARCH_MS = 60_000
/** How long others may take to show that they have what a signer found nowhere. */
const LOOK_MS = 5_000

/** Compares what a pinner decoded with what the author signed, with the help of the swarm where more of the original is needed. */
export class OriginalCheck {
  readonly #member: Member
  readonly #store: PinnerStore

  constructor(member: Member, store: PinnerStore) {
    this.#member = member
    this.#store = store
  }

  /**
   * Whether the decoded chunks are the author's blocks. If not, the wrong one is looked for with the help of the swarm.
   *
   * @throws SegmentFault if it is found; else StorageError
   */
  async check(
    ingest: Ingest,
    assignment: AssignmentView,
    { checkpoint, rest }: { checkpoint: SignedRecord; rest: readonly OriginalNode[] }
  ): Promise<void> {
    try {
      await ingest.check(rest)
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'STORAGE_TREE_MISMATCH') throw error
      const evidence = await this.#findWrongBlock(ingest, assignment, checkpoint).catch(
        (failure: unknown) => {
          this.#member.log('pinner.fault-not-found', { draw: assignment.draw, error: failure as Error })
          return undefined
        }
      )
      throw evidence ? new SegmentFault(error, evidence) : error
    }
  }

  async #findWrongBlock(
    ingest: Ingest,
    { hypercore, length, topic }: AssignmentView,
    checkpoint: SignedRecord
  ): Promise<Uint8Array | undefined> {
    const { signal } = this.#member
    const { clock } = this.#member.options
    const until = clock.now() + SEARCH_MS
    const nodes = await opened(new NodeFile(ingest.nodeFile))
    try {
      return await this.#withOriginal(ingest.spec, topic, (core) =>
        originalEvidence(checkpoint, length, {
          own: (at) => ingest.node(at),
          original: (at) => {
            signal.throwIfAborted()
            const left = Math.max(1, Math.min(ORIGINAL_MS, until - clock.now()))
            return originalNode(core, at, left)
          },
          encoded: (index) => this.#store.getEncoded(hypercore, index, ingest.spec.segment.id),
          nodes
        })
      )
    } finally {
      await nodes.close()
    }
  }

  /** The nodes that complete a tree of the first `end` blocks to the length that the author signed: the swarm has them. */
  async restOf(spec: Ingest['spec'], end: number, topic: Uint8Array): Promise<OriginalNode[]> {
    const wanted = coveringIndices(end, spec.length)
    if (wanted.length === 0) return []
    const { signal } = this.#member
    const { clock } = this.#member.options
    const until = clock.now() + SEARCH_MS
    return this.#withOriginal(spec, topic, async (core) => {
      const rest: OriginalNode[] = []
      for (const at of wanted) {
        signal.throwIfAborted()
        const left = Math.max(1, Math.min(ORIGINAL_MS, until - clock.now()))
        rest.push(await originalNode(core, at, left))
      }
      return rest
    })
  }

  /**
   * Looks whether nobody else has what a signer says that nobody has, and what the author's tree has in its place.
   *
   * @throws SwarmError SEGMENT_HOLES if somebody has some of it; StorageError STORAGE_NO_ORIGINAL
   */
  async nodesOf(spec: SegmentSpec, topic: Uint8Array): Promise<Map<number, OriginalNode>> {
    const { holes = [], start, end } = spec
    if (holes.length === 0) return new Map()
    const { signal } = this.#member
    const { clock } = this.#member.options
    return this.#withOriginal(spec, topic, async (core) => {
      const found = await findHoles(core, start, end, { clock, waitMs: LOOK_MS, signal })
      const served = holes.flatMap((hole) => outside(found, hole.start, hole.end))
      const own = served.length > 0 ? served : this.#ownBlocks(spec)
      if (own.length > 0) {
        const why = `${blocksOf(own)} blocks from ${own[0]!.start} on are served, of which the signer says that nobody has them`
        throw new SwarmError('SEGMENT_HOLES', why)
      }
      return holeNodes(core, holes, { clock, waitMs: SEARCH_MS, signal })
    })
  }

  /** What this pinner itself has of a segment's holes. */
  #ownBlocks({ key, holes = [] }: SegmentSpec): BlockRange[] {
    const held = this.#store.segments(key).filter(({ state }) => state !== 'pending')
    return held.flatMap((segment) =>
      outside(segment.holes ?? [], segment.start, segment.end).flatMap(({ start, end }) =>
        within(holes, start, end)
      )
    )
  }

  /** Works on the original as the swarm has it. */
  async #withOriginal<T>(
    { key, length, segment }: SegmentSpec,
    topic: Uint8Array,
    work: (core: Hypercore) => Promise<T>
  ): Promise<T> {
    const { options, signal } = this.#member
    const { clock, network, randomBytes } = options
    const dir = join(options.dir, `original-${Buffer.from(segment.id).toString('hex')}`)
    const reader = new SwarmReader({ network, dir, seed: randomBytes(32) })
    try {
      const core = await reader.open(key, [topic])
      await knownLength(core, length, { clock, timeoutMs: ORIGINAL_MS, signal })
      return await work(core)
    } finally {
      await reader.discard()
    }
  }
}
