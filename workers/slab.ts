import type { ChunkBatch, Codec, Encoder, SegmentSecret } from '../src/chunk/codec.js'
import { codecOf } from '../src/chunk/codecs.js'
import { slabHasher } from '../src/crypto/blake3-slab.js'
import { CodecError } from '../src/errors.js'
import {
  noTimes,
  toPlainError,
  type SlabResult,
  type SlabTask,
  type StageTimes
} from '../src/engine/messages.js'
import { loans } from '../src/engine/loans.js'
import type { Slab } from '../src/engine/slab.js'
import { HASH_BYTES } from '../src/crypto/hash.js'
import { buildLevels } from '../src/merkle/node.js'
import { originalLeaf } from '../src/protocol/original-tree.js'
import { workerTask } from './task.js'

// Chunks are taken through all stages in groups that stay in the core's cache between them.
const GROUP_BYTES = 256 * 1024
const GROUP_CHUNKS = 1024

/** Of one task's chunks. */
let bodyHashes = new Uint8Array(0)

/** Work on one group of chunks, `[from, to)`; returns how many of them passed, and why the next did not. */
type Stage = (from: number, to: number) => { passed: number; refused?: CodecError }

export default workerTask<'slab'>((task, slabs) => work(task, slabs(task.slab)))

function work(task: SlabTask, slab: Slab): SlabResult {
  const batch: ChunkBatch = { ...tablesOf(slab, task), slab: task.data ?? slab.data }
  const codec = codecOf(task.segment.codec)
  const times = noTimes()
  const encoder = task.job === 'encode' ? codec.createEncoder(task.segment as SegmentSecret) : undefined
  if (bodyHashes.byteLength < task.count * HASH_BYTES) bodyHashes = new Uint8Array(slab.capacity * HASH_BYTES)
  const stage = stageOf(task, codec, encoder, batch, times)

  // Chunks that are hashed where they are go through one stage only.
  const together = task.job === 'leaves' && task.loan === undefined
  let done = 0
  let refused: CodecError | undefined
  try {
    while (done < task.count && !refused) {
      const to = together ? task.count : groupEnd(batch.encodedBytes, done, task.count)
      if (task.loan !== undefined) fill(task.loan, slab, done, to, times)
      const result = stage(done, to)
      done += result.passed
      refused = result.refused
    }
  } finally {
    encoder?.wipe()
  }
  timed(times, 'hashMs', () => {
    const { slab: bytes, offsets, encodedBytes } = batch
    slabHasher.leaves(bytes, offsets, encodedBytes, 0, done, codec.headerBytes, bodyHashes, slab.levels)
    buildLevels(task.firstLeaf, done, slab.levels)
  })
  if (task.originals) timed(times, 'originalMs', () => hashOriginals(slab, done))
  return { done, refused: refused && toPlainError(refused), times }
}

/** The leaves of the original's tree over the first `count` chunks, which are plain by now. */
function hashOriginals({ data, plainOffsets, plainBytes, originals }: Slab, count: number): void {
  for (let i = 0; i < count; i++) {
    const plain = data.subarray(plainOffsets[i], plainOffsets[i]! + plainBytes[i]!)
    originals.set(originalLeaf(plain), i * HASH_BYTES)
  }
}

/** Copies the lent ones of chunks `[from, to)` into their slots. */
function fill(
  loan: number,
  { data, offsets, encodedBytes }: Slab,
  from: number,
  to: number,
  times: StageTimes
) {
  const end = offsets[to - 1]! + encodedBytes[to - 1]!
  timed(times, 'fillMs', () => loans!.borrow(loan, data, offsets[from]!, end))
}

function tablesOf(slab: Slab, task: SlabTask): Omit<ChunkBatch, 'slab'> {
  const { offsets, encodedBytes, plainOffsets, plainBytes } = slab
  const { count, firstIndex, seed, firstDraw } = task
  return { offsets, encodedBytes, plainOffsets, plainBytes, count, firstIndex, seed, firstDraw }
}

function stageOf(
  task: SlabTask,
  codec: Codec,
  encoder: Encoder | undefined,
  batch: ChunkBatch,
  times: StageTimes
): Stage {
  const hashBodies = (from: number, to: number): Uint8Array => {
    const { slab, offsets, encodedBytes } = batch
    const out = bodyHashes.subarray(from * HASH_BYTES)
    timed(times, 'hashMs', () =>
      slabHasher.hashMany(slab, offsets, encodedBytes, from, to, codec.headerBytes, out)
    )
    return out
  }

  if (encoder) {
    return (from, to) => {
      timed(times, 'cipherMs', () => encoder.bodies(batch, from, to))
      const hashes = hashBodies(from, to)
      timed(times, 'headerMs', () => encoder.headers(batch, from, to, hashes))
      return { passed: to - from }
    }
  }

  const decoder = task.job === 'decode' ? codec.createDecoder(task.segment) : undefined
  return (from, to) => {
    // A chunk too short for a header has no body to hash: what comes before it is done first.
    let end = from
    while (end < to && batch.encodedBytes[end]! >= codec.headerBytes) end++
    let refused: CodecError | undefined
    const hashes = hashBodies(from, end)
    if (decoder) {
      const checked = untilRefused(from, end, times, 'headerMs', () =>
        decoder.check(batch, from, end, hashes)
      )
      const opened = untilRefused(from, checked.end, times, 'cipherMs', () =>
        decoder.open(batch, from, checked.end)
      )
      refused = opened.refused ?? checked.refused
      end = opened.end
    }
    if (end < to) refused ??= tooShort(task.firstIndex + end, batch.encodedBytes[end]!)
    return refused ? { passed: end - from, refused } : { passed: end - from }
  }

  /** Runs one call over `[from, end)`; a refused chunk ends the range before it. */
  function untilRefused(
    from: number,
    end: number,
    of: StageTimes,
    stage: keyof StageTimes,
    run: () => void
  ): { end: number; refused?: CodecError } {
    try {
      timed(of, stage, run)
      return { end }
    } catch (error) {
      if (!(error instanceof CodecError) || error.index === undefined) throw error
      return { end: Math.max(from, error.index - task.firstIndex), refused: error }
    }
  }
}

function tooShort(index: number, bytes: number): CodecError {
  return new CodecError('CODEC_TRUNCATED', `chunk ${index} has ${bytes} bytes, too few for a header`, index)
}

function groupEnd(bytes: Uint32Array, from: number, count: number): number {
  const most = Math.min(count, from + GROUP_CHUNKS)
  let end = from
  for (let sum = 0; end < most; end++) {
    sum += bytes[end]!
    if (sum > GROUP_BYTES && end > from) break
  }
  return end
}

function timed(times: StageTimes, stage: keyof StageTimes, run: () => void): void {
  const start = performance.now()
  try {
    run()
  } finally {
    times[stage] += performance.now() - start
  }
}
