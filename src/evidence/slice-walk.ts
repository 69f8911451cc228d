import { HEADER_BYTES, MAX_HEADER_BYTES, type CodecName } from '../chunk/header.js'
import type { Hashes } from '../crypto/pure-hashes.js'
import { ChainError, ProofError } from '../errors.js'
import { BLOCKS_MAX } from '../bounds.js'
import { SLICE_BYTES, VALUE_BYTES, siblingCount, sliceCount, sliceLength } from './slices.js'

// The storage challenge over slices (docs/formats.md). No I/O and nothing of Node: hashes are handed in.

/** The most steps a challenge may ask for; bounds what an answer can cost (459 find a loss of 1 %). */
const MAX_WALK_STEPS = 512

/** The most segments a copy may have in one walk. */
const MAX_WALK_SEGMENTS = 4096

/** The most encoded bytes of a copy: 256 TiB. */
const MAX_COPY_BYTES = 2 ** 48

/** One segment of the challenged copy, as the chain recorded it. */
export interface SliceSegment {
  codec: CodecName
  /** 32 bytes. */
  id: Uint8Array
  /** Index of its first block in the hypercore. */
  start: number
  /** Number of chunks, at least 1. */
  chunks: number
  /** Encoded bytes: the sum of its chunks' lengths, headers included. */
  bytes: number
  /** Merkle root over its encoded chunks, 32 bytes. */
  root: Uint8Array
}

/** What a pinner is asked: walk `steps` slices of the copy made of `segments`, beginning with `seed`. */
export interface SliceChallenge {
  /** s_0, 32 bytes: `sliceWalkSeed`. */
  seed: Uint8Array
  /** k, in 1..MAX_WALK_STEPS. */
  steps: number
  /** All segments of the copy, ascending, in the order of the hypercore. */
  segments: readonly SliceSegment[]
}

/** What s_0 depends on. `beacon` is the output of `round`, which nobody knew when the copy was drawn. */
export interface SliceSeedParts {
  /** Chain id. */
  chain: Uint8Array
  copy: number | bigint
  challenge: number | bigint
  round: number | bigint
  beacon: Uint8Array
}

/** Where a chunk lies. */
export interface ChunkPlace {
  /** The chunk's block index in the hypercore. */
  index: number
  /** Its first byte, counted from the start of its segment's encoded bytes. */
  offset: number
  /** Its encoded length, header included. */
  bytes: number
}

/** What is read of a chunk for one step. */
export interface SliceRead {
  /** The chunk's header, whole. */
  header: Uint8Array
  slice: Uint8Array
  /** Chaining values beside the slice, lowest first. */
  siblings: Uint8Array
}

/** How a pinner reads its copy. Each read depends on the one before, which is the point. */
export interface SliceSource {
  /** The chunk that holds byte `offset` of segment `ordinal`'s encoded bytes. */
  find(ordinal: number, offset: number): ChunkPlace | Promise<ChunkPlace>
  /** Header, slice `slice` and its siblings, of a chunk that `find` gave. */
  read(ordinal: number, place: ChunkPlace, slice: number): SliceRead | Promise<SliceRead>
}

/** One step of a walk: the slice visited, what was read of it, and the state after it. */
export interface SliceStep extends SliceRead {
  /** Which of the challenge's segments. */
  ordinal: number
  place: ChunkPlace
  /** j, the slice's number in the chunk's body. */
  index: number
  /** s_{t+1}. */
  state: Uint8Array
}

/** The shape of a checked challenge. */
export interface SliceWalkShape {
  chunks: number
  /** Encoded bytes of all segments, also as `uniform` takes them. */
  bytes: number
  bound: bigint
  /** True when the copy has at most k slices, whatever its chunks' lengths: each is visited once, in order. */
  whole: boolean
  /** k; for a whole walk the most slices that the copy can have. */
  steps: number
}

