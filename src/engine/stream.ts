import sodium from 'sodium-native'
import { SEED_BYTES, type Codec, type SegmentPublic, type SegmentSecret } from '../chunk/codec.js'
import { MAX_PLAIN_BYTES, type CodecName } from '../chunk/header.js'
import { checkPlainBytes, codecOf } from '../chunk/codecs.js'
import type { Clock, Timer } from '../clock.js'
import { CodecError, EngineError } from '../errors.js'
import { RECORD_BYTES } from '../merkle/node.js'
import { turn } from '../wait.js'
import { Batch } from './batch.js'
import { loans } from './loans.js'
import { fromPlainError, noTimes, type Job, type SlabResult, type StageTimes } from './messages.js'
import { workLargeChunk } from './large.js'
import type { Executor } from './executor.js'
import { OrderedQueue } from './queue.js'
import { SlabLease } from './lease.js'
import type { Slab, SlabPool } from './slab.js'
import { SourceReader, type ChunkRun, type ChunkSource } from './source.js'

/** Most plain bytes of one task: so slow a codec should spread over workers and be stopped soon. */
const TASK_BYTES: Record<CodecName, number> = { wrap: Infinity, seal: 256 * 1024 }
/** What each chunk costs besides its bytes, in bytes that are ciphered and hashed in that time: its signature. */
const SIGNATURE_COST_BYTES: Record<Job, number> = { encode: 24 * 1024, decode: 64 * 1024, leaves: 0 }
/** Most work of a task, such costs included: some 8 ms, so that short streams too are shared by all threads. */
const TASK_COST_BYTES = 12 * 1024 * 1024
/** Most bytes of a task on chunks that stay where they are: it costs no memory, and a core hashes it in 5 ms. */
const IN_PLACE_TASK_BYTES = 32 * 1024 * 1024
/** A source that yields nothing for so long has its last chunks sent on their way in a slab that is not full. */
const FLUSH_AFTER_MS = 2
/** Chunks from this size on are lent to workers; smaller ones are copied in less time than that takes. */
const LEND_BYTES = 4096
/** The main thread does not fill slabs for longer without letting others run. */
const TURN_MS = 4

/** How far a stream is. Times are sums over all threads, in milliseconds. */
export interface StreamProgress extends StageTimes {
  /** Chunks and bytes that have come out. */
  chunks: number
  encodedBytes: number
  plainBytes: number
  /** Time since the stream began. */
  elapsedMs: number
}

export interface StreamOptions {
  /** Ends the stream: its iterator throws the signal's reason. */
  signal?: AbortSignal
  /** Called before each batch comes out. */
  onProgress?: (progress: StreamProgress) => void
  /** Number in the segment's tree of the first chunk's leaf. Default 0. */
  firstLeaf?: number
  /** Has workers hash the plain chunks that come out into the leaves of the original's tree, for `batch.original`. */
  originals?: boolean
}

/** What a stream works on. */
export interface StreamJob {
  job: Job
  segment: SegmentPublic | SegmentSecret
  /** Index in the hypercore of the first chunk. */
  start: number
  /** What all keys are drawn from, by index, instead of a seed for each slab. */
  seed?: Uint8Array
}

/** What streams share. */
export interface StreamContext {
  workers: Executor
  slabs: SlabPool
  clock: Clock
  random: (length: number) => Uint8Array
  /** Aborted when the engine is closed. */
  closing: AbortSignal
}

/** A batch, or the end of the stream after it; `free` gives its memory back. */
interface Result {
  batch: Batch | undefined
  error: Error | undefined
  times: StageTimes
  free: () => void
}

