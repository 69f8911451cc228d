import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CodecName } from '../../src/chunk/header.js'
import { hash } from '../../src/crypto/hash.js'
import { pureSliceTools } from '../../src/evidence/pure-slice-tools.js'
import {
  buildSliceEvidence,
  decodeSliceEvidence,
  maxSliceEvidenceBytes,
  sliceEvidenceHash
} from '../../src/evidence/slice-evidence.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import {
  sliceWalkShape,
  walkSlices,
  type SliceChallenge,
  type SliceStep
} from '../../src/evidence/slice-walk.js'
import {
  verifySliceEvidence,
  type RefusedSlices,
  type SliceTools,
  type VerifiedSlices
} from '../../src/evidence/verify-slices.js'
import {
  answer,
  challengeOf,
  copyOf,
  makeChunk,
  makeSliceCopy,
  uniformCopy,
  type Answered
} from './slice-copy.js'

const codes = /^(EVIDENCE|SLICE|PROOF|CODEC)_[A-Z_]+$/

function check(
  { challenge, lastState, evidence }: Answered,
  bytes: Uint8Array = evidence,
  tools: SliceTools = sliceTools
): VerifiedSlices | RefusedSlices {
  return verifySliceEvidence(bytes, challenge, lastState, tools)
}

function codeOf(verdict: VerifiedSlices | RefusedSlices): string {
  if (verdict.ok) return 'ok'
  assert.match(verdict.code, codes)
  return verdict.code
}

/** An evidence from parts by the page, whatever they are: numbers as they are given, then bytes. */
function evidenceOf(numbers: (number | Buffer)[], ...bytes: Uint8Array[]): Buffer {
  const parts = numbers.map((value) => {
    if (typeof value !== 'number') return value
    if (value < 253) return Buffer.of(value)
    const [tag, width] = value < 2 ** 16 ? [253, 2] : value < 2 ** 32 ? [254, 4] : [255, 8]
    const out = Buffer.alloc(1 + width)
    out[0] = tag
    if (width === 8) out.writeBigUInt64LE(BigInt(value), 1)
    else out.writeUIntLE(value, 1, width)
    return out
  })
  return Buffer.concat([...parts, ...bytes])
}

async function small(k = 4): Promise<Answered> {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [100, 2_500, 0, 700] },
    { codec: 'seal', plain: [1_000, 20, 3_000] }
  ])
  return answer(copy, challengeOf(copy, k))
}

test('evidence of random walks over random copies holds, with compiled code and in TypeScript alone', async () => {
  const codec = fc.constantFrom<CodecName>('wrap', 'seal')
  const plain = fc.array(fc.oneof(fc.nat(3_000), fc.nat(70_000)), { minLength: 1, maxLength: 20 })
  const segments = fc.array(fc.record({ codec, plain }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(segments, fc.integer({ min: 1, max: 60 }), fc.nat(), async (lengths, k, seed) => {
      const copy = await makeSliceCopy(lengths)
      const given = await answer(copy, challengeOf(copy, k, seed))
      const { challenge, evidence, steps } = given
      assert.ok(evidence.byteLength <= maxSliceEvidenceBytes(sliceWalkShape(challenge)))
      for (const tools of [sliceTools, pureSliceTools]) {
        const verdict = check(given, evidence, tools)
        assert.ok(verdict.ok, codeOf(verdict))
        assert.equal(verdict.bytes, evidence.byteLength)
        assert.deepEqual(Buffer.from(verdict.hash), hash('datdot/evidence/2', evidence))
        assert.deepEqual(
          verdict.visits,
          steps.map(({ ordinal, place, index }) => ({ ordinal, index: place.index, slice: index }))
        )
      }
    }),
    { numRuns: 40 }
  )
})

test('a step of a copy of a terabyte takes at most 2.3 KB, with large blocks less than that', async () => {
  const sizes: Record<string, number> = {}
  for (const [codec, plain, levels] of [
    ['wrap', 64 << 10, 24],
    ['seal', 64 << 10, 24],
    ['seal', 15 << 20, 16]
  ] as const) {
    const copy = uniformCopy(codec, plain, levels)
    assert.ok(copy.segments[0]!.bytes >= 1e12)
    for (const k of [1, 9, 44]) {
      const given = await answer(copy, challengeOf(copy, k))
      assert.equal(codeOf(check(given)), 'ok')
      sizes[`${codec} ${plain} ${k}`] = given.evidence.byteLength / k
      assert.ok(given.evidence.byteLength <= 2_335 * k)
      if (k >= 9) assert.ok(given.evidence.byteLength <= 2_300 * k)
    }
  }
  assert.ok(sizes[`seal ${15 << 20} 9`]! < sizes[`seal ${64 << 10} 9`]!)
})

test('no byte of an evidence can be changed, and its hash changes with it', async () => {
  for (const given of [await small(3), await small(9), await small(40)]) {
    const bytes = Buffer.from(given.evidence)
    const seen = new Map<string, number>()
    const { hash: own } = check(given)
    for (let at = 0; at < bytes.byteLength; at++) {
      bytes[at]! ^= 1 << (at % 8)
      const verdict = check(given, bytes)
      const code = codeOf(verdict)
      assert.notEqual(code, 'ok', `byte ${at}`)
      assert.ok(!own.every((byte, i) => byte === verdict.hash[i]))
      seen.set(code, (seen.get(code) ?? 0) + 1)
      bytes[at]! ^= 1 << (at % 8)
    }
    assert.ok(seen.has('PROOF_ROOT') && seen.has('EVIDENCE_MALFORMED'), [...seen].join())
    assert.equal(codeOf(check(given, bytes)), 'ok')
  }
})

test('no piece of an evidence can be taken out, put in, doubled or changed for another', async () => {
  const given = await small(9)
  const size = given.evidence.byteLength
  const place = fc.nat(size)
  fc.assert(
    fc.property(place, place, place, fc.nat(200), fc.nat(3), (from, to, at, length, what) => {
      const bytes = Buffer.from(given.evidence)
      const piece = bytes.subarray(from, from + length)
      const changed = [
        Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]),
        Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]),
        Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.byteLength)]),
        Buffer.concat([bytes.subarray(0, Math.min(at, to)), bytes.subarray(Math.max(at, to))])
      ][what]!
      fc.pre(!changed.equals(bytes))
      assert.notEqual(codeOf(check(given, changed)), 'ok')
    }),
    { numRuns: 2_000 }
  )
})

