import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import {
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from '../../src/merkle/proof.js'
import { MemoryTree, locate } from '../../src/merkle/reader.js'
import { referenceLeaf, referenceTree } from './reference.js'
import { toHex } from '../../src/bytes.js'
import { assertSame } from '../helpers/bytes.js'
import type { Merkle } from '../browser/proof-vectors.js'

const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/merkle.json', import.meta.url), 'utf8')
) as Merkle
const HEADER = vectors.headerBytes

/** The chunks that the vectors describe. */
function chunksOf(count: number): Buffer[] {
  return Array.from(
    { length: count },
    (_, i) => Buffer.alloc(137 + ((7 * i * i) % 1000)).map((_, j) => (i + 31 * j) & 255) as Buffer
  )
}

for (const vector of vectors.trees) {
  test(`a tree of ${vector.chunks} leaves of different sizes has the root, proofs and places of the vectors`, async () => {
    const chunks = chunksOf(vector.chunks)
    const reference = referenceTree(
      chunks.map((chunk) => referenceLeaf(chunk.subarray(0, HEADER), chunk.subarray(HEADER)))
    )
    assert.equal(reference.hash.toString('hex'), vector.root)
    assert.equal(reference.bytes, vector.bytes)

    const tree = new MemoryTree()
    const builder = new TreeBuilder((records) => tree.append(records))
    for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, HEADER))
    const root = builder.root()
    assertSame(root, { ...reference, chunks: vector.chunks })

    const { proof, batch, byte } = vector
    assert.equal(toHex(encodeProof(await prove(tree, proof.index))), proof.nodes)
    assert.equal(toHex(encodeProof(await proveBatch(tree, batch.indices))), batch.nodes)
    const nodes = decodeProof(Buffer.from(proof.nodes, 'hex'), proof.index, vector.chunks)
    const offsetOf = (index: number) =>
      chunks.slice(0, index).reduce((sum, { byteLength }) => sum + byteLength, 0)
    const { offset } = verifyProof(root, proof.index, leafNode(chunks[proof.index]!, HEADER), nodes)
    assert.equal(offset, offsetOf(proof.index))
    const leaves = batch.indices.map((index) => ({ index, leaf: leafNode(chunks[index]!, HEADER) }))
    const batchNodes = decodeBatchProof(Buffer.from(batch.nodes, 'hex'), batch.indices, vector.chunks)
    assert.deepEqual(
      verifyBatch(root, leaves, batchNodes).map((position) => position.offset),
      batch.indices.map(offsetOf)
    )
    const found = await locate(tree, byte.offset)
    assert.deepEqual([found.index, found.offset], [byte.index, byte.chunkOffset])
  })
}

test('a stored tree has the bytes of the vectors', () => {
  const records: Buffer[] = []
  const builder = new TreeBuilder((part) => records.push(Buffer.from(part)))
  for (const chunk of chunksOf(7)) builder.appendLeaf(leafNode(chunk, HEADER))
  assert.equal(Buffer.concat(records).toString('hex'), vectors.storedTreeOf7)
})
