import { MAX_WALK_SEGMENTS, MAX_WALK_STEPS } from './slice-walk.js'
import { writeUint } from '../bytes.js'
import { ChainError } from '../errors.js'
import { HASH_BYTES, hash, keyedBlake3, uniform } from '#crypto/hash.js'
import type { HashPart } from '../crypto/pure-hashes.js'
import type { WalkSegment } from '../protocol/views.js'

/** What a pinner is asked: walk `steps` chunks of the copy made of `segments`, beginning with `seed`. */
export interface WalkChallenge {
  /** s_0, 32 bytes: `walkSeed`. */
  seed: Uint8Array
  /** k, in 1..MAX_WALK_STEPS. */
  steps: number
  /** All segments of the copy, ascending, in the order of the hypercore. */
  segments: readonly WalkSegment[]
}

/** What s_0 depends on. `beacon` is the output of `round`, which nobody knew when the copy was drawn. */
export interface WalkSeedParts {
  /** Chain id. */
  chain: Uint8Array
  copy: number | bigint
  challenge: number | bigint
  round: number | bigint
  beacon: Uint8Array
}

/** How a pinner reads its copy. Each read depends on the one before, which is the point. */
export interface CopyReader {
  /** The index (in the hypercore) of the chunk that holds byte `offset` of segment `ordinal`'s encoded bytes. */
  find(ordinal: number, offset: number): number | Promise<number>
  /** The encoded chunk, header and body. */
  chunk(ordinal: number, index: number): Uint8Array | Promise<Uint8Array>
}

/** One step of a walk: the chunk visited, and the state after it. */
export interface WalkStep {
  /** Which of the challenge's segments. */
  ordinal: number
  /** The chunk's block index in the hypercore. */
  index: number
  /** s_{t+1}. */
  state: Uint8Array
}

/** s_0: binds the walk to chain, copy, its list of segments, challenge and beacon. */
export function walkSeed(
  { chain, copy, challenge, round, beacon }: WalkSeedParts,
  segments: readonly WalkSegment[]
): Uint8Array {
  return hash('datdot/walk/1', chain, copy, segmentsHash(segments), challenge, round, beacon)
}

/** Hash of a list of segments: how many, and each one's id, range, size and root. */
export function segmentsHash(segments: readonly WalkSegment[]): Uint8Array {
  const parts: HashPart[] = [segments.length]
  for (const { id, start, chunks, bytes, root } of segments) parts.push(id, start, chunks, bytes, root)
  return hash('datdot/segments/1', ...parts)
}

/** The shape of a checked challenge: totals, whether it visits every chunk, and how many steps it takes. */
export interface WalkShape {
  chunks: number
  bytes: number
  /** True when the copy has at most k chunks: every chunk is visited once, in order. */
  all: boolean
  steps: number
}

/**
 * Checks a challenge and sums it up.
 *
 * @throws ChainError `WALK_CHALLENGE` if it is not one that can be walked
 */
export function walkShape({ seed, steps, segments }: WalkChallenge): WalkShape {
  let chunks = 0
  let bytes = 0
  let end = 0
  if (seed.byteLength !== HASH_BYTES) throw refuse('its seed is not 32 bytes long')
  if (!Number.isInteger(steps) || steps < 1 || steps > MAX_WALK_STEPS) throw refuse(`k = ${steps}`)
  if (segments.length < 1 || segments.length > MAX_WALK_SEGMENTS) throw refuse(`${segments.length} segments`)
  for (const segment of segments) {
    const { start } = segment
    const whole = [start, segment.chunks, segment.bytes].every((value) => Number.isSafeInteger(value))
    if (!whole || start < end || segment.chunks < 1 || segment.bytes < segment.chunks) {
      throw refuse(`segment at ${start} has ${segment.chunks} chunks in ${segment.bytes} bytes`)
    }
    if (segment.id.byteLength !== HASH_BYTES || segment.root.byteLength !== HASH_BYTES) {
      throw refuse(`segment at ${start} has no 32-byte id and root`)
    }
    end = start + segment.chunks
    chunks += segment.chunks
    bytes += segment.bytes
  }
  if (!Number.isSafeInteger(end) || !Number.isSafeInteger(bytes)) throw refuse('it is larger than 2^53')
  const all = chunks <= steps
  return { chunks, bytes, all, steps: all ? chunks : steps }
}

/** Where step `step` with state `state` leads: a byte of a segment, or for walks over all, a chunk of it. */
export type WalkTarget = { ordinal: number; offset: number } | { ordinal: number; index: number }

/** The target of one step. `offset` counts the encoded bytes of the segment, `index` blocks of the hypercore. */
export function walkTarget(
  challenge: WalkChallenge,
  shape: WalkShape,
  step: number,
  state: Uint8Array
): WalkTarget {
  let rest = shape.all ? step : Number(uniform(state, BigInt(shape.bytes)))
  for (const [ordinal, segment] of challenge.segments.entries()) {
    const size = shape.all ? segment.chunks : segment.bytes
    if (rest < size) return shape.all ? { ordinal, index: segment.start + rest } : { ordinal, offset: rest }
    rest -= size
  }
  throw new RangeError('a target lies inside its copy')
}

/** `s_{t+1} = keyed BLAKE3(s_t, u64 index, raw chunk)`. */
export function walkState(state: Uint8Array, index: number, chunk: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(8)
  writeUint(prefix, index, 0, 8)
  return keyedBlake3(state, prefix, chunk)
}

/** The step whose chunk must be proven to encode the original block: `U(H("original", s_k), k)`. */
export function originalStep(lastState: Uint8Array, steps: number): number {
  return Number(uniform(hash('original', lastState), BigInt(steps)))
}

/**
 * Walks a challenge over a copy: `steps` dependent reads, one chunk in memory at a time.
 *
 * @throws ChainError `WALK_CHALLENGE`; whatever the reader throws; the signal's reason when aborted
 */
export async function walk(
  reader: CopyReader,
  challenge: WalkChallenge,
  signal?: AbortSignal
): Promise<WalkStep[]> {
  const shape = walkShape(challenge)
  const steps: WalkStep[] = []
  let state: Uint8Array = challenge.seed
  for (let step = 0; step < shape.steps; step++) {
    signal?.throwIfAborted()
    const target = walkTarget(challenge, shape, step, state)
    const { ordinal } = target
    const index = 'index' in target ? target.index : await reader.find(ordinal, target.offset)
    const next = walkState(state, index, await reader.chunk(ordinal, index))
    steps.push({ ordinal, index, state: next })
    state = next
  }
  return steps
}

function refuse(why: string): ChainError {
  return new ChainError('WALK_CHALLENGE', `This challenge cannot be walked: ${why}`)
}
