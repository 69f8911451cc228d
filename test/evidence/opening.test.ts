import assert from 'node:assert/strict'
import test from 'node:test'
import { codecNames } from '../../src/chunk/header.js'
import { decodeOpening, encodeOpening, MAX_OPENING_BYTES, openingHash } from '../../src/evidence/opening.js'
import { asked, judged, openingOf } from './openings.js'
import { RefusedSegment, START } from './segment.js'

const INDEX = START + 3

for (const codec of codecNames) {
  test(`${codec}: every chunk of an honest copy is shown to encode the author's block`, async () => {
    const segment = new RefusedSegment(codec)
    const signed = await segment.sign(segment.chunks())
    for (let index = START; index < segment.blocks.length; index++) {
      const opening = await openingOf(segment, signed, index)
      const { outcome, hash, fault } = judged(opening, asked(signed, segment, index))
      assert.deepEqual([outcome, fault], ['success', null])
      assert.deepEqual(hash, openingHash(encodeOpening(opening)))
      assert.deepEqual(encodeOpening(decodeOpening(encodeOpening(opening))), encodeOpening(opening))
    }
  })

  test(`${codec}: a signed chunk of another block, or that does not decode, is a lie`, async () => {
    const segment = new RefusedSegment(codec)
    const other = segment.chunks()
    other[INDEX - START] = segment.encode(INDEX, Buffer.alloc(segment.blocks[INDEX]!.byteLength, 0xee))
    const invented = await segment.sign(other)
    const shown = judged(await openingOf(segment, invented, INDEX), asked(invented, segment, INDEX))
    assert.deepEqual([shown.outcome, shown.fault!.code], ['lie', 'OPENING_OTHER_BLOCK'])

    const broken = segment.chunks()
    broken[INDEX - START]![broken[INDEX - START]!.byteLength - 1]! ^= 1
    const garbage = await segment.sign(broken)
    const refused = judged(await openingOf(segment, garbage, INDEX), asked(garbage, segment, INDEX))
    assert.equal(refused.outcome, 'lie')
    assert.match(refused.fault!.code, /^CODEC_/)
  })
}

test('what anybody could make up says nothing: no bit of an honest opening can be turned into a lie', async () => {
  const segment = new RefusedSegment('wrap')
  const signed = await segment.sign(segment.chunks())
  const of = asked(signed, segment, INDEX)
  const honest = encodeOpening(await openingOf(segment, signed, INDEX))
  const codes = new Set<string>()
  for (let bit = 0; bit < honest.byteLength * 8; bit++) {
    const turned = Buffer.from(honest)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    const { outcome, fault } = judged(turned, of)
    assert.equal(outcome, null, `bit ${bit}: ${fault?.code}`)
    codes.add(fault!.code)
  }
  for (const code of ['OPENING_MALFORMED', 'PROOF_ROOT', 'ORIGINAL_PROOF_HASH'])
    assert.ok(codes.has(code), code)
  for (const length of [0, 1, 7, honest.byteLength - 1]) {
    assert.equal(judged(honest.subarray(0, length), of).fault!.code, 'OPENING_MALFORMED')
  }
  const longer = Buffer.concat([honest, Buffer.of(0)])
  assert.equal(judged(longer, of).fault!.code, 'OPENING_MALFORMED')
  assert.equal(judged(Buffer.alloc(MAX_OPENING_BYTES + 1), of).fault!.code, 'OPENING_MALFORMED')
})

test('another chunk than the one that was asked for, another segment’s, or another author’s tree is none', async () => {
  const segment = new RefusedSegment('wrap')
  const signed = await segment.sign(segment.chunks())
  const of = asked(signed, segment, INDEX)
  const neighbour = judged(await openingOf(segment, signed, INDEX + 1), of)
  assert.equal(neighbour.outcome, null)
  const other = await segment.sign(segment.chunks().map((chunk) => Buffer.concat([chunk, Buffer.of(1)])))
  const foreign = judged(await openingOf(segment, other, INDEX), of)
  assert.deepEqual([foreign.outcome, foreign.fault!.code], [null, 'PROOF_BYTES'])
  const opening = await openingOf(segment, signed, INDEX)
  const longer = new RefusedSegment('wrap', 20)
  const { leaf, original } = await longer.originalEvidence(await longer.sign(longer.chunks()), INDEX)
  const tree = judged({ ...opening, length: 20, leaf, original }, of)
  assert.deepEqual([tree.outcome, tree.fault!.code], [null, 'ORIGINAL_PROOF_HASH'])
  const length = judged({ ...opening, length: opening.length + 1 }, of)
  assert.equal(length.outcome, null)
  const wrongLeaf = { ...opening, leaf: { ...opening.leaf, hash: Buffer.alloc(32, 1) } }
  assert.deepEqual(judged(wrongLeaf, of).fault!.code, 'ORIGINAL_PROOF_HASH')
})

test('half a segment is opened by the tree that the whole one was recorded with', async () => {
  const segment = new RefusedSegment('wrap')
  const half = await segment.sign(segment.chunks().slice(0, 4))
  const { outcome } = judged(await openingOf(segment, half, INDEX), asked(half, segment, INDEX))
  assert.equal(outcome, 'success')
})
