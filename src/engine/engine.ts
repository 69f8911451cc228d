import { availableParallelism } from 'node:os'
import { SEED_BYTES, type SegmentPublic, type SegmentSecret } from '../chunk/codec.js'
import type { CodecName } from '../chunk/header.js'
import { systemClock, type Clock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { CodecError, InputError, type EngineError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { TreeBuilder, type NodeSink } from '../merkle/builder.js'
import type { TreeRoot } from '../merkle/node.js'
import { unlessAborted } from '../wait.js'
import type { Batch } from './batch.js'
import { closedError, type Executor } from './executor.js'
import { InlineExecutor } from './inline.js'
import type { EngineTasks, InputOf, TaskFunction } from './messages.js'
import { openChunks, type StoredChunk } from './open.js'
import { WorkerPool } from './pool.js'
import { LEAST_MEMORY_BYTES, SlabPool } from './slab.js'
import type { ChunkSource } from './source.js'
import { stream, type StreamContext, type StreamOptions } from './stream.js'

export type { Batch } from './batch.js'
export type { StoredChunk } from './open.js'
export type { ChunkRun, ChunkSource } from './source.js'
export type { StreamProgress, StreamOptions } from './stream.js'

const WORKERS = new URL('../../workers/', import.meta.url)
const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024

/** A function for each task of a list. */
export type TaskFunctions<T> = { [N in keyof T]: TaskFunction<InputIn<T, N>, OutputIn<T, N>> }

type InputIn<T, N extends keyof T> = T[N] extends { input: infer I } ? I : never
type OutputIn<T, N extends keyof T> = T[N] extends { output: infer O } ? O : never

export interface EngineOptions<T extends EngineTasks = EngineTasks> {
  /** Worker threads; default: one for each core. */
  threads?: number
  /** Most bytes of slabs, all streams together; default 64 MiB. */
  memoryBytes?: number
  /** Where the seeds of `wrap` keys come from: `length` bytes that nobody can predict. */
  random?: (length: number) => Uint8Array
  /** Does tasks in this thread, with these functions of workers/inline.ts, instead of on worker threads. */
  inline?: TaskFunctions<T>
  /** Default: the machine's. */
  clock?: Clock
  /** Folder of the workers' tasks, other than `workers/` only to see how the engine takes their faults. */
  workers?: URL
}

/** How a rebuilt tree is kept. */
export interface RebuildOptions extends StreamOptions {
  /** Takes the nodes of the stored tree, for proofs. */
  sink?: NodeSink
}

/**
 * Encodes, decodes and hashes chunks on worker threads, in order and in bounded memory:
 *
 * ```ts
 * const engine = new Engine()
 * const tree = new TreeBuilder()
 * for await (const batch of engine.encode(blocks, { segment, start: 0 })) {
 *   tree.append(batch.count, batch.levels)
 *   await send(batch.encoded)
 * }
 * await engine.close()
 * ```
 *
 * All streams throw what their source throws; the reason of their signal; CodecError for the first chunk that
 * is refused, after the chunks before it have come out; EngineError `ENGINE_CRASH` with the range of chunks
 * if a worker crashed on them twice, `ENGINE_SOURCE` for a run that contradicts itself and `ENGINE_CLOSED`.
 * A stream that is left early, by `break` or an error, gives back all it holds.
 */
export class Engine<T extends EngineTasks = EngineTasks> extends Resource {
  readonly threads: number
  readonly memoryBytes: number
  readonly #workers: Executor
  readonly #slabs: SlabPool
  readonly #context: StreamContext

  /** @throws InputError `ENGINE_OPTIONS` for options that make no engine */
  constructor(options: EngineOptions<T> = {}) {
    super()
    this.threads = options.inline ? 1 : (options.threads ?? availableParallelism())
    this.memoryBytes = options.memoryBytes ?? DEFAULT_MEMORY_BYTES
    if (!Number.isSafeInteger(this.threads) || this.threads < 1) {
      throw new InputError('ENGINE_OPTIONS', `an engine has at least 1 thread, not ${this.threads}`)
    }
    if (!Number.isSafeInteger(this.memoryBytes) || this.memoryBytes < LEAST_MEMORY_BYTES) {
      throw new InputError(
        'ENGINE_OPTIONS',
        `an engine needs at least ${LEAST_MEMORY_BYTES} bytes of memory, not ${this.memoryBytes}`
      )
    }
    this.#slabs = slabsOf(this.memoryBytes, this.threads)
    const { memory } = this.#slabs
    const workers = options.inline
      ? new InlineExecutor(options.inline, memory, this.signal)
      : new WorkerPool(this.threads, options.workers ?? WORKERS, memory)
    this.#workers = this.own('workers', workers)
    this.#context = {
      workers: this.#workers,
      slabs: this.#slabs,
      clock: options.clock ?? systemClock,
      random: options.random ?? randomBytes,
      closing: this.signal
    }
  }

  /** Workers are started by the first task. */
  protected start(): Promise<void> {
    return Promise.resolve()
  }

  /** All streams and tasks end with it when the engine is closed. */
  protected override closedError(): EngineError {
    return closedError()
  }

  /** Slabs in use: 0 when no stream is open. */
  get slabsHeld(): number {
    return this.#slabs.held
  }

  /**
   * Encodes plain chunks. `start`: index in the hypercore of the first one. `seed`: SEED_BYTES that belong to this
   * segment alone; the same seed gives the same bytes, wherever a stream begins. Without one `random` is asked.
   *
   * @throws CodecError `CODEC_SEED` for a seed of another length
   */
  encode(
    source: ChunkSource,
    { segment, start, seed }: { segment: SegmentSecret; start: number; seed?: Uint8Array },
    options?: StreamOptions
  ): AsyncGenerator<Batch, void, void> {
    if (seed && seed.byteLength !== SEED_BYTES) {
      throw new CodecError('CODEC_SEED', `a seed has ${SEED_BYTES} bytes`)
    }
    return stream(this.#context, source, { job: 'encode', segment, start, ...(seed && { seed }) }, options)
  }

  /** Decodes encoded chunks after all checks; `batch.levels` are the tree of the encoded ones. */
  decode(
    source: ChunkSource,
    { segment, start }: { segment: SegmentPublic; start: number },
    options?: StreamOptions
  ): AsyncGenerator<Batch, void, void> {
    return stream(this.#context, source, { job: 'decode', segment, start }, options)
  }

  /**
   * Hashes encoded chunks into leaves without looking at what they are. Runs in shared memory are not copied.
   */
  leaves(
    source: ChunkSource,
    { codec, start = 0 }: { codec: CodecName; start?: number },
    options?: StreamOptions
  ): AsyncGenerator<Batch, void, void> {
    const none = new Uint8Array(0)
    const segment = { codec, id: none, publicKey: none, salt: none }
    return stream(this.#context, source, { job: 'leaves', segment, start }, options)
  }

  /** The root of a segment's encoded chunks, none of which is checked. */
  async rebuild(
    source: ChunkSource,
    { codec }: { codec: CodecName },
    options: RebuildOptions = {}
  ): Promise<TreeRoot> {
    return rootOf(this.leaves(source, { codec }, options), options.sink)
  }

  /** The root of a segment's encoded chunks after all checks on each. */
  async verify(
    source: ChunkSource,
    { segment, start }: { segment: SegmentPublic; start: number },
    options: RebuildOptions = {}
  ): Promise<TreeRoot> {
    return rootOf(this.decode(source, { segment, start }, options), options.sink)
  }

  /**
   * Decodes a few chunks after all checks, away from the main thread: for codecs so slow that this is worth a
   * message there and back.
   *
   * @throws CodecError for the first chunk that is refused
   */
  decodeChunks(
    segment: SegmentPublic,
    chunks: { index: number; bytes: Uint8Array }[]
  ): Promise<Uint8Array[]> {
    return this.#workers.call('decode-chunks', { segment, chunks })
  }

  /**
   * Opens any chunks of a segment after all checks, spread over the workers: gives for each the plain block in memory of
   * its own, or the CodecError that it is refused with.
   */
  openChunks(segment: SegmentPublic, chunks: readonly StoredChunk[]): Promise<(Buffer | Error)[]> {
    return openChunks(segment, chunks, { workers: this.#workers, slabs: this.#slabs, signal: this.signal })
  }

  /** Does one task of workers/ (its tasks.ts lists them); throws what it throws, and `ENGINE_TIMEOUT` if a thread is at it for longer than `timeoutMs`. */
  async call<N extends keyof T & string>(
    name: N,
    input: InputIn<T, N>,
    { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs?: number } = {}
  ): Promise<OutputIn<T, N>> {
    this.signal.throwIfAborted()
    signal?.throwIfAborted()
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    const result = this.#workers.call(name, input as InputOf<N>, options) as Promise<OutputIn<T, N>>
    return signal ? unlessAborted(result, signal) : result
  }

  /**
   * Does one task that nobody waits for, on a thread of its own at the lowest priority that the system has: it takes what
   * streams, tasks and other programs leave. One at a time; begun by the first.
   */
  async callIdle<N extends keyof T & string>(
    name: N,
    input: InputIn<T, N>,
    { signal }: { signal: AbortSignal }
  ): Promise<OutputIn<T, N>> {
    this.signal.throwIfAborted()
    signal.throwIfAborted()
    const result = this.#workers.call(name, input as InputOf<N>, { idle: true }) as Promise<OutputIn<T, N>>
    return unlessAborted(result, signal)
  }
}

function slabsOf(memoryBytes: number, threads: number): SlabPool {
  try {
    return new SlabPool(memoryBytes, threads)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new InputError('ENGINE_OPTIONS', `there are no ${memoryBytes} bytes of memory for the engine here`)
  }
}

async function rootOf(batches: AsyncIterable<Batch>, sink: NodeSink | undefined): Promise<TreeRoot> {
  const builder = new TreeBuilder(sink)
  for await (const { count, levels } of batches) builder.append(count, levels)
  return builder.root()
}
