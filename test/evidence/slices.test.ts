import assert from 'node:assert/strict'
import { test } from 'node:test'
import blakeHash from '@napi-rs/blake-hash'
import { createKeyed, deriveKey, hash as officialBlake3 } from 'blake3'
import fc from 'fast-check'
import { hashTree, plainMode } from '../../src/crypto/blake3-tree.js'
import { hash, uniform } from '../../src/crypto/hash.js'
import { pureHashes } from '../../src/crypto/pure-hashes.js'
import { ProofError } from '../../src/errors.js'
import { pureSliceHasher, type SliceHasher } from '../../src/evidence/slice-batch.js'
import { nativeSliceHasher } from '../../src/evidence/slice-hasher.js'
import {
  GROUP_BYTES,
  MAX_BODY_BYTES,
  MAX_SIBLINGS,
  SLICE_BYTES,
  VALUE_BYTES,
  groupOf,
  proveSlice,
  siblingCount,
  sliceCount,
  sliceLength,
  sliceRoot,
  storedGroups,
  verifySlice,
  type SliceProof
} from '../../src/evidence/slices.js'
import { bytesFrom } from '../helpers/bytes.js'
import { referenceBody, referenceGroups, referenceSiblings, referenceValue } from './slice-reference.js'

const random = bytesFrom('slices', 66_000)
const hashers: [string, SliceHasher][] = [['TypeScript', pureSliceHasher]]
if (nativeSliceHasher) hashers.push(['native', nativeSliceHasher])

/** Lengths at which trees, slices and groups change, and some between. */
const lengths = [
  0, 1, 63, 64, 65, 128, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 3_072, 3_073, 5_000, 16_383, 16_384,
  16_385, 17_408, 17_409, 31_744, 32_768, 32_769, 33_792, 49_153, 65_535, 65_536, 65_537, 65_792, 66_000
]

function proofOf(body: Uint8Array, index: number): SliceProof {
  return {
    index,
    bodyBytes: body.byteLength,
    slice: body.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES),
    siblings: proveSlice(body, index)
  }
}

function valuesOf(hasher: SliceHasher, body: Uint8Array): Uint8Array {
  const values = new Uint8Array(storedGroups(body.byteLength) * VALUE_BYTES)
  if (values.byteLength > 0) hasher.groupValues(body, 0, values)
  return values
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ProofError, String(error))
    return error.code
  }
  return 'ok'
}

test('BLAKE3 in TypeScript agrees with two other implementations, and so does the reference', () => {
  for (const length of lengths) {
    const body = random.subarray(0, length)
    const expected = blakeHash.blake3(Buffer.from(body))
    assert.deepEqual(Buffer.from(officialBlake3(Buffer.from(body))), expected)
    assert.deepEqual(Buffer.from(hashTree(plainMode, body)), expected, `${length} bytes`)
    assert.deepEqual(referenceValue(body), expected, `${length} bytes by the reference`)
  }
})

test('BLAKE3 in TypeScript agrees in all modes, for every length of output', () => {
  const seed = fc.uint8Array({ maxLength: 3_000 })
  fc.assert(
    fc.property(seed, fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(300), (input, key, length) => {
      const keyed = Buffer.from(createKeyed(Buffer.from(key)).update(input).digest())
      assert.deepEqual(Buffer.from(pureHashes.keyedBlake3(key, input)), keyed)
      const extended = Buffer.from(officialBlake3(input, { length: length + 1 }))
      assert.deepEqual(Buffer.from(hashTree(plainMode, input, length + 1)), extended)
    })
  )
  assert.equal(deriveKey('datdot/uniform/1', Buffer.alloc(3)).byteLength, 32)
})

