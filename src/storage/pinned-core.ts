import type Hypercore from 'hypercore'
import { leftSpan, parent, rightSpan } from 'flat-tree'
import crypto from 'hypercore-crypto'
import type CorestoreStorage from 'hypercore-storage'
import { codecOf } from '../chunk/codecs.js'
import type { Clock } from '../clock.js'
import { CodecError, StorageError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { leafNode } from '../merkle/node.js'
import {
  announceBits,
  exclusively,
  sharedCore,
  writeBits,
  type CoreState,
  type SharedCore
} from './hypercore-parts.js'
import {
  originalLeaf,
  OriginalTreeBuilder,
  rootIndices,
  treeEnd,
  type OriginalNode
} from '../protocol/original-tree.js'
import { isIn, outside, type BlockRange } from '../protocol/ranges.js'
import type { SignedOriginal } from './original.js'
import {
  decodeNodes,
  decodeProgress,
  decodeTail,
  encodeNodes,
  encodeProgress,
  encodeTail,
  nodesKey,
  nodesRange,
  noteKey,
  progressKey,
  TAIL_KEY,
  type SegmentProgress,
  type TailEnd
} from './progress.js'
import { BlockOpener } from './block-opener.js'
import type { OpenedBlocks } from './opened-blocks.js'
import type { RecordedSegment } from './records.js'
import type { SegmentLeaves } from './segment-leaves.js'
import { SegmentRows } from './segment-rows.js'
import type { Decode, SlowDecode } from './types.js'
import type { Veil } from './veiled-storage.js'
import { equal } from '../bytes.js'

/** Bits of a page of a hypercore's bitfield. */
const PAGE_BITS = 32_768
/** Blocks looked at together when some are deleted: up to 16 MiB each, nearly always 64 KiB. */
const CUT_BLOCKS = 16

/** What a pinned hypercore needs from the store that owns it. */
export interface PinnedCoreHost {
  /** The rows of a hypercore, made if there are none. */
  openRows(data: CorestoreStorage.CoreData): Promise<CorestoreStorage.CoreStorage>
  /** Forgets rows that are empty by now. */
  deleteRows(rows: CorestoreStorage.CoreStorage): Promise<void>
  readonly clock: Clock
  readonly decode: Decode
  readonly slow: SlowDecode | undefined
  readonly opened: OpenedBlocks
  readonly leaves: SegmentLeaves
  /** Blocks of an open hypercore that readers wait for. */
  asked(discoveryKey: Buffer, most: number): number[]
  /** A stock session; the caller closes it. */
  openSession(key: Buffer): Promise<Hypercore>
  /** Runs `work` in the background, unless the store is closing. */
  background(work: () => Promise<void>): void
  /** A block that is held plainly, beyond the segments. */
  tailBlock(key: Buffer, index: number): Promise<Buffer | null>
  onlost(key: Buffer, index: number, reason: string): void
  onfault(key: Buffer, index: number, error: unknown): void
}

/** One hypercore of a pinner: its segments, its rows on disk, and the veil before them. */
export class PinnedCore extends Resource implements Veil {
  readonly key: Buffer
  readonly discoveryKey: Buffer
  readonly manifest: Hypercore.Manifest
  /** Segments in place, by first block; they follow each other without a gap. */
  readonly segments: RecordedSegment[] = []
  /** Segments that others encode again, until nothing asks for their chunks any more. */
  readonly replaced: RecordedSegment[] = []
  /** Segments of copies that are lost: they serve what those in place do not, and may overlap. */
  readonly former: RecordedSegment[] = []
  /** The segment on its way in. */
  pending: RecordedSegment | null = null
  /** Bytes stored of the segment on its way in. */
  pendingBytes = 0
  /** How far what is held plainly beyond the segments reaches; null if there was none yet. */
  tail: TailEnd | null = null
  /** Work on this core that must not overlap. */
  #turn: Promise<unknown> = Promise.resolve()
  #hidden = false
  readonly #host: PinnedCoreHost
  readonly #losing = new Set<number>()
  readonly #opener: BlockOpener
  /** Names it in what several hypercores share. */
  readonly #name: string

  readonly #apart: SegmentRows
  #rows!: CorestoreStorage.CoreStorage

  constructor(key: Uint8Array, manifest: Hypercore.Manifest, host: PinnedCoreHost) {
    super()
    this.key = Buffer.from(key)
    this.discoveryKey = crypto.discoveryKey(this.key)
    this.manifest = manifest
    this.#host = host
    this.#apart = new SegmentRows(host)
    this.#name = this.discoveryKey.toString('hex')
    this.#opener = new BlockOpener({
      opened: host.opened,
      name: this.#name,
      open: (indices) => this.#openSlow(indices),
      asked: (most) => host.asked(this.discoveryKey, most).filter((index) => this.#slowSegment(index))
    })
  }

  protected async start(): Promise<void> {
    const { key, manifest, discoveryKey } = this
    this.#rows = this.own('rows', await this.#host.openRows({ key, manifest, discoveryKey, keyPair: null }))
    this.own('apart', this.#apart)
    this.owe('work', () => this.#turn)
  }

  /** Rows as they are on disk, once it is open. */
  get rows(): CorestoreStorage.CoreStorage {
    return this.#rows
  }

  /** The rows of a segment's chunks, and of what is kept of it while it comes in. */
  rowsOf({ apart, segment }: RecordedSegment): Promise<CorestoreStorage.CoreStorage> {
    return apart ? this.#apart.of(segment.id) : Promise.resolve(this.#rows)
  }

  /** The segment of an id, in place or not. */
  segmentOf(id: Uint8Array): RecordedSegment | undefined {
    return this.all.find(({ segment }) => equal(segment.id, id))
  }

  /** Every segment that has rows here. */
  get all(): RecordedSegment[] {
    return [...this.segments, ...(this.pending ? [this.pending] : []), ...this.former, ...this.replaced]
  }

  /** The segments in place that a range of blocks consists of; null where it begins or ends within one, or beyond them. */
  within(start: number, end: number): RecordedSegment[] | null {
    const found = this.segments.filter((segment) => segment.start >= start && segment.end <= end)
    return found[0]?.start === start && found.at(-1)?.end === end ? found : null
  }

  /** Whether it is being deleted or closed. */
  get hidden(): boolean {
    return this.#hidden || this.signal.aborted
  }

  get servable(): boolean {
    return !this.hidden && this.segments.length + this.former.length > 0
  }

  /** One past the last block that a segment serves. */
  get end(): number {
    return this.former.reduce((end, segment) => Math.max(end, segment.end), this.next)
  }

  /** One past the last block in place: where the next segment of the copy begins. */
  get next(): number {
    return this.segments.at(-1)?.end ?? 0
  }

  /** The newest fork of which there is a segment; null if there is none. */
  get fork(): number | null {
    const forks = [...this.segments, ...this.former].map(({ fork }) => fork)
    return forks.length === 0 ? null : Math.max(...forks)
  }

  /** Encoded bytes on disk; what others replace, or will, is not for long. */
  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, this.pendingBytes)
  }

  /** Runs `work` after all earlier work on this core. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** The segment that serves block `index`. */
  segmentAt(index: number): RecordedSegment | undefined {
    const placed = this.segments.find((segment) => segment.start <= index && index < segment.end)
    if (this.former.length === 0 || (placed && serves(placed, index))) return placed
    return this.former.find((segment) => serves(segment, index)) ?? placed
  }

  /** What is in place is of a copy that is lost: it serves until segments of another one do. */
  retire(): void {
    this.former.push(
      ...this.segments.splice(0).map((other) => Object.assign(other, { state: 'former' as const }))
    )
    for (const other of [...this.former]) {
      const rest = this.former.filter((one) => one !== other)
      if (isServedBy(rest, other)) this.#replaceFormer(other)
    }
  }

  #replaceFormer(record: RecordedSegment): void {
    this.former.splice(this.former.indexOf(record), 1)
    this.replaced.push(Object.assign(record, { state: 'replaced' as const }))
  }

  async reveal(index: number, row: Buffer | null, leaf: OriginalNode | null): Promise<Buffer | null> {
    const segment = this.segmentAt(index)
    if (segment === undefined) return this.#revealPlain(index, leaf)
    if (row === null || leaf === null) return this.#lose(index, 'its chunk is missing')
    // Not every codec notices every flipped bit. The chunk's own leaf does, for a seventh of what the author's costs.
    const whole = await this.#isWhole(segment, index, row)
    let plain: Uint8Array
    try {
      plain = await this.#host.decode(segment.segment, index, row)
    } catch (error) {
      if (error instanceof CodecError) return this.#lose(index, error.message)
      this.#host.onfault(this.key, index, error)
      return null
    }
    if (plain.byteLength !== leaf.size || (!whole && !equal(originalLeaf(plain), leaf.hash))) {
      return this.#lose(index, 'its chunk decodes to other bytes than the author signed')
    }
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  }

  openedBlock(index: number): Promise<Buffer | null> | undefined {
    if (this.#slowSegment(index)) return this.#opener.block(index)
    const segment = this.segmentAt(index)
    return segment?.apart ? this.#revealApart(segment, index) : undefined
  }

  async #revealApart(segment: RecordedSegment, index: number): Promise<Buffer | null> {
    try {
      const [row, leaf] = await Promise.all([this.#row(segment, index), this.#leaf(index)])
      return await this.reveal(index, row, leaf)
    } catch (error) {
      if (!this.signal.aborted) this.#host.onfault(this.key, index, error)
      return null
    }
  }

  async #row(segment: RecordedSegment, index: number): Promise<Buffer | null> {
    const reader = (await this.rowsOf(segment)).read()
    return flushed(reader, reader.getBlock(index))
  }

  #leaf(index: number): Promise<OriginalNode | null> {
    return this.treeNode(2 * index)
  }

  /** A node of the author's tree, if it is here. */
  treeNode(index: number): Promise<OriginalNode | null> {
    const reader = this.rows.read()
    return flushed(reader, reader.getTreeNode(index))
  }

  /** Whether a chunk is the one that was stored, as far as the segment's tree is here to tell. */
  async #isWhole({ segment, start }: RecordedSegment, index: number, row: Buffer): Promise<boolean> {
    const { headerBytes } = codecOf(segment.codec)
    const hash = await this.#host.leaves.hash(segment.id, index - start)
    return hash !== null && row.byteLength >= headerBytes && equal(leafNode(row, headerBytes).hash, hash)
  }

  /**
   * Looks whether the chunk of a held block is on the disk as it was stored. If it is not, its bit is cleared; `unproven`: the
   * chunk is good, and the segment's tree, which proofs are made of, is not.
   */
  async scrub(index: number): Promise<{ bytes: number; found: 'good' | 'lost' | 'unproven' }> {
    const segment = this.segmentAt(index)
    if (segment === undefined) return { bytes: 0, found: 'good' }
    const row = await this.#row(segment, index)
    const bytes = row?.byteLength ?? 0
    if (row !== null && (await this.#isWhole(segment, index, row))) return { bytes, found: 'good' }
    // Of a hole there is nothing else to see.
    if (isIn(segment.holes ?? [], index)) return { bytes, found: row === null ? 'lost' : 'unproven' }
    const plain = await this.reveal(index, row, await this.#leaf(index))
    return { bytes, found: plain === null ? 'lost' : 'unproven' }
  }

  #slowSegment(index: number): RecordedSegment | undefined {
    const segment = this.segmentAt(index)
    return segment && this.#host.slow?.is(segment.segment) ? segment : undefined
  }

  /** Blocks of segments that are slow to open. */
  async #openSlow(indices: number[]): Promise<(Buffer | null)[]> {
    const blocks = new Map<number, Buffer | null>()
    try {
      const bySegment = new Map<RecordedSegment, number[]>()
      for (const index of indices) {
        const segment = this.#slowSegment(index)
        if (segment) bySegment.set(segment, [...(bySegment.get(segment) ?? []), index])
      }
      for (const [record, of] of bySegment) {
        const { segment } = record
        const reader = (await this.rowsOf(record)).read()
        const rows = await flushed(reader, Promise.all(of.map((index) => reader.getBlock(index))))
        const chunks: { index: number; bytes: Buffer }[] = []
        for (const [i, index] of of.entries()) {
          const bytes = rows[i] ?? null
          if (bytes === null) this.#lose(index, 'its chunk is missing')
          else chunks.push({ index, bytes })
        }
        const opened = await this.#host.slow!.open(segment, chunks)
        for (const [i, { index }] of chunks.entries()) {
          const block = opened[i]
          if (Buffer.isBuffer(block)) blocks.set(index, block)
          else if (block instanceof CodecError) this.#lose(index, block.message)
          else this.#host.onfault(this.key, index, block)
        }
      }
    } catch (error) {
      if (!this.signal.aborted) this.#host.onfault(this.key, indices[0]!, error)
    }
    return indices.map((index) => blocks.get(index) ?? null)
  }

  /** A block beyond the segments; nobody is paid for it, so that it is no loss if it is gone. */
  async #revealPlain(index: number, leaf: OriginalNode | null): Promise<Buffer | null> {
    if (leaf === null || this.tail === null || index >= this.tail.length) return null
    const plain = await this.#host.tailBlock(this.key, index).catch((error: unknown) => {
      this.#host.onfault(this.key, index, error)
      return null
    })
    if (plain?.byteLength === leaf.size && equal(originalLeaf(plain), leaf.hash)) return plain
    this.#host.background(async () => void (await this.lost(index)))
    return null
  }

  dropped(index: number): void {
    this.#host.background(async () => void (await this.#forget(index, () => this.#readable(index))))
  }

  /**
   * Clears the bit of block `index` so that peers look elsewhere; the stored chunk stays as it is.
   * Returns false if it was clear already.
   */
  lost(index: number): Promise<boolean> {
    return this.#forget(index, () => Promise.resolve(false))
  }

  #lose(index: number, reason: string): null {
    if (this.#losing.has(index)) return null
    this.#losing.add(index)
    this.#host.background(async () => {
      try {
        // Of several reads that find the damage, only the one whose bit is cleared reports it.
        if (await this.lost(index)) this.#host.onlost(this.key, index, reason)
      } finally {
        this.#losing.delete(index)
      }
    })
    return null
  }

  async #readable(index: number): Promise<boolean> {
    const opened = this.openedBlock(index)
    if (opened) return (await opened) !== null
    const reader = this.rows.read()
    const reads = [reader.getBlock(index), reader.getTreeNode(2 * index)] as const
    reader.tryFlush()
    const [row, leaf] = await Promise.all(reads)
    return (await this.reveal(index, row, leaf)) !== null
  }

  async #forget(index: number, unless: () => Promise<boolean>): Promise<boolean> {
    if (!this.servable) return false
    let forgotten = false
    await this.#withCore(async (core) => {
      if (!core.bitfield.get(index) || (await unless())) return
      const tx = core.state.createWriteBatch()
      writeBits(core, tx, index, index + 1, false)
      const { hints } = core.header
      if (index < hints.contiguousLength) tx.setHints({ ...hints, contiguousLength: index })
      await core.state.flush()
      this.#host.opened.delete(this.#name, index)
      forgotten = true
      await announceBits(core, index, index + 1, false)
    })
    return forgotten
  }

  /** Rows of one kind at the disk's leisure: how far the segment on its way in has come. */
  async progress(record: RecordedSegment): Promise<SegmentProgress> {
    const reader = (await this.rowsOf(record)).read()
    const bytes = await flushed(reader, reader.getLocal(progressKey(record.segment.id)))
    if (bytes !== null) return decodeProgress(bytes)
    return { position: record.start, bytes: 0, roots: await this.#roots(record.start) }
  }

  /** A node of the original's tree, as far as it follows from what is held and from the segment on its way in. */
  async pendingNode(record: RecordedSegment, index: number): Promise<OriginalNode | null> {
    const { segment, start } = record
    const last = rightSpan(index) / 2
    if (last < start) {
      const reader = this.rows.read()
      return flushed(reader, reader.getTreeNode(index))
    }
    const rows = await this.rowsOf(record)
    // It came with the batch that holds its last block, which began not long before.
    for (let back = 64; ; back *= 16) {
      const from = Math.max(start, last - back)
      const range = { gte: nodesKey(segment.id, from), lt: nodesKey(segment.id, last + 1) }
      for await (const { value } of rows.createLocalStream(range)) {
        const found = decodeNodes(value).find((node) => node.index === index)
        if (found) return found
      }
      if (from === start) return null
    }
  }

  /** Deletes blocks `[end, position)` of the segment on its way in, in one write. Returns how far it has come then. */
  async cutPending(
    record: RecordedSegment,
    end: number,
    { position, bytes }: { position: number; bytes: number }
  ): Promise<SegmentProgress> {
    const { id } = record.segment
    const roots: OriginalNode[] = []
    for (const index of rootIndices(treeEnd(record.holes ?? [], end))) {
      roots.push(present(await this.pendingNode(record, index), end))
    }
    const progress = { position: end, bytes, roots }
    const stored = await this.rowsOf(record)
    for (let from = end; from < position; from += CUT_BLOCKS) {
      const reader = stored.read()
      const rows: Promise<Buffer | null>[] = []
      for (let at = from; at < Math.min(position, from + CUT_BLOCKS); at++) rows.push(reader.getBlock(at))
      for (const row of await flushed(reader, Promise.all(rows))) progress.bytes -= row?.byteLength ?? 0
    }
    const tx = stored.write()
    tx.deleteBlockRange(end, position)
    for await (const { key, value } of stored.createLocalStream(nodesRange(id))) {
      const nodes = decodeNodes(value)
      const kept = nodes.filter(({ index }) => rightSpan(index) / 2 < end)
      if (kept.length === 0) tx.deleteLocal(key)
      else if (kept.length < nodes.length) tx.putLocal(key, encodeNodes(kept))
    }
    tx.putLocal(progressKey(id), encodeProgress(progress))
    await tx.flush()
    return progress
  }

  /**
   * Compares what the author signed for a segment on its way in with what peers have sent meanwhile.
   * @param roots of the segment's tree at `record.length`
   * @throws StorageError STORAGE_FORKED if the author signed two histories
   */
  async checkAgainstLive(record: RecordedSegment, roots: readonly OriginalNode[]): Promise<void> {
    const reader = this.rows.read()
    const reads = roots.map((root) => reader.getTreeNode(root.index))
    const [head, nodes] = await flushed(reader, Promise.all([reader.getHead(), Promise.all(reads)]))
    if (head === null || head.length === 0) return
    // The author's signature over its roots says what it has in common with what is held.
    if (record.fork > head.fork) return
    const live = new Map<number, Uint8Array>()
    for (const node of nodes) if (node !== null) live.set(node.index, node.hash)
    if (record.start < head.length && head.length < record.length) {
      for (const root of await this.#roots(head.length)) live.set(root.index, root.hash)
    }
    const agrees = (node: OriginalNode) =>
      live.get(node.index)?.every((byte, i) => byte === node.hash[i]) ?? true
    let same = roots.every(agrees)
    const rows = await this.rowsOf(record)
    for await (const { value } of rows.createLocalStream(nodesRange(record.segment.id))) {
      same &&= decodeNodes(value).every(agrees)
    }
    if (same) return
    throw new StorageError(
      'STORAGE_FORKED',
      `The author signed another history of hypercore ${this.key.toString('hex')} than the one held here.`
    )
  }

  /** Puts a verified segment in place; may be done again after a crash at any point of it. */
  async place(record: RecordedSegment): Promise<void> {
    const { id } = record.segment
    const range = nodesRange(id)
    const stored = await this.rowsOf(record)
    const renewed = record.apart ? (this.within(record.start, record.end) ?? []) : []
    // Of what is encoded again the author's tree is here already.
    if (renewed.length === 0) await this.#copyTree(record)
    if (!this.segments.includes(record)) this.#takePlace(record, renewed)
    await this.#withCore(async (core) => {
      const { state } = core
      const tx = state.createWriteBatch()
      const upgrade = record.length > state.length
      const roots = upgrade ? await this.#roots(record.length) : []
      const head = {
        fork: record.fork,
        length: record.length,
        rootHash: record.treeHash,
        signature: record.signature,
        timestamp: this.#host.clock.wall()
      }
      if (upgrade) tx.setHead(head)
      const served = outside(record.holes ?? [], record.start, record.end)
      // What was lost of others is here again.
      for (const { start, end } of served) writeBits(core, tx, start, end, true)
      await state.flush()
      if (!upgrade) return announceAll(core, served)
      Object.assign(state, {
        fork: record.fork,
        length: record.length,
        roots,
        byteLength: sizeOf(roots),
        signature: record.signature
      } satisfies Partial<CoreState>)
      state.onappend(head, null, true)
      await announceAll(core, served)
    })
    const done = stored.write()
    done.deleteLocal(progressKey(id))
    done.deleteLocal(noteKey(id))
    done.deleteLocalRange(range.gte, range.lt)
    await done.flush()
  }

  /** Has a segment serve its blocks from now on, in the place of those that it encodes again. */
  #takePlace(record: RecordedSegment, renewed: readonly RecordedSegment[]): void {
    const at = renewed.length > 0 ? this.segments.indexOf(renewed[0]!) : this.segments.length
    this.segments.splice(at, renewed.length, record)
    for (const other of renewed) this.replaced.push(Object.assign(other, { state: 'replaced' as const }))
    for (const other of [...this.former]) if (isServedBy(this.segments, other)) this.#replaceFormer(other)
  }

  /** Whether a segment is of a newer fork than what is held: of another tree. */
  isForked({ fork }: RecordedSegment): boolean {
    return this.fork === null || fork > this.fork
  }

  /**
   * Puts a segment in place under which the author's tree is another one than that which is held, from its first block on. The hypercore must not be
   * open; may be done again after a crash at any point of it.
   */
  async placeAnew(record: RecordedSegment): Promise<void> {
    // Its nodes are deleted when all is done.
    if (!(await this.#isHead(record))) await this.#exchangeTree(record)
    await this.#exchangeHead(record)
    this.tail = null
    const first = this.segments.findIndex((other) => other.start >= record.start)
    const replaced = first < 0 ? [] : this.segments.splice(first)
    for (const other of replaced) this.replaced.push(Object.assign(other, { state: 'replaced' as const }))
    this.segments.push(record)
    // What they have beyond it is of the old tree.
    for (const other of [...this.former]) this.#replaceFormer(other)
    const { id } = record.segment
    const range = nodesRange(id)
    const done = (await this.rowsOf(record)).write()
    done.deleteLocal(progressKey(id))
    done.deleteLocal(noteKey(id))
    done.deleteLocalRange(range.gte, range.lt)
    await done.flush()
    this.#hidden = false
  }

  /** Whether what is on the disk ends with this segment already. */
  async #isHead({ fork, length, treeHash }: RecordedSegment): Promise<boolean> {
    const reader = this.rows.read()
    const head = await flushed(reader, reader.getHead())
    return head?.fork === fork && head.length === length && equal(head.rootHash, treeHash)
  }

  /** Writes the author's tree that a segment makes over the one that is there. */
  async #exchangeTree(record: RecordedSegment): Promise<void> {
    const { start } = record
    const cut = this.rows.write()
    cut.deleteTreeNodeRange(2 * start, -1)
    for (const index of nodesOver(start)) cut.deleteTreeNode(index)
    await cut.flush()
    await this.#copyTree(record)
  }

  /** Writes the nodes of the author's tree that came with a segment where hypercore looks for them. */
  async #copyTree(record: RecordedSegment): Promise<void> {
    const stored = await this.rowsOf(record)
    for await (const { value } of stored.createLocalStream(nodesRange(record.segment.id))) {
      const tx = this.rows.write()
      for (const node of decodeNodes(value)) tx.putTreeNode(node)
      await tx.flush()
    }
  }

  /** Has readers begin with the tree that a segment makes, and see its blocks; in one write. */
  async #exchangeHead(record: RecordedSegment): Promise<void> {
    const { start, end, length, holes = [] } = record
    await this.#roots(length)
    const reader = this.rows.read()
    const page = Math.floor(start / PAGE_BITS)
    const [kept, hints] = await flushed(
      reader,
      Promise.all([reader.getBitfieldPage(page), reader.getHints()])
    )
    const tx = this.rows.write()
    tx.setHead({
      fork: record.fork,
      length,
      rootHash: record.treeHash,
      signature: record.signature,
      timestamp: this.#host.clock.wall()
    })
    tx.deleteBitfieldPageRange(page, -1)
    for (let at = page; at * PAGE_BITS < end; at++) {
      tx.putBitfieldPage(at, pageOf(at, { kept: at === page ? kept : null, start, end, holes }))
    }
    // Hypercore looks itself how far all is there, from there on.
    const contiguousLength = Math.min(hints?.contiguousLength ?? 0, start)
    tx.setHints({ remoteContiguousLength: 0, recovering: 0, ...hints, contiguousLength })
    // Nothing is held plainly beyond it, of this tree.
    tx.deleteLocal(TAIL_KEY)
    await tx.flush()
  }

  /** Deletes the chunks of a segment that another one encodes again. */
  async eraseReplaced(record: RecordedSegment): Promise<void> {
    if (record.apart) await this.#apart.erase(record.segment.id)
    else {
      const tx = this.rows.write()
      tx.deleteBlockRange(record.start, record.end)
      await tx.flush()
    }
    this.replaced.splice(this.replaced.indexOf(record), 1)
  }

  /** Plain bytes of the first `length` blocks, which must be in place. */
  async plainBytes(length: number): Promise<number> {
    return sizeOf(await this.#roots(length))
  }

  /** Learns how far the plain tail reaches, after a restart. */
  async recoverTail(): Promise<void> {
    const reader = this.rows.read()
    const bytes = await flushed(reader, reader.getLocal(TAIL_KEY))
    this.tail = bytes === null ? null : decodeTail(bytes)
  }

  /**
   * Serves blocks beyond the segments that are held plainly, up to a length that the author signed; in one write, so that
   * no reader hears of a length of which something is missing.
   *
   * @param leaves of the author's tree from a block on, as far as they are known
   * @returns whether they follow from what is held, and make it longer
   */
  async placeTail(
    original: SignedOriginal,
    leaves: (start: number) => Promise<OriginalNode[]>
  ): Promise<boolean> {
    let placed = false
    await this.#withCore(async (core) => {
      const { state } = core
      const { fork, length, signature, treeHash, byteLength } = original
      const missing = core.bitfield.findFirst(false, this.end)
      const from = missing >= state.length ? state.length : this.end
      if (fork !== state.fork || length <= from || length < state.length) return
      const tree = new OriginalTreeBuilder(await this.#roots(from))
      const nodes: OriginalNode[] = []
      for (const { index, size, hash } of await leaves(from)) {
        if (index !== 2 * tree.length) return
        nodes.push(...tree.appendLeaf(size, hash))
      }
      if (tree.length !== length || !equal(tree.hash(), treeHash)) return
      const tx = state.createWriteBatch()
      for (const node of nodes) tx.putTreeNode(node)
      const timestamp = this.#host.clock.wall()
      const head = { fork, length, rootHash: treeHash, signature, timestamp }
      tx.setHead(head)
      tx.putLocal(TAIL_KEY, encodeTail({ length, byteLength }))
      writeBits(core, tx, from, length, true)
      await state.flush()
      this.tail = { length, byteLength }
      Object.assign(state, { length, roots: tree.roots, byteLength, signature } satisfies Partial<CoreState>)
      state.onappend(head, { start: from, length: length - from, drop: false }, true)
      if (core.hintsChanged) await core.flushHints()
      placed = true
    })
    return placed
  }

  async #roots(length: number): Promise<OriginalNode[]> {
    const reader = this.rows.read()
    const reads = rootIndices(length).map((index) => reader.getTreeNode(index))
    const nodes = await flushed(reader, Promise.all(reads))
    return nodes.map((node) => present(node, length))
  }

  /** Deletes what the segment on its way in has written. */
  async erasePending(record: RecordedSegment, position: number): Promise<void> {
    if (record.apart) return this.#apart.erase(record.segment.id)
    const tx = this.rows.write()
    const range = nodesRange(record.segment.id)
    tx.deleteBlockRange(record.start, position)
    tx.deleteLocal(progressKey(record.segment.id))
    tx.deleteLocal(noteKey(record.segment.id))
    tx.deleteLocalRange(range.gte, range.lt)
    await tx.flush()
  }

  /** Deletes every row of this hypercore; its sessions must be closed. */
  async eraseAll(): Promise<void> {
    for (const { apart, segment } of this.all) if (apart) await this.#apart.erase(segment.id)
    const tx = this.rows.write()
    tx.deleteHead()
    tx.deleteBlockRange(0, -1)
    tx.deleteTreeNodeRange(0, -1)
    tx.deleteBitfieldPageRange(0, -1)
    tx.deleteLocalRange(Buffer.alloc(0), null)
    await tx.flush()
  }

  /** From here on nobody opens it. */
  hide(): void {
    this.#host.opened.forget(this.#name)
    this.#hidden = true
  }

  /** Closes the rows in the midst of work on this core, which is then over. */
  async forget(): Promise<void> {
    await this.release(this.#rows)
  }

  async #withCore(change: (core: SharedCore) => Promise<void>): Promise<void> {
    const session = await this.#host.openSession(this.key)
    try {
      await session.ready()
      const core = sharedCore(session)
      await exclusively(core, () => change(core))
    } finally {
      await session.close()
    }
  }
}