/** s_0: binds the walk to chain, copy, its list of segments, challenge and beacon. */
export function sliceWalkSeed(
  { chain, copy, challenge, round, beacon }: SliceSeedParts,
  segments: readonly SliceSegment[],
  { hash }: Pick<Hashes, 'hash'>
): Uint8Array {
  const parts = segments.flatMap(({ id, start, chunks, bytes, root }) => [id, start, chunks, bytes, root])
  const list = hash('datdot/segments/1', segments.length, ...parts)
  return hash('datdot/walk/2', chain, copy, list, challenge, round, beacon)
}

/**
 * Checks a challenge and sums it up.
 *
 * How many slices a copy has is in no record. Chunks and bytes of a segment tell how many it can have at most: each chunk one,
 * and one more for every 1024 bytes of body beyond the first byte. A copy that cannot have more than k is walked whole.
 *
 * @throws ChainError `WALK_CHALLENGE` if it is not one that can be walked
 */
export function sliceWalkShape({ seed, steps, segments }: SliceChallenge): SliceWalkShape {
  let chunks = 0
  let bytes = 0
  let end = 0
  let most = 0
  if (seed.byteLength !== VALUE_BYTES) throw refuse('its seed is not 32 bytes long')
  if (!Number.isInteger(steps) || steps < 1 || steps > MAX_WALK_STEPS) throw refuse(`k = ${steps}`)
  if (segments.length < 1 || segments.length > MAX_WALK_SEGMENTS) throw refuse(`${segments.length} segments`)
  for (const segment of segments) {
    const { start, codec } = segment
    const whole = [start, segment.chunks, segment.bytes].every((value) => Number.isSafeInteger(value))
    const bodies = segment.bytes - segment.chunks * HEADER_BYTES[codec]
    if (!whole || start < end || segment.chunks < 1 || !(bodies >= 0)) {
      throw refuse(`segment at ${start} has ${segment.chunks} chunks in ${segment.bytes} bytes`)
    }
    if (segment.id.byteLength !== VALUE_BYTES || segment.root.byteLength !== VALUE_BYTES) {
      throw refuse(`segment at ${start} has no 32-byte id and root`)
    }
    end = start + segment.chunks
    chunks += segment.chunks
    bytes += segment.bytes
    most += segment.chunks + Math.floor(Math.max(0, bodies - 1) / SLICE_BYTES)
    if (end > BLOCKS_MAX || bytes > MAX_COPY_BYTES) throw refuse('it is larger than any copy')
  }
  const whole = most <= steps
  return { chunks, bytes, bound: BigInt(bytes), whole, steps: whole ? most : steps }
}

/** The byte that a state leads to: the segment, and the offset in its encoded bytes. */
export function sliceTarget(
  { segments }: SliceChallenge,
  { bound }: SliceWalkShape,
  state: Uint8Array,
  { uniform }: Hashes
): { ordinal: number; offset: number } {
  let rest = Number(uniform(state, bound))
  for (let ordinal = 0; ordinal < segments.length; ordinal++) {
    const segment = segments[ordinal]!
    if (rest < segment.bytes) return { ordinal, offset: rest }
    rest -= segment.bytes
  }
  throw new RangeError('a target lies inside its copy')
}

/** The slice in which byte `offset` of the chunk's segment lies; 0 if it lies in the header. */
export function sliceAt(codec: CodecName, place: ChunkPlace, offset: number): number {
  return Math.max(0, Math.floor((offset - place.offset - HEADER_BYTES[codec]) / SLICE_BYTES))
}

const PREFIX_BYTES = 12
const scratch = new Uint8Array(PREFIX_BYTES + MAX_HEADER_BYTES + SLICE_BYTES)
const scratchView = new DataView(scratch.buffer)