test('H and U in TypeScript are H and U', () => {
  const bound = fc.bigInt({ min: 1n, max: 1n << 64n })
  const part = fc.oneof(fc.string(), fc.uint8Array(), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.nat())
  fc.assert(
    fc.property(fc.string(), fc.array(part), fc.uint8Array(), bound, (domain, parts, seed, m) => {
      assert.deepEqual(Buffer.from(pureHashes.hash(domain, ...parts)), hash(domain, ...parts))
      assert.equal(pureHashes.uniform(seed, m), uniform(seed, m))
    })
  )
  assert.throws(() => pureHashes.uniform(Buffer.alloc(1), 0n), RangeError)
  assert.throws(() => pureHashes.keyedBlake3(Buffer.alloc(31), Buffer.alloc(1)), RangeError)
  assert.throws(() => pureHashes.hash('d', -1), RangeError)
})

test('every slice of bodies of all kinds of lengths is proven as the reference does it', () => {
  for (const length of lengths) {
    const body = random.subarray(0, length)
    const root = referenceValue(body)
    const slices = Math.max(1, Math.ceil(length / 1024))
    assert.equal(sliceCount(length), slices)
    for (let index = 0; index < slices; index += length > 40_000 ? 7 : 1) {
      const proof = proofOf(body, index)
      assert.deepEqual(Buffer.from(proof.siblings), Buffer.concat(referenceSiblings(body, index)))
      assert.equal(proof.siblings.byteLength, siblingCount(index, length) * VALUE_BYTES)
      verifySlice(root, proof)
    }
  }
})

