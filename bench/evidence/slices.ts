import { HEADER_BYTES } from '../../src/chunk/header.js'
import { hashTree, plainMode } from '../../src/crypto/blake3-tree.js'
import { slabHasher } from '../../src/crypto/blake3-slab.js'
import { blake3, keyedBlake3, uniform } from '../../src/crypto/hash.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { pureSliceTools } from '../../src/evidence/pure-slice-tools.js'
import { pureSliceHasher, type SliceHasher } from '../../src/evidence/slice-batch.js'
import { buildSliceEvidence } from '../../src/evidence/slice-evidence.js'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { walkSlices, type SliceChallenge, type SliceSource } from '../../src/evidence/slice-walk.js'
import { GROUP_BYTES, SLICE_BYTES, VALUE_BYTES, groupOf, storedGroups } from '../../src/evidence/slices.js'
import { verifySliceEvidence, type SliceTools } from '../../src/evidence/verify-slices.js'
import { leafNode, parentNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { locate, type NodeReader } from '../../src/merkle/reader.js'
import type { Contender, Suite } from '../harness.js'

const BODY_BYTES = 64 * 1024
const SLICES = BODY_BYTES / SLICE_BYTES
/** Steps of a walk, and slices that are checked in one call. */
const STEPS = 44
/** Calls of one measured run, on compiled code and in TypeScript. */
const CALLS = 200
const SLOW_CALLS = 20
/** A copy of 1.1 TB: 2^24 chunks of 64 KiB. */
const LEVELS = 24
/** Siblings of a slice of 64. */
const SIBLINGS = 6

/** Making and checking proofs of slices, beside BLAKE3 of the bytes that they are about; and whole answers of a copy of 1 TB. */
export const slices: Suite = async ({ compare, note }) => {
  const bodies = Array.from({ length: STEPS }, () => randomBytes(BODY_BYTES))
  const proofs = proofsOf(bodies)
  const slice = bodies[0]!.subarray(0, SLICE_BYTES)
  const group = bodies[0]!.subarray(0, GROUP_BYTES)
  const of = (name: string, role: Contender['role'], calls: number, run: () => void): Contender => {
    return { name, role, chunks: calls * STEPS, run: () => repeat(calls, run) }
  }
  const each = (run: () => unknown) => () => repeat(STEPS, run)

  await compare({
    suite: 'merkle',
    chunkBytes: SLICE_BYTES,
    threads: 1,
    contenders: [
      of(`slice proofs checked, ${STEPS} a call`, 'subject', CALLS, () => check(sliceHasher, proofs)),
      of(
        'BLAKE3 of 1 KiB, checked against',
        'ceiling',
        CALLS,
        each(() => blake3(slice))
      ),
      of('slice proofs checked, TypeScript', 'alternative', SLOW_CALLS, () => check(pureSliceHasher, proofs)),
      of(
        'BLAKE3 of 1 KiB, TypeScript',
        'alternative',
        SLOW_CALLS,
        each(() => hashTree(plainMode, slice))
      )
    ]
  })
  await compare({
    suite: 'merkle',
    chunkBytes: SLICE_BYTES,
    threads: 1,
    contenders: [
      of('slice proofs made from stored values', 'subject', CALLS, () => make(sliceHasher, proofs)),
      of(
        'BLAKE3 of the 16 KiB that it reads',
        'ceiling',
        CALLS,
        each(() => blake3(group))
      ),
      of('slice proofs made, TypeScript', 'alternative', SLOW_CALLS, () => make(pureSliceHasher, proofs))
    ]
  })
  const values = new Uint8Array(storedGroups(BODY_BYTES) * VALUE_BYTES)
  const store = (hasher: SliceHasher) => () => {
    for (const body of bodies) hasher.groupValues(body, 0, values)
  }
  await compare({
    suite: 'merkle',
    chunkBytes: BODY_BYTES,
    threads: 1,
    contenders: [
      of('values of 16 KiB groups', 'subject', CALLS, store(sliceHasher)),
      of('BLAKE3 of the bodies', 'ceiling', CALLS, () => bodies.forEach(blake3)),
      of('values of groups, TypeScript', 'alternative', 2, store(pureSliceHasher))
    ]
  })

  const { challenge, evidence, lastState } = await answerOf(randomBytes(BODY_BYTES))
  const verify = (tools: SliceTools) => () => {
    const verdict = verifySliceEvidence(evidence, challenge, lastState, tools)
    if (!verdict.ok) throw new Error(verdict.code)
  }
  const answers = (calls: number) => ({ chunks: calls * STEPS, operations: calls })
  await compare({
    suite: 'merkle',
    chunkBytes: SLICE_BYTES,
    threads: 1,
    contenders: [
      {
        name: `answers of ${STEPS} slices of 1 TB`,
        role: 'subject',
        run: () => repeat(CALLS, verify(sliceTools)),
        ...answers(CALLS)
      },
      {
        name: 'bare primitives of such an answer',
        role: 'ceiling',
        run: () => repeat(CALLS, primitives(evidence)),
        ...answers(CALLS)
      },
      {
        name: 'such answers, TypeScript',
        role: 'alternative',
        run: () => repeat(SLOW_CALLS, verify(pureSliceTools)),
        ...answers(SLOW_CALLS)
      }
    ]
  })
  note(`evidence of a step of 1 TB, k = ${STEPS}, bytes`, Math.round(evidence.byteLength / STEPS))
}

function repeat(times: number, run: () => unknown): void {
  for (let i = 0; i < times; i++) run()
}

/** Slices with their siblings in one piece of memory, and what they are made from. */
interface Proofs {
  bodies: Buffer[]
  values: Uint8Array[]
  roots: Buffer
  bytes: Buffer
  at: Uint32Array
  indices: Uint32Array
  bodyBytes: Uint32Array
}

function proofsOf(bodies: Buffer[]): Proofs {
  const indices = Uint32Array.from(bodies, (_, i) => (i * 29) % SLICES)
  const values = bodies.map((body) => {
    const own = new Uint8Array(storedGroups(BODY_BYTES) * VALUE_BYTES)
    sliceHasher.groupValues(body, 0, own)
    return own
  })
  const parts = bodies.map((body, i) => {
    const index = indices[i]!
    const { offset, bytes } = groupOf(index, BODY_BYTES)
    const group = body.subarray(offset, offset + bytes)
    const slice = body.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES)
    return Buffer.concat([slice, sliceHasher.siblingsOf(index, BODY_BYTES, values[i]!, group)])
  })
  return {
    bodies,
    values,
    roots: Buffer.concat(bodies.map(blake3)),
    bytes: Buffer.concat(parts),
    at: Uint32Array.from(parts, (part, i) => i * part.byteLength),
    indices,
    bodyBytes: new Uint32Array(bodies.length).fill(BODY_BYTES)
  }
}

