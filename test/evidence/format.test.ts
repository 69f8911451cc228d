import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildEvidence,
  decodeHead,
  encodeHead,
  headLength,
  maxEvidenceBytes,
  type EvidenceHead
} from '../../src/evidence/format.js'
import { verifyEvidence, type RefusedEvidence, type VerifiedEvidence } from '../../src/evidence/verify.js'
import { walk, walkShape, type WalkChallenge } from '../../src/evidence/walk.js'
import { challengeOf, evidenceBytes, makeCopy, memorySource, type TestCopy } from './copy.js'

interface Answer {
  copy: TestCopy
  challenge: WalkChallenge
  lastState: Uint8Array
  bytes: Buffer
}

async function answer(lengths: number[][], k: number, seed = 1): Promise<Answer> {
  const copy = await makeCopy(lengths)
  const challenge = challengeOf(copy, k, seed)
  const steps = await walk(copy.reader, challenge)
  const evidence = await buildEvidence(copy.reader, challenge, steps)
  const bytes = await evidenceBytes(evidence)
  assert.equal(bytes.byteLength, evidence.byteLength)
  assert.ok(bytes.byteLength <= maxEvidenceBytes(challenge))
  return { copy, challenge, lastState: steps.at(-1)!.state, bytes }
}

function check(
  { copy, challenge, lastState }: Answer,
  bytes: Uint8Array,
  state: Uint8Array = lastState
): VerifiedEvidence | RefusedEvidence {
  return verifyEvidence(memorySource(bytes), challenge, state, copy.tools)
}

function codeOf(verdict: VerifiedEvidence | RefusedEvidence): string {
  return verdict.ok ? 'ok' : verdict.code
}

/** The evidence with its head replaced; the body stays. */
function withHead({ challenge, bytes }: Answer, change: (head: EvidenceHead) => void): Buffer {
  const length = headLength(bytes.subarray(0, 5), walkShape(challenge))
  const head = decodeHead(bytes.subarray(5, 5 + length), challenge)
  change(head)
  const encoded = encodeHead(head, challenge)
  const prefix = Buffer.from(bytes.subarray(0, 5))
  prefix.writeUInt32LE(encoded.byteLength, 1)
  return Buffer.concat([prefix, encoded, bytes.subarray(5 + length)])
}

const lengths = [
  [300, 40, 1200, 7],
  [90, 90, 2000]
]

test('honest evidence holds, and tells states, indices and leaves of every step', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 }), {
        minLength: 1,
        maxLength: 3
      }),
      fc.integer({ min: 1, max: 16 }),
      fc.nat(),
      async (sizes, k, seed) => {
        const given = await answer(sizes, k, seed)
        const verdict = check(given, given.bytes)
        assert.ok(verdict.ok, codeOf(verdict))
        const steps = await walk(given.copy.reader, given.challenge)
        assert.equal(Buffer.compare(verdict.states, Buffer.concat(steps.map(({ state }) => state))), 0)
        assert.deepEqual(
          verdict.indices,
          steps.map(({ index }) => index)
        )
        assert.equal(verdict.leaves.length, steps.length * 32)
      }
    ),
    { numRuns: 40 }
  )
})

test('evidence with any byte changed does not hold', async () => {
  const given = await answer(lengths, 4)
  const codes = new Map<string, number>()
  for (let at = 0; at < given.bytes.byteLength; at++) {
    const changed = Buffer.from(given.bytes)
    changed[at]! ^= 1 << (at % 8)
    const verdict = check(given, changed)
    assert.ok(!verdict.ok, `byte ${at}`)
    assert.match(verdict.code, /^(EVIDENCE|PROOF|CODEC|ORIGINAL_PROOF)_/)
    codes.set(verdict.code, (codes.get(verdict.code) ?? 0) + 1)
  }
  assert.ok(codes.has('PROOF_ROOT') && codes.has('EVIDENCE_MALFORMED') && codes.has('ORIGINAL_PROOF_FORMAT'))
})

test('shortened and lengthened evidence does not hold', async () => {
  const given = await answer(lengths, 3)
  for (let length = 0; length < given.bytes.byteLength; length += 97) {
    assert.equal(codeOf(check(given, given.bytes.subarray(0, length))), 'EVIDENCE_MALFORMED')
  }
  assert.equal(codeOf(check(given, Buffer.concat([given.bytes, Buffer.of(0)]))), 'EVIDENCE_MALFORMED')
})

