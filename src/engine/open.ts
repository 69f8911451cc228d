import type { SegmentPublic } from '../chunk/codec.js'
import type { Executor } from './executor.js'
import { loans } from './loans.js'
import { fromPlainError } from './messages.js'
import type { SlabPool } from './slab.js'

/** Most bytes of a task: so slow a codec should spread over the workers. */
const TASK_BYTES = 256 * 1024

/** A stored chunk, and where in its hypercore it is. */
export interface StoredChunk {
  index: number
  bytes: Uint8Array
}

/**
 * Opens chunks of a segment on workers, in slabs: bytes are copied once on their way in and once on their way out. Gives
 * for each the plain block in memory of its own, or why it is refused.
 */
export async function openChunks(
  segment: SegmentPublic,
  chunks: readonly StoredChunk[],
  { workers, slabs, signal }: { workers: Executor; slabs: SlabPool; signal: AbortSignal }
): Promise<(Buffer | Error)[]> {
  const tasks: Promise<(Buffer | Error)[]>[] = []
  for (let from = 0; from < chunks.length;) {
    let to = from
    for (let bytes = 0; to < chunks.length; to++) {
      bytes += chunks[to]!.bytes.byteLength
      if (bytes > TASK_BYTES && to > from) break
    }
    tasks.push(openTogether(segment, chunks.slice(from, to), { workers, slabs, signal }))
    from = to
  }
  return (await Promise.all(tasks)).flat()
}

async function openTogether(
  segment: SegmentPublic,
  chunks: readonly StoredChunk[],
  { workers, slabs, signal }: { workers: Executor; slabs: SlabPool; signal: AbortSignal }
): Promise<(Buffer | Error)[]> {
  const most = chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  const indices = chunks.map(({ index }) => index)
  if (most > slabs.slabBytes / 2 || chunks.some(({ bytes }) => bytes.byteLength === 0)) {
    // Larger than a slab, or nothing that could be lent.
    return Promise.all(chunks.map((chunk) => openAlone(segment, chunk, workers)))
  }
  const slab = await slabs.acquire(signal)
  let loan: number | undefined
  try {
    const starts: number[] = []
    let at = 0
    for (const [i, { bytes }] of chunks.entries()) {
      slab.offsets[i] = at
      slab.encodedBytes[i] = bytes.byteLength
      starts.push(at)
      at += bytes.byteLength
    }
    const fill = (): void => chunks.forEach(({ bytes }, i) => slab.data.set(bytes, starts[i]))
    if (loans)
      loan = loans.lend(
        chunks.map(({ bytes }) => bytes),
        starts
      )
    else fill()
    const again = (): void => void (loan === undefined && fill())
    const opened = await workers.call(
      'open-chunks',
      { segment, slab: slab.number, loan, indices },
      { again, slab }
    )
    return opened.map((chunk) => {
      if ('error' in chunk) return fromPlainError(chunk.error)
      const plain = Buffer.allocUnsafeSlow(chunk.bytes)
      slab.data.copy(plain, 0, chunk.offset, chunk.offset + chunk.bytes)
      return plain
    })
  } finally {
    if (loan !== undefined) loans!.release(loan)
    slabs.release(slab)
  }
}

async function openAlone(
  segment: SegmentPublic,
  chunk: StoredChunk,
  workers: Executor
): Promise<Buffer | Error> {
  try {
    const [plain] = await workers.call('decode-chunks', { segment, chunks: [chunk] })
    return Buffer.from(plain!.buffer, plain!.byteOffset, plain!.byteLength)
  } catch (error) {
    return error as Error
  }
}
