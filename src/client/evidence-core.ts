import type Hypercore from 'hypercore'
import { readUint } from '../bytes.js'
import { ChainError } from '../errors.js'
import { UINT_MAX } from '../bounds.js'

/** First byte of a block with bytes of an evidence. */
const PIECE = 0
const VERSION = 3
/** First byte of a trailer, by what the evidence is of. */
export const TRAILERS = { answer: 1, refusal: 2, opening: 3 } as const
const TRAILER_BYTES = 1 + 1 + 8 + 32 + 8 + 8 + 8 + 8
/** Blocks among which the last trailer is looked for: while an evidence is being stored its pieces are the last ones. */
const TAIL_BLOCKS = 64

/** What an evidence is of: the answer to a challenge or the opening after it (`id` is the challenge's), or the refusal of a draw (the draw's). */
export interface EvidenceSubject {
  kind: keyof typeof TRAILERS
  id: number
}

/** What is known of one stored evidence. */
export interface EvidenceRecord extends EvidenceSubject {
  /** Evidence hash, 32 bytes, as `answer`, `refuse` or `settleOpenings` logs it. */
  hash: Uint8Array
  /** Blocks `[start, end)` of the evidence core; the last one is the trailer. */
  start: number
  end: number
  bytes: number
  /** When it was stored, ms of the chain's clock. */
  at: number
  /** Where the record before this one ends, so that a follower finds all of them from the last; 0 for the first that is kept. */
  previous: number
}

/** An evidence core that is read: the chain's own on this disk, or one that follows it. */
export interface EvidenceCore {
  core: Hypercore
  /** How long a block may take; 0 if only what is on the disk is asked for. */
  timeoutMs: number
  /** Blocks that were checked are given up, so that the disk holds few. */
  discard: boolean
}

/**
 * The bytes of one evidence from an evidence core, the chain's own or one that follows it.
 *
 * @throws ChainError `EVIDENCE_DAMAGED` if a block is not what the record says
 */
export async function* readEvidence(
  core: Hypercore,
  { start, end, bytes }: Pick<EvidenceRecord, 'start' | 'end' | 'bytes'>,
  timeoutMs = 30_000
): AsyncGenerator<Buffer, void, void> {
  let left = bytes
  for (let at = start; at < end - 1; at++) {
    const block = await core.get(at, { timeout: timeoutMs })
    if (!block || block[0] !== PIECE || block.byteLength - 1 > left) throw damaged(at)
    left -= block.byteLength - 1
    yield block.subarray(1)
  }
  if (left !== 0) throw damaged(end - 1)
}

/** The record that block `at` of an evidence core ends, if it is a trailer. */
export function readTrailer(block: Buffer, at: number): EvidenceRecord | undefined {
  const kind = kindOf(block[0])
  if (block.byteLength !== TRAILER_BYTES || !kind || block[1] !== VERSION) return undefined
  const [id, bytes, count, time, previous] = [2, 42, 50, 58, 66].map((place) =>
    readUint(block, place, 8)
  ) as [number, number, number, number, number]
  if (Math.max(id, bytes, time, previous) > UINT_MAX || count > at) return undefined
  return {
    kind,
    id,
    hash: Buffer.from(block.subarray(10, 42)),
    bytes,
    at: time,
    previous: Math.min(at - count, previous),
    start: at - count,
    end: at + 1
  }
}

/** Trailers, newest first, back to those stored before `since`. */
export async function* trailers(
  source: EvidenceCore,
  since: number,
  signal?: AbortSignal
): AsyncGenerator<EvidenceRecord> {
  let record = await lastTrailer(source)
  while (record && record.at >= since) {
    signal?.throwIfAborted()
    yield record
    if (record.previous === 0) return
    const at: number = record.previous - 1
    const block = await blockOf(source, at)
    record = block ? readTrailer(block, at) : undefined
  }
}

async function lastTrailer(source: EvidenceCore): Promise<EvidenceRecord | undefined> {
  const { core } = source
  const at = core.length - 1
  if (at < 0) return undefined
  const block = await blockOf(source, at)
  const last = block && readTrailer(block, at)
  if (last) return last
  const first = Math.max(0, at - TAIL_BLOCKS)
  const tail = await Promise.all(
    Array.from({ length: at - first }, async (_, i) => {
      const found = await blockOf(source, first + i)
      return found ? readTrailer(found, first + i) : undefined
    })
  )
  return tail.findLast((record) => record !== undefined)
}

/** A block, or null if it cannot be had. */
async function blockOf({ core, timeoutMs }: EvidenceCore, at: number): Promise<Buffer | null> {
  if (timeoutMs === 0) return (await core.has(at)) ? core.get(at) : null
  try {
    return await core.get(at, { timeout: timeoutMs })
  } catch (error) {
    if (isUnavailable(error)) return null
    throw error
  }
}

/** The block that ends an evidence, whose record it holds. */
export function writeTrailer({ kind, id, hash, start, end, bytes, at, previous }: EvidenceRecord): Buffer {
  const block = Buffer.alloc(TRAILER_BYTES)
  block.writeUInt8(TRAILERS[kind], 0)
  block.writeUInt8(VERSION, 1)
  block.writeBigUInt64LE(BigInt(id), 2)
  block.set(hash, 10)
  block.writeBigUInt64LE(BigInt(bytes), 42)
  block.writeBigUInt64LE(BigInt(end - start - 1), 50)
  block.writeBigUInt64LE(BigInt(at), 58)
  block.writeBigUInt64LE(BigInt(previous), 66)
  return block
}

/** What evidence a first byte stands for, if it is a trailer's. */
export function kindOf(byte: number | undefined): EvidenceSubject['kind'] | undefined {
  return (Object.keys(TRAILERS) as EvidenceSubject['kind'][]).find((kind) => TRAILERS[kind] === byte)
}

function damaged(at: number): ChainError {
  return new ChainError(
    'EVIDENCE_DAMAGED',
    `Block ${at} of the evidence core is not a piece of this evidence`
  )
}

/** Whether a block is not to be had, as against an error of ours. */
export function isUnavailable(error: unknown): boolean {
  const code = (error as { code?: string } | null)?.code
  return code === 'REQUEST_TIMEOUT' || code === 'BLOCK_NOT_AVAILABLE' || code === 'REQUEST_CANCELLED'
}
