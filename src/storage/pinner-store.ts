import { EventEmitter } from 'node:events'
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { diskFreeBytes } from '../disk-space.js'
import { systemClock, type Clock } from '../clock.js'
import { InputError, StorageError, type DatdotError, type ErrorCode } from '../errors.js'
import { Resource, closeAll, opened } from '../lifecycle.js'
import { diskFull, guarded, storageFailure, WORKING_BYTES } from './failures.js'
import { FolderLock, describeHolder, type Holder } from './folder-lock.js'
import { askedBlocks, openCore, sharedCore, watchCores } from './hypercore-parts.js'
import { SegmentIngest, type IngestHost } from './ingest.js'
import {
  blocksBelow,
  coveringIndices,
  encodeOriginalProof,
  proofIndices,
  type OriginalNode
} from '../protocol/original-tree.js'
import { PinnedCore, type PinnedCoreHost } from './pinned-core.js'
import type { SignedOriginal } from './original.js'
import { readChunk } from './read-chunk.js'
import { Records, type RecordedSegment, type SearchedModulus } from './records.js'
import { checkVeil } from './self-check.js'
import { checkSpec, sameSpec } from './spec.js'
import { OpenedBlocks } from './opened-blocks.js'
import { SegmentLeaves } from './segment-leaves.js'
import { writeNothing } from './store-watch.js'
import { TailStore } from './tail-store.js'
import type {
  Decode,
  Ingest,
  PinnerStoreOptions,
  SegmentSpec,
  Scrubbed,
  SlowDecode,
  StoredSegment,
  Tail
} from './types.js'
import { VeiledStorage } from './veiled-storage.js'
import { toHex } from '../bytes.js'

const LOCK_FILE = 'store.json'
const RECORDS_FILE = 'pinner.db'
const ROWS_FOLDER = 'store'
const NODES_FOLDER = 'nodes'
const TAILS_FOLDER = 'tails'
/** RocksDB keeps two of these in memory; its default is 64 MiB. */
const WRITE_BUFFER_BYTES = 16 << 20
/** What is held plainly of one hypercore: bytes, four times what is gathered for a segment, and blocks. */
const TAIL_BYTES = 64 << 20
const TAIL_BLOCKS = 1 << 17
const ALL_TAILS_BYTES = 4 * 2 ** 30
/** Aim of one read from disk in `encodedBlocks`. */
const READ_BYTES = 1 << 20
const READ_BLOCKS = 256
/** Opened blocks that are kept: a second or so of what two cores open. */
const OPENED_BYTES = 64 << 20

/** Failures after which it may be that nothing can be written any more. */
const OF_THE_DISK: ReadonlySet<ErrorCode> = new Set([
  'STORAGE_DISK_FAILED',
  'STORAGE_DISK_FULL',
  'STORAGE_FAILED',
  'STORAGE_LIMIT'
])

interface Events {
  /** A block is gone for good: key, index, reason. Its bit is cleared; the stored chunk is left as it is. */
  lost: [key: Buffer, index: number, reason: string]
  /** A block could not be read this time: key, index, error. */
  fault: [key: Buffer, index: number, error: unknown]
  /** The disk failed at something, or RocksDB did. */
  failed: [error: DatdotError]
}

/** What is open while the store is. */
interface Disk {
  dir: string
  storage: VeiledStorage
  records: Records
  corestore: Corestore
}

/**
 * A pinner's disk: encoded segments of hypercores, served as the plain originals through stock hypercore
 * sessions. No plain block of them is ever written; what authors append beyond them is held plainly beside them, in bounds.
 *
 * @example
 *   const store = await opened(new PinnerStore(dir))
 *   const ingest = await store.beginSegment(spec)
 *   await ingest.append([{ index: ingest.position, encoded, plain }])
 *   await ingest.finish()
 *   const core = store.session(spec.key)
 *   swarm.on('connection', (connection) => store.corestore.replicate(connection))
 */
export class PinnerStore extends Resource {
  /** What was noticed while blocks were read. */
  readonly events = new EventEmitter<Events>()
  readonly #given: string
  readonly #clock: Clock
  readonly #cores = new Map<string, PinnedCore>()
  readonly #ingests = new Map<PinnedCore, SegmentIngest>()
  readonly #tasks = new Set<Promise<void>>()
  #capacityBytes: number
  readonly #minFreeBytes: number
  readonly #decode: Decode
  readonly #slow: SlowDecode | undefined
  readonly #opened: OpenedBlocks
  readonly #leaves = new SegmentLeaves((id) => this.nodeFile(id))
  readonly #tailBytes: number
  #tails!: TailStore
  #disk: Disk | undefined

