import sodium from 'sodium-native'
import { HASH_BYTES, encodeParts } from '../crypto/hash.js'
import { PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES } from '../crypto/keys.js'
import { CodecError } from '../errors.js'
import {
  checkHeaderStart,
  SEED_BYTES,
  type ChunkBatch,
  type ChunkPiece,
  type Codec,
  type DecodePiece,
  type Decoder,
  type Encoder,
  type SegmentPublic,
  type SegmentSecret
} from './codec.js'
import { MAX_PLAIN_BYTES, CODEC_VERSION, CODEC_IDS } from './header.js'

// The header, docs/formats.md: codec, version, reserved u16, body length u32, signer, key, signature.
const LENGTH_AT = 4
const SIGNER_AT = 8
const KEY_AT = SIGNER_AT + PUBLIC_KEY_BYTES
const SIGNATURE_AT = KEY_AT + 32
export const WRAP_HEADER_BYTES = SIGNATURE_AT + SIGNATURE_BYTES

const KEY_BYTES = 32
const CIPHER_BLOCK_BYTES = 64
/** Keys that can be drawn from one seed. */
const SEED_KEYS = 2 ** 33
const DOMAIN = 'datdot/wrap/1'
/** Every key encrypts one body only, so one nonce serves all. */
const NONCE = Buffer.alloc(24)
const BLANK = Buffer.alloc(HASH_BYTES)

/**
 * `wrap`: a fresh key per chunk encrypts the body (XChaCha20) and is itself readable, with the signer's
 * signature over segment, index, key and body. It shows who encoded what for which place; it does not force
 * anybody to keep the encoded form (docs/formats.md says what that means).
 */
export const wrap: Codec = {
  id: CODEC_IDS.wrap,
  name: 'wrap',
  headerBytes: WRAP_HEADER_BYTES,
  pieceBytes: CIPHER_BLOCK_BYTES,
  encodedBytes: (plainBytes) => WRAP_HEADER_BYTES + plainBytes,
  plainBytes: (encoded) => checkShape(encoded, encoded.byteLength, undefined),
  createEncoder: (segment) => new WrapEncoder(segment),
  createDecoder: (segment) => new WrapDecoder(segment)
}

class WrapEncoder implements Encoder {
  readonly #message: SignedMessage
  readonly #secretKey: Uint8Array
  // Views cost more than copying what they show: a header is put together here, and has them once.
  readonly #header = Buffer.alloc(WRAP_HEADER_BYTES)
  readonly #signature = this.#header.subarray(SIGNATURE_AT)
  #keys = Buffer.alloc(0)
  #keyViews: Buffer[] = []

  constructor(segment: SegmentSecret) {
    if (segment.secretKey.byteLength !== SECRET_KEY_BYTES) {
      throw new CodecError('CODEC_KEY', `wrap needs an Ed25519 secret key of ${SECRET_KEY_BYTES} bytes`)
    }
    this.#message = new SignedMessage(segment)
    this.#secretKey = segment.secretKey
    this.#header[0] = CODEC_IDS.wrap
    this.#header[1] = CODEC_VERSION
    this.#header.set(segment.publicKey, SIGNER_AT)
  }

  bodies(batch: ChunkBatch, from: number, to: number): void {
    const { slab, offsets, plainOffsets, plainBytes } = batch
    const { seed, firstDraw = 0 } = batch
    const firstView = this.#drawKeys(seed, firstDraw + from, to - from)
    for (let i = from; i < to; i++) {
      const key = this.#keyViews[firstView + i - from]!
      const body = slab.subarray(plainOffsets[i], plainOffsets[i]! + plainBytes[i]!)
      sodium.crypto_stream_xchacha20_xor(body, body, NONCE, key)
      slab.set(key, offsets[i]! + KEY_AT)
    }
  }