/** Streams chunks through the workers, in order. See `Engine` for what may be thrown. */
export async function* stream(
  context: StreamContext,
  source: ChunkSource,
  job: StreamJob,
  options: StreamOptions = {}
): AsyncGenerator<Batch, void, void> {
  options.signal?.throwIfAborted()
  const { clock } = context
  const started = clock.now()
  const stop = new AbortController()
  const abort = () => stop.abort(options.signal?.reason)
  const close = () => stop.abort(context.closing.reason)
  options.signal?.addEventListener('abort', abort, { once: true })
  context.closing.throwIfAborted()
  context.closing.addEventListener('abort', close, { once: true })
  const { firstLeaf = 0, originals = false } = options
  const feeder = new Feeder(context, source, { ...job, firstLeaf, originals }, stop.signal)
  const feeding = feeder.run()
  const progress: StreamProgress = {
    chunks: 0,
    encodedBytes: 0,
    plainBytes: 0,
    ...noTimes(),
    elapsedMs: 0
  }
  let result: Result | undefined
  try {
    while ((result = await feeder.results.next())) {
      options.signal?.throwIfAborted()
      if (result.batch) {
        add(progress, result, clock.now() - started)
        options.onProgress?.({ ...progress })
        yield result.batch
      }
      result.free()
      if (result.error !== undefined) throw result.error
    }
  } finally {
    options.signal?.removeEventListener('abort', abort)
    context.closing.removeEventListener('abort', close)
    stop.abort()
    result?.free()
    await feeding
    for (const left of feeder.results.drain()) await left.then(({ free }) => free())
    feeder.wipe()
  }
}

function add(progress: StreamProgress, { batch, times }: Result, elapsedMs: number): void {
  progress.chunks += batch!.count
  for (const bytes of batch!.encodedBytes) progress.encodedBytes += bytes
  for (const bytes of batch!.plainBytes) progress.plainBytes += bytes
  progress.cipherMs += times.cipherMs
  progress.hashMs += times.hashMs
  progress.headerMs += times.headerMs
  progress.fillMs += times.fillMs
  progress.originalMs += times.originalMs
  progress.elapsedMs = elapsedMs
}

/** The slab that is being filled. */
interface Filling {
  slab: Slab
  count: number
  /** Where in its data the next chunk goes. */
  at: number
  /** What was copied into it, should a worker crash and leave it half changed. */
  copied: Chunks
  /** What a worker is to copy into it. */
  lent: Chunks
  /** Time that copying took here. */
  fillMs: number
  /** Chunks that stay where the source has them. */
  data: Uint8Array | undefined
}

/** Chunks of the source's, and where each goes in the slab. */
interface Chunks {
  bytes: Uint8Array[]
  at: number[]
}

type FedJob = StreamJob & Required<Pick<StreamOptions, 'firstLeaf' | 'originals'>>

/** Fills slabs from the source and has workers do them; results come out in order. */
class Feeder {
  readonly results = new OrderedQueue<Result>()
  readonly #context: StreamContext
  readonly #reader: SourceReader
  readonly #job: FedJob
  readonly #codec: Codec
  readonly #lease: SlabLease
  readonly #signal: AbortSignal
  #filling: Filling | undefined
  /** Chunks taken from the source. */
  #taken = 0
  #turnBegan: number
  #largeFreed: Promise<void> = Promise.resolve()
  /** Sends chunks on that wait in a slab while nothing more comes from the source. */
  readonly #idle: Timer