test('a changed evidence is refused in TypeScript alone by the same code', async () => {
  const given = await small(5)
  const bytes = Buffer.from(given.evidence)
  for (let at = 0; at < bytes.byteLength; at += 13) {
    bytes[at]! ^= 64
    assert.equal(codeOf(check(given, bytes, pureSliceTools)), codeOf(check(given, bytes)))
    bytes[at]! ^= 64
  }
})

test('shortened and lengthened evidence cannot be read', async () => {
  const given = await small(4)
  for (let length = 0; length < given.evidence.byteLength; length++) {
    assert.equal(codeOf(check(given, given.evidence.subarray(0, length))), 'EVIDENCE_MALFORMED')
  }
  assert.equal(codeOf(check(given, Buffer.concat([given.evidence, Buffer.of(0)]))), 'EVIDENCE_MALFORMED')
  assert.equal(codeOf(check(given, Buffer.alloc(3_000_000, 2))), 'EVIDENCE_MALFORMED')
})

test('random bytes are refused and nothing else happens', async () => {
  const given = await small(4)
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 3_000 }), fc.uint8Array({ maxLength: 40, max: 4 }))
  fc.assert(
    fc.property(bytes, (random) => {
      assert.equal(codeOf(check(given, Buffer.concat([Buffer.of(2), random]))), 'EVIDENCE_MALFORMED')
      assert.equal(codeOf(check(given, random)), 'EVIDENCE_MALFORMED')
    }),
    { numRuns: 500 }
  )
})

