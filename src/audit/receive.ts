import { ChainError, type CodeOf } from '../errors.js'
import {
  isUnavailable,
  readEvidence,
  type EvidenceCore,
  type EvidenceRecord
} from '../client/evidence-core.js'

/**
 * The bytes of an evidence, all in memory; null if they cannot be had.
 *
 * @param most that any of its kind has
 * @param fault names what it is of
 * @throws ChainError if they cannot be any
 */
export async function receiveWhole(
  { core, timeoutMs, discard }: EvidenceCore,
  { start, end, bytes }: Pick<EvidenceRecord, 'start' | 'end' | 'bytes'>,
  most: number,
  fault: (code: CodeOf<'ChainError'>, why: string) => ChainError
): Promise<Buffer | null> {
  if (bytes > most) throw fault('EVIDENCE_DIFFERS', `no evidence of it has ${bytes} bytes`)
  if (timeoutMs === 0 && !(await core.has(start, end))) return null
  const pieces: Buffer[] = []
  try {
    for await (const piece of readEvidence(core, { start, end, bytes }, timeoutMs)) pieces.push(piece)
    return Buffer.concat(pieces)
  } catch (error) {
    if (error instanceof ChainError) throw fault('EVIDENCE_DAMAGED', error.message)
    if (isUnavailable(error)) return null
    throw error
  } finally {
    if (discard) await core.clear(start, end)
  }
}
