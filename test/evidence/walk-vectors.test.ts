import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { deriveKey, hash as blake3, keyedHash } from 'blake3'
import { buildEvidence } from '../../src/evidence/format.js'
import { verifyEvidence } from '../../src/evidence/verify.js'
import { walk, walkSeed } from '../../src/evidence/walk.js'
import { evidenceBytes, makeCopy, memorySource } from './copy.js'
import type { Walk } from '../browser/proof-vectors.js'

// Written from docs/formats.md, with another BLAKE3 and nothing of src/: what another implementation would do.

const path = new URL('../../../test/vectors/walk.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Walk
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const chunks = vectors.chunks.map(bytes)

function u64(value: number | bigint): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out
}

function H(...parts: (string | number | Buffer)[]): Buffer {
  const encoded = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part) : typeof part === 'number' ? u64(part) : part
  )
  return Buffer.from(blake3(Buffer.concat(encoded.flatMap((part) => [u64(part.byteLength), part]))))
}

function U(seed: Buffer, bound: number): number {
  const words = Buffer.from(deriveKey('datdot/uniform/1', seed, { length: 1024 }))
  const limit = (2n ** 64n / BigInt(bound)) * BigInt(bound)
  for (let at = 0; ; at += 8) {
    const word = words.readBigUInt64LE(at)
    if (word < limit) return Number(word % BigInt(bound))
  }
}

function seedOf(): Buffer {
  const list = vectors.segments.flatMap((s) => [bytes(s.id), s.start, s.chunks, s.bytes, bytes(s.root)])
  const segments = H('datdot/segments/1', vectors.segments.length, ...list)
  const { chain, copy, challenge, round, beacon } = vectors
  return H('datdot/walk/1', bytes(chain), copy, segments, challenge, round, bytes(beacon))
}

test('an implementation from the page alone walks as the vectors say', () => {
  assert.equal(seedOf().toString('hex'), vectors.seed)
  const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  for (const { k, indices, states, originalStep } of vectors.walks) {
    let state = seedOf()
    const steps = Math.min(k, chunks.length)
    for (let t = 0; t < steps; t++) {
      let rest = U(state, total)
      const index = chunks.length <= k ? t : chunks.findIndex((chunk) => (rest -= chunk.byteLength) < 0)
      state = Buffer.from(keyedHash(state, Buffer.concat([u64(index), chunks[index]!])))
      assert.equal(index, indices[t])
      assert.equal(state.toString('hex'), states[t])
    }
    assert.equal(U(H('original', state), steps), originalStep)
  }
})

test('the evidence of the vectors is the one that is built, and holds', async () => {
  const copy = await makeCopy([
    [20, 5, 60],
    [33, 8, 90, 1]
  ])
  const { chain, copy: number, challenge, round, beacon } = vectors
  const parts = { chain: bytes(chain), copy: number, challenge, round, beacon: bytes(beacon) }
  const seed = walkSeed(parts, copy.segments)
  for (const { k, evidence, evidenceHash, states } of vectors.walks) {
    const asked = { seed, steps: k, segments: copy.segments }
    const built = await evidenceBytes(await buildEvidence(copy.reader, asked, await walk(copy.reader, asked)))
    assert.equal(built.toString('hex'), evidence)
    const verdict = verifyEvidence(memorySource(built), asked, bytes(states.at(-1)!), copy.tools)
    assert.ok(verdict.ok)
    assert.equal(Buffer.from(verdict.hash).toString('hex'), evidenceHash)
  }
})

test('the body of an evidence lies where the page says', () => {
  for (const { evidence, indices } of vectors.walks) {
    const all = bytes(evidence)
    assert.equal(all[0], 1)
    let at = 5 + all.readUInt32LE(1)
    for (const index of [...new Set(indices)].sort((a, b) => a - b)) {
      assert.equal(all.readBigUInt64LE(at), BigInt(index))
      assert.deepEqual(all.subarray(at + 8, at + 8 + chunks[index]!.byteLength), chunks[index])
      at += 8 + chunks[index]!.byteLength
    }
    assert.equal(at, all.byteLength)
  }
})