  constructor(context: StreamContext, source: ChunkSource, job: FedJob, signal: AbortSignal) {
    this.#context = context
    this.#reader = new SourceReader(source)
    this.#job = { ...job, segment: compact(job.segment) }
    this.#codec = codecOf(job.segment.codec)
    this.#signal = signal
    this.#turnBegan = context.clock.now()
    let seen = -1
    const look = (): void => {
      if (this.#reader.waiting && this.#taken === seen) this.#flush()
      seen = this.#taken
    }
    this.#idle = context.clock.every(FLUSH_AFTER_MS, look).unref()
    this.#lease = new SlabLease(context.slabs, 3 * context.workers.threads, signal)
  }

  /** Reads the source to its end, or until the signal; never rejects. */
  async run(): Promise<void> {
    let interrupt = () => {}
    const interrupted = new Promise<never>((_, reject) => {
      // Only what hangs in the source is left behind: all else ends by itself, and gives back what it holds.
      interrupt = () => this.#reader.waiting && reject(this.#signal.reason as Error)
    })
    this.#signal.addEventListener('abort', interrupt, { once: true })
    let ended = false
    try {
      await Promise.race([this.#readAll(), interrupted])
      ended = true
      this.#flush()
      this.results.end()
    } catch (error) {
      if (!this.#signal.aborted) this.#flush()
      this.results.end(error)
    } finally {
      this.#idle.cancel()
      this.#signal.removeEventListener('abort', interrupt)
      if (this.#filling) this.#lease.release(this.#filling.slab)
      this.#filling = undefined
      if (!ended) await this.#reader.close()
    }
  }

  async #readAll(): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted()
      const next = this.#reader.next()
      let step = next as Awaited<typeof next>
      if (next instanceof Promise) {
        try {
          step = await next
        } finally {
          this.#reader.came()
        }
      }
      this.#signal.throwIfAborted()
      if (step.done) return
      const adding = step.value instanceof Uint8Array ? this.#addChunk(step.value) : this.#addRun(step.value)
      if (adding) await adding
    }
  }

  /** Forgets the stream's copy of the secret key, once no task needs it. */
  wipe(): void {
    if ('secretKey' in this.#job.segment) sodium.sodium_memzero(this.#job.segment.secretKey)
  }

  /** Copies a chunk into the slab; at once if it has room, which is what nearly every chunk meets. */
  #addChunk(chunk: Uint8Array): Promise<void> | undefined {
    const bytes = chunk.byteLength
    const index = this.#job.start + this.#taken
    let slot = bytes
    if (this.#job.job === 'encode') {
      checkPlainBytes(bytes, index)
      slot = this.#codec.encodedBytes(bytes)
    } else if (bytes > this.#codec.encodedBytes(MAX_PLAIN_BYTES)) {
      throw new CodecError('CODEC_LENGTH', `chunk ${index} has ${bytes} bytes, too many for any chunk`, index)
    }
    const filling = this.#room(slot)
    if (!filling) return this.#addToNext(chunk, slot, index)
    this.#put(filling, chunk, slot)
    return undefined
  }

  async #addToNext(chunk: Uint8Array, slot: number, index: number): Promise<void> {
    const filling = await this.#makeRoom(slot)
    if (filling) this.#put(filling, chunk, slot)
    else await this.#addLarge(chunk, index)
  }

  #put(filling: Filling, chunk: Uint8Array, slot: number): void {
    const { slab, count, at } = filling
    const bytes = chunk.byteLength
    const from = at + slot - bytes
    const way = loans && bytes >= LEND_BYTES ? filling.lent : filling.copied
    way.bytes.push(chunk)
    way.at.push(from)
    if (way === filling.copied) {
      const start = this.#context.clock.now()
      slab.data.set(chunk, from)
      filling.fillMs += this.#context.clock.now() - start
    }
    slab.offsets[count] = at
    slab.encodedBytes[count] = slot
    slab.plainOffsets[count] = from
    slab.plainBytes[count] = this.#job.job === 'encode' ? bytes : 0
    filling.count++
    filling.at += slot
    this.#taken++
  }

  async #addRun(run: ChunkRun): Promise<void> {
    const inPlace = this.#job.job === 'leaves' && run.bytes.buffer instanceof SharedArrayBuffer
    let at = 0
    for (let i = 0; i < run.lengths.length;) {
      if (inPlace) {
        const filling = this.#roomBeside(run) ?? (await this.#makeRoom(0))!
        const end = this.#fillTables(filling, run, i, at)
        i = end.i
        at = end.at
      } else {
        const bytes = lengthOf(run, i++, at)
        const adding = this.#addChunk(run.bytes.subarray(at, at + bytes))
        if (adding) await adding
        at += bytes
      }
    }
    if (at !== run.bytes.byteLength) {
      throw new EngineError('ENGINE_SOURCE', 'a source yielded a run with bytes that belong to no chunk')
    }
  }