  headers(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void {
    const { slab, offsets, plainBytes, firstIndex } = batch
    for (let i = from; i < to; i++) {
      const at = offsets[i]!
      this.#sign(firstIndex + i, plainBytes[i]!, slab, at + KEY_AT, bodyHashes, (i - from) * HASH_BYTES)
      slab.set(this.#header, at)
    }
  }

  piece(at: ChunkPiece, plain: Uint8Array, out: Uint8Array): number {
    const view = this.#drawKeys(at.seed, at.firstDraw ?? 0, 1)
    return xorPiece(plain, out, at.plainOffset, this.#keyViews[view]!)
  }

  pieceHeader(at: Omit<ChunkPiece, 'plainOffset'>, bodyHash: Uint8Array): Uint8Array {
    const view = this.#drawKeys(at.seed, at.firstDraw ?? 0, 1)
    this.#sign(at.index, at.plainBytes, this.#keyViews[view]!, 0, bodyHash, 0)
    return Buffer.from(this.#header)
  }

  wipe(): void {
    this.#keys.fill(0)
  }

  /** Puts a header together in `#header`: the key is at `keys[keyAt..]`, the body's hash at `hashes[hashAt..]`. */
  #sign(
    index: number,
    bodyBytes: number,
    keys: Uint8Array,
    keyAt: number,
    hashes: Uint8Array,
    hashAt: number
  ): void {
    const header = this.#header
    header[LENGTH_AT] = bodyBytes
    header[LENGTH_AT + 1] = bodyBytes >>> 8
    header[LENGTH_AT + 2] = bodyBytes >>> 16
    header[LENGTH_AT + 3] = bodyBytes >>> 24
    for (let i = 0; i < KEY_BYTES; i++) header[KEY_AT + i] = keys[keyAt + i]!
    const message = this.#message.of(index, header, KEY_AT, hashes, hashAt)
    sodium.crypto_sign_detached(this.#signature, message, this.#secretKey)
  }

  /**
   * Draws `count` keys of a seed from the n-th on into `#keys`; returns the number of the n-th one's view, which is
   * not the first where the cipher's block begins before it. Key n is bytes 32n..32n+31 of the seed's XChaCha20 stream.
   */
  #drawKeys(seed: Uint8Array, n: number, count: number): number {
    const perBlock = CIPHER_BLOCK_BYTES / KEY_BYTES
    const firstBlock = Math.floor(n / perBlock)
    const skipped = n - firstBlock * perBlock
    // The cipher's block counter has 32 bits here; going round would use keys twice.
    if (n + count > SEED_KEYS) throw new CodecError('CODEC_SEED', `a seed has keys for ${SEED_KEYS} chunks`)
    const bytes = (skipped + count) * KEY_BYTES
    if (this.#keys.byteLength < bytes) this.#growKeys(bytes)
    const keys = this.#keys.subarray(0, bytes)
    keys.fill(0)
    sodium.crypto_stream_xchacha20_xor_ic(keys, keys, NONCE, firstBlock, seed.subarray(0, SEED_BYTES))
    return skipped
  }

  #growKeys(bytes: number): void {
    this.#keys.fill(0)
    const keys = Buffer.allocUnsafeSlow(bytes)
    this.#keys = keys
    this.#keyViews = Array.from({ length: bytes / KEY_BYTES }, (_, i) =>
      keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)
    )
  }
}

class WrapDecoder implements Decoder {
  readonly #message: SignedMessage
  readonly #publicKey: Buffer
  /**
   * A header is checked in ordinary memory: in shared memory sodium-native finds every signature wrong, and what
   * is checked must be what is read.
   */
  readonly #header = Buffer.allocUnsafe(WRAP_HEADER_BYTES)
  readonly #signature = this.#header.subarray(SIGNATURE_AT)

  constructor(segment: SegmentPublic) {
    this.#message = new SignedMessage(segment)
    this.#publicKey = Buffer.from(segment.publicKey)
  }