function check({ sliceRoots }: SliceHasher, { bytes, at, indices, bodyBytes, roots }: Proofs): void {
  const out = Buffer.allocUnsafe(roots.byteLength)
  sliceRoots(bytes, at, indices, bodyBytes, out)
  if (!out.equals(roots)) throw new Error('a slice does not lead to its body')
}

function make({ siblingsOf }: SliceHasher, { bodies, values, indices }: Proofs): void {
  for (let i = 0; i < bodies.length; i++) {
    const { offset, bytes } = groupOf(indices[i]!, BODY_BYTES)
    siblingsOf(indices[i]!, BODY_BYTES, values[i]!, bodies[i]!.subarray(offset, offset + bytes))
  }
}

/** An answer over a copy of 2^LEVELS times one chunk, whose tree has one node a level. */
async function answerOf(
  body: Buffer
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
  const challenge = { seed: randomBytes(VALUE_BYTES), steps: STEPS, segments }
  const steps = await walkSlices(source, challenge, sliceTools)
  const paths = {
    batchProof: async (_: number, indices: number[]) => encodeProof(await proveBatch(tree, indices))
  }
  const evidence = await buildSliceEvidence(paths, challenge, steps)
  return { challenge, evidence, lastState: steps.at(-1)!.state }
}

/** What such an answer cannot be checked without: as few calls as there can be, and nothing around them. */
function primitives(evidence: Uint8Array): () => void {
  const key = Buffer.alloc(VALUE_BYTES, 1)
  const slice = evidence.slice(0, SLICE_BYTES)
  const message = evidence.slice(0, 12 + HEADER_BYTES.wrap + SLICE_BYTES)
  const bytes = BigInt(2 ** LEVELS * (HEADER_BYTES.wrap + BODY_BYTES))
  // Siblings and leaf of each step, in one call.
  const small = STEPS * (SIBLINGS + 1)
  const offsets = new Uint32Array(small)
  const lengths = new Uint32Array(small).fill(2 * VALUE_BYTES, 0, STEPS * SIBLINGS)
  lengths.fill(9 + HEADER_BYTES.wrap + VALUE_BYTES, STEPS * SIBLINGS)
  const hashes = new Uint8Array(small * VALUE_BYTES)
  // The paths of k leaves share their upper log2(k) levels.
  const pairs = Math.round(STEPS * (LEVELS - Math.log2(STEPS) + 1))
  const records = new Uint8Array(2 * pairs * 40)
  const parents = new Uint8Array(pairs * 40)
  return () => {
    blake3(evidence)
    for (let i = 0; i < STEPS; i++) {
      blake3(slice)
      uniform(key, bytes)
      keyedBlake3(key, message)
    }
    slabHasher.hashMany(evidence, offsets, lengths, 0, small, 0, hashes)
    slabHasher.parents(records, pairs, parents)
  }
}
