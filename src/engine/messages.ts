import type { SegmentPublic, SegmentSecret } from '../chunk/codec.js'
import type { PrimeCount, RsaKeyPair } from '../crypto/rsa-key.js'
import * as errors from '../errors.js'
import type { Slab } from './slab.js'

/** The tasks that the engine itself has done. workers/tasks.ts lists them with all others. */
export interface EngineTasks {
  slab: { input: SlabTask; output: SlabResult }
  piece: { input: PieceTask; output: PieceResult }
  'seal-key': { input: SealKeyTask; output: RsaKeyPair }
  'prove-primes': { input: ProvePrimesTask; output: Uint8Array }
  'decode-chunks': { input: DecodeChunksTask; output: Uint8Array[] }
  'open-chunks': { input: OpenChunksTask; output: OpenedChunk[] }
}

/** What a task takes and gives; of tasks that the engine does not know itself nothing is known here. */
export type InputOf<N> = N extends keyof EngineTasks ? EngineTasks[N]['input'] : unknown
export type OutputOf<N> = N extends keyof EngineTasks ? EngineTasks[N]['output'] : unknown

/** What a slab task does with its chunks. */
export type Job = 'encode' | 'decode' | 'leaves'

/** A run of chunks in a slab, or in shared memory of the source's with only its tables in the slab. */
export interface SlabTask {
  job: Job
  /** Its number. */
  slab: number
  /** Where the chunks are, if not in the slab. */
  data: Uint8Array | undefined
  /** Of chunks that are to be copied into the slab first. */
  loan: number | undefined
  /** Encoding needs the secret, in shared memory that the stream wipes at its end; leaves need the codec only. */
  segment: SegmentPublic | SegmentSecret
  count: number
  firstIndex: number
  /** Number of the run's first leaf in the segment's tree. */
  firstLeaf: number
  seed: Uint8Array
  /** Where the run is in what is drawn from the seed. */
  firstDraw: number
  /** Whether the leaves of the original's tree over the plain chunks are wanted too. */
  originals: boolean
}

export interface SlabResult {
  /** Chunks done: all, or those before the first that was refused. */
  done: number
  refused: PlainError | undefined
  times: StageTimes
}

/** Time that workers spent, in milliseconds. */
export interface StageTimes {
  /** Copying chunks into slabs. */
  fillMs: number
  /** XChaCha20, RSA: body from plain or back. */
  cipherMs: number
  /** BLAKE3: bodies, leaves and nodes. */
  hashMs: number
  /** Signatures made or checked. */
  headerMs: number
  /** BLAKE2b: leaves of the original's tree. */
  originalMs: number
}

/**
 * One piece of a chunk too large for a slab. Its input and its result lie at the end of the slab's data when
 * encoding, at its start when decoding.
 */
export interface PieceTask {
  job: 'encode' | 'decode'
  /** Its number. */
  slab: number
  segment: SegmentPublic | SegmentSecret
  index: number
  /** Of the whole chunk. */
  plainBytes: number
  plainOffset: number
  /** Bytes of the piece as it lies in the slab. */
  pieceBytes: number
  seed: Uint8Array
  /** Where the chunk is in what is drawn from the seed. */
  firstDraw: number
  /** For decoding. */
  header: Uint8Array
}

export interface PieceResult {
  /** Bytes of the piece's result. */
  bytes: number
  times: StageTimes
}

export interface DecodeChunksTask {
  segment: SegmentPublic
  chunks: { index: number; bytes: Uint8Array }[]
}

export interface OpenChunksTask {
  segment: SegmentPublic
  /** Its number; its tables say where the chunks are, or are to be. */
  slab: number
  /** Of chunks that are to be copied into the slab first. */
  loan: number | undefined
  /** Of the chunks in their hypercore; in any order. */
  indices: number[]
}

/** Where in the slab the plain block is, or why there is none. */
export type OpenedChunk = { offset: number; bytes: number } | { error: PlainError }

export interface SealKeyTask {
  /** RSA_SEED_BYTES in shared memory: who asks for the key wipes them. */
  seed: Uint8Array
  primes: PrimeCount
}

export interface ProvePrimesTask {
  /** In shared memory: the worker reads it where it is. */
  secretKey: Uint8Array
  segmentId: Uint8Array
}

/** Times before anything was done. */
export function noTimes(): StageTimes {
  return { fillMs: 0, cipherMs: 0, hashMs: 0, headerMs: 0, originalMs: 0 }
}

/** What a worker sends back: an error is data, so that only a crash rejects the pool's promise. */
export type TaskOutcome<T> = { value: T } | { error: PlainError }

/** An error as it crosses threads, where classes are lost. */
export interface PlainError {
  name: string
  /** A code of the catalogue if datdot threw it; whoever gets it looks. */
  code: string
  message: string
  index: number | undefined
  stack: string | undefined
}

export function toPlainError(error: unknown): PlainError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const code = error instanceof errors.DatdotError ? error.code : 'ENGINE_TASK'
  const index = error instanceof errors.CodecError ? error.index : undefined
  return { name, code, message, index, stack }
}

/** The error that was thrown in a worker, of the class that has its code; what datdot did not throw becomes `ENGINE_TASK`. */
export function fromPlainError(plain: PlainError): errors.DatdotError {
  const { name, code, message, index, stack } = plain
  if (code !== 'ENGINE_TASK' && errors.isErrorCode(code)) {
    const error = errors.errorOf(code, message)
    return error instanceof errors.CodecError ? new errors.CodecError(error.code, message, index) : error
  }
  const cause = new Error(message)
  cause.name = name
  if (stack !== undefined) cause.stack = stack
  return new errors.EngineError('ENGINE_TASK', `a worker's task failed: ${message}`, { cause })
}

/** Stages of a task that a worker has in hand, or still in its queue: the lowest bits of its word. */
export const WAITING = 0
const BEGUN = 1
export const ENDED = 2
const STAGE_BITS = 2

/** The word of a task that a thread has begun: says which thread, so that one that never comes to its end can be ended. */
export function begunOn(threadId: number): number {
  return (threadId << STAGE_BITS) | BEGUN
}

/** The thread that has begun a task and not ended it; null if there is none. */
export function threadOf(word: number): number | null {
  return (word & ((1 << STAGE_BITS) - 1)) === BEGUN ? word >>> STAGE_BITS : null
}

/**
 * What goes to a task: the input, and shared memory that tells after a crash how far this task was; the number of
 * the slab whose `stage` that is, or a word of its own.
 */
export interface TaskRequest<I> {
  input: I
  stage: number | Int32Array
}

/**
 * A task as it is called: what a file of workers/ exports. Never throws, but for a crash.
 *
 * @param slabs the slab of that number; if not given, those that this thread was started with
 */
export type TaskFunction<I, O> = (
  request: TaskRequest<I>,
  slabs?: (number: number) => Slab
) => Promise<TaskOutcome<O>>
