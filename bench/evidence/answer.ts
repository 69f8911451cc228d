import { HEADER_BYTES } from '../../src/chunk/header.js'
import { slabHasher } from '../../src/crypto/blake3-slab.js'
import { blake3, keyedBlake3, uniform } from '../../src/crypto/hash.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { buildSliceEvidence } from '../../src/evidence/slice-evidence.js'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { walkSlices, type SliceChallenge, type SliceSource } from '../../src/evidence/slice-walk.js'
import { SLICE_BYTES, VALUE_BYTES, groupOf, storedGroups } from '../../src/evidence/slices.js'
import { leafNode, parentNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { locate, type NodeReader } from '../../src/merkle/reader.js'

/** Of a chunk of the copy. */
export const BODY_BYTES = 64 * 1024
/** A copy of 1.1 TB: 2^24 chunks of 64 KiB. */
const LEVELS = 24
/** Siblings of a slice of 64. */
const SIBLINGS = 6

/** An answer over a copy of 2^LEVELS times one chunk, whose tree has one node a level. */
export async function answerOf(
  body: Buffer,
  steps: number
): Promise<{ challenge: SliceChallenge; evidence: Uint8Array; lastState: Uint8Array }> {
  const header = Buffer.alloc(HEADER_BYTES.wrap)
  header[0] = 1
  header.writeUInt32LE(BODY_BYTES, 4)
  const nodes = [leafNode(Buffer.concat([header, body]), header.byteLength)]
  for (let level = 0; level < LEVELS; level++) nodes.push(parentNode(nodes[level]!, nodes[level]!))
  const tree: NodeReader = { chunks: 2 ** LEVELS, node: (level) => nodes[level]! }
  const values = new Uint8Array(storedGroups(BODY_BYTES) * VALUE_BYTES)
  sliceHasher.groupValues(body, 0, values)
  const source: SliceSource = {
    find: (_, offset) => locate(tree, offset),
    read(_ordinal, _place, index) {
      const { offset, bytes } = groupOf(index, BODY_BYTES)
      const siblings = sliceHasher.siblingsOf(
        index,
        BODY_BYTES,
        values,
        body.subarray(offset, offset + bytes)
      )
      return { header, slice: body.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES), siblings }
    }
  }
  const { hash, bytes } = nodes[LEVELS]!
  const id = Buffer.alloc(VALUE_BYTES)
  const segments = [{ codec: 'wrap' as const, id, start: 0, chunks: 2 ** LEVELS, bytes, root: hash }]
  const challenge = { seed: randomBytes(VALUE_BYTES), steps, segments }
  const walked = await walkSlices(source, challenge, sliceTools)
  const paths = {
    batchProof: async (_: number, indices: number[]) => encodeProof(await proveBatch(tree, indices))
  }
  const evidence = await buildSliceEvidence(paths, challenge, walked)
  return { challenge, evidence, lastState: walked.at(-1)!.state }
}

/** What such an answer cannot be checked without: as few calls as there can be, and nothing around them. */
export function primitives(evidence: Uint8Array, steps: number): () => void {
  const key = Buffer.alloc(VALUE_BYTES, 1)
  const slice = evidence.slice(0, SLICE_BYTES)
  const message = evidence.slice(0, 12 + HEADER_BYTES.wrap + SLICE_BYTES)
  const bytes = BigInt(2 ** LEVELS * (HEADER_BYTES.wrap + BODY_BYTES))
  // Siblings and leaf of each step, in one call.
  const small = steps * (SIBLINGS + 1)
  const offsets = new Uint32Array(small)
  const lengths = new Uint32Array(small).fill(2 * VALUE_BYTES, 0, steps * SIBLINGS)
  lengths.fill(9 + HEADER_BYTES.wrap + VALUE_BYTES, steps * SIBLINGS)
  const hashes = new Uint8Array(small * VALUE_BYTES)
  // The paths of k leaves share their upper log2(k) levels.
  const pairs = Math.round(steps * (LEVELS - Math.log2(steps) + 1))
  const records = new Uint8Array(2 * pairs * 40)
  const parents = new Uint8Array(pairs * 40)
  return () => {
    blake3(evidence)
    for (let i = 0; i < steps; i++) {
      blake3(slice)
      uniform(key, bytes)
      keyedBlake3(key, message)
    }
    slabHasher.hashMany(evidence, offsets, lengths, 0, small, 0, hashes)
    slabHasher.parents(records, pairs, parents)
  }
}
