import { type CodecName, HEADER_BYTES } from '../../src/chunk/header.js'
import { hash } from '../../src/crypto/hash.js'
import { type PathSource, buildSliceEvidence, sliceEvidenceHash } from '../../src/evidence/slice-evidence.js'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import {
  walkSlices,
  type SliceChallenge,
  type SliceSegment,
  type SliceSource,
  type SliceStep
} from '../../src/evidence/slice-walk.js'
import { SLICE_BYTES, VALUE_BYTES, groupOf, storedGroups } from '../../src/evidence/slices.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode, parentNode, type TreeNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { MemoryTree, locate, rootOf, type NodeReader } from '../../src/merkle/reader.js'

/** A copy in memory: chunks that nothing was encoded into, real trees, values as a pinner stores them. */
export interface SliceCopy {
  chunks: Buffer[]
  segments: SliceSegment[]
  source: SliceSource & PathSource
}

/** A chunk whose header says its length and whose other bytes look random. `plain` is what it claims to encode. */
export function makeChunk(codec: CodecName, plain: number, seed: string): Buffer {
  const body = codec === 'seal' ? Math.ceil(plain / 255) * 256 : plain
  const chunk = Buffer.alloc(HEADER_BYTES[codec] + body)
  for (let at = 0, i = 0; at < chunk.byteLength; at += 32) hash('test/chunk', seed, i++).copy(chunk, at)
  chunk.writeUInt32LE(codec === 'seal' ? 0x102 : 0x101, 0)
  chunk.writeUInt32LE(plain, 4)
  return chunk
}

/** A segment for each list of plain lengths; the same for the same arguments. */
export async function makeSliceCopy(
  lengths: { codec: CodecName; plain: number[] }[],
  salt = ''
): Promise<SliceCopy> {
  return copyOf(
    lengths.map(({ codec, plain }, ordinal) => ({
      codec,
      chunks: plain.map((bytes, i) => makeChunk(codec, bytes, `${salt} ${ordinal} ${i}`))
    }))
  )
}

/** A copy of the chunks that are given, whatever they are. */
export async function copyOf(given: { codec: CodecName; chunks: Buffer[] }[]): Promise<SliceCopy> {
  const segments: SliceSegment[] = []
  const trees: MemoryTree[] = []
  const chunks: Buffer[] = []
  for (const [ordinal, { codec, chunks: own }] of given.entries()) {
    const tree = new MemoryTree()
    const builder = new TreeBuilder((records) => tree.append(records))
    for (const chunk of own) builder.appendLeaf(leafNode(chunk, HEADER_BYTES[codec]))
    const root = await rootOf(tree)
    const id = hash('test/segment', ordinal)
    segments.push({ codec, id, start: chunks.length, chunks: own.length, bytes: root.bytes, root: root.hash })
    chunks.push(...own)
    trees.push(tree)
  }
  return { chunks, segments, source: sourceOf(segments, trees, (index) => chunks[index]!) }
}

/** How chunks in memory are read, with their trees. */
export function sourceOf(
  segments: readonly Pick<SliceSegment, 'codec' | 'start'>[],
  trees: NodeReader[],
  chunk: (index: number) => Buffer
): SliceSource & PathSource {
  return {
    async find(ordinal, offset) {
      const { index, ...place } = await locate(trees[ordinal]!, offset)
      return { ...place, index: segments[ordinal]!.start + index }
    },
    read(ordinal, place, slice) {
      const bytes = chunk(place.index)
      const headerBytes = HEADER_BYTES[segments[ordinal]!.codec]
      const body = bytes.subarray(headerBytes)
      const values = new Uint8Array(storedGroups(body.byteLength) * VALUE_BYTES)
      if (values.byteLength > 0) sliceHasher.groupValues(body, 0, values)
      const group = groupOf(slice, body.byteLength)
      const groupBytes = body.subarray(group.offset, group.offset + group.bytes)
      return {
        header: bytes.subarray(0, headerBytes),
        slice: body.subarray(slice * SLICE_BYTES, (slice + 1) * SLICE_BYTES),
        siblings: sliceHasher.siblingsOf(slice, body.byteLength, values, groupBytes)
      }
    },
    async batchProof(ordinal, indices) {
      const { start } = segments[ordinal]!
      return encodeProof(
        await proveBatch(
          trees[ordinal]!,
          indices.map((index) => index - start)
        )
      )
    }
  }
}

/**
 * A copy of 2^levels times the same chunk, in one segment: its tree has one node a level, so that a copy of a terabyte has real
 * proofs without its bytes.
 */
export function uniformCopy(codec: CodecName, plain: number, levels: number): SliceCopy {
  const chunk = makeChunk(codec, plain, 'uniform')
  const nodes: TreeNode[] = [leafNode(chunk, HEADER_BYTES[codec])]
  for (let level = 0; level < levels; level++) nodes.push(parentNode(nodes[level]!, nodes[level]!))
  const { hash: root, bytes } = nodes[levels]!
  const chunks = 2 ** levels
  const segments = [{ codec, id: hash('test/segment'), start: 0, chunks, bytes, root }]
  const tree: NodeReader = { chunks, node: (level) => nodes[level]! }
  return { chunks: [chunk], segments, source: sourceOf(segments, [tree], () => chunk) }
}

export function challengeOf(copy: SliceCopy, steps: number, seed = 1): SliceChallenge {
  return { seed: hash('test/challenge', seed), steps, segments: copy.segments }
}

/** What a pinner answers. */
export interface Answered {
  challenge: SliceChallenge
  steps: SliceStep[]
  lastState: Uint8Array
  evidence: Uint8Array
  /** `sliceEvidenceHash` */
  hash: Uint8Array
}

export function answer({ source }: SliceCopy, challenge: SliceChallenge): Promise<Answered> {
  return walked(source, challenge)
}

/** What comes of a walk over `source`, right or wrong. */
export async function walked(source: SliceSource & PathSource, challenge: SliceChallenge): Promise<Answered> {
  const steps = await walkSlices(source, challenge, sliceTools)
  const evidence = await buildSliceEvidence(source, challenge, steps)
  const hash = sliceEvidenceHash(evidence, sliceTools)
  return { challenge, steps, lastState: steps.at(-1)!.state, evidence, hash }
}
