import sodium from 'sodium-native'
import { HASH_BYTES, blake3, encodeParts, hash } from '../crypto/hash.js'
import { RSA_BYTES } from '../crypto/rsa-key.js'
import {
  PAYLOAD_BYTES,
  loadRsaPrivateKey,
  loadRsaPublicKey,
  type RsaPath,
  type RsaPrivateKey,
  type RsaPublicKey
} from '../crypto/rsa.js'
import { CodecError, CryptoError } from '../errors.js'
import {
  checkHeaderStart,
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

// The header, docs/formats.md: codec, version, reserved u16, plain length u32, index u64, segment id, tag.
const LENGTH_AT = 4
const INDEX_AT = 8
const SEGMENT_AT = 16
const TAG_AT = SEGMENT_AT + HASH_BYTES
const SEAL_HEADER_BYTES = TAG_AT + HASH_BYTES

const DOMAIN = 'datdot/seal/1'
const NONCE_BYTES = 24
const CIPHER_BLOCK_BYTES = 64
/** Large chunks are cut here: a whole number of the core's lanes, and of the cipher's blocks. */
const PIECE_BLOCKS = 64
/** RSA blocks handed to the core at once: a whole number of its lanes, little enough to stay in cache. */
const WINDOW_BLOCKS = 256

/**
 * `seal`: every byte goes through the private operation of the segment's RSA key, after a mask that makes
 * blocks unique to segment, index and place. Anybody can undo it with the public key, nobody can do it again
 * without the private one, and what comes out is as long as what went in (docs/security.md).
 */
export const seal: Codec = {
  id: CODEC_IDS.seal,
  name: 'seal',
  headerBytes: SEAL_HEADER_BYTES,
  pieceBytes: PIECE_BLOCKS * PAYLOAD_BYTES,
  encodedBytes: (plainBytes) => SEAL_HEADER_BYTES + bodyBytesOf(plainBytes),
  plainBytes: (encoded) => checkShape(encoded, encoded.byteLength, undefined),
  createEncoder: (segment) => createSealEncoder(segment),
  createDecoder: (segment) => createSealDecoder(segment)
}

/** `createEncoder` with a path of the RSA core instead of the fastest, for tests and benchmarks. */
export function createSealEncoder(segment: SegmentSecret, path?: RsaPath): Encoder {
  return new SealEncoder(segment, path)
}

/** `createDecoder` with a path of the RSA core instead of the fastest, for tests and benchmarks. */
export function createSealDecoder(segment: SegmentPublic, path?: RsaPath): Decoder {
  return new SealDecoder(segment, path)
}

class SealEncoder implements Encoder {
  readonly #key: RsaPrivateKey
  readonly #place: Place
  readonly #mask: Mask
  readonly #window = (shared ??= new Window())

  constructor(segment: SegmentSecret, path?: RsaPath) {
    this.#place = new Place(segment)
    this.#mask = new Mask(this.#place.maskKey)
    this.#key = codecErrors(() => loadRsaPrivateKey(segment.secretKey, path))
    if (!this.#key.modulus.equals(segment.publicKey)) {
      this.#key.wipe()
      throw new CodecError('CODEC_KEY', 'the private key is not that of the segment')
    }
  }

  bodies(batch: ChunkBatch, from: number, to: number): void {
    const { slab, offsets, plainOffsets, plainBytes } = batch
    this.#window.clear()
    for (let i = from; i < to; i++) {
      const body = slab.subarray(offsets[i]! + SEAL_HEADER_BYTES)
      const plain = slab.subarray(plainOffsets[i], plainOffsets[i]! + plainBytes[i]!)
      this.#add(batch.firstIndex + i, 0, plain, body)
    }
    this.#flush()
  }

  headers(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void {
    const { slab, offsets, plainBytes } = batch
    for (let i = from; i < to; i++) {
      const header = slab.subarray(offsets[i], offsets[i]! + SEAL_HEADER_BYTES)
      const bodyHash = bodyHashes.subarray((i - from) * HASH_BYTES, (i - from + 1) * HASH_BYTES)
      this.#place.writeHeader(header, batch.firstIndex + i, plainBytes[i]!, bodyHash)
    }
  }

  piece(at: ChunkPiece, plain: Uint8Array, out: Uint8Array): number {
    this.#window.clear()
    this.#add(at.index, at.plainOffset, plain, out)
    this.#flush()
    return bodyBytesOf(plain.byteLength)
  }

  pieceHeader(at: Omit<ChunkPiece, 'plainOffset'>, bodyHash: Uint8Array): Uint8Array {
    const header = Buffer.alloc(SEAL_HEADER_BYTES)
    this.#place.writeHeader(header, at.index, at.plainBytes, bodyHash)
    return header
  }

  wipe(): void {
    this.#key.wipe()
  }

  /** Masks the bytes of a chunk from `plainOffset` on into the window, sealing each time it is full. */
  #add(index: number, plainOffset: number, plain: Uint8Array, out: Uint8Array): void {
    const window = this.#window
    for (let done = 0, written = 0; done < plain.byteLength;) {
      if (window.room() === 0) this.#flush()
      const blocks = Math.min(blocksOf(plain.byteLength - done), window.room())
      const bytes = Math.min(blocks * PAYLOAD_BYTES, plain.byteLength - done)
      const masked = window.take(blocks, out, written)
      masked.set(plain.subarray(done, done + bytes))
      masked.fill(0, bytes)
      this.#mask.apply(masked, index, plainOffset + done)
      done += bytes
      written += blocks * RSA_BYTES
    }
  }

  #flush(): void {
    const window = this.#window
    if (window.used === 0) return
    const sealed = window.sealed()
    codecErrors(() => this.#key.seal(window.plain(), sealed))
    for (const { first, blocks, memory, offset } of window.parts) {
      memory.set(sealed.subarray(first * RSA_BYTES, (first + blocks) * RSA_BYTES), offset)
    }
    window.clear()
  }
}

class SealDecoder implements Decoder {
  readonly #key: RsaPublicKey
  readonly #place: Place
  readonly #mask: Mask
  readonly #window = (shared ??= new Window())
  /** What the parts of the window are: index, offset in the chunk and bytes that are not padding. */
  #chunks: { index: number; plainOffset: number; bytes: number }[] = []

  constructor(segment: SegmentPublic, path?: RsaPath) {
    this.#place = new Place(segment)
    this.#mask = new Mask(this.#place.maskKey)
    this.#key = codecErrors(() => loadRsaPublicKey(segment.publicKey, path))
  }

  check(batch: ChunkBatch, from: number, to: number, bodyHashes: Uint8Array): void {
    const { slab, offsets, encodedBytes, plainBytes, plainOffsets } = batch
    for (let i = from; i < to; i++) {
      const at = offsets[i]!
      const header = slab.subarray(at, at + Math.min(SEAL_HEADER_BYTES, encodedBytes[i]!))
      const bodyHash = bodyHashes.subarray((i - from) * HASH_BYTES, (i - from + 1) * HASH_BYTES)
      plainBytes[i] = this.checkHeader(batch.firstIndex + i, header, encodedBytes[i]!, bodyHash)
      plainOffsets[i] = at + SEAL_HEADER_BYTES
    }
  }

  open(batch: ChunkBatch, from: number, to: number): void {
    const { slab, plainOffsets, plainBytes } = batch
    this.#reset()
    for (let i = from; i < to; i++) {
      const body = slab.subarray(plainOffsets[i], plainOffsets[i]! + bodyBytesOf(plainBytes[i]!))
      this.#add(batch.firstIndex + i, 0, body, plainBytes[i]!, body)
    }
    this.#flush()
  }

  checkHeader(index: number, header: Uint8Array, encodedBytes: number, bodyHash: Uint8Array): number {
    const plainBytes = checkShape(header, encodedBytes, index)
    this.#place.checkHeader(header, index, plainBytes, bodyHash)
    return plainBytes
  }

  openPiece(at: DecodePiece, body: Uint8Array, out: Uint8Array): number {
    const most = (body.byteLength / RSA_BYTES) * PAYLOAD_BYTES
    const bytes = Math.min(most, at.plainBytes - at.plainOffset)
    if (bytes < 0 || (bytes === 0 && at.plainBytes > 0) || bodyBytesOf(bytes) !== body.byteLength) {
      throw new CodecError('CODEC_LENGTH', `chunk ${at.index}: a piece of ${body.byteLength} bytes`, at.index)
    }
    this.#reset()
    this.#add(at.index, at.plainOffset, body, bytes, out)
    this.#flush()
    return bytes
  }

  /** Drops what a call that threw has left in the window. */
  #reset(): void {
    this.#window.clear()
    this.#chunks = []
  }

  /** Collects the blocks of `body`, which hold `plainBytes` bytes from `plainOffset` on, to be opened into `out`. */
  #add(index: number, plainOffset: number, body: Uint8Array, plainBytes: number, out: Uint8Array): void {
    const window = this.#window
    for (let done = 0, read = 0; done < plainBytes;) {
      if (window.room() === 0) this.#flush()
      const blocks = Math.min(blocksOf(plainBytes - done), window.room())
      const bytes = Math.min(blocks * PAYLOAD_BYTES, plainBytes - done)
      const sealed = window.takeSealed(blocks, out, done)
      sealed.set(body.subarray(read, read + blocks * RSA_BYTES))
      this.#chunks.push({ index, plainOffset: plainOffset + done, bytes })
      done += bytes
      read += blocks * RSA_BYTES
    }
  }

  #flush(): void {
    const window = this.#window
    if (window.used === 0) return
    const plain = window.plain()
    // Blocks before a refused one are opened, so that all chunks before its chunk are decoded.
    const refused = this.#key.open(window.sealed(), plain)
    for (const [i, { first, blocks, memory, offset }] of window.parts.entries()) {
      const { index, plainOffset, bytes } = this.#chunks[i]!
      if (refused >= first && refused < first + blocks) {
        const block = plainOffset / PAYLOAD_BYTES + refused - first
        throw new CodecError(
          'CODEC_BLOCK',
          `chunk ${index}: block ${block} was not sealed with this key`,
          index
        )
      }
      const masked = plain.subarray(first * PAYLOAD_BYTES, (first + blocks) * PAYLOAD_BYTES)
      this.#mask.apply(masked, index, plainOffset)
      for (let at = bytes; at < masked.byteLength; at++) {
        if (masked[at] === 0) continue
        throw new CodecError('CODEC_PADDING', `chunk ${index}: the padding is not zeros`, index)
      }
      memory.set(masked.subarray(0, bytes), offset)
    }
    this.#reset()
  }
}

