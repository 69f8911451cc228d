import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPublicKey, publicDecrypt, constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import sodium from 'sodium-native'
import fc from 'fast-check'
import {
  segmentId,
  segmentSalt,
  type ChunkBatch,
  type SegmentPublic,
  type SegmentSecret
} from '../../src/chunk/codec.js'
import { codecOf, decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { createSealDecoder, createSealEncoder, seal } from '../../src/chunk/seal.js'
import { blake3, hash } from '../../src/crypto/hash.js'
import { bigintOf, bytesOf, rsaKeyFromSeed, serializeSecretKey } from '../../src/crypto/rsa-key.js'
import { rsaPaths } from '../../src/crypto/rsa.js'
import { CodecError } from '../../src/errors.js'
import { bytesFrom } from '../helpers/bytes.js'
import { primesOf, spkiOf } from '../helpers/rsa-keys.js'

const place = {
  chain: Buffer.alloc(32, 1),
  key: Buffer.alloc(32, 2),
  fork: 0,
  copy: 3,
  start: 0,
  signer: Buffer.alloc(32, 4),
  draw: 5
}
const HEADER = 80
const seed = Buffer.alloc(0x20)
const segment = segmentOf(segmentId(place), 7)

function segmentOf(
  id: Uint8Array,
  keySeed: number,
  salt = segmentSalt(Buffer.alloc(32, 8), id)
): SegmentSecret {
  return { codec: 'seal', id, salt, ...rsaKeyFromSeed(Buffer.alloc(32, keySeed)) }
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

/** Header as docs/formats.md has it, for a body that an attacker made. */
function withHeader(of: SegmentPublic, index: number, plainBytes: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER)
  header[0] = 2
  header[1] = 1
  header.writeUInt32LE(plainBytes, 4)
  header.writeBigUInt64LE(BigInt(index), 8)
  header.set(of.id, 16)
  const maskKey = hash('datdot/mask/1', of.salt, of.id, of.publicKey)
  header.set(hash('datdot/seal/1', maskKey, index, plainBytes, blake3(body)), 48)
  return Buffer.concat([header, body])
}

test('decoding gives back what was encoded, for any bytes and index', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.maxSafeNat(), (plain, index) => {
      const encoded = encodeChunk(segment, index, plain, seed)
      assert.equal(encoded.byteLength, codecOf('seal').encodedBytes(plain.byteLength))
      assert.equal(codecOf(encoded[0]!).plainBytes(encoded), plain.byteLength)
      assert.deepEqual(decodeChunk(segment, index, encoded), Buffer.from(plain))
    })
  )
})

test('the length is kept exactly around every multiple of a block', () => {
  for (const length of [
    0,
    1,
    2,
    254,
    255,
    256,
    509,
    510,
    511,
    64 * 255 - 1,
    64 * 255,
    64 * 255 + 1,
    65536,
    300_000
  ]) {
    const plain = bytesFrom('length', length)
    const encoded = encodeChunk(segment, 1, plain, seed)
    assert.equal(encoded.byteLength, HEADER + Math.ceil(length / 255) * 256)
    assert.ok(decodeChunk(segment, 1, encoded).equals(plain))
  }
})

test('the encoded bytes are those of the fixed vectors, on every path', () => {
  const file = new URL('../../../test/vectors/seal.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
    segmentId: string
    beaconValue: string
    salt: string
    keys: {
      primes: number
      secretKey: string
      publicKey: string
      chunks: { index: number; plain: string; encoded: string }[]
    }[]
  }
  const id = Buffer.from(vectors.segmentId, 'hex')
  const salt = Buffer.from(vectors.salt, 'hex')
  assert.deepEqual(segmentSalt(Buffer.from(vectors.beaconValue, 'hex'), id), salt)
  assert.deepEqual(
    vectors.keys.map((key) => key.primes),
    [4, 3]
  )
  for (const { secretKey, publicKey, chunks } of vectors.keys) {
    const fixed: SegmentSecret = {
      codec: 'seal',
      id,
      salt,
      publicKey: Buffer.from(publicKey, 'hex'),
      secretKey: Buffer.from(secretKey, 'hex')
    }
    assert.ok(chunks.length >= 4)
    for (const path of rsaPaths()) {
      for (const { index, plain, encoded } of chunks) {
        const bytes = Buffer.from(plain, 'hex')
        assert.equal(encodeOn(fixed, index, bytes, path).toString('hex'), encoded)
        assert.deepEqual(decodeChunk(fixed, index, Buffer.from(encoded, 'hex')), bytes)
      }
    }
  }
})