test('random bytes are refused and nothing else happens', async () => {
  const given = await answer(lengths, 3)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 250 }), fc.boolean(), (bytes, versioned) => {
      const tried = versioned ? Buffer.concat([Buffer.from([1, bytes.length, 0, 0, 0]), bytes]) : bytes
      assert.equal(codeOf(check(given, tried)), 'EVIDENCE_MALFORMED')
    })
  )
})

test('evidence of another walk, copy or state does not hold', async () => {
  const lengths = [Array.from({ length: 60 }, (_, index) => 100 + index)]
  const given = await answer(lengths, 3)
  const otherWalk = await answer(lengths, 3, 5)
  assert.equal(codeOf(check(given, given.bytes, otherWalk.lastState)), 'EVIDENCE_STATE')
  assert.notEqual(codeOf(check(given, otherWalk.bytes)), 'ok')
  assert.notEqual(codeOf(check(given, otherWalk.bytes, otherWalk.lastState)), 'ok')
  const copy = await makeCopy(lengths, 'other')
  const steps = await walk(copy.reader, challengeOf(copy, 3))
  const forged = await evidenceBytes(await buildEvidence(copy.reader, challengeOf(copy, 3), steps))
  assert.equal(codeOf(check(given, forged, steps.at(-1)!.state)), 'PROOF_ROOT')
})

test('a chunk that the walk does not visit, or lacks, is noticed', async () => {
  const small = await answer([Array.from({ length: 40 }, () => 100)], 3)
  const steps = await walk(small.copy.reader, small.challenge)
  const unvisited = small.copy.chunks.findIndex((_, index) => !steps.some((step) => step.index === index))
  // One step leads elsewhere; the proof holds for what is there.
  const swapped = steps.map((step, i) => (i === 1 ? { ...step, index: unvisited } : step))
  const bytes = await evidenceBytes(await buildEvidence(small.copy.reader, small.challenge, swapped))
  assert.equal(codeOf(check(small, bytes)), 'EVIDENCE_MISSING')

  // A walk that stays on one large chunk, with two small ones added to its evidence.
  const repeated = await answer([[500_000, 10, 10, 10]], 3)
  const visited = await walk(repeated.copy.reader, repeated.challenge)
  assert.ok(visited.every(({ index }) => index === 0))
  const more = [2, 1, 0].map((index) => ({ ...visited[2]!, index }))
  const reader = { ...repeated.copy.reader, originalProof: () => repeated.copy.reader.originalProof(0, 0) }
  const extra = await evidenceBytes(await buildEvidence(reader, repeated.challenge, more))
  assert.equal(codeOf(check(repeated, extra)), 'EVIDENCE_EXTRA')
})

test('proofs of the wrong length, order or count are refused', async () => {
  const given = await answer(lengths, 4)
  const cases: [(head: EvidenceHead) => void, RegExp][] = [
    [(head) => (head.proofs[0] = head.proofs[0]!.subarray(0, -1)), /^PROOF_LENGTH$/],
    [(head) => (head.proofs[0] = Buffer.concat([head.proofs[0]!, Buffer.alloc(40)])), /^PROOF_LENGTH$/],
    [(head) => head.proofs.push(Buffer.alloc(40)), /^EVIDENCE_MALFORMED$/],
    [(head) => head.chunks.reverse(), /^EVIDENCE_MALFORMED$/],
    [(head) => (head.chunks[0]!.bytes += 1), /^EVIDENCE_MALFORMED$/],
    [(head) => (head.original = Buffer.alloc(20_000)), /^EVIDENCE_MALFORMED$/],
    [(head) => (head.original = Buffer.alloc(7)), /^EVIDENCE_MALFORMED$/],
    [(head) => (head.original = Buffer.alloc(40)), /^ORIGINAL_PROOF_FORMAT$/]
  ]
  for (const [change, code] of cases) assert.match(codeOf(check(given, withHead(given, change))), code)
})

test('a chunk that the root covers but that does not decode is found when it is drawn', async () => {
  // A segment recorded under another id: every Merkle proof holds, no header does.
  const given = await answer([[100, 200, 300]], 3)
  const segments = given.challenge.segments.map((segment) => ({ ...segment, id: Buffer.alloc(32, 5) }))
  const verdict = check({ ...given, challenge: { ...given.challenge, segments } }, given.bytes)
  assert.equal(codeOf(verdict), 'CODEC_SIGNATURE')
})

test('trouble of the reader is not blamed on the evidence', async () => {
  const given = await answer(lengths, 3)
  const source = {
    byteLength: given.bytes.byteLength,
    read: () => {
      throw new Error('the disk went away')
    }
  }
  const run = (): unknown => verifyEvidence(source, given.challenge, given.lastState, given.copy.tools)
  assert.throws(run, /went away/)
})