/** Whether a segment has block `index` and serves it. */
function serves({ start, end, holes = [] }: RecordedSegment, index: number): boolean {
  return start <= index && index < end && !isIn(holes, index)
}

/** Whether segments serve every block that another one does. */
function isServedBy(
  segments: readonly RecordedSegment[],
  { start, end, holes = [] }: RecordedSegment
): boolean {
  const ranges = segments.flatMap((one) => outside(one.holes ?? [], one.start, one.end))
  let at = start
  for (const range of [...ranges, ...holes].sort((a, b) => a.start - b.start))
    if (range.start <= at) at = Math.max(at, range.end)
  return at >= end
}

/** Flat indices before that of block `start` of nodes that have it, or a later one, below them too. */
function nodesOver(start: number): number[] {
  const indices: number[] = []
  for (let at = 2 * start; leftSpan(at) > 0;) {
    at = parent(at)
    if (at < 2 * start) indices.push(at)
  }
  return indices
}

/** A page of a bitfield: as it was before block `start`, ones up to `end` but for holes, and none beyond. */
function pageOf(
  page: number,
  {
    kept,
    start,
    end,
    holes
  }: { kept: Buffer | null; start: number; end: number; holes: readonly BlockRange[] }
): Buffer {
  const bits = Buffer.alloc(PAGE_BITS / 8)
  for (let bit = 0; bit < PAGE_BITS; bit++) {
    const at = page * PAGE_BITS + bit
    const byte = bit >> 3
    const mask = 1 << (bit & 7)
    const isSet = at < start ? ((kept?.[byte] ?? 0) & mask) !== 0 : at < end && !isIn(holes, at)
    if (isSet) bits[byte]! |= mask
  }
  return bits
}

async function announceAll(core: SharedCore, ranges: readonly BlockRange[]): Promise<void> {
  for (const { start, end } of ranges) await announceBits(core, start, end, true)
}

function sizeOf(roots: readonly OriginalNode[]): number {
  return roots.reduce((sum, root) => sum + root.size, 0)
}

function present(node: OriginalNode | null, length: number): OriginalNode {
  if (node !== null) return node
  throw new StorageError(
    'STORAGE_DAMAGED',
    `The original's tree of ${length} blocks is incomplete on disk; remove this hypercore and fetch it again.`
  )
}

function flushed<T>(reader: CorestoreStorage.Reader, reads: Promise<T>): Promise<T> {
  reader.tryFlush()
  return reads
}
