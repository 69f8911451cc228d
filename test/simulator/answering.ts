import { codecOf, decodeChunk } from '../../src/chunk/codecs.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { DatdotError } from '../../src/errors.js'
import { encodeRefusalEvidence, refusalHash } from '../../src/evidence/refusal-format.js'
import type { PathSource } from '../../src/evidence/slice-evidence.js'
import type { SliceSource } from '../../src/evidence/slice-walk.js'
import type { UploadSource } from '../../src/client/upload.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, prove } from '../../src/merkle/proof.js'
import { MemoryTree } from '../../src/merkle/reader.js'
import { segmentId, signSegment } from '../../src/protocol/segment.js'
import type { AssignmentView, ChallengeView } from '../../src/protocol/views.js'
import { ofOriginal } from '../chain/openings.js'
import type { HeldCopy } from '../chain/pinner.js'
import { walked, type Answered } from '../evidence/slice-copy.js'

/** A chunk that should be there is not. */
export class Missing extends Error {}

/** The segments of one copy, in order, as a pinner reads them. */
function sourceOver(
  segments: readonly HeldCopy[],
  keeps: (index: number) => boolean = () => true
): SliceSource & PathSource {
  // Each segment's reader counts from its own first block.
  const at = (ordinal: number): { start: number; reader: HeldCopy['reader'] } => {
    const segment = segments[ordinal]
    if (!segment) throw new Missing()
    return { start: segment.record.start, reader: segment.reader }
  }
  return {
    find: async (ordinal, offset) => {
      const { start, reader } = at(ordinal)
      const place = await reader.find(0, offset)
      return { ...place, index: place.index + start }
    },
    read: (ordinal, place, slice) => {
      if (!keeps(place.index)) throw new Missing()
      const { start, reader } = at(ordinal)
      return reader.read(0, { ...place, index: place.index - start }, slice)
    },
    batchProof: (ordinal, indices) => {
      const { start, reader } = at(ordinal)
      return reader.batchProof(
        0,
        indices.map((index) => index - start)
      )
    }
  }
}

/** What a pinner answers to a challenge from what it keeps, and the evidence of that. @throws Missing */
export async function answered(
  segments: readonly HeldCopy[],
  challenge: ChallengeView,
  keeps: (index: number) => boolean
): Promise<Answered> {
  return walked(sourceOver(segments, keeps), challenge)
}

/** The tree over a segment's chunks. */
function treeOf({ chunks, record }: HeldCopy): { tree: MemoryTree; root: Buffer } {
  const { headerBytes } = codecOf(record.codec)
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, headerBytes))
  return { tree, root: Buffer.from(builder.root().hash) }
}

/** The same segment with a byte of its second chunk changed, under a root that its signer signs. */
export function spoiled(chainId: Uint8Array, held: HeldCopy, signer: KeyPair): HeldCopy {
  const chunks = held.chunks.map((chunk) => Buffer.from(chunk))
  chunks[Math.min(1, chunks.length - 1)]!.writeUInt8(
    held.chunks[0]!.at(-1)! ^ 1,
    codecOf(held.record.codec).headerBytes
  )
  const bad = { ...held, chunks }
  const record = { ...held.record, root: treeOf(bad).root }
  return { ...bad, record, signerSignature: signSegment(chainId, signer, record) }
}

/** What a pinner finds wrong with a segment that its signer signed, and can show: a chunk that does not decode, or not to the author's block. */
export async function faultOf(
  chainId: Uint8Array,
  { draw, length }: AssignmentView,
  held: HeldCopy,
  blocks: readonly Buffer[] | null
): Promise<{ hash: Uint8Array; source: UploadSource } | null> {
  const { record, chunks, signerSignature } = held
  const { key, fork, copy, start, signer, codec, publicKey, salt } = record
  const id = segmentId({ chain: chainId, key, fork, copy, start, signer, draw })
  const decodes = (index: number): Buffer | null => {
    try {
      return decodeChunk({ codec, id, publicKey, salt }, start + index, chunks[index]!)
    } catch (error) {
      if (error instanceof DatdotError) return null
      throw error
    }
  }
  for (const index of chunks.keys()) {
    const plain = decodes(index)
    const block = blocks?.[start + index]
    if (plain && (!block || plain.equals(block))) continue
    const shown = {
      checkpoint: { record, signature: Buffer.from(signerSignature) },
      index: start + index,
      proof: encodeProof(await prove(treeOf(held).tree, index)),
      chunk: chunks[index]!
    }
    const evidence = plain
      ? encodeRefusalEvidence({
          fault: 'original',
          ...shown,
          ...ofOriginal(blocks!.slice(0, length), start + index)
        })
      : encodeRefusalEvidence({ fault: 'chunk', ...shown })
    return {
      hash: refusalHash(evidence),
      source: { byteLength: evidence.byteLength, parts: () => [evidence] }
    }
  }
  return null
}
