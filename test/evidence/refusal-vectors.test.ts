import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hash as blake3 } from 'blake3'
import { judgeRefusal } from '../../src/evidence/refusal-judge.js'
import { refusalTools } from '../../src/ledger/refusal-tools.js'
import type { Refusal } from '../../src/protocol/refusal.js'

// The decoder is written from docs/formats.md, with another BLAKE3 and Ed25519 and nothing of src/.

interface Vector {
  name: string
  refusal: Record<string, string | number>
  evidence: string
  upheld: boolean
  code: string
}

const path = new URL('../../../test/vectors/refusal.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vector[]

function u64(value: number): Buffer {
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

class Reader {
  at = 0
  constructor(readonly bytes: Buffer) {}

  take(length: number): Buffer {
    assert.ok(this.at + length <= this.bytes.byteLength)
    return this.bytes.subarray(this.at, (this.at += length))
  }

  varint(): number {
    const first = this.take(1)[0]!
    if (first < 253) return first
    return first === 253 ? this.take(2).readUInt16LE() : this.take(4).readUInt32LE()
  }

  list(): Buffer {
    return this.take(this.varint())
  }
}

interface Checkpoint {
  fields: (string | number | Buffer)[]
  signer: Buffer
  start: number
  chunks: number
  bytes: number
  root: Buffer
  signature: Buffer
}

function readCheckpoint(from: Reader): Checkpoint {
  const fields: (string | number | Buffer)[] = [from.take(32), from.varint(), from.varint(), from.varint()]
  const pinner = from.take(32)
  const signer = from.take(32)
  const codec = ['wrap', 'seal'][from.varint()]!
  const [version, start, end] = [from.varint(), from.varint(), from.varint()] as [number, number, number]
  const [publicKey, primeProof, salt] = [from.list(), from.list(), from.take(32)]
  const [chunks, bytes] = [from.varint(), from.varint()]
  const root = from.take(32)
  fields.push(
    pinner,
    signer,
    codec,
    version,
    start,
    end,
    publicKey,
    primeProof,
    salt,
    chunks,
    bytes,
    root,
    from.take(32)
  )
  return { fields, signer, start, chunks, bytes, root, signature: from.take(64) }
}

function isSigned(chain: Buffer, { fields, signer, signature }: Checkpoint): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), signer])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return verify(null, H('datdot/segment/1', chain, ...fields), key, signature)
}

/** The root that a chunk and its inclusion proof lead to. */
function rootOf(
  chunk: Buffer,
  headerBytes: number,
  index: number,
  count: number,
  proof: Buffer
): [number, Buffer] {
  const sides: boolean[] = []
  for (let start = 0, end = count; end - start > 1;) {
    let left = 1
    while (2 * left < end - start) left *= 2
    sides.unshift(index >= start + left)
    if (index < start + left) end = start + left
    else start += left
  }
  const leaf = [
    Buffer.of(0),
    u64(chunk.byteLength),
    chunk.subarray(0, headerBytes),
    blake3(chunk.subarray(headerBytes))
  ]
  let hash = Buffer.from(blake3(Buffer.concat(leaf)))
  let size = chunk.byteLength
  assert.equal(proof.byteLength, 40 * sides.length)
  for (const [i, isRight] of sides.entries()) {
    const sibling = proof.subarray(40 * i + 8, 40 * i + 40)
    size += Number(proof.readBigUInt64LE(40 * i))
    const pair = isRight ? [sibling, hash] : [hash, sibling]
    hash = Buffer.from(blake3(Buffer.concat([Buffer.of(1), u64(size), ...pair])))
  }
  return [size, hash]
}

for (const { name, refusal, evidence, upheld, code } of vectors) {
  const bytes = Buffer.from(evidence, 'hex')
  const given = Object.fromEntries(
    Object.entries(refusal).map(([field, value]) => [
      field,
      typeof value === 'string' && field !== 'codec' ? Buffer.from(value, 'hex') : value
    ])
  ) as unknown as Refusal & { chain: Buffer }

  test(`${name}: the bytes are what formats.md says`, () => {
    assert.deepEqual(H('datdot/refusal/1', bytes), given.evidence)
    const from = new Reader(bytes)
    assert.equal(from.varint(), 1)
    const fault = from.varint()
    const checkpoint = readCheckpoint(from)
    assert.ok(isSigned(given.chain, checkpoint))
    if (fault === 2) assert.ok(isSigned(given.chain, readCheckpoint(from)))
    else if (fault === 3) from.list()
    else if (fault === 4) from.take(256)
    else {
      const index = from.varint()
      const proof = from.list()
      if (fault === 1) {
        from.varint()
        from.take(32)
        assert.equal(from.list()[0], 1)
      }
      const header = given.codec === 'wrap' ? 136 : 80
      const root = rootOf(from.list(), header, index - checkpoint.start, checkpoint.chunks, proof)
      assert.deepEqual(root, [checkpoint.bytes, checkpoint.root])
    }
    assert.equal(from.at, bytes.byteLength)
  })

  test(`${name}: the verdict is as recorded`, () => {
    const verdict = judgeRefusal(bytes, given, refusalTools)
    assert.deepEqual({ upheld: verdict.upheld, code: verdict.code }, { upheld, code })
  })
}