test('an empty block is a header alone, bound to its place like any other', () => {
  const encoded = encodeChunk(segment, 3, Buffer.alloc(0), seed)
  assert.equal(encoded.byteLength, HEADER)
  assert.equal(decodeChunk(segment, 3, encoded).byteLength, 0)
  assert.equal(refusal(segment, 4, encoded), 'CODEC_INDEX')
  assert.equal(refusal(segmentOf(segment.id, 9), 3, encoded), 'CODEC_TAG')
  assert.equal(refusal(segment, 3, withHeader(segment, 3, 0, Buffer.alloc(256))), 'CODEC_LENGTH')
  assert.equal(refusal(segment, 3, withHeader(segment, 3, 1, Buffer.alloc(0))), 'CODEC_LENGTH')
})

test('anybody can check a sealed chunk against its original with OpenSSL and public data', () => {
  const plain = bytesFrom('public', 700)
  const encoded = encodeChunk(segment, 6, plain, seed)
  const key = createPublicKey({ key: spkiOf(segment.publicKey), format: 'der', type: 'spki' })
  const blocks: Buffer[] = []
  for (let at = HEADER; at < encoded.byteLength; at += 256) {
    const block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, encoded.subarray(at, at + 256))
    assert.equal(block[0], 0)
    blocks.push(block.subarray(1))
  }
  const opened = Buffer.concat(blocks)
  const nonce = Buffer.alloc(24)
  nonce.writeUInt32LE(6)
  const maskKey = hash('datdot/mask/1', segment.salt, segment.id, segment.publicKey)
  sodium.crypto_stream_xchacha20_xor(opened, opened, nonce, maskKey)
  assert.deepEqual(opened, Buffer.concat([plain, Buffer.alloc(3 * 255 - 700)]))
})

test('every single flipped bit of a chunk is refused', () => {
  const encoded = encodeChunk(segment, 11, Buffer.from('a hypercore block that ends in zeros\0\0\0'), seed)
  const codes = new Map<string, number>()
  for (let bit = 0; bit < encoded.byteLength * 8; bit++) {
    encoded[bit >> 3]! ^= 1 << (bit & 7)
    const code = refusal(segment, 11, encoded)
    codes.set(code, (codes.get(code) ?? 0) + 1)
    encoded[bit >> 3]! ^= 1 << (bit & 7)
  }
  // Lengths that fit the same number of blocks fail the tag, the others the length.
  assert.deepEqual(Object.fromEntries(codes), {
    CODEC_NAME: 8,
    CODEC_VERSION: 8,
    CODEC_RESERVED: 16,
    CODEC_LENGTH: 24,
    CODEC_INDEX: 64,
    CODEC_SEGMENT: 256,
    CODEC_TAG: 8 + 256 + 256 * 8
  })
  decodeChunk(segment, 11, encoded)
})

test('a chunk cut short anywhere, or with bytes added, is refused', () => {
  const encoded = encodeChunk(segment, 0, Buffer.alloc(300, 1), seed)
  for (let length = 0; length < encoded.byteLength; length++) {
    const expected = length < HEADER ? 'CODEC_TRUNCATED' : 'CODEC_LENGTH'
    assert.equal(refusal(segment, 0, encoded.subarray(0, length)), expected)
  }
  assert.equal(refusal(segment, 0, Buffer.concat([encoded, Buffer.alloc(1)])), 'CODEC_LENGTH')
})