for (const [name, hasher] of hashers) {
  test(`${name}: stored values lead to the body's hash, siblings follow from them and one group`, () => {
    for (const length of lengths) {
      const body = random.subarray(0, length)
      const root = blakeHash.blake3(Buffer.from(body))
      const values = valuesOf(hasher, body)
      assert.deepEqual(Buffer.from(values), Buffer.concat(referenceGroups(body)))
      if (values.byteLength > 0) assert.deepEqual(Buffer.from(hasher.rootOfGroups(values, length)), root)
      for (let index = 0; index < sliceCount(length); index++) {
        const { offset, bytes } = groupOf(index, length)
        const siblings = hasher.siblingsOf(index, length, values, body.subarray(offset, offset + bytes))
        const slice = body.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES)
        verifySlice(root, { index, bodyBytes: length, slice, siblings })
      }
    }
  })

  test(`${name}: values of pieces are those of the whole, up to the longest body`, () => {
    const body = bytesFrom('large', MAX_BODY_BYTES)
    const values = valuesOf(hasher, body)
    assert.deepEqual(
      Buffer.from(hasher.rootOfGroups(values, MAX_BODY_BYTES)),
      blakeHash.blake3(Buffer.from(body))
    )
    for (const groups of [1, 15, 16, 17, 100]) {
      const first = 3 * groups
      const out = new Uint8Array(groups * VALUE_BYTES)
      hasher.groupValues(body.subarray(first * GROUP_BYTES, (first + groups) * GROUP_BYTES), first, out)
      assert.deepEqual(out, values.subarray(first * VALUE_BYTES, (first + groups) * VALUE_BYTES))
    }
    const root = hasher.rootOfGroups(values, MAX_BODY_BYTES)
    for (const index of [0, 1, 8_191, 8_192, 12_345, 15_359, 15_360, 15_419]) {
      const { offset, bytes } = groupOf(index, MAX_BODY_BYTES)
      const group = body.subarray(offset, offset + bytes)
      const siblings = hasher.siblingsOf(index, MAX_BODY_BYTES, values, group)
      assert.ok(siblings.byteLength <= MAX_SIBLINGS * VALUE_BYTES)
      const slice = body.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES)
      verifySlice(root, { index, bodyBytes: MAX_BODY_BYTES, slice, siblings })
    }
  })

  test(`${name}: many slices of many bodies in one call`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(66_000), fc.nat()), { maxLength: 40 }), (picked) => {
        const proofs = picked.map(([length, n]) =>
          proofOf(random.subarray(0, length), n % sliceCount(length))
        )
        const parts = proofs.flatMap(({ slice, siblings }) => [slice, siblings])
        const bytes = Buffer.concat([Buffer.alloc(3), ...parts])
        const at = new Uint32Array(proofs.length)
        let offset = 3
        for (const [i, { slice, siblings }] of proofs.entries()) {
          at[i] = offset
          offset += slice.byteLength + siblings.byteLength
        }
        const indices = Uint32Array.from(proofs, ({ index }) => index)
        const bodyBytes = Uint32Array.from(proofs, ({ bodyBytes }) => bodyBytes)
        const out = Buffer.alloc(proofs.length * VALUE_BYTES)
        hasher.sliceRoots(bytes, at, indices, bodyBytes, out)
        const roots = picked.map(([length]) => blakeHash.blake3(random.subarray(0, length)))
        assert.deepEqual(out, Buffer.concat(roots))
      }),
      { numRuns: 30 }
    )
  })

  test(`${name}: leaves of chunks whose body is not there`, () => {
    const headers = random.subarray(0, 5_000)
    const at = Uint32Array.from({ length: 40 }, (_, i) => i * 100)
    const chunkBytes = Uint32Array.from(at, (n) => 136 + n * 1_000)
    const bodies = random.subarray(6_000, 6_000 + 40 * VALUE_BYTES)
    for (const headerBytes of [0, 80, 136]) {
      const out = Buffer.alloc(40 * 40)
      hasher.chunkLeaves(headers, at, headerBytes, chunkBytes, bodies, out)
      for (let i = 0; i < 40; i++) {
        const length = Buffer.alloc(8)
        length.writeBigUInt64LE(BigInt(chunkBytes[i]!))
        const header = headers.subarray(at[i], at[i]! + headerBytes)
        const body = bodies.subarray(32 * i, 32 * i + 32)
        const leaf = blakeHash.blake3(Buffer.concat([Buffer.of(0), length, header, body]))
        assert.deepEqual(out.subarray(40 * i, 40 * i + 40), Buffer.concat([length, leaf]))
      }
    }
  })

  test(`${name}: arguments that fit nothing are refused by code`, () => {
    const body = random.subarray(0, 40_000)
    const values = valuesOf(hasher, body)
    const group = body.subarray(0, GROUP_BYTES)
    const tail = body.subarray(2 * GROUP_BYTES)
    const short = values.subarray(1)
    const none = new Uint8Array(0)
    const cases: [string, () => unknown][] = [
      ['SLICE_BODY', () => hasher.groupValues(none, 0, none)],
      ['SLICE_BODY', () => hasher.groupValues(group, -1, new Uint8Array(32))],
      ['SLICE_BODY', () => hasher.groupValues(group, 0.5, new Uint8Array(32))],
      ['SLICE_BODY', () => hasher.groupValues(group, 964, new Uint8Array(32))],
      ['SLICE_BODY', () => hasher.groupValues(group, 2 ** 52, new Uint8Array(32))],
      ['SLICE_BODY', () => hasher.groupValues(group, NaN, new Uint8Array(32))],
      ['SLICE_VALUES', () => hasher.groupValues(group, 0, new Uint8Array(31))],
      ['SLICE_VALUES', () => hasher.groupValues(group, 0, new Uint8Array(64))],
      ['SLICE_VALUES', () => hasher.rootOfGroups(short, 40_000)],
      ['SLICE_VALUES', () => hasher.rootOfGroups(values, 50_000)],
      ['SLICE_BODY', () => hasher.rootOfGroups(none, 16_384)],
      ['SLICE_BODY', () => hasher.rootOfGroups(none, 2 ** 48)],
      ['SLICE_BODY', () => hasher.siblingsOf(0, MAX_BODY_BYTES + 1, values, group)],
      ['SLICE_BODY', () => hasher.siblingsOf(0, -1, values, group)],
      ['SLICE_INDEX', () => hasher.siblingsOf(40, 40_000, values, tail)],
      ['SLICE_INDEX', () => hasher.siblingsOf(-1, 40_000, values, group)],
      ['SLICE_INDEX', () => hasher.siblingsOf(1.5, 40_000, values, group)],
      ['SLICE_INDEX', () => hasher.siblingsOf(2 ** 32, 40_000, values, group)],
      ['SLICE_VALUES', () => hasher.siblingsOf(0, 40_000, short, group)],
      ['SLICE_GROUP', () => hasher.siblingsOf(0, 40_000, values, group.subarray(1))],
      ['SLICE_GROUP', () => hasher.siblingsOf(33, 40_000, values, group)],
      ['ok', () => hasher.siblingsOf(33, 40_000, values, tail)]
    ]
    for (const [code, run] of cases) assert.equal(codeOf(run), code, run.toString())
  })

  test(`${name}: tables that fit nothing, or lead outside, throw and write nothing beyond`, () => {
    const at = Uint32Array.of(0)
    const one = Uint32Array.of(1)
    const body = Uint32Array.of(2_000)
    const out = new Uint8Array(32)
    const leaf = new Uint8Array(40)
    const enough = new Uint8Array(976 + 32)
    hasher.sliceRoots(enough, at, one, body, out)
    const cases: (() => void)[] = [
      () => hasher.sliceRoots(enough.subarray(1), at, one, body, out),
      () => hasher.sliceRoots(enough, one, one, body, out),
      () => hasher.sliceRoots(enough, Uint32Array.of(2 ** 32 - 1), one, body, out),
      () => hasher.sliceRoots(enough, at, Uint32Array.of(2), body, out),
      () => hasher.sliceRoots(enough, at, Uint32Array.of(2 ** 32 - 1), body, out),
      () => hasher.sliceRoots(enough, at, one, Uint32Array.of(2 ** 32 - 1), out),
      () => hasher.sliceRoots(enough, at, one, Uint32Array.of(MAX_BODY_BYTES + 1), out),
      () => hasher.sliceRoots(enough, at, new Uint32Array(2), body, out),
      () => hasher.sliceRoots(enough, at, one, new Uint32Array(0), out),
      () => hasher.sliceRoots(enough, at, one, body, new Uint8Array(31)),
      () => hasher.sliceRoots(enough, at, one, body, new Uint8Array(33)),
      () => hasher.chunkLeaves(enough, Uint32Array.of(929), 80, one, out, leaf),
      () => hasher.chunkLeaves(enough, at, 2_000, one, out, leaf),
      () => hasher.chunkLeaves(enough, at, 80, new Uint32Array(2), out, leaf),
      () => hasher.chunkLeaves(enough, at, 80, one, new Uint8Array(31), leaf),
      () => hasher.chunkLeaves(enough, at, 80, one, out, new Uint8Array(39))
    ]
    for (const run of cases) assert.throws(run, TypeError, run.toString())
  })
}

