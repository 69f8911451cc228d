import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pureSliceTools } from '../../src/evidence/pure-slice-tools.js'
import { buildSliceEvidence } from '../../src/evidence/slice-evidence.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { openStep, sliceWalkSeed, walkSlices } from '../../src/evidence/slice-walk.js'
import { verifySliceEvidence } from '../../src/evidence/verify-slices.js'
import { copyOf } from './slice-copy.js'
import {
  referenceOpen,
  referenceRootOf,
  referenceSeed,
  referenceWalk,
  type ReferenceSegment
} from './slice-walk-reference.js'

interface Vectors {
  chain: string
  copy: number
  challenge: number
  round: number
  beacon: string
  segments: {
    id: string
    codec: 'wrap' | 'seal'
    start: number
    bytes: number
    root: string
    chunks: Chunk[]
  }[]
  seed: string
  walks: {
    k: number
    visits: [number, number][]
    states: string[]
    open: number
    evidence: string
    evidenceHash: string
  }[]
}

/** A chunk's header, and a body whose byte i is (i + first) mod 251. */
interface Chunk {
  header: string
  bodyBytes: number
  first: number
}

const path = new URL('../../../test/vectors/slices.json', import.meta.url)
const { walk: vectors } = JSON.parse(readFileSync(path, 'utf8')) as { walk: Vectors }
const hex = (bytes: string): Buffer => Buffer.from(bytes, 'hex')
const parts = { ...vectors, chain: hex(vectors.chain), beacon: hex(vectors.beacon) }

const segments = vectors.segments.map(({ id, codec, start, chunks }): ReferenceSegment => {
  return {
    id: hex(id),
    headerBytes: codec === 'wrap' ? 136 : 80,
    start,
    chunks: chunks.map(({ header, bodyBytes, first }) => {
      const body = Buffer.from(Array.from({ length: bodyBytes }, (_, i) => (i + first) % 251))
      return Buffer.concat([hex(header), body])
    })
  }
})

test('an implementation from the page alone walks and proves as the vectors say', () => {
  for (const [i, segment] of segments.entries()) {
    assert.equal(referenceRootOf(segment).toString('hex'), vectors.segments[i]!.root)
  }
  const seed = referenceSeed(parts, segments)
  assert.equal(seed.toString('hex'), vectors.seed)
  for (const { k, visits, states, open, evidence, evidenceHash } of vectors.walks) {
    const walk = referenceWalk(seed, k, segments)
    assert.deepEqual(walk.visits, visits)
    assert.deepEqual(
      walk.states.map((state) => state.toString('hex')),
      states
    )
    assert.equal(referenceOpen(walk.states.at(-1)!, parts.beacon, visits.length), open)
    assert.equal(walk.evidence.toString('hex'), evidence)
    assert.equal(walk.evidenceHash.toString('hex'), evidenceHash)
  }
})

test('the walks and the evidence of the vectors are the ones that are made, and hold', async () => {
  const copy = await copyOf(segments.map(({ chunks }, i) => ({ codec: vectors.segments[i]!.codec, chunks })))
  const own = copy.segments.map((segment, i) => ({ ...segment, id: segments[i]!.id }))
  for (const [i, { start, bytes, root }] of own.entries()) {
    const { start: s, bytes: b, root: r } = vectors.segments[i]!
    assert.deepEqual([start, bytes, Buffer.from(root).toString('hex')], [s, b, r])
  }
  for (const tools of [sliceTools, pureSliceTools]) {
    const seed = sliceWalkSeed(parts, own, tools)
    assert.equal(Buffer.from(seed).toString('hex'), vectors.seed)
    for (const { k, visits, states, open, evidence, evidenceHash } of vectors.walks) {
      const challenge = { seed, steps: k, segments: own }
      const steps = await walkSlices(copy.source, challenge, tools)
      assert.deepEqual(
        steps.map(({ state }) => Buffer.from(state).toString('hex')),
        states
      )
      const last = hex(states.at(-1)!)
      assert.equal(openStep(last, parts.beacon, steps.length, tools), open)
      const built = await buildSliceEvidence(copy.source, challenge, steps)
      assert.equal(Buffer.from(built).toString('hex'), evidence)
      const verdict = verifySliceEvidence(hex(evidence), challenge, last, tools)
      assert.ok(verdict.ok)
      assert.equal(Buffer.from(verdict.hash).toString('hex'), evidenceHash)
      assert.deepEqual(
        verdict.visits.map(({ index, slice }) => [index, slice]),
        visits
      )
    }
  }
})