test('a chunk of another index, segment, key, salt or codec is refused', () => {
  const encoded = encodeChunk(segment, 1, Buffer.from('block'), seed)
  assert.equal(refusal(segment, 2, encoded), 'CODEC_INDEX')
  assert.equal(refusal(segment, 1 + 2 ** 32, encoded), 'CODEC_INDEX')
  assert.equal(refusal(segmentOf(segmentId({ ...place, copy: 4 }), 7), 1, encoded), 'CODEC_SEGMENT')
  assert.equal(refusal(segmentOf(segment.id, 9), 1, encoded), 'CODEC_TAG')
  assert.equal(refusal(segmentOf(segment.id, 7, Buffer.alloc(32)), 1, encoded), 'CODEC_TAG')
  encoded[0] = 1
  assert.equal(refusal(segment, 1, encoded), 'CODEC_NAME')
})

test('a body that the private key did not seal is refused, whatever its header says', () => {
  const n = segment.publicKey
  const all = Buffer.alloc(256, 0xff)
  const good = encodeChunk(segment, 0, Buffer.alloc(255, 9), seed).subarray(HEADER)
  for (const block of [n, all]) {
    assert.equal(refusal(segment, 0, withHeader(segment, 0, 255, block)), 'CODEC_BLOCK')
    assert.equal(
      refusal(segment, 0, withHeader(segment, 0, 510, Buffer.concat([good, block]))),
      'CODEC_BLOCK'
    )
  }
  // A number below N opens to 255 bytes once in 256 times; this one does not.
  assert.equal(refusal(segment, 0, withHeader(segment, 0, 255, Buffer.alloc(256, 2))), 'CODEC_BLOCK')
})

test('a sealed chunk with anything but zeros for padding is refused', () => {
  const plain = bytesFrom('padding', 255)
  const body = encodeChunk(segment, 0, plain, seed).subarray(HEADER)
  assert.deepEqual(decodeChunk(segment, 0, withHeader(segment, 0, 255, body)), plain)
  for (const length of [254, 100, 1]) {
    assert.equal(refusal(segment, 0, withHeader(segment, 0, length, body)), 'CODEC_PADDING')
  }
})

test('equal blocks, chunks and zeros have nothing in common once sealed', () => {
  const zeros = Buffer.alloc(255 * 4)
  const encoded = [encodeChunk(segment, 0, zeros, seed), encodeChunk(segment, 1, zeros, seed)]
  const blocks = new Set(
    encoded.flatMap((chunk) =>
      [0, 1, 2, 3].map((j) => chunk.subarray(HEADER + 256 * j, HEADER + 256 * (j + 1)).toString('hex'))
    )
  )
  assert.equal(blocks.size, 8)
})

test('a run of chunks of all sizes encodes and decodes as one by one, on every path', () => {
  const sizes = [0, 1, 255, 70_000, 0, 3, 256, 16320, 40_001, 510, 1, 0]
  const plain = sizes.map((size, i) => bytesFrom(`chunk ${i}`, size))
  for (const path of rsaPaths()) {
    const few = path === 'bigint' ? [1, 255, 0, 3, 600] : sizes
    const chunks = few.map((size, i) => (path === 'bigint' ? bytesFrom(`few ${i}`, size) : plain[i]!))
    const batch = batchOf(chunks, 40)
    const encoder = createSealEncoder(segment, path)
    encoder.bodies(batch, 0, chunks.length)
    encoder.headers(batch, 0, chunks.length, bodyHashes(batch))
    chunks.forEach((chunk, i) => {
      const slot = batch.slab.subarray(batch.offsets[i], batch.offsets[i]! + batch.encodedBytes[i]!)
      assert.ok(Buffer.from(slot).equals(encodeChunk(segment, 40 + i, chunk, seed)))
    })
    const decoder = createSealDecoder(segment, path)
    decoder.check(batch, 0, chunks.length, bodyHashes(batch))
    decoder.open(batch, 0, chunks.length)
    chunks.forEach((chunk, i) => {
      const at = batch.plainOffsets[i]!
      assert.ok(Buffer.from(batch.slab.subarray(at, at + batch.plainBytes[i]!)).equals(chunk))
    })
  }
})