test('every number has one form and one place', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [3_000, 3_000, 3_000] }])
  const challenge = challengeOf(copy, 2)
  const header = copy.chunks[0]!.subarray(0, 136)
  const slice = (chunk: number, index: number) =>
    copy.chunks[chunk]!.subarray(136 + 1024 * index).subarray(0, 1024)
  const two = Buffer.alloc(64)
  const path = Buffer.alloc(80)
  const read = (bytes: Buffer) => decodeSliceEvidence(bytes, challenge)
  // One chunk with one slice; then one with two; then two with one.
  const one = [2, 1, 0, 0, 3_000, 1, 0]
  read(evidenceOf(one, path, header, slice(0, 0), two))
  read(evidenceOf([2, 1, 0, 0, 3_000, 2, 0, 1], path, header, slice(0, 0), two, slice(0, 1), two))
  const pair = [2, 2, 0, 0, 3_000, 1, 0, 0, 2, 3_000, 1, 2]
  read(evidenceOf(pair, path.subarray(40), header, slice(0, 0), two, header, slice(2, 2), two.subarray(32)))
  const large = Buffer.alloc(9, 255)
  const heads: [string, (number | Buffer)[], RegExp][] = [
    ['another version', one.with(0, 1), /version 2/],
    ['no chunk', [2, 0], /chunks is 0, not 1 to 2/],
    ['more chunks than steps', [2, 3, 0, 0, 3_000, 1, 0], /chunks is 3, not 1 to 2/],
    ['a segment that is not there', one.with(2, 1), /segment is 1, not 0 to 0/],
    ['a chunk that is not there', one.with(3, 3), /chunk is 3, not 0 to 2/],
    ['a chunk beyond 2^48', one.with(3, 2 ** 50), /chunk is 1125899906842624, not 0 to 2/],
    ['a number of 2^64 - 1', [2, 1, 0, large, 3_000, 1, 0], /chunk is 18446744073709552000, not 0 to 2/],
    ['a body beyond its segment', one.with(4, 9_001), /body is 9001, not 0 to 9000/],
    ['a body beyond 2^32', one.with(4, 2 ** 33), /body is 8589934592, not 0 to 9000/],
    ['a body beyond 2^48', one.with(4, 2 ** 48 + 3_000), /body is 281474976713656, not 0 to 9000/],
    ['no slice', [2, 1, 0, 0, 3_000, 0], /slices of a chunk is 0, not 1 to 2/],
    ['more slices than steps', [2, 1, 0, 0, 3_000, 3, 0, 1, 2], /slices of a chunk is 3, not 1 to 2/],
    ['more slices than the body has', [2, 1, 0, 0, 1_000, 2, 0, 1], /slices of a chunk is 2, not 1 to 1/],
    ['a slice that is not there', one.with(6, 3), /slice is 3, not 0 to 2/],
    ['slices that descend', [2, 1, 0, 0, 3_000, 2, 1, 0], /slice is 0, not 2 to 2/],
    ['a slice twice', [2, 1, 0, 0, 3_000, 2, 1, 1], /slice is 1, not 2 to 2/],
    ['chunks that descend', [2, 2, 0, 1, 3_000, 1, 0, 0, 0, 3_000, 1, 0], /chunk is 0, not 2 to 2/],
    ['a chunk twice', [2, 2, 0, 0, 3_000, 1, 0, 0, 0, 3_000, 1, 1], /chunk is 0, not 1 to 2/],
    [
      'slices that leave none for the next chunk',
      [2, 2, 0, 0, 3_000, 2],
      /slices of a chunk is 2, not 1 to 1/
    ],
    ['a longer form of 1', [2, Buffer.from([253, 1, 0]), 0, 0, 3_000, 1, 0], /shortest form/],
    ['a longer form of 3000', [2, 1, 0, 0, Buffer.from([254, 0xb8, 0x0b, 0, 0]), 1, 0], /shortest form/],
    [
      'the longest form of 0',
      [2, 1, Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 0]), 0, 3_000, 1, 0],
      /shortest form/
    ]
  ]
  for (const [what, head, message] of heads) {
    const bytes = evidenceOf(head, path, header, slice(0, 0), two)
    assert.throws(() => read(bytes), { code: 'EVIDENCE_MALFORMED', message }, what)
  }
  const most = maxSliceEvidenceBytes(sliceWalkShape(challenge))
  assert.throws(() => read(Buffer.alloc(most + 1, 2)), { message: new RegExp(`more than ${most}`) })
  // A large segment still has no body beyond the largest.
  const segments = [{ ...challenge.segments[0]!, bytes: 2 ** 40 }]
  const body = evidenceOf(one.with(4, 15_790_337))
  const message = /body is 15790337, not 0 to 15790336/
  assert.throws(() => decodeSliceEvidence(body, { ...challenge, segments }), {
    code: 'EVIDENCE_MALFORMED',
    message
  })
})

test('segments ascend, and the chunks of each begin anew', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [0, 0, 0] },
    { codec: 'seal', plain: [0, 0, 0] }
  ])
  const challenge = challengeOf(copy, 2)
  const read = (numbers: number[], ...bytes: number[]) =>
    decodeSliceEvidence(evidenceOf(numbers, ...bytes.map((length) => Buffer.alloc(length))), challenge)
  // The first chunk of three has a path of two nodes, the last of one.
  const { chunks, paths } = read([2, 2, 0, 2, 0, 1, 0, 1, 0, 0, 1, 0], 40, 80, 136, 80)
  assert.deepEqual(
    chunks.map(({ ordinal, index }) => [ordinal, index]),
    [
      [0, 2],
      [1, 3]
    ]
  )
  assert.deepEqual(
    paths.map(({ bytes }) => bytes),
    [40, 80]
  )
  const descending = () => read([2, 2, 1, 0, 0, 1, 0, 0, 2, 0, 1, 0], 80, 40, 80, 136)
  assert.throws(descending, { code: 'EVIDENCE_MALFORMED', message: /segment is 0, not 1 to 1/ })
})

