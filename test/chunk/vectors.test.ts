import assert from 'node:assert/strict'
import { constants, createDecipheriv, createPublicKey, publicDecrypt, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { deriveKey, hash as blake3 } from 'blake3'
import { segmentId, type SegmentSecret } from '../../src/chunk/codec.js'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { encodeParts, hash, uniform } from '../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { toHex } from '../../src/bytes.js'

// What docs/formats.md says, read from it alone: nothing here but the last two tests uses src/.

interface WrapVectors {
  place: Record<'chain' | 'key' | 'signer', string> & Record<'fork' | 'copy' | 'start' | 'draw', number>
  segmentId: string
  signerSeed: string
  publicKey: string
  chunks: { index: number; plain: string; seed: string; encoded: string }[]
}

interface SealVectors {
  segmentId: string
  salt: string
  keys: { publicKey: string; chunks: { index: number; plain: string; encoded: string }[] }[]
}

interface HashVectors {
  hash: { domain: string; parts: (string | number)[]; encoded: string; hash: string }[]
  uniform: { seed: string; bound: string; value: string }[]
}

const load = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../test/vectors/${name}.json`, import.meta.url), 'utf8'))
const wrap = load('wrap') as WrapVectors
const seal = load('seal') as SealVectors
const hashing = load('hashing') as HashVectors
const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** A part as the vectors write it: 0x… are bytes, …n is an integer too large for JSON. */
function partOf(part: string | number): Uint8Array | string | number | bigint {
  if (typeof part === 'number') return part
  if (part.startsWith('0x')) return bytes(part.slice(2))
  return /^\d+n$/.test(part) ? BigInt(part.slice(0, -1)) : part
}

function join(...parts: (Uint8Array | string | number | bigint)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const raw = typeof part === 'object' ? part : typeof part === 'string' ? Buffer.from(part) : u64(part)
      return [u64(raw.byteLength), raw]
    })
  )
}

function u64(value: number | bigint): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out
}

/** XChaCha20 with a nonce of 16 bytes and 8 zeros: HChaCha20 gives the key of ChaCha20 with a nonce of zeros. */
function xchacha20(key: Uint8Array, input: Uint8Array, nonce: Uint8Array = Buffer.alloc(16)): Buffer {
  const state = new Uint32Array(16)
  state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])
  for (let i = 0; i < 8; i++) state[4 + i] = Buffer.from(key).readUInt32LE(4 * i)
  for (let i = 0; i < 4; i++) state[12 + i] = Buffer.from(nonce).readUInt32LE(4 * i)
  const turn = (a: number, b: number, c: number, d: number) => {
    const mix = (x: number, y: number, z: number, bits: number) => {
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
  const subkey = Buffer.alloc(32)
  for (let i = 0; i < 4; i++) {
    subkey.writeUInt32LE(state[i]!, 4 * i)
    subkey.writeUInt32LE(state[12 + i]!, 16 + 4 * i)
  }
  return createDecipheriv('chacha20', subkey, Buffer.alloc(16)).update(input)
}

test('a decoder written from the description reads the wrap vectors', () => {
  const { chain, key, fork, copy, start, signer, draw } = wrap.place
  const id = Buffer.from(
    blake3(join('datdot/segment-id/1', bytes(chain), bytes(key), fork, copy, start, bytes(signer), draw))
  )
  assert.equal(id.toString('hex'), wrap.segmentId)
  const spki = Buffer.concat([bytes('302a300506032b6570032100'), bytes(wrap.publicKey)])
  const verifier = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  for (const { index, plain, encoded } of wrap.chunks) {
    const chunk = bytes(encoded)
    assert.deepEqual([...chunk.subarray(0, 4)], [1, 1, 0, 0])
    assert.equal(chunk.readUInt32LE(4), chunk.byteLength - 136)
    assert.equal(chunk.toString('hex', 8, 40), wrap.publicKey)
    const bodyKey = chunk.subarray(40, 72)
    const body = chunk.subarray(136)
    const message = join('datdot/wrap/1', id, index, bodyKey, Buffer.from(blake3(body)))
    assert.ok(verify(null, message, verifier, chunk.subarray(72, 136)))
    assert.equal(xchacha20(bodyKey, body).toString('hex'), plain)
  }
})

test('a decoder written from the description reads the seal vectors', () => {
  const [id, salt] = [bytes(seal.segmentId), bytes(seal.salt)]
  const lengths = new Set<number>()
  for (const { publicKey, chunks } of seal.keys) {
    const n = bytes(publicKey)
    const maskKey = Buffer.from(blake3(join('datdot/mask/1', salt, id, n)))
    const key = createPublicKey({ key: { kty: 'RSA', n: n.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
    for (const { index, plain, encoded } of chunks) {
      const chunk = bytes(encoded)
      const body = chunk.subarray(80)
      const length = chunk.readUInt32LE(4)
      assert.deepEqual([...chunk.subarray(0, 4)], [2, 1, 0, 0])
      assert.equal(chunk.readBigUInt64LE(8), BigInt(index))
      assert.ok(chunk.subarray(16, 48).equals(id))
      const tag = blake3(join('datdot/seal/1', maskKey, index, length, Buffer.from(blake3(body))))
      assert.ok(chunk.subarray(48, 80).equals(Buffer.from(tag)))
      assert.equal(body.byteLength, 256 * Math.ceil(length / 255))
      const masked: Buffer[] = []
      for (let at = 0; at < body.byteLength; at += 256) {
        const block = body.subarray(at, at + 256)
        masked.push(publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, block).subarray(1))
      }
      const opened = xchacha20(maskKey, Buffer.concat(masked), Buffer.concat([u64(index), u64(0)]))
      assert.equal(opened.toString('hex', 0, length), plain)
      assert.ok(opened.subarray(length).every((byte) => byte === 0))
      lengths.add(length)
    }
  }
  assert.ok(lengths.has(0), 'an empty block is among them')
})

test('the key of the first chunk of a seed is the start of its XChaCha20 stream', () => {
  for (const { seed, encoded } of wrap.chunks) {
    const stream = xchacha20(bytes(seed), Buffer.alloc(32))
    assert.equal(stream.toString('hex'), bytes(encoded).toString('hex', 40, 72))
  }
})

test('H and U written from the description give the vectors', () => {
  for (const { domain, parts, encoded, hash } of hashing.hash) {
    const joined = join(domain, ...parts.map(partOf))
    assert.equal(joined.toString('hex'), encoded)
    assert.equal(Buffer.from(blake3(joined)).toString('hex'), hash)
  }
  for (const { seed, bound, value } of hashing.uniform) {
    const words = Buffer.from(deriveKey('datdot/uniform/1', bytes(seed), { length: 8192 }))
    const limit = (2n ** 64n / BigInt(bound)) * BigInt(bound)
    let at = 0
    while (words.readBigUInt64LE(at) >= limit) at += 8
    assert.equal(String(words.readBigUInt64LE(at) % BigInt(bound)), value)
  }
})

test('hashing gives the vectors', () => {
  for (const { domain, parts, encoded, hash: expected } of hashing.hash) {
    assert.equal(encodeParts(domain, parts.map(partOf)).toString('hex'), encoded)
    assert.equal(hash(domain, ...parts.map(partOf)).toString('hex'), expected)
  }
  for (const { seed, bound, value } of hashing.uniform) {
    assert.equal(String(uniform(bytes(seed), BigInt(bound))), value)
  }
})

test('wrap gives the vectors, and reads them', () => {
  const { chain, key, signer } = wrap.place
  const id = segmentId({ ...wrap.place, chain: bytes(chain), key: bytes(key), signer: bytes(signer) })
  assert.equal(toHex(id), wrap.segmentId)
  const { publicKey, secretKey } = keyPairFromSeed(bytes(wrap.signerSeed))
  const segment: SegmentSecret = { codec: 'wrap', id, publicKey, secretKey, salt: Buffer.alloc(32) }
  for (const { index, plain, seed, encoded } of wrap.chunks) {
    assert.equal(encodeChunk(segment, index, bytes(plain), bytes(seed)).toString('hex'), encoded)
    assert.equal(decodeChunk(segment, index, bytes(encoded)).toString('hex'), plain)
  }
})