test('a chunk that does not decode in a run is named, and the decoder works on', () => {
  const chunks = [1, 300, 700, 20].map((size, i) => bytesFrom(`chunk ${i}`, size))
  const batch = batchOf(chunks, 7)
  const encoder = createSealEncoder(segment)
  encoder.bodies(batch, 0, 4)
  encoder.headers(batch, 0, 4, bodyHashes(batch))
  const intact = Buffer.from(batch.slab)
  const decoder = createSealDecoder(segment)
  decoder.check(batch, 0, 4, bodyHashes(batch))
  batch.slab.set(segment.publicKey, batch.offsets[2]! + HEADER + 256)
  assert.throws(() => decoder.open(batch, 0, 4), { code: 'CODEC_BLOCK', index: 9, message: /block 1 / })
  for (const i of [0, 1]) {
    const opened = batch.slab.subarray(batch.plainOffsets[i], batch.plainOffsets[i]! + batch.plainBytes[i]!)
    assert.ok(Buffer.from(opened).equals(chunks[i]!), 'chunks before it are decoded')
  }
  batch.slab.set(intact)
  decoder.check(batch, 0, 4, bodyHashes(batch))
  decoder.open(batch, 0, 4)
  assert.ok(
    Buffer.from(batch.slab.subarray(batch.plainOffsets[3], batch.plainOffsets[3]! + 20)).equals(chunks[3]!)
  )
})

test('a chunk encoded and decoded in pieces is the same as in one', () => {
  const plain = bytesFrom('pieces', 3 * seal.pieceBytes + 1234)
  const encoded = encodeChunk(segment, 3, plain, seed)
  for (const step of [seal.pieceBytes, 2 * seal.pieceBytes, 4 * seal.pieceBytes]) {
    const encoder = createSealEncoder(segment)
    const decoder = createSealDecoder(segment)
    const body: Buffer[] = []
    const opened: Buffer[] = []
    for (let plainOffset = 0; plainOffset < plain.byteLength; plainOffset += step) {
      const piece = plain.subarray(plainOffset, plainOffset + step)
      const memory = Buffer.alloc(seal.encodedBytes(piece.byteLength) - HEADER)
      memory.set(piece, memory.byteLength - piece.byteLength)
      const at = { index: 3, plainBytes: plain.byteLength, plainOffset, seed }
      const written = encoder.piece(at, memory.subarray(memory.byteLength - piece.byteLength), memory)
      assert.equal(written, memory.byteLength)
      body.push(Buffer.from(memory))
    }
    const bodyHash = blake3(Buffer.concat(body))
    const header = encoder.pieceHeader({ index: 3, plainBytes: plain.byteLength, seed }, bodyHash)
    assert.ok(Buffer.concat([header, ...body]).equals(encoded))
    assert.equal(decoder.checkHeader(3, header, encoded.byteLength, bodyHash), plain.byteLength)
    body.forEach((piece, i) => {
      const at = { index: 3, header, plainBytes: plain.byteLength, plainOffset: i * step }
      opened.push(Buffer.from(piece.subarray(0, decoder.openPiece(at, piece, piece))))
    })
    assert.ok(Buffer.concat(opened).equals(plain))
  }
})

test('a piece of a length that its chunk cannot have is refused', () => {
  const decoder = createSealDecoder(segment)
  const at = { index: 3, header: Buffer.alloc(HEADER), plainBytes: 300, plainOffset: 0 }
  for (const length of [0, 255, 768]) {
    assert.throws(() => decoder.openPiece(at, Buffer.alloc(length), Buffer.alloc(1024)), {
      code: 'CODEC_LENGTH'
    })
  }
})