/** One for all encoders and decoders of a thread: no call leaves anything in it that another needs. */
let shared: Window | undefined

interface Part {
  first: number
  blocks: number
  memory: Uint8Array
  offset: number
}

/** Blocks on their way through the core, of one chunk or many, and where their results belong. */
class Window {
  readonly #plain = Buffer.allocUnsafeSlow(WINDOW_BLOCKS * PAYLOAD_BYTES)
  readonly #sealed = Buffer.allocUnsafeSlow(WINDOW_BLOCKS * RSA_BYTES)
  parts: Part[] = []
  used = 0

  room(): number {
    return WINDOW_BLOCKS - this.used
  }

  /** Room for plain blocks whose sealed form goes to `memory` from `offset` on. */
  take(blocks: number, memory: Uint8Array, offset: number): Buffer {
    const first = this.#part(blocks, memory, offset)
    return this.#plain.subarray(first * PAYLOAD_BYTES, (first + blocks) * PAYLOAD_BYTES)
  }

  /** Room for sealed blocks whose plain form goes to `memory` from `offset` on. */
  takeSealed(blocks: number, memory: Uint8Array, offset: number): Buffer {
    const first = this.#part(blocks, memory, offset)
    return this.#sealed.subarray(first * RSA_BYTES, (first + blocks) * RSA_BYTES)
  }

