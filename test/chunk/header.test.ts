import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHeaderStart } from '../../src/chunk/codec.js'
import { checkPlainBytes, codecOf } from '../../src/chunk/codecs.js'
import {
  HEADER_BYTES,
  MAX_HEADER_BYTES,
  MAX_PLAIN_BYTES,
  bodyBytesOf,
  codecNames,
  type CodecName
} from '../../src/chunk/header.js'

const IDS = { wrap: 1, seal: 2 }

/** The header of a chunk that claims so many bytes: id, version 1, two zeros, the length with its lowest byte first. */
function headerOf(codec: CodecName, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES[codec]).fill(0xee)
  header.set([IDS[codec], 1, 0, 0])
  new DataView(header.buffer).setUint32(4, length, true)
  return header
}

test('headers have the sizes of the description, and those of their codecs', () => {
  assert.deepEqual(HEADER_BYTES, { wrap: 136, seal: 80 })
  assert.equal(MAX_HEADER_BYTES, 136)
  for (const name of codecNames) {
    assert.equal(codecOf(name).headerBytes, HEADER_BYTES[name])
    assert.equal(codecOf(name).id, IDS[name])
    assert.equal(codecOf(IDS[name]).name, name)
  }
})

test('a wrap body is as long as its chunk', () => {
  for (const length of [0, 1, 255, 256, 65_536, 0x010203, MAX_PLAIN_BYTES]) {
    assert.equal(bodyBytesOf('wrap', headerOf('wrap', length), 0), length)
  }
})

test('a seal body is one block of 256 bytes for every 255 that its chunk begins', () => {
  for (const [length, bytes] of [
    [0, 0],
    [1, 256],
    [255, 256],
    [256, 512],
    [510, 512],
    [511, 768]
  ] as const) {
    assert.equal(bodyBytesOf('seal', headerOf('seal', length), 0), bytes)
  }
})

test('a header of another codec, of another size or of a longer chunk than hypercore has is refused', () => {
  for (const name of codecNames) {
    const header = headerOf(name, 5)
    const longer = new Uint8Array(header.byteLength + 1)
    longer.set(header)
    for (const wrong of [header.subarray(1), longer, header.subarray(0, 0)]) {
      assert.throws(() => bodyBytesOf(name, wrong, 7), { code: 'CODEC_TRUNCATED', message: /chunk 7/ })
    }
    const other = header.slice()
    other[0] = 3 - IDS[name]
    assert.throws(() => bodyBytesOf(name, other, 7), { code: 'CODEC_NAME', message: /chunk 7/ })
    for (const length of [MAX_PLAIN_BYTES + 1, 2 ** 32 - 1]) {
      assert.throws(() => bodyBytesOf(name, headerOf(name, length), 7), {
        code: 'CODEC_LENGTH',
        message: /chunk 7/
      })
    }
  }
})

test('the start of a header is held against codec, version and zeros, and the chunk is named', () => {
  const changed = (at: number, byte: number): Uint8Array => {
    const header = headerOf('seal', 5)
    header[at] = byte
    return header
  }
  const check = (header: Uint8Array, bytes = 336, index?: number) =>
    checkHeaderStart('seal', 80, header, bytes, index)
  assert.equal(check(headerOf('seal', 5), 336, 9), 'chunk 9')
  assert.equal(check(headerOf('seal', 5)), 'the chunk')
  assert.equal(check(headerOf('seal', 5), 80), 'the chunk')
  for (const [header, bytes, code] of [
    [headerOf('seal', 5), 79, 'CODEC_TRUNCATED'],
    [headerOf('seal', 5).subarray(1), 336, 'CODEC_TRUNCATED'],
    [changed(0, 1), 336, 'CODEC_NAME'],
    [changed(1, 0), 336, 'CODEC_VERSION'],
    [changed(1, 2), 336, 'CODEC_VERSION'],
    [changed(2, 1), 336, 'CODEC_RESERVED'],
    [changed(3, 1), 336, 'CODEC_RESERVED']
  ] as const) {
    assert.throws(() => check(header, bytes, 9), { code, index: 9, message: /chunk 9/ })
  }
})

test('a chunk has up to 15 MiB, or nothing', () => {
  assert.equal(MAX_PLAIN_BYTES, 15_728_640)
  for (const bytes of [0, 1, MAX_PLAIN_BYTES]) checkPlainBytes(bytes, 3)
  for (const bytes of [-1, MAX_PLAIN_BYTES + 1, NaN]) {
    assert.throws(() => checkPlainBytes(bytes, 3), { code: 'CODEC_PLAIN_LENGTH', index: 3 })
  }
})

test('a codec is found by its name or id and by nothing else', () => {
  for (const unknown of [0, 3, 255]) assert.throws(() => codecOf(unknown), { code: 'CODEC_NAME' })
  assert.throws(() => codecOf('plain' as CodecName), { code: 'CODEC_NAME', message: /wrap, seal/ })
})
