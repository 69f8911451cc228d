import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { toHex } from '../../src/bytes.js'
import { decode, encode } from '../../src/protocol/codec.js'
import { BLOCKS_MAX, BYTES_MAX } from '../../src/bounds.js'
import { originalType, sumsOf, type Original } from '../../src/protocol/original.js'

interface Vector {
  fork: number
  length: number
  roots: { size: number; hash: string }[]
  byteLength: number
  treeHash: string
  wire: string
}

const path = new URL('../../../test/vectors/originals.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vector[]

function originalOf({ fork, length, roots }: Vector): Original {
  return {
    fork,
    length,
    roots: roots.map(({ size, hash }) => ({ size, hash: Buffer.from(hash, 'hex') })),
    manifest: Buffer.of(1, 2, 3),
    signature: Buffer.alloc(0)
  }
}

/** As many roots as the length wants, of these sizes, zeros beyond. */
function rooted(length: number, count: number, sizes: number[] = []): Pick<Original, 'length' | 'roots'> {
  return {
    length,
    roots: Array.from({ length: count }, (_, i) => ({ size: sizes[i] ?? 0, hash: Buffer.alloc(32) }))
  }
}

test('bytes and tree hash follow from the roots as an independent implementation has them', () => {
  for (const vector of vectors) {
    const { byteLength, treeHash } = sumsOf(originalOf(vector))
    assert.deepEqual([byteLength, toHex(treeHash)], [vector.byteLength, vector.treeHash])
  }
})

test('an original has the bytes of the vectors, and is read back as it was', () => {
  for (const vector of vectors) {
    const original = originalOf(vector)
    assert.equal(toHex(encode(originalType, original)), vector.wire)
    const read = decode(originalType, Buffer.from(vector.wire, 'hex'))
    assert.deepEqual([read.fork, read.length], [original.fork, original.length])
    assert.deepEqual(sumsOf(read), sumsOf(original))
  }
})

test('one root too few or too many is refused', () => {
  for (const length of [1, 3, 255, BLOCKS_MAX - 1, BLOCKS_MAX]) {
    const right = vectors.find((vector) => vector.length === length)!.roots.length
    assert.doesNotThrow(() => sumsOf(rooted(length, right)))
    for (const wrong of [right - 1, right + 1]) {
      assert.throws(() => sumsOf(rooted(length, wrong)), { code: 'ORIGINAL_INVALID' })
    }
  }
})

test('a hypercore of more bytes or blocks than the chain knows is refused', () => {
  assert.equal(sumsOf(rooted(3, 2, [BYTES_MAX - 1, 1])).byteLength, BYTES_MAX)
  assert.throws(() => sumsOf(rooted(3, 2, [BYTES_MAX, 1])), { code: 'ORIGINAL_INVALID' })
  const original = originalOf(vectors[1]!)
  const at = (change: Partial<Original>): Uint8Array => encode(originalType, { ...original, ...change })
  assert.doesNotThrow(() => at({ length: BLOCKS_MAX }))
  assert.throws(() => at({ length: BLOCKS_MAX + 1 }), { code: 'OPERATION_MALFORMED' })
  assert.throws(() => at({ roots: [{ size: BYTES_MAX + 1, hash: Buffer.alloc(32) }] }), {
    code: 'OPERATION_MALFORMED'
  })
})