  /** The slab being filled, if it is filled with chunks of the same shared memory and is not full. */
  #roomBeside({ bytes }: ChunkRun): Filling | undefined {
    const filling = this.#filling
    if (filling?.data?.buffer !== bytes.buffer || filling.data.byteOffset !== 0) return undefined
    if (bytes.byteOffset + bytes.byteLength >= 2 ** 32) return undefined
    return filling.count < filling.slab.capacity && filling.at < IN_PLACE_TASK_BYTES ? filling : undefined
  }

  /** Notes where chunks of a run from the i-th on lie in the source's memory, as many as make a task. */
  #fillTables(filling: Filling, run: ChunkRun, i: number, at: number): { i: number; at: number } {
    const { slab } = filling
    // All of the memory, so that more runs may follow; tables hold offsets below 4 GiB.
    filling.data ??=
      run.bytes.byteOffset + run.bytes.byteLength < 2 ** 32 ? new Uint8Array(run.bytes.buffer) : run.bytes
    const shift = run.bytes.byteOffset - filling.data.byteOffset
    let next = i
    let offset = at
    while (next < run.lengths.length && filling.count < slab.capacity && filling.at < IN_PLACE_TASK_BYTES) {
      const bytes = lengthOf(run, next, offset)
      slab.offsets[filling.count] = shift + offset
      slab.encodedBytes[filling.count] = bytes
      offset += bytes
      filling.at += bytes
      filling.count++
      this.#taken++
      next++
    }
    return { i: next, at: offset }
  }

  /** Does a chunk that no slab holds. One at a time is in memory, until the consumer is done with it. */
  async #addLarge(bytes: Uint8Array, index: number): Promise<void> {
    await this.#largeFreed
    this.#signal.throwIfAborted()
    this.#taken++
    const { job, segment } = this.#job
    const { workers, clock } = this.#context
    const work = { job, segment, codec: this.#codec, index, bytes, ...this.#seed(index), workers, clock }
    const { batch, times } = await workLargeChunk({ ...work, lease: this.#lease, signal: this.#signal })
    let free = () => {}
    this.#largeFreed = new Promise((resolve) => {
      free = resolve
      this.#signal.addEventListener('abort', () => resolve(), { once: true })
    })
    this.results.push(Promise.resolve({ batch, error: undefined, times, free }))
  }

  /** The slab being filled, if a slot of this size fits in and the task is not large enough. */
  #room(slot: number): Filling | undefined {
    const filling = this.#filling
    if (!filling || filling.data) return undefined
    const { slab, count, at } = filling
    if (count === slab.capacity || at + slot > slab.data.byteLength) return undefined
    if (at >= TASK_BYTES[this.#codec.name]) return undefined
    const cost = at + count * SIGNATURE_COST_BYTES[this.#job.job]
    const filled = Math.max(count / slab.capacity, at / slab.data.byteLength, cost / TASK_COST_BYTES)
    return endsHere(count, filled) ? undefined : filling
  }

  /** Sends the slab on its way and begins the next; undefined if the slot is too large for any slab. */
  async #makeRoom(slot: number): Promise<Filling | undefined> {
    this.#flush()
    const { clock } = this.#context
    if (clock.now() - this.#turnBegan > TURN_MS) {
      await turn()
      this.#turnBegan = clock.now()
    }
    const slab = await this.#lease.acquire()
    if (slot > slab.data.byteLength) {
      this.#lease.release(slab)
      return undefined
    }
    const [copied, lent] = [noChunks(), noChunks()]
    this.#filling = { slab, count: 0, at: 0, copied, lent, fillMs: 0, data: undefined }
    this.#idle.ref()
    return this.#filling
  }

  /** Has a worker do what is in the slab. */
  #flush(): void {
    const filling = this.#filling
    this.#filling = undefined
    this.#idle.unref()
    if (filling && filling.count > 0) this.results.push(this.#work(filling, this.#taken - filling.count))
    else if (filling) this.#lease.release(filling.slab)
  }

  /** What the keys of chunks from `index` on are drawn from. */
  #seed(index: number): { seed: Uint8Array; firstDraw: number } {
    const { job, seed } = this.#job
    if (seed) return { seed, firstDraw: index }
    return { seed: job === 'encode' ? this.#context.random(SEED_BYTES) : new Uint8Array(0), firstDraw: 0 }
  }

  async #work(filling: Filling, before: number): Promise<Result> {
    const { slab, count, data, lent } = filling
    const firstIndex = this.#job.start + before
    const free = once(() => this.#lease.release(slab))
    let loan: number | undefined
    try {
      if (lent.bytes.length > 0) loan = loans!.lend(lent.bytes, lent.at)
      const result = await this.#context.workers.call(
        'slab',
        {
          job: this.#job.job,
          slab: slab.number,
          data,
          loan,
          segment: this.#job.segment,
          count,
          firstIndex,
          firstLeaf: this.#job.firstLeaf + before,
          originals: this.#job.originals,
          ...this.#seed(firstIndex)
        },
        { again: () => refill(filling), slab }
      )
      const error = result.refused && fromPlainError(result.refused)
      const batch = result.done > 0 ? this.#batch(slab, result, firstIndex, data) : undefined
      result.times.fillMs += filling.fillMs
      return { batch, error, times: result.times, free }
    } catch (error) {
      const range = `chunks ${firstIndex} to ${firstIndex + count - 1}`
      return { batch: undefined, error: withRange(error, range), times: noTimes(), free }
    } finally {
      if (loan !== undefined) loans!.release(loan)
      filling.copied = filling.lent = noChunks()
    }
  }

  #batch(slab: Slab, { done }: SlabResult, firstIndex: number, data: Uint8Array | undefined): Batch {
    const { job } = this.#job
    const encodedBytes = slab.encodedBytes.subarray(0, done)
    const plainBytes = slab.plainBytes.subarray(0, job === 'leaves' ? 0 : done)
    const end = slab.offsets[done - 1]! + slab.encodedBytes[done - 1]!
    const out = job === 'leaves' ? 0 : done
    return new Batch({
      firstIndex,
      count: done,
      encodedBytes,
      plainBytes,
      levels: slab.levels.subarray(0, 2 * done * RECORD_BYTES),
      originals: this.#job.originals ? slab.originals : undefined,
      encoded: slab.data.subarray(0, job === 'encode' && !data ? end : 0),
      data: slab.data,
      offsets: (job === 'encode' ? slab.offsets : slab.plainOffsets).subarray(0, out),
      lengths: job === 'encode' ? encodedBytes : plainBytes
    })
  }
}