  /** @param dir the folder, made if it is missing */
  constructor(dir: string, options: PinnerStoreOptions = {}) {
    super()
    this.#given = dir
    this.#clock = options.clock ?? systemClock
    this.#capacityBytes = options.capacityBytes ?? Infinity
    this.#minFreeBytes = options.minFreeBytes ?? WORKING_BYTES
    this.#decode = options.decode ?? readChunk
    this.#slow = options.slow
    this.#opened = new OpenedBlocks(options.openedBytes ?? OPENED_BYTES)
    this.#tailBytes = options.tailBytes ?? ALL_TAILS_BYTES
  }

  /**
   * Opens (or creates) the store and finishes what a crash left half done.
   *
   * @throws InputError STORAGE_IN_USE, STORAGE_DENIED, STORAGE_NOT_A_FOLDER, FOLDER_NO_LOCKS
   * @throws StorageError STORAGE_FORMAT, STORAGE_SELF_CHECK, STORAGE_VERSION, STORAGE_RECORDS_LOST, STORAGE_CORRUPT,
   *   STORAGE_DISK_FULL, STORAGE_FAILED
   */
  protected async start(): Promise<void> {
    const given = this.#given
    const dir = await guarded(given, async () => {
      await mkdir(join(given, NODES_FOLDER), { recursive: true })
      return realpath(given)
    })
    try {
      const inUse = (holder: Holder | null): Error => inUseError(given, holder)
      const path = join(dir, LOCK_FILE)
      await this.acquire('lock', new FolderLock({ path, role: 'pinner', clock: this.#clock, inUse }))
      const storage = new VeiledStorage(join(dir, ROWS_FOLDER), { writeBufferSize: WRITE_BUFFER_BYTES })
      this.own('rows', storage)
      await storage.ready()
      this.#tails = await this.acquire('tails', new TailStore(join(dir, TAILS_FOLDER)))
      await expectRecords(dir)
      const records = this.own('records', new Records(join(dir, RECORDS_FILE)))
      const corestore = this.own('corestore', new Corestore(storage))
      watchCores(corestore, (core) => {
        // An author who truncates must not make a pinner delete what it is paid to keep.
        core.replicator.allowFork = false
        // Nor must a reader that knows a longer tree have it say more than it holds: readers would ask for what is not there.
        core.replicator.eagerUpgrade = false
      })
      this.#disk = { dir, storage, records, corestore }
      this.owe('hypercores', () => this.#closeCores())
      await corestore.ready()
      await checkVeil(storage, corestore)
      await this.#recover()
    } catch (error) {
      throw storageFailure(error, given)
    }
  }

  protected override closedError(cause?: unknown): Error {
    const options = cause === undefined ? {} : { cause }
    return new StorageError('STORAGE_CLOSED', `The store in ${this.#given} is closed.`, options)
  }

  /** The folder as the disk knows it, once it is open. */
  get dir(): string {
    return this.#open.dir
  }

  /** A stock Corestore over this store, once it is open; it opens only the hypercores that are held. */
  get corestore(): Corestore {
    return this.#open.corestore
  }

  /** A stock Corestore of what is held plainly beyond the segments, for a reader that looks for what is new. */
  get tailStore(): Corestore {
    this.#mustBeOpen()
    return this.#tails.corestore
  }

  /** Writes something that changes nothing wherever this store writes. @throws what RocksDB or SQLite say */
  async writeNothing(): Promise<void> {
    const { storage, records } = this.#open
    await Promise.all([writeNothing(storage), this.#tails.writeNothing()])
    records.writeNothing()
  }

  /** What is held plainly beyond the segments. */
  async tails(): Promise<Tail[]> {
    const tails: Tail[] = []
    for (const core of this.#cores.values()) {
      const { key, end: start, tail } = core
      if (!core.servable || tail === null || tail.length <= start) continue
      const bytes = tail.byteLength - (await core.plainBytes(start))
      tails.push({ key, start, end: tail.length, bytes })
    }
    return tails
  }

  /**
   * Where the blocks begin that are to be fetched so that a hypercore can be held plainly up to a length that its author
   * signed; null if it is not held, nothing is missing, it is another fork, or that would be too much.
   */
  async tailStart(key: Buffer, original: SignedOriginal): Promise<number | null> {
    const core = this.#cores.get(toHex(key))
    if (core?.servable !== true) return null
    const { end, tail } = core
    const { fork, length, byteLength } = original
    const isKnown = length <= end || (tail !== null && length <= tail.length)
    if (fork !== core.fork || isKnown || length - end > TAIL_BLOCKS) return null
    const bytes = byteLength - (await this.#guard(() => core.plainBytes(end)))
    if (bytes > TAIL_BYTES) return null
    const others = (await this.tails()).filter((other) => !other.key.equals(core.key))
    if (others.reduce((sum, other) => sum + other.bytes, bytes) > this.#tailBytes) return null
    if ((await diskFreeBytes(this.dir)) < bytes + this.#minFreeBytes) return null
    return end
  }

  /**
   * Serves what `tailStore` has of a hypercore beyond its segments, up to a length that its author signed, if nothing of it
   * is missing. Returns whether it is served.
   */
  async holdTail(key: Buffer, original: SignedOriginal): Promise<boolean> {
    const core = this.#cores.get(toHex(key))
    if (core === undefined) return false
    return core.inTurn(() =>
      this.#guard(async () => {
        const { end } = core
        const { length } = original
        if ((await this.tailStart(key, original)) === null) return false
        if (!(await this.#tails.has(core.key, end, length))) return false
        return core.placeTail(original, (start) => this.#tails.leaves(core.key, start, length))
      })
    )
  }

  /** A node of the author's tree of a hypercore, as it is held; null if it is not here. */
  async originalNode(key: Uint8Array, index: number): Promise<OriginalNode | null> {
    const core = this.#held(key)
    return this.#guard(() => core.treeNode(index))
  }

  /** Deletes what is held plainly of blocks that segments have. */
  async trimTail(key: Buffer): Promise<void> {
    const core = this.#cores.get(toHex(key))
    if (core?.servable !== true) return
    await this.#guard(() => this.#tails.trim(core.key, core.end))
  }

  /** Encoded bytes on disk, of held segments and of those on their way in. */
  get usedBytes(): number {
    let bytes = 0
    for (const core of this.#cores.values()) bytes += core.bytes
    return bytes
  }

  /** Most encoded bytes to hold from now on. What is held beyond that stays. */
  set capacityBytes(bytes: number) {
    this.#capacityBytes = bytes
  }

  /** Room for more encoded bytes; Infinity without `capacityBytes`. */
  get freeBytes(): number {
    return Math.max(0, this.#capacityBytes - this.usedBytes)
  }

  /** All segments, or those of one hypercore: of copies that are lost, of the one that is held, the one on its way in last. */
  segments(key?: Uint8Array): StoredSegment[] {
    const cores = key === undefined ? [...this.#cores.values()] : [this.#cores.get(toHex(key))]
    return cores.flatMap((core) => {
      if (core === undefined) return []
      const former = core.former.map((segment) => ({ ...segment, state: 'former' as const }))
      const held = [...former, ...core.segments.map((segment) => ({ ...segment, state: 'held' as const }))]
      if (core.pending === null) return held
      return [...held, { ...core.pending, state: 'pending' as const, bytes: core.pendingBytes }]
    })
  }

  /**
   * Begins to receive a segment, or goes on with it after a disconnect or restart. Segments of a hypercore
   * come in order, one at a time, without gaps; or one encodes again what some that are held consist of, and takes their place when it is finished.
   *
   * @throws StorageError STORAGE_SPEC, STORAGE_MANIFEST, STORAGE_GAP, STORAGE_NOT_HELD, STORAGE_BUSY,
   *   STORAGE_HELD, STORAGE_DISK_FULL
   */
  async beginSegment(spec: SegmentSpec): Promise<Ingest> {
    this.#mustBeOpen()
    checkSpec(spec)
    if (spec.start !== 0) this.#known(spec.key)
    const core = await this.#guard(() => this.#coreFor(spec))
    return core.inTurn(() =>
      this.#guard(async () => {
        try {
          return await this.#begin(core, spec)
        } catch (error) {
          if (core.all.length === 0 && !core.hidden) await this.#forgetCore(core)
          throw error
        }
      })
    )
  }

  async #begin(core: PinnedCore, spec: SegmentSpec): Promise<Ingest> {
    if (core.hidden) {
      throw new StorageError('STORAGE_BUSY', 'This hypercore was being deleted; begin the segment again.')
    }
    const held = core.segmentOf(spec.segment.id)
    if (held !== undefined && held !== core.pending) {
      throw new StorageError('STORAGE_HELD', `Blocks ${held.start} to ${held.end} are held already.`)
    }
    const resumes = core.pending?.state === 'pending' && sameSpec(core.pending, spec)
    if (this.#ingests.has(core) || (core.pending !== null && !resumes)) {
      throw new StorageError(
        'STORAGE_BUSY',
        'Another segment of this hypercore is on its way in; finish or abort it first.'
      )
    }
    const last = core.segments.at(-1)
    const forks = core.fork !== null && spec.fork > core.fork
    const renews = core.within(spec.start, spec.end) !== null && spec.length <= last!.length && !forks
    const grows = spec.start === core.next && (core.fork === null || core.fork === spec.fork)
    // A fork goes on from where any segment ends; what came before is the author's too if its signature over the new tree holds.
    const begins = spec.start === 0 || core.segments.some(({ end }) => end === spec.start)
    if (!(grows || renews || (forks && begins))) {
      throw new StorageError(
        'STORAGE_GAP',
        `The next segment of this hypercore starts at block ${core.next}, not at ${spec.start}, on the same fork.`
      )
    }
    if (core.pending === null) {
      // Rows where hypercore looks for its own are used once: those of segments that were replaced are deleted as a range.
      const others = [...core.former, ...core.replaced]
      const apart = !grows || others.some((other) => !other.apart && other.end > spec.start)
      this.#open.records.begin(spec, apart)
      core.pending = { ...spec, state: 'pending', bytes: 0, apart }
    }
    const progress = await core.progress(core.pending)
    core.pendingBytes = progress.bytes
    const ingest = new SegmentIngest(
      core,
      core.pending,
      progress,
      this.nodeFile(spec.segment.id),
      this.#ingestHost
    )
    this.#ingests.set(core, ingest)
    return ingest
  }

  /**
   * What is held of a hypercore is of a copy that is lost: another one of it begins anew. Until that has them its blocks are
   * served from what is here, as there may be nothing else that it could be made from. Counts for no capacity.
   *
   * @throws StorageError STORAGE_BUSY
   */
  async retire(key: Uint8Array): Promise<void> {
    const core = this.#known(key)
    await core.inTurn(() =>
      this.#guard(() => {
        if (core.pending !== null)
          throw new StorageError('STORAGE_BUSY', 'A segment of this hypercore is on its way in.')
        core.retire()
        const ids = (records: RecordedSegment[]): Uint8Array[] => records.map(({ segment }) => segment.id)
        this.#open.records.retired(ids(core.former), ids(core.replaced))
        return Promise.resolve()
      })
    )
  }

  /** Where the Merkle node file of a segment belongs. */
  nodeFile(segmentId: Uint8Array): string {
    return join(this.dir, NODES_FOLDER, Buffer.from(segmentId).toString('hex'))
  }

  /**
   * A stock session of a held hypercore; the caller closes it. Peers are served while one is open or as soon
   * as they ask for the hypercore on a connection that `corestore.replicate` was called with.
   *
   * @throws StorageError STORAGE_NOT_HELD
   */
  session(key: Uint8Array): Hypercore {
    this.#held(key)
    return this.corestore.get({ key })
  }

  /**
   * The chunk as it is on disk, or null if there is none; also of the segment on its way in.
   *
   * @param segment id of one of several segments that encode this block. Default: the one that is in place, or on its way in
   * @throws StorageError STORAGE_NOT_HELD
   */
  async getEncoded(key: Uint8Array, index: number, segment?: Uint8Array): Promise<Buffer | null> {
    const core = this.#known(key)
    if (!Number.isSafeInteger(index) || index < 0) return null
    const [row] = await this.#readRows(core, index, index + 1, segment)
    return row ?? null
  }

  /** Segments that others encode again, and that are still here for what was asked of them. */
  replaced(): { key: Buffer; id: Uint8Array }[] {
    return [...this.#cores.values()].flatMap(({ key, replaced }) =>
      replaced.map(({ segment }) => ({ key, id: segment.id }))
    )
  }

  /** Deletes a segment that another one encodes again. */
  async dropReplaced(key: Buffer, id: Uint8Array): Promise<void> {
    const core = this.#cores.get(toHex(key))
    await core?.inTurn(() =>
      this.#guard(async () => {
        const record = core.replaced.find(({ segment }) => Buffer.compare(segment.id, id) === 0)
        if (record === undefined) return
        await core.eraseReplaced(record)
        await rm(this.nodeFile(id), { force: true })
        this.#open.records.deleteSegment(id)
      })
    )
  }

  /** Keeps what a signer shows of the primes of a segment's modulus, until the segment goes. */
  keepPrimeProof(id: Uint8Array, proof: Uint8Array): Promise<void> {
    return this.#guard(() => Promise.resolve(this.#open.records.keepPrimeProof(id, proof)))
  }

  /** What was kept for a segment. */
  primeProof(id: Uint8Array): Buffer | null {
    return this.#open.records.primeProof(id)
  }

  /** Of the held segments whose modulus was searched for factors in fewer steps than these, the one with the fewest. */
  leastSearched(steps: number): SearchedModulus | null {
    return this.#open.records.leastSearched(steps)
  }

  /** Remembers how many steps of the search are done, until the segment goes. */
  setSearched(id: Uint8Array, steps: number): Promise<void> {
    return this.#guard(() => Promise.resolve(this.#open.records.setSearched(id, steps)))
  }

  /** Chunks `[start, end)` in order, missing ones left out, read about 1 MiB at a time. */
  async *encodedBlocks(
    key: Uint8Array,
    start: number,
    end: number,
    segment?: Uint8Array
  ): AsyncGenerator<{ index: number; encoded: Buffer }> {
    const core = this.#known(key)
    let count = 1
    for (let index = start; index < end;) {
      const rows = await this.#readRows(core, index, Math.min(end, index + count), segment)
      let largest = 1
      for (const encoded of rows) {
        if (encoded !== null) {
          largest = Math.max(largest, encoded.byteLength)
          yield { index, encoded }
        }
        index++
      }
      // At most twice as many as before: one small chunk says little about the next ones.
      count = Math.max(1, Math.min(READ_BLOCKS, count * 2, Math.floor(READ_BYTES / largest)))
    }
  }

  /**
   * Proof that the plain block `index` is part of the original that its segment was recorded with, for
   * `verifyOriginalProof`.
   *
   * @throws StorageError STORAGE_NOT_HELD, STORAGE_BLOCK_LOST
   */
  async originalProof(key: Uint8Array, index: number): Promise<Uint8Array> {
    const core = this.#held(key)
    const segment = core.segmentAt(index)
    if (segment === undefined) {
      throw new StorageError('STORAGE_NOT_HELD', `Block ${index} of this hypercore is not held here.`)
    }
    const wanted = proofIndices(index, segment.length)
    const { block, siblings, roots } = await this.#guard(async () => {
      const reader = core.rows.read()
      const row = reader.getBlock(index)
      const leaf = reader.getTreeNode(2 * index)
      const siblings = Promise.all(wanted.siblings.map((at) => reader.getTreeNode(at)))
      const roots = Promise.all(wanted.roots.map((at) => reader.getTreeNode(at)))
      reader.tryFlush()
      const read = await Promise.all([row, leaf, siblings, roots])
      const block = segment.apart ? core.openedBlock(index) : core.reveal(index, read[0], read[1])
      return { block: (await block) ?? null, siblings: read[2], roots: read[3] }
    })
    const nodes = [...siblings, ...roots].filter((node) => node !== null)
    if (block === null || nodes.length < siblings.length + roots.length) {
      throw new StorageError(
        'STORAGE_BLOCK_LOST',
        `Block ${index} of this hypercore cannot be read any more.`
      )
    }
    return encodeOriginalProof(block, nodes.slice(0, siblings.length), nodes.slice(siblings.length))
  }

  /**
   * What an opening shows of a held block in the author's tree: its leaf, or for a hole the node nearest above it, so many steps up, and what
   * leads from there to the tree's hash.
   *
   * @throws StorageError STORAGE_NOT_HELD, STORAGE_BLOCK_LOST
   */
  async provenNode(
    key: Uint8Array,
    index: number
  ): Promise<{ level: number; leaf: OriginalNode; original: Uint8Array }> {
    const core = this.#held(key)
    const segment = core.segmentAt(index)
    if (segment === undefined) {
      throw new StorageError('STORAGE_NOT_HELD', `Block ${index} of this hypercore is not held here.`)
    }
    const hole = segment.holes?.find(({ start, end }) => index >= start && index < end)
    const over = hole ? coveringIndices(hole.start, hole.end) : [2 * index]
    const at = over.find((node) => index < blocksBelow(node).end)!
    const { start, end } = blocksBelow(at)
    const level = Math.log2(end - start)
    const wanted = proofIndices(index, segment.length, level)
    const nodes = await this.#guard(() => {
      const reader = core.rows.read()
      const reads = [at, ...wanted.siblings, ...wanted.roots].map((node) => reader.getTreeNode(node))
      reader.tryFlush()
      return Promise.all(reads)
    })
    const [leaf, ...proof] = nodes.filter((node) => node !== null)
    if (leaf === undefined || proof.length + 1 < nodes.length) {
      throw new StorageError('STORAGE_BLOCK_LOST', `The tree over block ${index} cannot be read any more.`)
    }
    const split = wanted.siblings.length
    const original = encodeOriginalProof(Buffer.alloc(0), proof.slice(0, split), proof.slice(split))
    return { level, leaf, original }
  }

  /**
   * Reads all that is held, one chunk after the other, and holds it against its segment's tree. Blocks whose chunks are damaged or gone
   * are `lost`, as when a reader finds them; what is taken in or deleted meanwhile may be left out.
   *
   * @param rest is called after each chunk, and waited for, so that others get their turn
   * @throws the signal's reason; what the disk says if it cannot be read at all
   */
  async scrub({
    signal,
    rest
  }: {
    signal?: AbortSignal | undefined
    rest?: (bytes: number) => Promise<unknown>
  } = {}): Promise<Scrubbed> {
    const seen: Scrubbed = { chunks: 0, bytes: 0, lost: 0, unproven: 0 }
    for (const core of [...this.#cores.values()]) {
      for (let index = 0; index < core.end && core.servable; index++) {
        signal?.throwIfAborted()
        this.#mustBeOpen()
        const { bytes, found } = await this.#guard(() => core.scrub(index)).catch((error: unknown) =>
          this.#unreadable(core, index, error)
        )
        seen.chunks++
        seen.bytes += bytes
        if (found !== 'good') seen[found]++
        await rest?.(bytes)
      }
    }
    // Bits are cleared in the background.
    await Promise.all(this.#tasks)
    return seen
  }

  /** A part of the disk that cannot be read is lost like what is read as other bytes; what else fails is thrown. */
  async #unreadable(
    core: PinnedCore,
    index: number,
    error: unknown
  ): Promise<{ bytes: number; found: 'lost' }> {
    if (!(error instanceof StorageError) || error.code !== 'STORAGE_CORRUPT') throw error
    if (await core.lost(index)) this.events.emit('lost', core.key, index, error.message)
    return { bytes: 0, found: 'lost' }
  }

  /** Clears the bit of a block so that peers ask others for it. */
  async lost(key: Buffer, index: number): Promise<void> {
    const core = this.#held(key)
    await this.#guard(async () => void (await core.lost(index)))
  }

  /**
   * Deletes a hypercore with all its segments and closes its sessions; nothing happens if it is unknown, or has other
   * segments by now than those of the ids in `only`. Returns whether it was deleted.
   */
  async remove(key: Uint8Array, only?: readonly Uint8Array[]): Promise<boolean> {
    this.#mustBeOpen()
    const id = toHex(key)
    const core = this.#cores.get(id)
    if (core === undefined) return false
    return core.inTurn(async () => {
      // Another call was first, and what has the key now is not what was meant.
      if (this.#cores.get(id) !== core) return false
      const meant = ({ segment }: StoredSegment): boolean =>
        only === undefined || only.some((known) => Buffer.compare(known, segment.id) === 0)
      if (!this.segments(key).every(meant)) return false
      await this.#guard(() => this.#removeCore(core))
      return true
    })
  }

  /** Segments on their way in can go on after the next time it is opened. */
  async #closeCores(): Promise<void> {
    await Promise.allSettled([...this.#ingests.values()].map((ingest) => ingest.suspend()))
    await Promise.allSettled(this.#tasks)
    await closeAll(
      [...this.#cores.values()].map((core) => ({ name: 'hypercore', close: () => core.close() }))
    )
  }

  /** Opens every core of the records behind its veil, then ends what a crash interrupted. */
  async #recover(): Promise<void> {
    const records = this.#open.records.all()
    for (const record of records) {
      const core = await this.#coreFor(record)
      if (record.state === 'held' || (record.state === 'verified' && !record.apart))
        core.segments.push(record)
      else if (record.state === 'former') core.former.push(record)
      else if (record.state === 'replaced') core.replaced.push(record)
      else core.pending = record
    }
    for (const key of this.#open.records.removing()) {
      const core = this.#cores.get(key.toString('hex'))
      if (core !== undefined) await this.#removeCore(core)
    }
    for (const core of [...this.#cores.values()]) {
      for (const record of core.segments) {
        if (record.state === 'verified') await this.#place(core, record)
      }
      await core.recoverTail()
      if (core.pending?.state === 'verified') {
        await this.#place(core, core.pending)
        core.pending = null
      }
      if (core.pending === null) continue
      const progress = await core.progress(core.pending)
      core.pendingBytes = progress.bytes
      if (core.pending.state === 'aborting') await this.#eraseSegment(core, core.pending, progress.position)
    }
  }

  async #place(core: PinnedCore, record: RecordedSegment): Promise<void> {
    if (record.apart && core.isForked(record)) {
      // No reader may see nodes of two trees: what is open is closed, and opened again from what is on the disk then.
      await this.#closeSessions(core)
      await core.placeAnew(record)
    } else await core.place(record)
    record.state = 'held'
    const ids = core.replaced.map(({ segment }) => segment.id)
    this.#open.records.placed(record.segment.id, ids)
  }

  async #coreFor(spec: SegmentSpec): Promise<PinnedCore> {
    const id = toHex(spec.key)
    const known = this.#cores.get(id)
    if (known !== undefined) return known
    const core = await opened(new PinnedCore(spec.key, spec.manifest, this.#coreHost))
    const other = this.#cores.get(id)
    if (other !== undefined || this.signal.aborted) {
      await core.close()
      this.#mustBeOpen()
      return other as PinnedCore
    }
    this.#cores.set(id, core)
    this.#open.storage.register(core.discoveryKey, core)
    return core
  }

  async #removeCore(core: PinnedCore): Promise<void> {
    const ids = core.all.map(({ segment }) => segment.id)
    this.#open.records.setRemoving(core.key)
    this.#ingests.delete(core)
    await this.#closeSessions(core)
    await this.#forgetCore(core)
    await this.#tails.remove(core.key)
    for (const id of ids) await rm(this.nodeFile(id), { force: true })
    this.#open.records.deleteHypercore(core.key)
  }

  async #eraseSegment(core: PinnedCore, record: RecordedSegment, position: number): Promise<void> {
    this.#open.records.setState(record.segment.id, 'aborting')
    await core.erasePending(record, position)
    await rm(this.nodeFile(record.segment.id), { force: true })
    core.pending = null
    core.pendingBytes = 0
    if (core.all.length > 0) return this.#open.records.deleteSegment(record.segment.id)
    await this.#forgetCore(core)
    this.#open.records.deleteHypercore(core.key)
  }

  async #forgetCore(core: PinnedCore): Promise<void> {
    core.hide()
    await core.eraseAll()
    await this.#open.storage.deleteCore(core.rows.core)
    await core.rows.compact()
    this.#open.storage.unregister(core.discoveryKey)
    this.#cores.delete(core.key.toString('hex'))
    await core.forget()
  }

  async #closeSessions(core: PinnedCore): Promise<void> {
    if (!core.servable || openCore(this.corestore, core.discoveryKey) === undefined) return core.hide()
    const session = this.corestore.get({ key: core.key })
    await session.ready()
    core.hide()
    const shared = sharedCore(session)
    await shared.closeAllSessions(null)
    await shared.close()
  }

  async #readRows(core: PinnedCore, start: number, end: number, id?: Uint8Array): Promise<(Buffer | null)[]> {
    return this.#guard(async () => {
      const segment = id === undefined ? core.segmentAt(start) : core.segmentOf(id)
      if (id !== undefined && segment === undefined) return []
      const reader = (segment ? await core.rowsOf(segment) : core.rows).read()
      const rows: Promise<Buffer | null>[] = []
      for (let index = start; index < end; index++) rows.push(reader.getBlock(index))
      reader.tryFlush()
      return Promise.all(rows)
    })
  }

  #known(key: Uint8Array): PinnedCore {
    this.#mustBeOpen()
    const core = this.#cores.get(toHex(key))
    if (core !== undefined) return core
    throw new StorageError('STORAGE_NOT_HELD', `Hypercore ${toHex(key)} is not held here.`)
  }

  #held(key: Uint8Array): PinnedCore {
    const core = this.#known(key)
    if (core.servable) return core
    throw new StorageError('STORAGE_NOT_HELD', `No segment of hypercore ${toHex(key)} is held yet.`)
  }

  get #open(): Disk {
    if (!this.#disk) throw new StorageError('STORAGE_CLOSED', `The store in ${this.#given} is not open yet.`)
    return this.#disk
  }

  #mustBeOpen(): void {
    this.signal.throwIfAborted()
  }

  /** What fails because the store closes says so, and not what the disk says of it. */
  #guard<T>(work: () => Promise<T>): Promise<T> {
    return guarded(this.dir, work).catch((error: unknown) => {
      if (this.signal.aborted && error instanceof StorageError && error.code === 'STORAGE_FAILED') {
        throw this.closedError(error)
      }
      if (error instanceof StorageError && OF_THE_DISK.has(error.code)) this.events.emit('failed', error)
      throw error
    })
  }

  #background(work: () => Promise<void>): void {
    if (this.signal.aborted) return
    const task = work()
      .catch((error: unknown) => {
        if (!this.signal.aborted) this.events.emit('fault', Buffer.alloc(0), -1, error)
      })
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }

  get #coreHost(): PinnedCoreHost {
    return {
      openRows: (data) => this.#open.storage.openRows(data),
      deleteRows: async (rows) => {
        await this.#open.storage.deleteCore(rows.core)
        await rows.compact()
      },
      clock: this.#clock,
      decode: this.#decode,
      slow: this.#slow,
      opened: this.#opened,
      leaves: this.#leaves,
      asked: (discoveryKey, most) => {
        const core = openCore(this.corestore, discoveryKey)
        return core ? askedBlocks(core, most) : []
      },
      openSession: (key) => Promise.resolve(this.corestore.get({ key })),
      tailBlock: (key, index) => this.#tails.block(key, index),
      background: (work) => this.#background(work),
      onlost: (key, index, reason) => this.events.emit('lost', key, index, reason),
      onfault: (key, index, error) => this.events.emit('fault', key, index, error)
    }
  }

  get #ingestHost(): IngestHost {
    return {
      records: this.#open.records,
      reserve: async (bytes) => {
        if (bytes > this.freeBytes) {
          throw new StorageError(
            'STORAGE_QUOTA',
            `The store in ${this.dir} has room for ${this.freeBytes} of its ${this.#capacityBytes} bytes, ` +
              `${bytes} are wanted; raise its capacity or remove a hypercore.`
          )
        }
        if ((await diskFreeBytes(this.dir)) < bytes + this.#minFreeBytes) throw diskFull(this.dir)
      },
      guard: (work) => this.#guard(work),
      place: (core, record) => this.#place(core, record),
      erase: (core, record, position) => this.#eraseSegment(core, record, position),
      over: (core) => {
        if (core.pending?.state === 'verified') core.pending = null
        this.#ingests.delete(core)
      }
    }
  }
}

/** What was lost must not begin anew: the segments would be there, and every challenge refused. @throws StorageError STORAGE_RECORDS_LOST */
async function expectRecords(dir: string): Promise<void> {
  const file = join(dir, RECORDS_FILE)
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => 0
  )
  // A segment has its record before it has its file here.
  if (bytes > 0 || (await readdir(join(dir, NODES_FOLDER))).length === 0) return
  throw new StorageError(
    'STORAGE_RECORDS_LOST',
    `${file} is missing or empty, and segments are in ${dir}: restore it from a backup, or remove ${dir} to begin without copies.`
  )
}

function inUseError(dir: string, holder: Holder | null): InputError {
  return new InputError(
    'STORAGE_IN_USE',
    `The folder ${dir} is in use by ${describeHolder(holder)}; stop it or choose another folder.`
  )
}
