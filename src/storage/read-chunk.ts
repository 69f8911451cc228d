import { codecOf } from '../chunk/codecs.js'
import type { Decoder, SegmentPublic } from '../chunk/codec.js'

const decoders = new WeakMap<SegmentPublic, Decoder>()

/**
 * Decodes one chunk for a reader, on this thread. Who encoded it was checked when it was stored, and the store
 * compares the result with the author's tree, so signatures are not checked again.
 *
 * @throws CodecError if the bytes are no chunk of this segment
 */
export function readChunk(segment: SegmentPublic, index: number, encoded: Uint8Array): Uint8Array {
  const codec = codecOf(segment.codec)
  const plainBytes = codec.plainBytes(encoded)
  let decoder = decoders.get(segment)
  if (decoder === undefined) {
    decoder = codec.createDecoder(segment)
    decoders.set(segment, decoder)
  }
  const header = encoded.subarray(0, codec.headerBytes)
  const plain = Buffer.allocUnsafeSlow(plainBytes)
  decoder.openPiece({ index, header, plainBytes, plainOffset: 0 }, encoded.subarray(codec.headerBytes), plain)
  return plain
}