/**
 * Whether a task that is `filled` (1: to the brim) with `count` chunks should go as it is, if it would have to
 * soon: so that most tasks begin and end where subtrees of some size do, and few nodes cross from one to the next.
 */
function endsHere(count: number, filled: number): boolean {
  if (filled >= 1 || count < 8) return filled >= 1
  const subtree = 2 ** (29 - Math.clz32(count))
  return count % subtree === 0 && filled + (subtree * filled) / count > 1
}

const noChunks = (): Chunks => ({ bytes: [], at: [] })

/** Length of a run's i-th chunk, which begins at `at`. */
function lengthOf(run: ChunkRun, i: number, at: number): number {
  const bytes = run.lengths[i]!
  if (Number.isSafeInteger(bytes) && bytes >= 0 && at + bytes <= run.bytes.byteLength) return bytes
  throw new EngineError('ENGINE_SOURCE', 'a source yielded a run whose lengths exceed its bytes')
}

/** Puts back what a worker may have changed before it crashed. */
function refill({ slab, copied }: Filling): void {
  copied.bytes.forEach((bytes, i) => slab.data.set(bytes, copied.at[i]))
}

/**
 * A copy of a segment whose public parts share one memory of their own: that alone travels to workers, and one piece of
 * memory travels faster than three. The secret key is in memory that all threads share, so that there is one copy of it.
 */
function compact<T extends SegmentPublic | SegmentSecret>(segment: T): T {
  const { codec, id, publicKey, salt } = segment
  const parts = [id, publicKey, salt]
  const memory = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  const [ownId, ownPublicKey, ownSalt] = parts.map((part) => {
    memory.set(part, at)
    at += part.byteLength
    return memory.subarray(at - part.byteLength, at)
  })
  const copy = { codec, id: ownId!, publicKey: ownPublicKey!, salt: ownSalt! }
  if (!('secretKey' in segment)) return copy as T
  const secretKey = new Uint8Array(new SharedArrayBuffer(segment.secretKey.byteLength))
  secretKey.set(segment.secretKey)
  return { ...copy, secretKey } as SegmentSecret as T
}

/** The same error for a known range of chunks. */
function withRange(error: unknown, range: string): Error {
  if (!(error instanceof EngineError)) return error as Error
  return new EngineError(error.code, `${range}: ${error.message}`, { cause: error.cause })
}

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (!ran) run()
    ran = true
  }
}
