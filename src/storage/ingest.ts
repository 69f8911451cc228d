import { StorageError } from '../errors.js'
import { signatureHolds } from './hypercore-parts.js'
import {
  coveringIndices,
  originalLeaf,
  OriginalTreeBuilder,
  treeEnd,
  type OriginalNode
} from '../protocol/original-tree.js'
import type { PinnedCore } from './pinned-core.js'
import {
  encodeNodes,
  encodeProgress,
  nodesKey,
  noteKey,
  progressKey,
  type SegmentProgress
} from './progress.js'
import type { Records, RecordedSegment } from './records.js'
import type { HoleBlock, Ingest, IngestBlock, SegmentSpec } from './types.js'
import { equal } from '../bytes.js'
import { isIn, type BlockRange } from '../protocol/ranges.js'

/** What an ingest needs from the store that owns it. */
export interface IngestHost {
  readonly records: Records
  /** Throws STORAGE_QUOTA or STORAGE_DISK_FULL if there is no room for `bytes` more. */
  reserve(bytes: number): Promise<void>
  /** Turns failures of the disk into coded errors. */
  guard<T>(work: () => Promise<T>): Promise<T>
  /** Puts a verified segment in place, also in place of others that it encodes again. */
  place(core: PinnedCore, record: RecordedSegment): Promise<void>
  /** Deletes the segment, and the hypercore with it if nothing else of it is held. */
  erase(core: PinnedCore, record: RecordedSegment, position: number): Promise<void>
  /** Called once when the ingest is over, in whatever way. */
  over(core: PinnedCore): void
}

/**
 * Writes a segment's chunks where hypercore will look for them, without the bits that would make them visible,
 * and grows the original's tree beside them. Blocks, tree nodes and position go to the disk in one write.
 */
export class SegmentIngest implements Ingest {
  readonly spec: SegmentSpec
  readonly nodeFile: string
  readonly #core: PinnedCore
  readonly #record: RecordedSegment
  readonly #host: IngestHost
  /** Ends where a subtree of holes begins that is not here whole. */
  #tree: OriginalTreeBuilder
  #position: number
  #bytes: number
  #over = false

  constructor(
    core: PinnedCore,
    record: RecordedSegment,
    progress: SegmentProgress,
    nodeFile: string,
    host: IngestHost
  ) {
    this.spec = record
    this.nodeFile = nodeFile
    this.#core = core
    this.#record = record
    this.#host = host
    this.#tree = new OriginalTreeBuilder(progress.roots)
    this.#position = progress.position
    this.#bytes = progress.bytes
  }

  get position(): number {
    return this.#position
  }

  get bytes(): number {
    return this.#bytes
  }

  append(blocks: readonly IngestBlock[]): Promise<void> {
    return this.#step(async () => {
      if (blocks.length === 0) return
      const { id } = this.#record.segment
      const tree = new OriginalTreeBuilder(this.#tree.roots)
      const nodes: OriginalNode[] = []
      let position = this.position
      const tx = (await this.#core.rowsOf(this.#record)).write()
      let bytes = this.#bytes
      for (const block of blocks) {
        this.#checkBlock(block, position++)
        if ('hole' in block) {
          if (block.hole !== null) nodes.push(...tree.appendNode(block.hole))
        } else {
          const size = 'plain' in block ? block.plain.byteLength : block.plainBytes
          const leaf = 'plain' in block ? originalLeaf(block.plain) : Buffer.from(block.leaf)
          nodes.push(...tree.appendLeaf(size, leaf))
        }
        if (tree.length !== treeEnd(this.#holes, position)) throw this.#disordered(block.index)
        tx.putBlock(block.index, block.encoded)
        bytes += block.encoded.byteLength
      }
      await this.#host.reserve(bytes - this.#bytes)
      tx.putLocal(nodesKey(id, this.position), encodeNodes(nodes))
      tx.putLocal(progressKey(id), encodeProgress({ position, bytes, roots: tree.roots }))
      await tx.flush()
      this.#tree = tree
      this.#position = position
      this.#bytes = this.#core.pendingBytes = bytes
    })
  }

  check(rest: readonly OriginalNode[] = []): Promise<void> {
    return this.#step(async () => {
      const { tree } = this.#completed(this.position, rest)
      this.#checkTree(tree)
      await this.#core.checkAgainstLive(this.#record, tree.roots)
    })
  }