test('evidence of another walk, copy or state does not hold', async () => {
  const lengths = [{ codec: 'seal' as const, plain: Array.from({ length: 60 }, (_, index) => 1_000 + index) }]
  const copy = await makeSliceCopy(lengths)
  const given = await answer(copy, challengeOf(copy, 3))
  const otherWalk = await answer(copy, challengeOf(copy, 3, 5))
  assert.equal(codeOf(check({ ...given, lastState: otherWalk.lastState })), 'EVIDENCE_STATE')
  assert.equal(codeOf(check({ ...given, lastState: given.lastState.subarray(1) })), 'EVIDENCE_STATE')
  const longer = Buffer.concat([given.lastState, Buffer.alloc(1)])
  assert.equal(codeOf(check({ ...given, lastState: longer })), 'EVIDENCE_STATE')
  assert.equal(codeOf(check(given, otherWalk.evidence)), 'EVIDENCE_MISSING')
  const another = await makeSliceCopy(lengths, 'other')
  const forged = await answer(another, challengeOf(another, 3))
  assert.equal(codeOf(check({ ...given, lastState: forged.lastState }, forged.evidence)), 'PROOF_ROOT')
})

test('a slice that the walk does not visit, or lacks, is noticed', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: Array.from({ length: 40 }, () => 3_000) }])
  const given = await answer(copy, challengeOf(copy, 3))
  const place = await copy.source.find(0, 0)
  const other = async (index: number): Promise<SliceStep> => {
    const read = await copy.source.read(0, place, index)
    return { ...given.steps[0]!, ...read, place, index }
  }
  const build = (steps: SliceStep[]) => buildSliceEvidence(copy.source, given.challenge, steps)
  const swapped = await build([given.steps[0]!, given.steps[1]!, await other(1)])
  assert.equal(codeOf(check(given, swapped)), 'EVIDENCE_MISSING')
  // The right chunk, another slice of it.
  const { ordinal, place: visited, index } = given.steps[0]!
  const beside = index === 0 ? 1 : 0
  const wrongSlice = {
    ...given.steps[0]!,
    ...(await copy.source.read(ordinal, visited, beside)),
    index: beside
  }
  const wrong = await build([wrongSlice, given.steps[1]!, given.steps[2]!])
  assert.equal(codeOf(check(given, wrong)), 'EVIDENCE_MISSING')
})

test('a slice of the same number in another chunk, or a chunk at the same place of another segment, is not the one', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [9_000, 9_000] },
    { codec: 'wrap', plain: [9_000, 9_000] }
  ])
  const { source } = copy
  const missesFirst = (given: Answered, evidence: Uint8Array): void => {
    const verdict = check(given, evidence)
    assert.equal(codeOf(verdict), 'EVIDENCE_MISSING')
    // Not only a later step, to which the state after a wrong slice leads.
    assert.match((verdict as RefusedSlices).message, /step 0$/)
  }
  let chunks = 0
  let segments = 0
  for (let seed = 0; chunks < 3 || segments < 3; seed++) {
    const given = await answer(copy, challengeOf(copy, 2, seed))
    const [first] = given.steps
    const { ordinal, place, index } = first!
    const at = async (ordinal: number, leaf: number, index: number): Promise<SliceStep> => {
      const there = await source.find(ordinal, leaf * 9_136)
      return { ...first!, ...(await source.read(ordinal, there, index)), ordinal, place: there, index }
    }
    if (place.offset === 0 && index > 0) {
      const steps = [await at(ordinal, 0, 0), await at(ordinal, 1, index)]
      const evidence = await buildSliceEvidence(source, given.challenge, steps)
      missesFirst(given, evidence)
      chunks++
    }
    if (ordinal === 1) {
      const evidence = await buildSliceEvidence(source, given.challenge, [
        await at(0, place.offset / 9_136, index)
      ])
      missesFirst(given, evidence)
      segments++
    }
  }
})

