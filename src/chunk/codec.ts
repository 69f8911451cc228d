import { hash } from '#crypto/hash.js'
import { CodecError } from '../errors.js'
import { CODEC_IDS, CODEC_VERSION, type CodecName } from './header.js'

/** Bytes of the seed from which a slab's `wrap` keys are drawn: one random draw a slab, not a chunk. */
export const SEED_BYTES = 32

/** All that anybody needs to decode the chunks of one segment. Plain data: it travels to workers. */
export interface SegmentPublic {
  codec: CodecName
  /** 32 bytes, see `segmentId`. */
  id: Uint8Array
  /** The signer's key for this segment. `wrap`: 32 bytes, Ed25519. `seal`: 256 bytes, the RSA modulus. */
  publicKey: Uint8Array
  /** 32 bytes; `wrap` does not use it. */
  salt: Uint8Array
}

/** What the signer needs to encode. */
export interface SegmentSecret extends SegmentPublic {
  /** `wrap`: 64 bytes, libsodium's form. `seal`: the serialised private key. */
  secretKey: Uint8Array
}

/** What a segment's id binds. All keys and hashes are 32 bytes. */
export interface SegmentPlace {
  chain: Uint8Array
  /** The hypercore. */
  key: Uint8Array
  fork: number | bigint
  copy: number | bigint
  /** Index of the segment's first chunk. Its end is left out: it may shrink. */
  start: number | bigint
  signer: Uint8Array
  draw: number | bigint
}

/** The 32-byte id that ties encoded chunks to one segment of one copy (docs/formats.md). */
export function segmentId(place: SegmentPlace): Uint8Array {
  const { chain, key, fork, copy, start, signer, draw } = place
  return hash('datdot/segment-id/1', chain, key, fork, copy, start, signer, draw)
}

/**
 * The salt of a segment, H("datdot/salt/1", …): from the value of the beacon round that drew it, later than the
 * original was fixed, so that nobody can choose data whose sealed form is short.
 */
export function segmentSalt(beaconValue: Uint8Array, id: Uint8Array): Uint8Array {
  return hash('datdot/salt/1', beaconValue, id)
}

/**
 * A run of consecutive chunks in one piece of memory (a slab, which may be shared between threads). Chunk i of
 * the run owns the slot `[offsets[i], offsets[i] + encodedBytes[i])`, which holds the encoded chunk, header
 * first. Codecs work in place. All four tables have at least `count` entries.
 */
export interface ChunkBatch {
  slab: Uint8Array
  count: number
  /** Index in the hypercore of the run's first chunk. */
  firstIndex: number
  offsets: Uint32Array
  encodedBytes: Uint32Array
  /**
   * Where the plain bytes are. Given to encoders, always at the very end of the slot, so that there is room for
   * header and growth before them; set by decoders, anywhere in the slot.
   */
  plainOffsets: Uint32Array
  plainBytes: Uint32Array
  /** SEED_BYTES of fresh randomness for encoders (same seed, same output); not used by decoders. */
  seed: Uint8Array
  /** Where the run's first chunk is in what is drawn from the seed; 0 for a seed of its own. */
  firstDraw?: number
}

/**
 * Encodes runs `[from, to)` of a batch in two passes, between which the caller hashes the bodies. One object
 * serves one segment and one thread; it keeps no state between calls but scratch memory.
 */