test('a body of zeros and one of ones to every length have their own proofs', () => {
  const body = fc.tuple(fc.nat(66_000), fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(body, ([length, n, fill]) => {
      const bytes = Buffer.alloc(length, fill)
      const index = n % sliceCount(length)
      verifySlice(blakeHash.blake3(bytes), proofOf(bytes, index))
    }),
    { numRuns: 100 }
  )
})

test('no byte of a slice or a sibling can be changed', () => {
  for (const [length, index] of [
    [1, 0],
    [1_024, 0],
    [1_025, 1],
    [3_500, 2],
    [20_000, 7]
  ] as const) {
    const body = random.subarray(0, length)
    const root = blakeHash.blake3(body)
    const good = proofOf(body, index)
    const bytes = Buffer.concat([good.slice, good.siblings])
    for (let at = 0; at < bytes.byteLength; at++) {
      bytes[at]! ^= 1 << (at % 8)
      const [slice, siblings] = [
        bytes.subarray(0, good.slice.byteLength),
        bytes.subarray(good.slice.byteLength)
      ]
      assert.equal(
        codeOf(() => verifySlice(root, { ...good, slice, siblings })),
        'SLICE_ROOT'
      )
      bytes[at]! ^= 1 << (at % 8)
    }
    for (let at = 0; at < 32; at++) {
      const other = Buffer.from(root)
      other[at]! ^= 128
      assert.equal(
        codeOf(() => verifySlice(other, good)),
        'SLICE_ROOT'
      )
    }
    for (const hash of [root.subarray(1), Buffer.concat([root, Buffer.alloc(1)])]) {
      assert.equal(
        codeOf(() => verifySlice(hash, good)),
        'SLICE_ROOT'
      )
    }
    assert.equal(
      codeOf(() => verifySlice(root, good)),
      'ok'
    )
  }
})

