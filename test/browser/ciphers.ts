import { HASH_BYTES, encodeParts, blake3, hash } from '#crypto/hash.js'
import { verifyDetached } from '#crypto/keys.js'
import { concat, equal, readUint, writeUint } from '../../src/bytes.js'
import {
  checkHeaderStart,
  type DecodePiece,
  type Decoder,
  type SegmentPublic
} from '../../src/chunk/codec.js'
import { HEADER_BYTES, MAX_PLAIN_BYTES } from '../../src/chunk/header.js'
import { CodecError } from '../../src/errors.js'

// Ciphers are handed in to what checks evidence and refusals: these are written from docs/formats.md, without libsodium and without
// the RSA core, as a page would have to bring them.

type Check = Pick<Decoder, 'checkHeader' | 'openPiece'>

const RSA_BYTES = 256
const PAYLOAD_BYTES = 255

/** The decoder of a segment's chunks, whole chunks only. */
export function decoderOf(segment: SegmentPublic): Check {
  return segment.codec === 'wrap' ? wrapDecoder(segment) : sealDecoder(segment)
}

/** @throws CodecError if the chunk is none of this segment at this index */
export function decodeChunk(segment: SegmentPublic, index: number, chunk: Uint8Array): Uint8Array {
  const { checkHeader, openPiece } = decoderOf(segment)
  const header = chunk.slice(0, HEADER_BYTES[segment.codec])
  const body = chunk.subarray(header.byteLength)
  const plainBytes = checkHeader(index, header, chunk.byteLength, blake3(body))
  const out = new Uint8Array(body.byteLength)
  openPiece({ index, header, plainBytes, plainOffset: 0 }, body, out)
  return out.subarray(0, plainBytes)
}

function wrapDecoder({ id, publicKey }: SegmentPublic): Check {
  return {
    checkHeader(index, header, encodedBytes, bodyHash) {
      checkHeaderStart('wrap', HEADER_BYTES.wrap, header, encodedBytes, index)
      const bodyBytes = readUint(header, 4, 4)
      if (bodyBytes !== encodedBytes - HEADER_BYTES.wrap || bodyBytes > MAX_PLAIN_BYTES) {
        throw new CodecError('CODEC_LENGTH', `a body of ${bodyBytes} bytes`, index)
      }
      if (!equal(header.subarray(8, 40), publicKey)) {
        throw new CodecError('CODEC_SIGNER', 'another signer', index)
      }
      const message = encodeParts('datdot/wrap/1', [id, index, header.subarray(40, 72), bodyHash])
      if (!verifyDetached(header.subarray(72, 136), message, publicKey)) {
        throw new CodecError('CODEC_SIGNATURE', 'another segment, index, key or body', index)
      }
      return bodyBytes
    },
    openPiece({ header }, body, out) {
      out.set(xchacha20(header.subarray(40, 72), new Uint8Array(24), body))
      return body.byteLength
    }
  }
}

function sealDecoder({ id, salt, publicKey }: SegmentPublic): Check {
  const maskKey = hash('datdot/mask/1', salt, id, publicKey)
  const modulus = bigEndian(publicKey)
  return {
    checkHeader(index, header, encodedBytes, bodyHash) {
      checkHeaderStart('seal', HEADER_BYTES.seal, header, encodedBytes, index)
      const plainBytes = readUint(header, 4, 4)
      const blocks = Math.ceil(plainBytes / PAYLOAD_BYTES)
      if (blocks * RSA_BYTES !== encodedBytes - HEADER_BYTES.seal) {
        throw new CodecError('CODEC_LENGTH', `${plainBytes} plain bytes`, index)
      }
      if (!equal(header.subarray(16, 48), id)) throw new CodecError('CODEC_SEGMENT', 'another segment', index)
      if (readUint(header, 8, 8) !== index) throw new CodecError('CODEC_INDEX', 'another index', index)
      const tag = hash('datdot/seal/1', maskKey, index, plainBytes, bodyHash)
      if (!equal(header.subarray(48, 48 + HASH_BYTES), tag)) {
        throw new CodecError('CODEC_TAG', 'another segment, key, length or body', index)
      }
      return plainBytes
    },
    openPiece({ index, plainBytes }: DecodePiece, body, out) {
      const masked: Uint8Array[] = []
      for (let at = 0; at < body.byteLength; at += RSA_BYTES) {
        const opened = open(bigEndian(body.subarray(at, at + RSA_BYTES)), modulus)
        if (opened === undefined) throw new CodecError('CODEC_BLOCK', 'sealed with another key', index)
        masked.push(opened)
      }
      const nonce = new Uint8Array(24)
      writeUint(nonce, index, 0, 8)
      const plain = xchacha20(maskKey, nonce, concat(masked))
      if (plain.subarray(plainBytes).some((byte) => byte !== 0)) {
        throw new CodecError('CODEC_PADDING', 'the padding is not zeros', index)
      }
      out.set(plain.subarray(0, plainBytes))
      return plainBytes
    }
  }
}

/** The public operation of RSA: 255 bytes, or undefined for what is no block of this key. */
function open(block: bigint, modulus: bigint): Uint8Array | undefined {
  if (block >= modulus) return undefined
  let value = block
  for (let i = 0; i < 16; i++) value = (value * value) % modulus
  value = (value * block) % modulus
  const digits = value.toString(16).padStart(2 * PAYLOAD_BYTES, '0')
  if (digits.length > 2 * PAYLOAD_BYTES) return undefined
  return Uint8Array.from(digits.match(/../g)!, (byte) => parseInt(byte, 16))
}

export function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]

function words(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.byteLength / 4 }, (_, i) => readUint(bytes, 4 * i, 4))
}

/** Ten double rounds of ChaCha20 over 16 words. */
function rounds(state: Uint32Array): void {
  const turn = (a: number, b: number, c: number, d: number): void => {
    const mix = (x: number, y: number, z: number, bits: number): void => {
      state[x]! += state[y]!
      const word = (state[z]! ^ state[x]!) >>> 0
      state[z] = (word << bits) | (word >>> (32 - bits))
    }
    mix(a, b, d, 16)
    mix(c, d, b, 12)
    mix(a, b, d, 8)
    mix(c, d, b, 7)
  }
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) turn(i, 4 + i, 8 + i, 12 + i)
    for (let i = 0; i < 4; i++) turn(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4))
  }
}

/** XChaCha20: HChaCha20 of key and the nonce's first 16 bytes gives the key of ChaCha20 under its last 8. */
function xchacha20(key: Uint8Array, nonce: Uint8Array, input: Uint8Array): Uint8Array {
  const first = Uint32Array.from([...CONSTANTS, ...words(key), ...words(nonce.subarray(0, 16))])
  rounds(first)
  const subkey = [...first.subarray(0, 4), ...first.subarray(12)]
  const out = input.slice()
  for (let block = 0; block * 64 < input.byteLength; block++) {
    const start = Uint32Array.from([...CONSTANTS, ...subkey, block, 0, ...words(nonce.subarray(16))])
    const state = start.slice()
    rounds(state)
    for (let i = 0; i < 64 && 64 * block + i < out.byteLength; i++) {
      out[64 * block + i]! ^= (state[i >> 2]! + start[i >> 2]!) >>> (8 * (i & 3))
    }
  }
  return out
}
