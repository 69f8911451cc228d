import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portableSlabHasher, slabHasher } from '../../src/crypto/blake3-slab.js'
import { verifyBatchRecords } from '../../src/merkle/batch.js'
import { batchRoot, checkBatchRoot } from '../../src/merkle/batch-root.js'
import type { TreeRoot } from '../../src/merkle/node.js'
import { encodeNode, parentNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { codeThrown, leafOfSize, storedTree, upTo } from './stored.js'

const RECORD = 40

/** A batch proof as records, and what it proves. */
interface Given {
  root: TreeRoot
  indices: number[]
  leaves: Uint8Array
  proof: Uint8Array
}

async function proven(sizes: number[], indices: number[]): Promise<Given> {
  const { tree, root, leaves } = storedTree(sizes)
  return {
    root,
    indices,
    leaves: new Uint8Array(Buffer.concat(indices.map((index) => encodeNode(leaves[index]!)))),
    proof: new Uint8Array(encodeProof(await proveBatch(tree, indices)))
  }
}

/** Where the leaves begin, in the code that needs nothing but a hash of pairs. */
function offsetsOf({ root, indices, leaves, proof }: Given): number[] {
  const record = new Uint8Array(RECORD)
  const parents = portableSlabHasher.parents.bind(portableSlabHasher)
  const offsets = batchRoot(root.chunks, indices, leaves, proof, parents, record)
  checkBatchRoot(root, record)
  return offsets
}

/** The bytes with another size in the record at `at`. */
function resized(records: Uint8Array, at: number, size: bigint): Uint8Array {
  const changed = records.slice()
  new DataView(changed.buffer).setBigUint64(at * RECORD, size, true)
  return changed
}

const SIZES = [5, 7, 11, 13, 17, 19, 23]

test('every choice of leaves of a small tree leads to its root and says where the leaves begin', async () => {
  for (let mask = 1; mask < 2 ** SIZES.length; mask++) {
    const indices = upTo(SIZES.length).filter((index) => (mask >> index) % 2 === 1)
    const given = await proven(SIZES, indices)
    const starts = indices.map((index) => SIZES.slice(0, index).reduce((sum, size) => sum + size, 0))
    assert.deepEqual(offsetsOf(given), starts)
  }
})

test('all nodes of one height are hashed in one call, in pairs', async () => {
  const given = await proven(Array<number>(8).fill(9), upTo(8))
  const calls: number[] = []
  const count = (children: Uint8Array, pairs: number, out: Uint8Array) => {
    assert.equal(children.byteLength, 2 * pairs * RECORD)
    calls.push(pairs)
    portableSlabHasher.parents(children, pairs, out)
  }
  const record = new Uint8Array(RECORD)
  batchRoot(8, given.indices, given.leaves, given.proof, count, record)
  assert.deepEqual(calls, [4, 2, 1])
})

test('a proof with a record too few, too many or not whole is of the wrong length', async () => {
  const given = await proven(SIZES, [1, 5])
  const { proof } = given
  const longer = new Uint8Array(proof.byteLength + RECORD)
  longer.set(proof)
  longer.set(proof.subarray(0, RECORD), proof.byteLength)
  for (const changed of [
    proof.subarray(RECORD),
    proof.subarray(0, proof.byteLength - RECORD),
    proof.subarray(0, proof.byteLength - 1),
    proof.subarray(0, 0),
    proof.subarray(0, 1),
    longer,
    longer.subarray(0, proof.byteLength + 1)
  ]) {
    assert.equal(await codeThrown(() => offsetsOf({ ...given, proof: changed })), 'PROOF_LENGTH')
  }
})

test('a node of no bytes, or of more than can be counted exactly, is refused wherever it stands', async () => {
  const given = await proven(SIZES, [1, 5])
  for (const size of [0n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n]) {
    for (const at of upTo(given.proof.byteLength / RECORD)) {
      const changed = { ...given, proof: resized(given.proof, at, size) }
      assert.equal(await codeThrown(() => offsetsOf(changed)), 'PROOF_BYTES', `${size} in the proof`)
    }
    for (const at of upTo(2)) {
      const changed = { ...given, leaves: resized(given.leaves, at, size) }
      assert.equal(await codeThrown(() => offsetsOf(changed)), 'PROOF_BYTES', `${size} as a leaf`)
    }
  }
})

test('sizes are exact up to the largest that can be counted, and refused when they add up to more', async () => {
  const largest = 2 ** 53 - 1
  const given = await proven([largest - 3, 1, 2], [0, 1, 2])
  assert.deepEqual(offsetsOf(given), [0, largest - 3, largest - 2])
  const beyond = { ...given, leaves: resized(given.leaves, 2, 3n) }
  assert.equal(await codeThrown(() => offsetsOf(beyond)), 'PROOF_BYTES')
})

test('a leaf of no bytes is refused though the sizes add up to what the root has', async () => {
  const given = await proven([3, 4], [0, 1])
  for (const [left, right] of [
    [0n, 7n],
    [7n, 0n]
  ] as const) {
    const leaves = resized(resized(given.leaves, 0, left), 1, right)
    assert.equal(await codeThrown(() => offsetsOf({ ...given, leaves })), 'PROOF_BYTES')
  }
})

test('a root of more bytes than can be counted exactly is led to by no proof', async () => {
  const [left, right] = [leafOfSize(1), leafOfSize(2 ** 53 - 1, 1)]
  const leaves = new Uint8Array([...encodeNode(left), ...encodeNode(right)])
  const beyond = { ...parentNode(left, right), chunks: 2 }
  const given = { root: beyond, indices: [0, 1], leaves, proof: new Uint8Array(0) }
  assert.equal(await codeThrown(() => offsetsOf(given)), 'PROOF_BYTES')
  const alone = {
    root: { hash: left.hash, bytes: 2 ** 53, chunks: 1 },
    indices: [0],
    proof: new Uint8Array(0)
  }
  const leaf = resized(new Uint8Array(encodeNode(left)), 0, 2n ** 53n)
  assert.equal(await codeThrown(() => offsetsOf({ ...alone, leaves: leaf })), 'PROOF_BYTES')
})

test('a root of other bytes or another hash is not the one that the proof leads to', async () => {
  const given = await proven(SIZES, [0, 3])
  const { root } = given
  for (const bytes of [root.bytes - 1, root.bytes + 1]) {
    assert.equal(await codeThrown(() => offsetsOf({ ...given, root: { ...root, bytes } })), 'PROOF_BYTES')
  }
  for (const at of upTo(32)) {
    const hash = new Uint8Array(root.hash)
    hash[at]! ^= 1
    assert.equal(await codeThrown(() => offsetsOf({ ...given, root: { ...root, hash } })), 'PROOF_ROOT')
  }
})

test('a root whose hash is cut short or goes on is refused', async () => {
  const given = await proven(SIZES, [0, 3])
  const whole = new Uint8Array(33)
  whole.set(given.root.hash)
  for (const hash of [whole.subarray(0, 31), whole, whole.subarray(0, 0)]) {
    const root = { ...given.root, hash }
    assert.equal(await codeThrown(() => offsetsOf({ ...given, root })), 'PROOF_ROOT')
  }
})

test('with the addon and without, a batch proof leads to the same places and is refused for the same reasons', async () => {
  const given = await proven(SIZES, [1, 5])
  for (const hasher of [slabHasher, portableSlabHasher]) {
    const check = (change: Partial<Given>) => {
      const { root, indices, leaves, proof } = { ...given, ...change }
      return verifyBatchRecords(root, indices, leaves, proof, hasher)
    }
    assert.deepEqual(Array.from(check({})), [5, 53])
    for (const [change, code] of [
      [{ proof: given.proof.subarray(RECORD) }, 'PROOF_LENGTH'],
      [{ proof: resized(given.proof, 0, 0n) }, 'PROOF_BYTES'],
      [
        { proof: resized(given.proof, 0, 0n), root: { hash: new Uint8Array(32), bytes: 0, chunks: 7 } },
        'PROOF_BYTES'
      ],
      [{ root: { ...given.root, bytes: 96 } }, 'PROOF_BYTES'],
      [{ root: { ...given.root, hash: new Uint8Array(32) } }, 'PROOF_ROOT']
    ] as const) {
      assert.equal(await codeThrown(() => check(change)), code)
    }
  }
})
