import { CodecError } from '../errors.js'

// What is known of the codecs and of their chunks' headers without the ciphers behind them (docs/formats.md).

export const codecNames = ['wrap', 'seal'] as const
export type CodecName = (typeof codecNames)[number]

/** `Codec.id` of each codec, the first byte of its chunks. */
export const CODEC_IDS: Readonly<Record<CodecName, number>> = { wrap: 1, seal: 2 }

/** The format version that every codec writes into its header's second byte. */
export const CODEC_VERSION = 1

/** Most bytes of a plain chunk: hypercore's own limit for a block. */
export const MAX_PLAIN_BYTES = 15 * 1024 * 1024

/** Bytes of each codec's header. */
export const HEADER_BYTES: Readonly<Record<CodecName, number>> = { wrap: 136, seal: 80 }

/** The most bytes of any header. */
export const MAX_HEADER_BYTES = 136

const LENGTH_AT = 4

/**
 * Bytes of the body that a header belongs to, by its own length field. Versions are a decoder's business.
 *
 * @throws CodecError `CODEC_TRUNCATED`, `CODEC_NAME`, `CODEC_LENGTH`
 */
export function bodyBytesOf(codec: CodecName, header: Uint8Array, index: number): number {
  if (header.byteLength !== HEADER_BYTES[codec]) {
    throw new CodecError(
      'CODEC_TRUNCATED',
      `chunk ${index} has a header of ${header.byteLength} bytes`,
      index
    )
  }
  if (header[0] !== CODEC_IDS[codec]) {
    throw new CodecError(
      'CODEC_NAME',
      `chunk ${index} has codec ${header[0]}, not ${CODEC_IDS[codec]} (${codec})`,
      index
    )
  }
  let length = 0
  for (let at = LENGTH_AT + 3; at >= LENGTH_AT; at--) length = length * 256 + header[at]!
  if (length > MAX_PLAIN_BYTES) {
    throw new CodecError(
      'CODEC_LENGTH',
      `chunk ${index} claims ${length} bytes, more than a block has`,
      index
    )
  }
  return codec === 'seal' ? Math.ceil(length / 255) * 256 : length
}