/** `s_{t+1} = keyed BLAKE3(s_t; u64 i || u32 j || header || slice)`, i being the block's index in the hypercore. */
export function sliceState(
  state: Uint8Array,
  index: number,
  slice: number,
  header: Uint8Array,
  bytes: Uint8Array,
  { keyedBlake3 }: Hashes
): Uint8Array {
  scratchView.setUint32(0, index, true)
  scratchView.setUint32(4, index / 2 ** 32, true)
  scratchView.setUint32(8, slice, true)
  scratch.set(header, PREFIX_BYTES)
  scratch.set(bytes, PREFIX_BYTES + header.byteLength)
  return keyedBlake3(state, scratch.subarray(0, PREFIX_BYTES + header.byteLength + bytes.byteLength))
}

/**
 * The step of a walk of `steps` steps whose whole chunk is opened, if one is: `U(H("datdot/open/1", s_k, beacon), k)` with the
 * value of a round after the answer arrived, so that who answers does not know it.
 */
export function openStep(
  lastState: Uint8Array,
  beacon: Uint8Array,
  steps: number,
  { hash, uniform }: Hashes
): number {
  return Number(uniform(hash('datdot/open/1', lastState, beacon), BigInt(steps)))
}

/**
 * Walks a challenge over a copy: dependent reads, one after the other.
 *
 * @throws ChainError `WALK_CHALLENGE`; ProofError `SLICE_READ` if what was read has not the places and lengths that it must have; whatever
 *   the source throws; the signal's reason when aborted
 */
export async function walkSlices(
  source: SliceSource,
  challenge: SliceChallenge,
  hashes: Hashes,
  signal?: AbortSignal
): Promise<SliceStep[]> {
  const shape = sliceWalkShape(challenge)
  const steps: SliceStep[] = []
  let state = challenge.seed
  const visit = async (ordinal: number, place: ChunkPlace, index: number): Promise<void> => {
    signal?.throwIfAborted()
    const { header, slice, siblings } = await source.read(ordinal, place, index)
    checkRead(challenge.segments[ordinal]!.codec, place, index, { header, slice, siblings })
    state = sliceState(state, place.index, index, header, slice, hashes)
    steps.push({ ordinal, place, index, header, slice, siblings, state })
  }
  if (shape.whole) {
    for (const [ordinal, { codec, bytes }] of challenge.segments.entries()) {
      for (let offset = 0; offset < bytes;) {
        const place = await source.find(ordinal, offset)
        if (place.offset !== offset) throw unlike(place, 'does not begin where the one before it ends')
        const slices = sliceCount(place.bytes - HEADER_BYTES[codec])
        for (let index = 0; index < slices; index++) await visit(ordinal, place, index)
        offset += place.bytes
      }
    }
    return steps
  }
  while (steps.length < shape.steps) {
    const { ordinal, offset } = sliceTarget(challenge, shape, state, hashes)
    const place = await source.find(ordinal, offset)
    if (offset < place.offset || offset >= place.offset + place.bytes)
      throw unlike(place, `is not at ${offset}`)
    await visit(ordinal, place, sliceAt(challenge.segments[ordinal]!.codec, place, offset))
  }
  return steps
}

/** A source that reads other lengths than the chunk has would be walked and never proven. */
function checkRead(codec: CodecName, place: ChunkPlace, index: number, read: SliceRead): void {
  const bodyBytes = place.bytes - HEADER_BYTES[codec]
  const fits =
    read.header.byteLength === HEADER_BYTES[codec] &&
    read.slice.byteLength === sliceLength(index, bodyBytes) &&
    read.siblings.byteLength === siblingCount(index, bodyBytes) * VALUE_BYTES
  if (!fits) throw unlike(place, `has a slice ${index} of other lengths`)
}

function unlike({ index }: ChunkPlace, why: string): ProofError {
  return new ProofError('SLICE_READ', `What was read is not this copy: chunk ${index} ${why}`)
}

function refuse(why: string): ChainError {
  return new ChainError('WALK_CHALLENGE', `This challenge cannot be walked: ${why}`)
}
