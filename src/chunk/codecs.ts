import { blake3 } from '../crypto/hash.js'
import { CodecError } from '../errors.js'
import { SEED_BYTES, type ChunkBatch, type Codec, type SegmentPublic, type SegmentSecret } from './codec.js'
import { MAX_PLAIN_BYTES, CODEC_IDS, type CodecName } from './header.js'
import { seal } from './seal.js'
import { wrap } from './wrap.js'

const codecs: Readonly<Record<CodecName, Codec>> = { wrap, seal }

/**
 * The codec of a name, or of the id in a chunk's first byte.
 *
 * @throws CodecError `CODEC_NAME` if there is none
 */
export function codecOf(nameOrId: CodecName | number): Codec {
  for (const codec of Object.values(codecs)) {
    if (codec.name === nameOrId || codec.id === nameOrId) return codec
  }
  const known = Object.keys(CODEC_IDS).join(', ')
  throw new CodecError('CODEC_NAME', `no codec ${nameOrId}; known are ${known}`)
}

/**
 * Encodes one chunk. `seed` is SEED_BYTES of fresh randomness: never use one twice.
 *
 * @throws CodecError `CODEC_PLAIN_LENGTH` for a chunk that is longer than hypercore allows
 */
export function encodeChunk(
  segment: SegmentSecret,
  index: number,
  plain: Uint8Array,
  seed: Uint8Array
): Buffer {
  checkPlainBytes(plain.byteLength, index)
  if (seed.byteLength !== SEED_BYTES) throw new CodecError('CODEC_SEED', `a seed has ${SEED_BYTES} bytes`)
  const codec = codecOf(segment.codec)
  const chunk = Buffer.allocUnsafeSlow(codec.encodedBytes(plain.byteLength))
  chunk.set(plain, chunk.byteLength - plain.byteLength)
  const batch = batchOfOne(chunk, index, plain.byteLength, seed)
  const encoder = codec.createEncoder(segment)
  encoder.bodies(batch, 0, 1)
  encoder.headers(batch, 0, 1, blake3(chunk.subarray(codec.headerBytes)))
  encoder.wipe()
  return chunk
}

/**
 * Decodes one chunk after every check there is: the plain bytes, in memory of their own.
 *
 * @throws CodecError saying which check failed
 */
export function decodeChunk(segment: SegmentPublic, index: number, encoded: Uint8Array): Buffer {
  const codec = codecOf(segment.codec)
  codec.plainBytes(encoded)
  const chunk = Buffer.allocUnsafeSlow(encoded.byteLength)
  chunk.set(encoded)
  const batch = batchOfOne(chunk, index, 0, new Uint8Array(0))
  const decoder = codec.createDecoder(segment)
  decoder.check(batch, 0, 1, blake3(chunk.subarray(codec.headerBytes)))
  decoder.open(batch, 0, 1)
  return chunk.subarray(batch.plainOffsets[0], batch.plainOffsets[0]! + batch.plainBytes[0]!)
}

/** @throws CodecError `CODEC_PLAIN_LENGTH` unless a hypercore may have a block of this length */
export function checkPlainBytes(plainBytes: number, index: number): void {
  if (plainBytes >= 0 && plainBytes <= MAX_PLAIN_BYTES) return
  throw new CodecError(
    'CODEC_PLAIN_LENGTH',
    `chunk ${index} has ${plainBytes} bytes; a chunk has 0 to ${MAX_PLAIN_BYTES}`,
    index
  )
}

function batchOfOne(slab: Uint8Array, index: number, plainBytes: number, seed: Uint8Array): ChunkBatch {
  return {
    slab,
    count: 1,
    firstIndex: index,
    offsets: new Uint32Array(1),
    encodedBytes: new Uint32Array([slab.byteLength]),
    plainOffsets: new Uint32Array([slab.byteLength - plainBytes]),
    plainBytes: new Uint32Array([plainBytes]),
    seed
  }
}
