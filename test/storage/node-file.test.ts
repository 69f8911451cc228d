import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { opened } from '../../src/lifecycle.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { MemoryTree, rootOf } from '../../src/merkle/reader.js'
import { NodeFile } from '../../src/storage/node-file.js'
import { temporaryFolder } from '../helpers/folder.js'
import { assertSame } from '../helpers/bytes.js'

/** Appends so many leaves to an empty tree. */
function grow(tree: { append(records: Uint8Array): void }, leaves: number): void {
  const builder = new TreeBuilder((records) => tree.append(records))
  for (let n = 0; n < leaves; n++) builder.appendLeaf(leafNode(Buffer.alloc(200, n), 64))
}

function memoryTree(leaves: number): MemoryTree {
  const tree = new MemoryTree()
  grow(tree, leaves)
  return tree
}

test('a tree in a file has the root and proofs of one in memory, before and after it is opened again', async (t) => {
  const path = join(temporaryFolder(t), 'new', 'nodes')
  const inMemory = memoryTree(1_000)
  const first = await opened(new NodeFile(path))
  grow(first, 1_000)
  const indices = [0, 17, 512, 999]
  const proof = encodeProof(await proveBatch(inMemory, indices))
  assert.equal(first.chunks, 1_000)
  assert.deepEqual(await rootOf(first), await rootOf(inMemory))
  await first.flush()
  await first.close()
  const second = await opened(new NodeFile(path))
  assert.equal(second.chunks, 1_000)
  assert.deepEqual(await rootOf(second), await rootOf(inMemory))
  assert.deepEqual(encodeProof(await proveBatch(second, indices)), proof)
  await second.close()
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('records that were appended can be read before they are flushed', async (t) => {
  const file = await opened(new NodeFile(join(temporaryFolder(t), 'nodes')))
  grow(file, 3)
  assertSame(await file.node(0, 2), memoryTree(3).node(0, 2))
  await file.close()
})

test('a file that a crash cut in the middle of a record has the chunks before it', async (t) => {
  const path = join(temporaryFolder(t), 'nodes')
  const file = await opened(new NodeFile(path))
  grow(file, 8)
  await file.flush()
  await file.close()
  truncateSync(path, statSync(path).size - 1)
  const cut = await opened(new NodeFile(path))
  assert.equal(cut.chunks, 7)
  await cut.truncate(7)
  assert.deepEqual(await rootOf(cut), await rootOf(memoryTree(7)))
  await cut.close()
})

test('a tree that is cut back is that of its first leaves', async (t) => {
  const path = join(temporaryFolder(t), 'nodes')
  const file = await opened(new NodeFile(path))
  grow(file, 100)
  await file.truncate(37)
  assert.equal(file.chunks, 37)
  assert.deepEqual(await rootOf(file), await rootOf(memoryTree(37)))
  await file.close()
  const shorter = join(temporaryFolder(t), 'nodes')
  const other = await opened(new NodeFile(shorter))
  grow(other, 37)
  await other.flush()
  await other.close()
  assert.deepEqual(readFileSync(path), readFileSync(shorter))
})

test('nodes that a file does not have are refused', async (t) => {
  const file = await opened(new NodeFile(join(temporaryFolder(t), 'nodes')))
  grow(file, 5)
  await assert.rejects(file.node(0, 5), { code: 'NODES_MISSING' })
  await assert.rejects(file.truncate(6), { code: 'NODES_MISSING' })
  assert.equal(file.chunks, 5)
  await file.close()
})

test('a path that is a folder is refused with the path', async (t) => {
  const path = join(temporaryFolder(t), 'nodes')
  mkdirSync(path)
  await assert.rejects(opened(new NodeFile(path)), (error: Error) => error.message.includes(path))
})