test('a slice too many is noticed where a walk meets one twice', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [1_000, 1_000] }])
  for (let seed = 0; ; seed++) {
    const given = await answer(copy, challengeOf(copy, 2, seed))
    assert.ok(!sliceWalkShape(given.challenge).whole)
    if (given.steps[0]!.place.index !== given.steps[1]!.place.index) continue
    const { place } = given.steps[0]!
    const extra = await copy.source.find(0, place.index === 0 ? 1_136 : 0)
    const step = { ...given.steps[1]!, ...(await copy.source.read(0, extra, 0)), place: extra, index: 0 }
    const evidence = await buildSliceEvidence(copy.source, given.challenge, [given.steps[0]!, step])
    assert.equal(codeOf(check(given, evidence)), 'EVIDENCE_EXTRA')
    return
  }
})

const nothing = { evidence: Buffer.alloc(0), hash: Buffer.alloc(0) }

test('a whole walk misses no slice and no chunk', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [3_000, 0, 2_000] }])
  const challenge = challengeOf(copy, 20)
  const steps = await walkSlices(copy.source, challenge, sliceTools)
  const given = { challenge, steps, lastState: steps.at(-1)!.state, ...nothing }
  for (let left = 0; left < steps.length; left++) {
    const evidence = await buildSliceEvidence(copy.source, challenge, steps.toSpliced(left, 1))
    assert.equal(codeOf(check(given, evidence)), 'EVIDENCE_MISSING')
  }
  assert.equal(codeOf(check(given, await buildSliceEvidence(copy.source, challenge, steps))), 'ok')
})

test('evidence has one form, whatever the order of the steps and however often they meet a slice', async () => {
  const given = await small(40)
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [100, 2_500, 0, 700] },
    { codec: 'seal', plain: [1_000, 20, 3_000] }
  ])
  const again = [...given.steps, ...given.steps].reverse()
  assert.deepEqual(await buildSliceEvidence(copy.source, given.challenge, again), given.evidence)
})

test('slices of different bodies are no slices of one chunk', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [3_000] }])
  const given = await answer(copy, challengeOf(copy, 9))
  const decoded = decodeSliceEvidence(given.evidence, given.challenge)
  assert.equal(decoded.sliceAt.length, 3)
  const bytes = Buffer.from(given.evidence)
  bytes[decoded.sliceAt[1]!]! ^= 1
  assert.equal(codeOf(check(given, bytes)), 'SLICE_ROOT')
})

test('the length of a body is bound by its leaf, also where the way up is the same', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [20_000, 30_000] }])
  const given = await answer(copy, challengeOf(copy, 1))
  const { chunks, sliceIndices } = decodeSliceEvidence(given.evidence, given.challenge)
  assert.ok(sliceIndices[0]! < 16)
  const said = evidenceOf([chunks[0]!.bodyBytes])
  const bytes = Buffer.from(given.evidence)
  const at = bytes.indexOf(said)
  bytes.writeUInt16LE(chunks[0]!.bodyBytes + 1, at + 1)
  assert.equal(codeOf(check(given, bytes)), 'PROOF_BYTES')
})

test('a chunk under the root whose header says another length or codec is none that decodes', async () => {
  const cases: [string, (header: Buffer) => void][] = [
    ['CODEC_LENGTH', (header) => header.writeUInt32LE(2_999, 4)],
    ['CODEC_LENGTH', (header) => header.writeUInt32LE(2 ** 32 - 1, 4)],
    ['CODEC_NAME', (header) => (header[0] = 2)],
    ['ok', (header) => (header[9]! ^= 1)]
  ]
  for (const [code, change] of cases) {
    const chunk = makeChunk('wrap', 3_000, 'a chunk')
    change(chunk)
    const copy = await copyOf([{ codec: 'wrap', chunks: [chunk] }])
    for (const k of [2, 9]) {
      assert.equal(codeOf(check(await answer(copy, challengeOf(copy, k)))), code)
    }
  }
})

test('a challenge that is none is the fault of who checks', async () => {
  const given = await small(4)
  const challenge: SliceChallenge = { ...given.challenge, steps: 0 }
  assert.throws(() => check({ ...given, challenge }), { code: 'WALK_CHALLENGE' })
  const failing = { ...sliceTools, sliceRoots: () => assert.fail('no memory') }
  assert.throws(() => check(given, given.evidence, failing), /no memory/)
  assert.deepEqual(
    Buffer.from(sliceEvidenceHash(given.evidence, pureSliceTools)),
    Buffer.from(check(given).hash)
  )
})