export interface Encoder {
  /** Turns each chunk's plain bytes into its encoded body, in place: the slot without the header. */
  bodies(batch: ChunkBatch, from: number, to: number): void
  /** Writes each slot's header. `bodyHashes`: BLAKE3 of each body, 32 bytes each, of chunk `from` first. */
  headers(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void

  /**
   * Encodes one piece of a chunk too large for a slab. `at.plainOffset` is a multiple of `codec.pieceBytes`;
   * so is the piece's length unless it is the last. Writes the encoded piece to `out`, which may overlap
   * `plain` if `plain` ends where `out` ends, and returns its length.
   */
  piece(at: ChunkPiece, plain: Uint8Array, out: Uint8Array): number
  /** The header of a chunk encoded by pieces, `codec.headerBytes` long. */
  pieceHeader(at: Omit<ChunkPiece, 'plainOffset'>, bodyHash: Uint8Array): Uint8Array

  /** Overwrites what the encoder itself keeps of the secret key; it encodes nothing more after that. */
  wipe(): void
}

/** Decodes runs of a batch; the other way round: headers are checked against body hashes, then bodies opened. */
export interface Decoder {
  /**
   * Checks every header and sets `plainBytes` and `plainOffsets`.
   *
   * @throws CodecError with its index for the first chunk that does not belong here
   */
  check(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void
  /**
   * Turns each body of checked chunks into plain bytes, in place.
   *
   * @throws CodecError with its index for the first body that does not decode
   */
  open(batch: ChunkBatch, from: number, to: number): void

  /**
   * Checks the header of a chunk that is decoded by pieces (`encodedBytes` includes it); returns the chunk's
   * plain length.
   *
   * @throws CodecError
   */
  checkHeader(index: number, header: Uint8Array, encodedBytes: number, bodyHash: Uint8Array): number
  /**
   * Opens one piece of a checked chunk's body into `out`, which may be the same memory, and returns the plain
   * length. Pieces are cut as `Encoder.piece` cuts them.
   *
   * @throws CodecError
   */
  openPiece(at: DecodePiece, body: Uint8Array, out: Uint8Array): number
}

/** A piece of a chunk to encode. */
export interface ChunkPiece {
  /** Index of the chunk in the hypercore. */
  index: number
  /** Of the whole chunk. */
  plainBytes: number
  /** Where in the chunk the piece begins. */
  plainOffset: number
  /** SEED_BYTES, the same for all pieces of the chunk. */
  seed: Uint8Array
  /** Where the chunk is in what is drawn from the seed; 0 for a seed of its own. */
  firstDraw?: number
}

/** A piece of a chunk to decode. */
export interface DecodePiece {
  index: number
  header: Uint8Array
  plainBytes: number
  plainOffset: number
}

/** A way to encode chunks. Stateless; `codecOf` in `./codecs.js` finds one by name or id. */
export interface Codec {
  /** First byte of every chunk that it encodes. */
  readonly id: number
  readonly name: CodecName
  /** Bytes before the body, the same for every chunk. */
  readonly headerBytes: number
  /** Plain bytes that can be encoded apart from the rest of their chunk start at multiples of this. */
  readonly pieceBytes: number
  /**
   * Bytes of the encoded chunk, header included, for a plain chunk of `plainBytes`. Without the header it is
   * also the length of an encoded piece.
   */
  encodedBytes(plainBytes: number): number
  /**
   * Plain bytes that an encoded chunk claims; reads the header only.
   *
   * @throws CodecError for a header that no chunk of this length has
   */
  plainBytes(encoded: Uint8Array): number
  createEncoder(segment: SegmentSecret): Encoder
  createDecoder(segment: SegmentPublic): Decoder
}

/**
 * The checks that all codecs begin with: length, codec, version, reserved bytes. `header` is the chunk, or at least its
 * header. Returns what to call the chunk in a message.
 *
 * @throws CodecError CODEC_TRUNCATED, CODEC_NAME, CODEC_VERSION, CODEC_RESERVED
 */
export function checkHeaderStart(
  codec: CodecName,
  headerBytes: number,
  header: Uint8Array,
  encodedBytes: number,
  index: number | undefined
): string {
  const name = index === undefined ? 'the chunk' : `chunk ${index}`
  if (encodedBytes < headerBytes || header.byteLength < headerBytes) {
    throw new CodecError('CODEC_TRUNCATED', `${name} has ${encodedBytes} bytes, too few for a header`, index)
  }
  if (header[0] !== CODEC_IDS[codec]) {
    throw new CodecError(
      'CODEC_NAME',
      `${name} has codec ${header[0]}, not ${CODEC_IDS[codec]} (${codec})`,
      index
    )
  }
  if (header[1] !== CODEC_VERSION) {
    throw new CodecError('CODEC_VERSION', `${name} has version ${header[1]}, not ${CODEC_VERSION}`, index)
  }
  if (header[2] !== 0 || header[3] !== 0) {
    throw new CodecError('CODEC_RESERVED', `${name} has reserved bytes that are not 0`, index)
  }
  return name
}
