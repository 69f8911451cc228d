import { codecOf, decodeChunk } from '../../src/chunk/codecs.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { DatdotError } from '../../src/errors.js'
import { buildEvidence, type Evidence, type ProofReader } from '../../src/evidence/format.js'
import { encodeRefusalEvidence, refusalHash } from '../../src/evidence/refusal-format.js'
import { originalStep, walk, type CopyReader } from '../../src/evidence/walk.js'
import type { UploadSource } from '../../src/client/upload.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, prove } from '../../src/merkle/proof.js'
import { MemoryTree } from '../../src/merkle/reader.js'
import {
  encodeOriginalProof,
  originalLeaf,
  OriginalTreeBuilder,
  proofIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import { segmentId, signSegment } from '../../src/protocol/segment.js'
import type { AssignmentView, ChallengeView } from '../../src/protocol/views.js'
import type { HeldCopy } from '../chain/pinner.js'

/** A chunk that should be there is not. */
export class Missing extends Error {}

/** The segments of one copy, in order, as a pinner reads them. */
function readerOf(
  segments: readonly HeldCopy[],
  keeps: (index: number) => boolean
): CopyReader & ProofReader {
  const at = (ordinal: number): { start: number; reader: HeldCopy['reader'] } => {
    const segment = segments[ordinal]
    if (!segment) throw new Missing()
    return { start: segment.record.start, reader: segment.reader }
  }
  return {
    find: async (ordinal, offset) => at(ordinal).start + (await at(ordinal).reader.find(0, offset)),
    chunk: (ordinal, index) => {
      if (!keeps(index)) throw new Missing()
      return at(ordinal).reader.chunk(0, index - at(ordinal).start)
    },
    leaf: (ordinal, index) => at(ordinal).reader.leaf(0, index - at(ordinal).start),
    batchProof: (ordinal, indices) =>
      at(ordinal).reader.batchProof(
        0,
        indices.map((index) => index - at(ordinal).start)
      ),
    originalProof: (ordinal, index) => at(ordinal).reader.originalProof(0, index)
  }
}

/** What a pinner answers to a challenge from what it keeps. @throws Missing */
export async function answered(
  segments: readonly HeldCopy[],
  challenge: ChallengeView,
  keeps: (index: number) => boolean
): Promise<{ challenge: number; state: Uint8Array }> {
  const steps = await walk(readerOf(segments, keeps), challenge)
  return { challenge: challenge.id, state: steps.at(-1)!.state }
}

/** The evidence of an answer. */
export async function evidenceOf(segments: readonly HeldCopy[], challenge: ChallengeView): Promise<Evidence> {
  const reader = readerOf(segments, () => true)
  return buildEvidence(reader, challenge, await walk(reader, challenge))
}

/** Whether an answer to a challenge would open a chunk that its pinner knows to be bad. */
export async function opensBad(
  segments: readonly HeldCopy[],
  challenge: ChallengeView,
  bad: (index: number) => boolean
): Promise<boolean> {
  const steps = await walk(
    readerOf(segments, () => true),
    challenge
  )
  return bad(steps[originalStep(steps.at(-1)!.state, steps.length)]!.index)
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

/** The author's leaf of a block, and its path to the roots. */
function ofOriginal(
  blocks: readonly Buffer[],
  index: number
): { leaf: { size: number; hash: Buffer }; original: Uint8Array } {
  const nodes = new Map<number, OriginalNode>()
  const builder = new OriginalTreeBuilder()
  for (const block of blocks) {
    for (const node of builder.appendLeaf(block.byteLength, originalLeaf(block))) nodes.set(node.index, node)
  }
  const { siblings, roots } = proofIndices(index, blocks.length)
  const at = (node: number): OriginalNode => nodes.get(node)!
  const { size, hash } = at(2 * index)
  return {
    leaf: { size, hash: Buffer.from(hash) },
    original: encodeOriginalProof(Buffer.alloc(0), siblings.map(at), roots.map(at))
  }
}