test('no other index is proven by the same bytes, nor another length unless its tree has the same way up', () => {
  const body = random.subarray(0, 21_504)
  const root = blakeHash.blake3(body)
  const good = proofOf(body, 9)
  for (let index = -1; index < 24; index++) {
    if (index === 9) continue
    assert.match(
      codeOf(() => verifySlice(root, { ...good, index })),
      /^SLICE_(INDEX|LENGTH|SIBLINGS|ROOT)$/
    )
  }
  for (let bodyBytes = 0; bodyBytes < 70_000; bodyBytes++) {
    // 17 to 32 slices: four siblings among the first 16, and all the rest as one. So the length of a body is bound by its
    // chunk's leaf, and never taken from a proof.
    const same = bodyBytes > 16_384 && bodyBytes <= 32_768
    const code = codeOf(() => verifySlice(root, { ...good, bodyBytes }))
    assert.equal(code === 'ok', same, `${bodyBytes}: ${code}`)
    assert.match(code, /^ok|SLICE_(INDEX|LENGTH|SIBLINGS|ROOT)$/)
  }
  for (const bodyBytes of [-1, 0.5, NaN, Infinity, MAX_BODY_BYTES + 1, 2 ** 32, 2 ** 48, 2 ** 60]) {
    assert.equal(
      codeOf(() => verifySlice(root, { ...good, bodyBytes })),
      'SLICE_BODY'
    )
    assert.equal(
      codeOf(() => sliceLength(0, bodyBytes)),
      'SLICE_BODY'
    )
  }
})

test('a slice or siblings that are cut or longer are refused by code', () => {
  const body = random.subarray(0, 10_000)
  const root = blakeHash.blake3(body)
  for (const index of [0, 4, 9]) {
    const good = proofOf(body, index)
    for (let length = 0; length < good.slice.byteLength; length++) {
      assert.equal(
        codeOf(() => sliceRoot({ ...good, slice: good.slice.subarray(0, length) })),
        'SLICE_LENGTH'
      )
    }
    for (let length = 0; length < good.siblings.byteLength; length++) {
      const siblings = good.siblings.subarray(0, length)
      assert.equal(
        codeOf(() => verifySlice(root, { ...good, siblings })),
        'SLICE_SIBLINGS'
      )
    }
    const slice = Buffer.concat([good.slice, Buffer.alloc(1)])
    assert.equal(
      codeOf(() => sliceRoot({ ...good, slice })),
      'SLICE_LENGTH'
    )
    const siblings = Buffer.concat([good.siblings, good.siblings.subarray(-32)])
    assert.equal(
      codeOf(() => sliceRoot({ ...good, siblings })),
      'SLICE_SIBLINGS'
    )
  }
})

test('a node is no slice and a slice is no node', () => {
  // 64 bytes that are the two children of a root hash to another value as a slice: the flags keep them apart.
  const body = random.subarray(0, 2_048)
  const root = blakeHash.blake3(body)
  const [left, right] = [proofOf(body, 1).siblings, proofOf(body, 0).siblings]
  const slice = Buffer.concat([left, right])
  const none = new Uint8Array(0)
  assert.equal(
    codeOf(() => verifySlice(root, { index: 0, bodyBytes: 64, slice, siblings: none })),
    'SLICE_ROOT'
  )
  // Nor does the first half of a body prove anything as a body of its own.
  const half = { index: 0, bodyBytes: 1_024, slice: body.subarray(0, 1_024), siblings: none }
  assert.equal(
    codeOf(() => verifySlice(proofOf(body, 1).siblings, half)),
    'SLICE_ROOT'
  )
})

test('a body may be empty: one slice of no bytes', () => {
  const proof = { index: 0, bodyBytes: 0, slice: new Uint8Array(0), siblings: new Uint8Array(0) }
  verifySlice(blakeHash.blake3(Buffer.alloc(0)), proof)
  assert.equal(
    codeOf(() => verifySlice(referenceBody(32), proof)),
    'SLICE_ROOT'
  )
})