  cutBack(end: number): Promise<void> {
    return this.#step(async () => {
      if (end < this.#record.start || end > this.position) throw this.#incomplete(end)
      if (end === this.position) return
      const { position, bytes } = this
      const progress = await this.#core.cutPending(this.#record, end, { position, bytes })
      this.#tree = new OriginalTreeBuilder(progress.roots)
      this.#position = progress.position
      this.#bytes = this.#core.pendingBytes = progress.bytes
    })
  }

  keepNote(note: Uint8Array): Promise<void> {
    return this.#step(async () => {
      const tx = (await this.#core.rowsOf(this.#record)).write()
      tx.putLocal(noteKey(this.#record.segment.id), note)
      await tx.flush()
    })
  }

  note(): Promise<Buffer | null> {
    return this.#step(async () => {
      const reader = (await this.#core.rowsOf(this.#record)).read()
      const note = reader.getLocal(noteKey(this.#record.segment.id))
      reader.tryFlush()
      return note
    })
  }

  node(index: number): Promise<OriginalNode | null> {
    return this.#step(() => this.#core.pendingNode(this.#record, index))
  }

  finish(options: { end?: number; rest?: readonly OriginalNode[] } = {}): Promise<void> {
    return this.#step(async () => {
      const { end = this.#record.end, rest = [] } = options
      if (this.position !== end || end <= this.#record.start || end > this.#record.end) {
        throw this.#incomplete(end)
      }
      const tree = await this.#complete(end, rest)
      try {
        this.#checkTree(tree)
        await this.#core.checkAgainstLive(this.#record, tree.roots)
      } catch (error) {
        if (error instanceof StorageError && error.code !== 'STORAGE_FAILED') await this.#erase()
        throw error
      }
      this.#host.records.verified(this.#record.segment.id, end, this.#bytes)
      Object.assign(this.#record, { end, bytes: this.#bytes, state: 'verified' })
      this.#core.pendingBytes = 0
      this.#end()
      await this.#host.place(this.#core, this.#record)
    })
  }

  abort(): Promise<void> {
    return this.#step(() => this.#erase())
  }

  async suspend(): Promise<void> {
    if (this.#over) return
    await this.#step(() => {
      this.#end()
      return Promise.resolve()
    })
  }

  /** The tree at the original's length; its last nodes are stored beside the others. */
  async #complete(end: number, rest: readonly OriginalNode[]): Promise<OriginalTreeBuilder> {
    const { tree, nodes } = this.#completed(end, rest)
    if (nodes.length > 0) {
      const tx = (await this.#core.rowsOf(this.#record)).write()
      tx.putLocal(nodesKey(this.#record.segment.id), encodeNodes(nodes))
      await tx.flush()
    }
    return tree
  }

  /** The tree at the original's length, and the nodes that came into being on the way from `end` to there. */
  #completed(
    end: number,
    rest: readonly OriginalNode[]
  ): { tree: OriginalTreeBuilder; nodes: OriginalNode[] } {
    // Half a subtree of holes leads nowhere.
    if (this.#tree.length !== end) throw this.#incomplete(end)
    const tree = new OriginalTreeBuilder(this.#tree.roots)
    const wanted = coveringIndices(end, this.#record.length)
    const fits = rest.length === wanted.length && rest.every((node, i) => node.index === wanted[i])
    if (!fits) {
      throw new StorageError(
        'STORAGE_INCOMPLETE',
        `Blocks ${end} to ${this.#record.length} must be stood for by ${wanted.length} tree nodes, got ${rest.length}.`
      )
    }
    return { tree, nodes: rest.flatMap((node) => tree.appendNode(node)) }
  }

  #checkTree(tree: OriginalTreeBuilder): void {
    if (!equal(tree.hash(), this.#record.treeHash)) {
      throw new StorageError(
        'STORAGE_TREE_MISMATCH',
        `The blocks of the segment from ${this.#record.start} are not those of the original on record.`
      )
    }
    if (!signatureHolds(this.#record, tree.roots)) {
      throw new StorageError(
        'STORAGE_SIGNATURE',
        `The author's signature does not hold over ${this.#record.length} blocks of this hypercore.`
      )
    }
  }

  #incomplete(end: number): StorageError {
    return new StorageError(
      'STORAGE_INCOMPLETE',
      `The segment ends at block ${end}, but block ${this.position} is the next one wanted.`
    )
  }

  #checkBlock(block: IngestBlock, wanted: number): void {
    const isHole = isIn(this.#holes, wanted)
    const fits = 'hole' in block ? isHole : !isHole && isHashed(block)
    if (block.index === wanted && wanted < this.#record.end && fits && block.encoded.byteLength > 0) return
    throw this.#disordered(block.index)
  }

  #disordered(index: number): StorageError {
    return new StorageError(
      'STORAGE_ORDER',
      `Block ${this.position} of a segment that ends at ${this.#record.end} is next, got block ${index}.`
    )
  }

  get #holes(): readonly BlockRange[] {
    return this.#record.holes ?? []
  }

  async #erase(): Promise<void> {
    const { position } = this
    this.#record.state = 'aborting'
    this.#end()
    await this.#host.erase(this.#core, this.#record, position)
  }

  #end(): void {
    this.#over = true
    this.#host.over(this.#core)
  }

  #step<T>(work: () => Promise<T>): Promise<T> {
    return this.#core.inTurn(() => {
      if (this.#over) {
        throw new StorageError('STORAGE_INGEST_OVER', 'This segment is finished, aborted or suspended.')
      }
      return this.#host.guard(work)
    })
  }
}

/** Whether a block's size and leaf are known. */
function isHashed(block: Exclude<IngestBlock, HoleBlock>): boolean {
  if ('plain' in block) return true
  const { plainBytes, leaf } = block
  return Number.isSafeInteger(plainBytes) && plainBytes >= 0 && leaf.byteLength === 32
}
