import { hashTree, plainMode } from '../../src/crypto/blake3-tree.js'
import { blake3 } from '../../src/crypto/hash.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { pureSliceTools } from '../../src/evidence/pure-slice-tools.js'
import { pureSliceHasher, type SliceHasher } from '../../src/evidence/slice-batch.js'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { GROUP_BYTES, SLICE_BYTES, VALUE_BYTES, groupOf, storedGroups } from '../../src/evidence/slices.js'
import { verifySliceEvidence, type SliceTools } from '../../src/evidence/verify-slices.js'
import type { Contender, Suite } from '../harness.js'
import { BODY_BYTES, answerOf, primitives } from './answer.js'

const SLICES = BODY_BYTES / SLICE_BYTES
/** Steps of a walk, and slices that are checked in one call. */
const STEPS = 44
/** Calls of one measured run, on compiled code and in TypeScript. */
const CALLS = 200
const SLOW_CALLS = 20
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

  const { challenge, evidence, lastState } = await answerOf(randomBytes(BODY_BYTES), STEPS)
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
        run: () => repeat(CALLS, primitives(evidence, STEPS)),
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
