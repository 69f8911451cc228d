import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { segmentId, type SegmentPublic, type SegmentSecret } from '../../src/chunk/codec.js'
import { codecOf, decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { CodecError } from '../../src/errors.js'
import { toHex } from '../../src/bytes.js'

const place = {
  chain: Buffer.alloc(32, 1),
  key: Buffer.alloc(32, 2),
  fork: 0,
  copy: 3,
  start: 0,
  signer: Buffer.alloc(32, 4),
  draw: 5
}
const segment = segmentOf(segmentId(place), 7)
const seed = Buffer.alloc(32, 9)

function segmentOf(id: Uint8Array, keySeed: number): SegmentSecret {
  const { publicKey, secretKey } = keyPairFromSeed(Buffer.alloc(32, keySeed))
  return { codec: 'wrap', id, publicKey, secretKey, salt: Buffer.alloc(32) }
}

/** The code of the refusal; fails if the chunk is accepted or anything but a CodecError is thrown. */
function refusal(of: SegmentPublic, index: number, encoded: Uint8Array): string {
  try {
    decodeChunk(of, index, encoded)
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error))
    return error.code
  }
  assert.fail('the chunk was accepted')
}

test('decoding gives back what was encoded, for any bytes, index and seed', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (plain, index, seed) => {
        const encoded = encodeChunk(segment, index, plain, seed)
        assert.equal(encoded.byteLength, codecOf('wrap').encodedBytes(plain.byteLength))
        assert.equal(codecOf(encoded[0]!).plainBytes(encoded), plain.byteLength)
        assert.deepEqual(decodeChunk(segment, index, encoded), Buffer.from(plain))
      }
    )
  )
})

test('every single flipped bit of a chunk is refused', () => {
  const encoded = encodeChunk(segment, 11, Buffer.from('forty-two bytes or so of a hypercore block'), seed)
  const codes = new Map<string, number>()
  for (let bit = 0; bit < encoded.byteLength * 8; bit++) {
    encoded[bit >> 3]! ^= 1 << (bit & 7)
    const code = refusal(segment, 11, encoded)
    codes.set(code, (codes.get(code) ?? 0) + 1)
    encoded[bit >> 3]! ^= 1 << (bit & 7)
  }
  assert.deepEqual(Object.fromEntries(codes), {
    CODEC_NAME: 8,
    CODEC_VERSION: 8,
    CODEC_RESERVED: 16,
    CODEC_LENGTH: 32,
    CODEC_SIGNER: 256,
    CODEC_SIGNATURE: 8 * (32 + 64 + 42)
  })
  decodeChunk(segment, 11, encoded)
})

test('a chunk cut short anywhere, or with bytes added, is refused', () => {
  const encoded = encodeChunk(segment, 0, Buffer.alloc(20, 1), seed)
  for (let length = 0; length < encoded.byteLength; length++) {
    const expected = length < 136 ? 'CODEC_TRUNCATED' : 'CODEC_LENGTH'
    assert.equal(refusal(segment, 0, encoded.subarray(0, length)), expected)
  }
  assert.equal(refusal(segment, 0, Buffer.concat([encoded, Buffer.alloc(1)])), 'CODEC_LENGTH')
})

test('a chunk of another index, segment or signer is refused', () => {
  const encoded = encodeChunk(segment, 1, Buffer.from('block'), seed)
  assert.equal(refusal(segment, 2, encoded), 'CODEC_SIGNATURE')
  assert.equal(refusal(segment, 1 + 2 ** 32, encoded), 'CODEC_SIGNATURE')
  assert.equal(refusal(segmentOf(segmentId({ ...place, copy: 4 }), 7), 1, encoded), 'CODEC_SIGNATURE')
  assert.equal(refusal(segmentOf(segment.id, 8), 1, encoded), 'CODEC_SIGNER')
})

test('a chunk whose signer names itself in place of the segment does not pass', () => {
  const forged = encodeChunk(segmentOf(segment.id, 8), 1, Buffer.from('block'), seed)
  forged.set(segment.publicKey, 8)
  assert.equal(refusal(segment, 1, forged), 'CODEC_SIGNATURE')
})

test('the same plain bytes under two seeds have nothing in common', () => {
  const one = encodeChunk(segment, 1, Buffer.alloc(64), Buffer.alloc(32, 1)).subarray(136)
  const two = encodeChunk(segment, 1, Buffer.alloc(64), Buffer.alloc(32, 2)).subarray(136)
  assert.notDeepEqual(one, two)
  assert.notDeepEqual(one, Buffer.alloc(64))
})

test('chunks that no hypercore can have are not encoded', () => {
  assert.throws(() => encodeChunk(segment, 0, Buffer.alloc(15 * 1024 * 1024 + 1), seed), {
    code: 'CODEC_PLAIN_LENGTH'
  })
})

test('an empty block is a header alone, bound to its place like any other', () => {
  const encoded = encodeChunk(segment, 3, Buffer.alloc(0), seed)
  assert.equal(encoded.byteLength, 136)
  assert.equal(decodeChunk(segment, 3, encoded).byteLength, 0)
  assert.equal(refusal(segment, 4, encoded), 'CODEC_SIGNATURE')
  assert.equal(refusal(segment, 3, Buffer.concat([encoded, Buffer.alloc(1)])), 'CODEC_LENGTH')
})

test('a segment with keys of the wrong size is refused', () => {
  const short = { ...segment, secretKey: segment.secretKey.subarray(1) }
  assert.throws(() => encodeChunk(short, 0, Buffer.from('x'), seed), { code: 'CODEC_KEY' })
  const noKey = { ...segment, publicKey: Buffer.alloc(31) }
  const encoded = encodeChunk(segment, 0, Buffer.from('x'), seed)
  assert.equal(refusal(noKey, 0, encoded), 'CODEC_KEY')
})

test('the segment id depends on every part of the place', () => {
  const changed = [
    { ...place, chain: Buffer.alloc(32, 9) },
    { ...place, key: Buffer.alloc(32, 9) },
    { ...place, fork: 9 },
    { ...place, copy: 9 },
    { ...place, start: 9 },
    { ...place, signer: Buffer.alloc(32, 9) },
    { ...place, draw: 9 }
  ]
  const ids = new Set([place, ...changed].map((other) => toHex(segmentId(other))))
  assert.equal(ids.size, changed.length + 1)
})

test('there is no codec of an unknown name or id', () => {
  assert.equal(codecOf(1), codecOf('wrap'))
  assert.throws(() => codecOf(0), { code: 'CODEC_NAME' })
})
