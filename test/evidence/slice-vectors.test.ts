import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hash as blake3 } from 'blake3'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import {
  VALUE_BYTES,
  groupOf,
  proveSlice,
  sliceLength,
  storedGroups,
  verifySlice
} from '../../src/evidence/slices.js'
import {
  referenceBody,
  referenceGroups,
  referenceRoot,
  referenceSiblings,
  referenceValue,
  slicesOf
} from './slice-reference.js'

interface Body {
  /** Bytes 0, 1, …, 250, 0, 1, … to this length. */
  bytes: number
  slices: number
  hash: string
  groups: string[]
  proofs: { index: number; sliceBytes: number; siblings: string[] }[]
}

const path = new URL('../../../test/vectors/slices.json', import.meta.url)
const { bodies } = JSON.parse(readFileSync(path, 'utf8')) as { bodies: Body[] }
const hex = (values: Uint8Array[]): string[] => values.map((value) => Buffer.from(value).toString('hex'))
const joined = (values: string[]): Buffer => Buffer.from(values.join(''), 'hex')

test('an implementation from the paper and the page alone gives the vectors', () => {
  for (const { bytes, slices, hash, groups, proofs } of bodies) {
    const body = referenceBody(bytes)
    assert.equal(slicesOf(bytes), slices)
    assert.deepEqual(hex([referenceValue(body)]), [hash])
    assert.deepEqual(hex([blake3(body)]), [hash])
    assert.deepEqual(hex(referenceGroups(body)), groups)
    for (const { index, sliceBytes, siblings } of proofs) {
      const slice = body.subarray(1024 * index, 1024 * index + sliceBytes)
      assert.deepEqual(hex(referenceSiblings(body, index)), siblings)
      const root = referenceRoot(
        slice,
        index,
        bytes,
        siblings.map((sibling) => Buffer.from(sibling, 'hex'))
      )
      assert.equal(root?.toString('hex'), hash)
    }
  }
})

test('the proofs of the vectors are the ones that are made, from a body and from its groups, and hold', () => {
  for (const { bytes, hash, groups, proofs } of bodies) {
    const body = referenceBody(bytes)
    assert.equal(storedGroups(bytes), groups.length)
    if (groups.length > 0) {
      const values = new Uint8Array(groups.length * VALUE_BYTES)
      sliceHasher.groupValues(body, 0, values)
      assert.deepEqual(Buffer.from(values), joined(groups))
    }
    for (const { index, sliceBytes, siblings } of proofs) {
      assert.equal(sliceLength(index, bytes), sliceBytes)
      assert.deepEqual(Buffer.from(proveSlice(body, index)), joined(siblings))
      const place = groupOf(index, bytes)
      const group = body.subarray(place.offset, place.offset + place.bytes)
      const made = sliceHasher.siblingsOf(index, bytes, joined(groups), group)
      assert.deepEqual(Buffer.from(made), joined(siblings))
      const slice = body.subarray(1024 * index, 1024 * index + sliceBytes)
      verifySlice(Buffer.from(hash, 'hex'), { index, bodyBytes: bytes, slice, siblings: made })
    }
  }
})