test('a segment with keys that do not fit is refused', () => {
  const other = rsaKeyFromSeed(Buffer.alloc(32, 9))
  const bad: Partial<SegmentSecret>[] = [
    { secretKey: other.secretKey },
    { secretKey: segment.secretKey.subarray(1) },
    { publicKey: segment.publicKey.subarray(1) },
    { publicKey: Buffer.alloc(256) },
    { salt: Buffer.alloc(31) },
    { id: Buffer.alloc(33) }
  ]
  for (const change of bad) {
    assert.throws(() => encodeChunk({ ...segment, ...change }, 0, Buffer.from('x'), seed), {
      code: 'CODEC_KEY'
    })
  }
  const encoded = encodeChunk(segment, 0, Buffer.from('x'), seed)
  assert.equal(refusal({ ...segment, publicKey: Buffer.alloc(256) }, 0, encoded), 'CODEC_KEY')
  assert.throws(() => createSealEncoder({ ...segment, codec: 'wrap' }), { code: 'CODEC_NAME' })
})

test('an encoder whose key was wiped encodes nothing', () => {
  const encoder = createSealEncoder(segment)
  const batch = batchOf([Buffer.alloc(100, 1)], 0)
  encoder.wipe()
  assert.throws(() => encoder.bodies(batch, 0, 1), { code: 'CODEC_KEY' })
})

function encodeOn(
  of: SegmentSecret,
  index: number,
  plain: Uint8Array,
  path: Parameters<typeof createSealEncoder>[1]
): Buffer {
  const batch = batchOf([plain], index)
  const encoder = createSealEncoder(of, path)
  encoder.bodies(batch, 0, 1)
  encoder.headers(batch, 0, 1, bodyHashes(batch))
  return Buffer.from(batch.slab)
}

function batchOf(chunks: Uint8Array[], firstIndex: number): ChunkBatch {
  const lengths = chunks.map((chunk) => seal.encodedBytes(chunk.byteLength))
  const offsets = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0))
  const slab = Buffer.alloc(lengths.reduce((a, b) => a + b, 0))
  const plainOffsets = chunks.map((chunk, i) => offsets[i]! + lengths[i]! - chunk.byteLength)
  chunks.forEach((chunk, i) => slab.set(chunk, plainOffsets[i]))
  return {
    slab,
    count: chunks.length,
    firstIndex,
    offsets: new Uint32Array(offsets),
    encodedBytes: new Uint32Array(lengths),
    plainOffsets: new Uint32Array(plainOffsets),
    plainBytes: new Uint32Array(chunks.map((chunk) => chunk.byteLength)),
    seed
  }
}

function bodyHashes(batch: ChunkBatch): Buffer {
  const hashes: Buffer[] = []
  for (let i = 0; i < batch.count; i++) {
    hashes.push(
      blake3(batch.slab.subarray(batch.offsets[i]! + HEADER, batch.offsets[i]! + batch.encodedBytes[i]!))
    )
  }
  return Buffer.concat(hashes)
}

test('a chunk that this machine sealed wrongly is never given out', () => {
  // One of the primes is not prime, so sealing goes wrong as it would in bad memory.
  const [p, ...others] = primesOf(segment.secretKey)
  const n = bigintOf(Buffer.from(segment.publicKey))
  let wrong = p! + 2n
  while (wrong % 3n !== 0n || wrong % 65537n === 1n || ((n / p!) * wrong) >> 2047n !== 1n) wrong += 2n
  const secretKey = serializeSecretKey([wrong, ...others].map((prime) => bytesOf(prime, 64)))
  const publicKey = bytesOf((n / p!) * wrong, 256)
  assert.throws(() => encodeChunk({ ...segment, publicKey, secretKey }, 0, Buffer.alloc(1_000), seed), {
    name: 'CodecError',
    code: 'CODEC_SEAL_CHECK'
  })
})
