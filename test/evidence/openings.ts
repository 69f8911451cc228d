import { decodeChunk } from '../../src/chunk/codecs.js'
import { encodeOpening, type Opening } from '../../src/evidence/opening.js'
import { judgeOpening, type OpeningVerdict } from '../../src/evidence/opening-judge.js'
import type { AskedChunk } from '../../src/protocol/views.js'
import type { RefusedSegment, Signed } from './segment.js'

/** What a pinner shows of a chunk of a segment. */
export async function openingOf(segment: RefusedSegment, signed: Signed, index: number): Promise<Opening> {
  const { proof, leaf, original, chunk } = await segment.originalEvidence(signed, index)
  return { length: segment.blocks.length, proof, level: 0, leaf, original, chunk }
}

/** The chunk that is asked for, as the log has its segment. */
export function asked(
  { checkpoint: { record } }: Signed,
  { drawn }: RefusedSegment,
  index: number
): AskedChunk {
  const { codec, publicKey, salt, start, chunks, bytes, root, treeHash } = record
  return { segment: { codec, id: drawn.id, publicKey, salt, start, chunks, bytes, root, treeHash }, index }
}

export function judged(opening: Opening | Uint8Array, of: AskedChunk): OpeningVerdict {
  const bytes = opening instanceof Uint8Array ? opening : encodeOpening(opening)
  return judgeOpening(bytes, of, { decodeChunk })
}
