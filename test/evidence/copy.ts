import { codecOf, encodeChunk } from '../../src/chunk/codecs.js'
import { segmentId, type SegmentPublic } from '../../src/chunk/codec.js'
import { blake3, hash } from '../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { ProofError } from '../../src/errors.js'
import { leafNode } from '../../src/merkle/node.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { MemoryTree, locate, rootOf } from '../../src/merkle/reader.js'
import { joinOriginal, type Evidence, type ProofReader } from '../../src/evidence/format.js'
import type { EvidenceSource, EvidenceTools } from '../../src/evidence/verify.js'
import type { CopyReader, WalkChallenge } from '../../src/evidence/walk.js'
import type { WalkSegment } from '../../src/protocol/views.js'

/** A copy in memory: real chunks, real trees. */
export interface TestCopy {
  blocks: Buffer[]
  chunks: Buffer[]
  segments: WalkSegment[]
  reader: CopyReader & ProofReader
  /** Stands in for the author's tree: the proof of a block is its hash. */
  tools: EvidenceTools
}

/** Encodes blocks of the given lengths, one list a segment, with `wrap`; the same for the same arguments. */
export async function makeCopy(lengths: number[][], salt = ''): Promise<TestCopy> {
  const blocks: Buffer[] = []
  const chunks: Buffer[] = []
  const segments: WalkSegment[] = []
  const trees: MemoryTree[] = []
  for (const [ordinal, sizes] of lengths.entries()) {
    const keys = keyPairFromSeed(hash('test/signer', ordinal))
    const start = blocks.length
    const id = segmentId({
      chain: hash('test/chain'),
      key: hash('test/hypercore'),
      fork: 0,
      copy: 1,
      start,
      signer: keys.publicKey,
      draw: ordinal
    })
    const segment = { codec: 'wrap' as const, id, publicKey: keys.publicKey, salt: Buffer.alloc(32) }
    const tree = new MemoryTree()
    const builder = new TreeBuilder((records) => tree.append(records))
    for (const size of sizes) {
      const index = blocks.length
      const block = Buffer.alloc(size, hash(`test/block${salt}`, index))
      const seed = hash('test/seed', index)
      const chunk = encodeChunk({ ...segment, secretKey: keys.secretKey }, index, block, seed)
      builder.appendLeaf(leafNode(chunk, chunk.byteLength - block.byteLength))
      blocks.push(block)
      chunks.push(chunk)
    }
    const root = await rootOf(tree)
    const treeHash = hash('test/tree', ordinal)
    segments.push({ ...segment, start, chunks: sizes.length, bytes: root.bytes, root: root.hash, treeHash })
    trees.push(tree)
  }
  const checkOriginal: EvidenceTools['checkOriginal'] = (_, index, length, proof) => {
    const block = proof.subarray(32)
    const holds = length === blocks.length && blake3(block).equals(proof.subarray(0, 32))
    if (!holds || !blocks[index]?.equals(block))
      throw new ProofError('ORIGINAL_PROOF_FORMAT', 'another block')
  }
  const tools = {
    decoderOf: (segment: SegmentPublic) => codecOf(segment.codec).createDecoder(segment),
    checkOriginal
  }
  return { blocks, chunks, segments, reader: readerOf(chunks, segments, trees, blocks), tools }
}

function readerOf(
  chunks: Buffer[],
  segments: WalkSegment[],
  trees: MemoryTree[],
  blocks: Buffer[]
): CopyReader & ProofReader {
  const start = (ordinal: number): number => segments[ordinal]!.start
  return {
    find: async (ordinal, offset) => start(ordinal) + (await locate(trees[ordinal]!, offset)).index,
    chunk: (_, index) => chunks[index]!,
    leaf: (ordinal, index) => trees[ordinal]!.node(0, index - start(ordinal)),
    batchProof: async (ordinal, indices) =>
      encodeProof(
        await proveBatch(
          trees[ordinal]!,
          indices.map((index) => index - start(ordinal))
        )
      ),
    originalProof: (_, index) => joinOriginal(blocks.length, blake3(blocks[index]!))
  }
}

export function challengeOf(copy: TestCopy, steps: number, seed = 1): WalkChallenge {
  return { seed: hash('test/challenge', seed), steps, segments: copy.segments }
}

/** All bytes of an evidence. */
export async function evidenceBytes(evidence: Evidence): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of evidence.parts()) parts.push(part)
  return Buffer.concat(parts)
}

export function memorySource(bytes: Uint8Array): EvidenceSource {
  return {
    byteLength: bytes.byteLength,
    read: (offset, length) => bytes.subarray(offset, offset + length)
  }
}