  check(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void {
    const { slab, offsets, encodedBytes, plainBytes, plainOffsets } = batch
    for (let i = from; i < to; i++) {
      const at = offsets[i]!
      const header = slab.subarray(at, at + Math.min(WRAP_HEADER_BYTES, encodedBytes[i]!))
      const hashAt = (i - from) * HASH_BYTES
      plainBytes[i] = this.#check(batch.firstIndex + i, header, encodedBytes[i]!, bodyHashes, hashAt)
      plainOffsets[i] = at + WRAP_HEADER_BYTES
    }
  }

  open(batch: ChunkBatch, from: number, to: number): void {
    const { slab, offsets, plainOffsets, plainBytes } = batch
    for (let i = from; i < to; i++) {
      const body = slab.subarray(plainOffsets[i], plainOffsets[i]! + plainBytes[i]!)
      const key = slab.subarray(offsets[i]! + KEY_AT, offsets[i]! + SIGNATURE_AT)
      sodium.crypto_stream_xchacha20_xor(body, body, NONCE, key)
    }
  }

  checkHeader(index: number, header: Uint8Array, encodedBytes: number, bodyHash: Uint8Array): number {
    return this.#check(index, header.subarray(0, WRAP_HEADER_BYTES), encodedBytes, bodyHash, 0)
  }

  #check(index: number, bytes: Uint8Array, encodedBytes: number, hashes: Uint8Array, hashAt: number): number {
    const header = this.#header
    const signer = this.#publicKey
    header.set(bytes)
    const bodyBytes = checkShape(bytes.byteLength === WRAP_HEADER_BYTES ? header : bytes, encodedBytes, index)
    if (signer.compare(header, SIGNER_AT, KEY_AT) !== 0) {
      throw new CodecError('CODEC_SIGNER', `chunk ${index} was encoded by another signer`, index)
    }
    const message = this.#message.of(index, header, KEY_AT, hashes, hashAt)
    if (!sodium.crypto_sign_verify_detached(this.#signature, message, signer)) {
      throw new CodecError(
        'CODEC_SIGNATURE',
        `chunk ${index}: the signature does not fit this segment, index, key and body`,
        index
      )
    }
    return bodyBytes
  }

  openPiece(at: DecodePiece, body: Uint8Array, out: Uint8Array): number {
    return xorPiece(body, out, at.plainOffset, at.header.subarray(KEY_AT, SIGNATURE_AT))
  }
}

/** `encodeParts(DOMAIN, [segment id, u64 index, key, body hash])`, with only what changes written each time. */
class SignedMessage {
  readonly #bytes: Buffer
  readonly #indexAt: number
  readonly #keyAt: number
  readonly #hashAt: number

  constructor(segment: SegmentPublic) {
    if (segment.codec !== 'wrap') throw new CodecError('CODEC_NAME', `not a wrap segment: ${segment.codec}`)
    if (segment.id.byteLength !== HASH_BYTES || segment.publicKey.byteLength !== PUBLIC_KEY_BYTES) {
      throw new CodecError('CODEC_KEY', 'wrap needs a segment id and an Ed25519 public key of 32 bytes each')
    }
    this.#bytes = encodeParts(DOMAIN, [segment.id, 0, BLANK, BLANK])
    this.#hashAt = this.#bytes.byteLength - HASH_BYTES
    this.#keyAt = this.#hashAt - 8 - KEY_BYTES
    this.#indexAt = this.#keyAt - 8 - 8
  }

  /** With the key at `keys[keyAt..]` and the body's hash at `hashes[hashAt..]`. */
  of(index: number, keys: Uint8Array, keyAt: number, hashes: Uint8Array, hashAt: number): Buffer {
    const bytes = this.#bytes
    bytes.writeUInt32LE(index >>> 0, this.#indexAt)
    bytes.writeUInt32LE(Math.floor(index / 2 ** 32), this.#indexAt + 4)
    for (let i = 0; i < KEY_BYTES; i++) bytes[this.#keyAt + i] = keys[keyAt + i]!
    for (let i = 0; i < HASH_BYTES; i++) bytes[this.#hashAt + i] = hashes[hashAt + i]!
    return bytes
  }
}

/** The checks that need no key: returns the body's length. `header` is the chunk, or at least its header. */
function checkShape(header: Uint8Array, encodedBytes: number, index: number | undefined): number {
  const name = checkHeaderStart('wrap', WRAP_HEADER_BYTES, header, encodedBytes, index)
  const bodyBytes =
    header[LENGTH_AT]! +
    header[LENGTH_AT + 1]! * 2 ** 8 +
    header[LENGTH_AT + 2]! * 2 ** 16 +
    header[LENGTH_AT + 3]! * 2 ** 24
  if (bodyBytes !== encodedBytes - WRAP_HEADER_BYTES || bodyBytes > MAX_PLAIN_BYTES) {
    throw new CodecError(
      'CODEC_LENGTH',
      `${name} claims a body of ${bodyBytes} bytes, has ${encodedBytes - WRAP_HEADER_BYTES}`,
      index
    )
  }
  return bodyBytes
}

function xorPiece(input: Uint8Array, out: Uint8Array, offset: number, key: Uint8Array): number {
  const target = out.subarray(0, input.byteLength)
  sodium.crypto_stream_xchacha20_xor_ic(target, input, NONCE, offset / CIPHER_BLOCK_BYTES, key)
  return input.byteLength
}