  plain(): Buffer {
    return this.#plain.subarray(0, this.used * PAYLOAD_BYTES)
  }

  sealed(): Buffer {
    return this.#sealed.subarray(0, this.used * RSA_BYTES)
  }

  clear(): void {
    this.parts = []
    this.used = 0
  }

  #part(blocks: number, memory: Uint8Array, offset: number): number {
    const first = this.used
    this.parts.push({ first, blocks, memory, offset })
    this.used += blocks
    return first
  }
}

/** The mask of each chunk: the keystream of XChaCha20 under the segment's mask key, nonce = u64 index. */
class Mask {
  readonly #key: Uint8Array
  readonly #nonce = Buffer.alloc(NONCE_BYTES)
  /** For bytes that begin inside a cipher block. */
  #aligned: Buffer | undefined

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** XORs the mask over bytes of a chunk from `offset` on; no more than a window of them. */
  apply(bytes: Uint8Array, index: number, offset: number): void {
    writeIndex(this.#nonce, index, 0)
    const block = Math.floor(offset / CIPHER_BLOCK_BYTES)
    const skip = offset % CIPHER_BLOCK_BYTES
    if (skip === 0) {
      sodium.crypto_stream_xchacha20_xor_ic(bytes, bytes, this.#nonce, block, this.#key)
      return
    }
    this.#aligned ??= Buffer.allocUnsafeSlow(CIPHER_BLOCK_BYTES + WINDOW_BLOCKS * PAYLOAD_BYTES)
    const whole = this.#aligned.subarray(0, skip + bytes.byteLength)
    whole.set(bytes, skip)
    sodium.crypto_stream_xchacha20_xor_ic(whole, whole, this.#nonce, block, this.#key)
    bytes.set(whole.subarray(skip))
  }
}

/** What ties chunks to their segment: its id in every header, and a tag over everything that matters. */
class Place {
  readonly maskKey: Buffer
  readonly #id: Buffer
  /** `encodeParts(DOMAIN, [mask key, u64 index, u64 plain length, body hash])`, rewritten for each chunk. */
  readonly #message: Buffer
  readonly #indexAt: number
  readonly #lengthAt: number
  readonly #hashAt: number

  constructor(segment: SegmentPublic) {
    if (segment.codec !== 'seal') throw new CodecError('CODEC_NAME', `not a seal segment: ${segment.codec}`)
    const { id, salt, publicKey } = segment
    if (
      id.byteLength !== HASH_BYTES ||
      salt.byteLength !== HASH_BYTES ||
      publicKey.byteLength !== RSA_BYTES
    ) {
      throw new CodecError(
        'CODEC_KEY',
        'seal needs a segment id and a salt of 32 bytes, and a modulus of 256'
      )
    }
    this.#id = Buffer.from(id)
    this.maskKey = hash('datdot/mask/1', salt, id, publicKey)
    this.#message = encodeParts(DOMAIN, [this.maskKey, 0, 0, Buffer.alloc(HASH_BYTES)])
    this.#hashAt = this.#message.byteLength - HASH_BYTES
    this.#lengthAt = this.#hashAt - 8 - 8
    this.#indexAt = this.#lengthAt - 8 - 8
  }

  writeHeader(header: Uint8Array, index: number, plainBytes: number, bodyHash: Uint8Array): void {
    header[0] = CODEC_IDS.seal
    header[1] = CODEC_VERSION
    header[2] = 0
    header[3] = 0
    writeLow(header, plainBytes, LENGTH_AT)
    writeIndex(header, index, INDEX_AT)
    header.set(this.#id, SEGMENT_AT)
    header.set(this.#tag(index, plainBytes, bodyHash), TAG_AT)
  }

  /** @throws CodecError unless the header is the one that `writeHeader` writes; its shape was checked before */
  checkHeader(header: Uint8Array, index: number, plainBytes: number, bodyHash: Uint8Array): void {
    if (this.#id.compare(header, SEGMENT_AT, TAG_AT) !== 0) {
      throw new CodecError('CODEC_SEGMENT', `chunk ${index} belongs to another segment`, index)
    }
    if (readIndex(header) !== index) {
      throw new CodecError('CODEC_INDEX', `chunk ${index} says that it is chunk ${readIndex(header)}`, index)
    }
    if (this.#tag(index, plainBytes, bodyHash).compare(header, TAG_AT, SEAL_HEADER_BYTES) !== 0) {
      throw new CodecError(
        'CODEC_TAG',
        `chunk ${index}: the tag does not fit segment, key, length and body`,
        index
      )
    }
  }

  #tag(index: number, plainBytes: number, bodyHash: Uint8Array): Buffer {
    writeIndex(this.#message, index, this.#indexAt)
    writeLow(this.#message, plainBytes, this.#lengthAt)
    this.#message.set(bodyHash, this.#hashAt)
    return blake3(this.#message)
  }
}

/** The checks that need no key: returns the plain length. `header` is the chunk, or at least its header. */
function checkShape(header: Uint8Array, encodedBytes: number, index: number | undefined): number {
  const name = checkHeaderStart('seal', SEAL_HEADER_BYTES, header, encodedBytes, index)
  const plainBytes = readLow(header, LENGTH_AT)
  const bodyBytes = encodedBytes - SEAL_HEADER_BYTES
  if (plainBytes > MAX_PLAIN_BYTES || bodyBytesOf(plainBytes) !== bodyBytes) {
    throw new CodecError(
      'CODEC_LENGTH',
      `${name} claims ${plainBytes} plain bytes and has a body of ${bodyBytes}`,
      index
    )
  }
  return plainBytes
}

function blocksOf(plainBytes: number): number {
  return Math.ceil(plainBytes / PAYLOAD_BYTES)
}

function bodyBytesOf(plainBytes: number): number {
  return blocksOf(plainBytes) * RSA_BYTES
}

function writeLow(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function writeIndex(bytes: Uint8Array, index: number, at: number): void {
  writeLow(bytes, index >>> 0, at)
  writeLow(bytes, Math.floor(index / 2 ** 32), at + 4)
}

function readLow(bytes: Uint8Array, at: number): number {
  return bytes[at]! + bytes[at + 1]! * 2 ** 8 + bytes[at + 2]! * 2 ** 16 + bytes[at + 3]! * 2 ** 24
}

function readIndex(header: Uint8Array): number {
  return readLow(header, INDEX_AT) + readLow(header, INDEX_AT + 4) * 2 ** 32
}

/** Runs RSA work; its errors become codec errors, but for a path that this machine does not have. */
function codecErrors<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof CryptoError) || error.code === 'RSA_PATH') throw error
    const code = error.code === 'RSA_CHECK' ? 'CODEC_SEAL_CHECK' : 'CODEC_KEY'
    throw new CodecError(code, error.message)
  }
}
