import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import { encodeChunk } from '../../src/chunk/codecs.js'
import type { CodecName } from '../../src/chunk/header.js'
import { encodeOriginal, readOriginal } from '../../src/storage/original.js'
import type { Original } from '../../src/protocol/original.js'
import type { ChainClient } from '../../src/client/client.js'
import { segmentId, segmentSalt, signSegment, type SegmentRecord } from '../../src/protocol/segment.js'
import type { AssignmentView } from '../../src/protocol/views.js'
import type { PathSource } from '../../src/evidence/slice-evidence.js'
import type { SliceSource } from '../../src/evidence/slice-walk.js'
import { hash } from '../../src/crypto/hash.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { MemoryTree, rootOf } from '../../src/merkle/reader.js'
import { sourceOf } from '../evidence/slice-copy.js'
import type { TestChain } from './chain.js'
import { closeAfter } from '../helpers/close-after.js'

/** A real hypercore with its author's signature. */
export interface TestOriginal {
  key: Buffer
  original: Original
  blocks: Buffer[]
}

/** @param primaryKey of the author's store, whose keys follow from it; a fresh one if not given */
export async function makeOriginal(
  folder: string,
  blocks: Buffer[],
  primaryKey?: Buffer
): Promise<TestOriginal> {
  const store = new Corestore(folder, primaryKey ? { primaryKey, unsafe: true } : {})
  const core = store.get({ name: 'original' })
  await core.append(blocks)
  const original = encodeOriginal(await readOriginal(core))
  const { key } = core
  await store.close()
  return { key, original, blocks }
}

/** A hypercore whose one copy was drawn and is waited for. */
export interface DrawnSegment {
  signer: ChainClient
  pinner: ChainClient
  original: TestOriginal
  assignment: AssignmentView
}

/**
 * Sponsors a real hypercore on a chain with the accounts `signer` and `pinner`, who say yes to their draw.
 *
 * @param options `primaryKey` as makeOriginal has it; `codec`: `wrap` if not given; `steps` of its challenges
 */
export async function drawSegment(
  t: TestContext,
  chain: TestChain,
  blocks: Buffer[],
  { primaryKey, codec = 'wrap', steps = 8 }: { primaryKey?: Buffer; codec?: CodecName; steps?: number } = {}
): Promise<DrawnSegment> {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-original-'))
  closeAfter(t, () => rm(folder, { recursive: true, force: true }))
  const signer = chain.client('signer')
  const pinner = chain.client('pinner')
  const original = await makeOriginal(folder, blocks, primaryKey)
  await signer.register('signer', 1 << 30, 50_000_000n)
  await pinner.register('pinner', 1 << 30, 50_000_000n)
  await chain.tick(5)
  const plan = {
    copies: 1,
    targetPpm: 0,
    codec,
    every: 1,
    steps,
    maxBytes: 1 << 30,
    topic: Buffer.alloc(32, 9),
    refreshAfterMs: 0
  }
  const { key, original: claim } = original
  await chain.client('supporter').sponsor({ key, original: claim, plan, donation: 100_000_000n })
  await chain.until('the pinner is drawn and says yes', async () => {
    const [ask] = await pinner.asks()
    return ask ? pinner.acknowledge(ask.draw) : null
  })
  const assignment = await chain.until('the signer says yes', async () => {
    const own = await acknowledged(signer)
    return own?.task.state === 'delivering' ? own : null
  })
  return { signer, pinner, original, assignment }
}

/** A copy as signer and pinner agree on it: chunks and proofs, in memory. */
export interface HeldCopy {
  record: SegmentRecord
  signerSignature: Uint8Array
  chunks: Buffer[]
  tree: MemoryTree
  reader: SliceSource & PathSource
}

/** Does a signer's work for an assignment. */
export async function encodeCopy(
  chainId: Uint8Array,
  assignment: AssignmentView,
  { blocks }: Pick<TestOriginal, 'blocks'>,
  signer: KeyPair
): Promise<HeldCopy> {
  const { hypercore: key, fork, copy, segment, draw, beacon, treeHash, pinner } = assignment
  const { start, end } = assignment.task
  const id = segmentId({ chain: chainId, key, fork, copy, start, signer: signer.publicKey, draw })
  const salt = segmentSalt(beacon, id)
  const secret = {
    codec: 'wrap' as const,
    id,
    publicKey: signer.publicKey,
    primeProof: Buffer.alloc(0),
    salt,
    secretKey: signer.secretKey
  }
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  const chunks = blocks.slice(start, end).map((block, i) => {
    const chunk = encodeChunk(secret, start + i, block, hash('test/seed', draw, i))
    builder.appendLeaf(leafNode(chunk, chunk.byteLength - block.byteLength))
    return chunk
  })
  const root = await rootOf(tree)
  const record: SegmentRecord = {
    key,
    fork,
    copy,
    segment,
    pinner,
    signer: signer.publicKey,
    codec: 'wrap',
    version: 1,
    start,
    end,
    publicKey: signer.publicKey,
    primeProof: Buffer.alloc(0),
    salt,
    chunks: chunks.length,
    bytes: root.bytes,
    root: Buffer.from(root.hash),
    treeHash
  }
  const signerSignature = signSegment(chainId, signer, record)
  return { record, signerSignature, chunks, tree, reader: readerOf(chunks, tree) }
}

/** A copy of one segment that begins with the hypercore, as a walk reads it. */
export function readerOf(chunks: Buffer[], tree: MemoryTree): SliceSource & PathSource {
  return sourceOf([{ codec: 'wrap', start: 0 }], [tree], (index) => chunks[index]!)
}

/** Acknowledges whatever a client was drawn for; returns its first acknowledged assignment. */
export async function acknowledged(client: ChainClient): Promise<AssignmentView | undefined> {
  const [first] = await client.assignments()
  if (first?.acknowledge) await client.acknowledge(first.draw)
  return first && !first.acknowledge ? first : undefined
}
