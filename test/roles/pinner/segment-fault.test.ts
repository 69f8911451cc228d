import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { encodeSignedRecord, decodeSignedRecord, type SignedRecord } from '../../../src/protocol/hand-over.js'
import { refusalHash } from '../../../src/evidence/refusal-format.js'
import { judgeRefusal } from '../../../src/evidence/refusal-judge.js'
import { refusalTools } from '../../../src/ledger/refusal-tools.js'
import { encodeChunk } from '../../../src/chunk/codecs.js'
import { hash } from '../../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../../src/crypto/keys.js'
import { TreeBuilder } from '../../../src/merkle/builder.js'
import { leafNode, type TreeRoot } from '../../../src/merkle/node.js'
import { MemoryTree } from '../../../src/merkle/reader.js'
import { signSegment, type SegmentRecord } from '../../../src/protocol/segment.js'
import { Received } from '../../../src/roles/pinner/received.js'
import { Checkpoints, chunkEvidence, originalEvidence } from '../../../src/roles/pinner/segment-fault.js'
import { originalNode } from '../../../src/storage/original.js'
import type { SegmentItem } from '../../../src/swarm/segment-channel.js'
import { RefusedSegment, START } from '../../evidence/segment.js'
import {
  connect,
  encodedBlocks,
  noiseBlocks,
  openStore,
  pin,
  segmentOf,
  stockStore,
  type SignedSegment
} from '../../storage/support.js'

const CHAIN = Buffer.alloc(32, 1)

/** What the signer of `segmentOf` signs over this root. */
function signed({ spec, secret }: SignedSegment, root: TreeRoot): SignedRecord {
  const { key, fork, treeHash, start } = spec
  const signer = keyPairFromSeed(hash('test/signer', start === 0 ? 0 : 1))
  assert.deepEqual(signer.publicKey, secret.publicKey)
  const record: SegmentRecord = {
    key,
    fork,
    copy: 0,
    segment: 0,
    pinner: Buffer.alloc(32, 2),
    signer: signer.publicKey,
    codec: 'wrap',
    version: 1,
    start,
    end: start + root.chunks,
    publicKey: signer.publicKey,
    primeProof: Buffer.alloc(0),
    salt: Buffer.alloc(32),
    chunks: root.chunks,
    bytes: root.bytes,
    root: Buffer.from(root.hash),
    treeHash
  }
  return { record, signature: signSegment(CHAIN, signer, record) }
}

/** A pinner took all chunks of a segment, one of them of another block: whether it finds and proves which. */
async function findWrong(t: TestContext, length: number, start: number, wrong: number): Promise<void> {
  const blocks = noiseBlocks(length, 30, `fault ${length}`)
  const authors = await stockStore(t)
  const author = authors.get({ name: 'original' })
  await author.append(blocks.slice(0, start || length))
  const store = await openStore(t)
  if (start > 0) {
    await pin(store, author)
    await author.append(blocks.slice(start))
  }
  const segment = await segmentOf(author, { start, draw: start === 0 ? 0 : 1 })
  const ingest = await store.beginSegment(segment.spec)
  const nodes = new MemoryTree()
  const tree = new TreeBuilder((records) => nodes.append(records))
  for (let from = start; from < length; from += 5) {
    const batch = await encodedBlocks(author, segment, from, Math.min(length, from + 5))
    for (const block of batch) {
      if (block.index === wrong) {
        const plain = Buffer.alloc(31, 1)
        Object.assign(block, { plain, encoded: encodeChunk(segment.secret, wrong, plain, Buffer.alloc(32)) })
      }
      tree.appendLeaf(leafNode(block.encoded, 136))
    }
    await ingest.append(batch)
  }
  await assert.rejects(ingest.check(), { code: 'STORAGE_TREE_MISMATCH' })
  assert.equal(ingest.position, length, 'all is as it was')

  const readers = await stockStore(t)
  connect(t, authors, readers)
  const original = readers.get({ key: author.key })
  await original.update({ wait: true })
  const checkpoint = signed(segment, tree.root())
  const evidence = await originalEvidence(checkpoint, length, {
    own: (at) => ingest.node(at),
    original: (at) => originalNode(original, at, 10_000),
    encoded: (index) => store.getEncoded(author.key, index),
    nodes
  })
  assert.ok(evidence)
  const { key, fork, copy, segment: number, pinner, signer, codec, salt, end, treeHash } = checkpoint.record
  const { id } = segment.spec.segment
  const drawn = {
    draw: 0,
    key,
    fork,
    copy,
    segment: number,
    pinner,
    signer,
    codec,
    salt,
    start,
    end,
    treeHash
  }
  const refusal = { ...drawn, chain: CHAIN, id, evidence: refusalHash(evidence) }
  const verdict = judgeRefusal(evidence, refusal, refusalTools)
  assert.deepEqual([verdict.upheld, verdict.code], [true, 'REFUSAL_OTHER_BLOCK'], verdict.message)
  assert.match(verdict.message, new RegExp(`chunk ${wrong} `))
  let downloaded = 0
  for (let index = 0; index < length; index++) if (await original.has(index)) downloaded++
  assert.ok(
    downloaded <= 2 * Math.ceil(Math.log2(length)) + 3,
    `${downloaded} of ${length} blocks downloaded`
  )
}

for (const [length, start, wrong] of [
  [1, 0, 0],
  [2, 0, 1],
  [7, 0, 6],
  [64, 0, 31],
  [203, 0, 0],
  [203, 0, 202],
  [203, 0, 97],
  [30, 13, 13],
  [30, 13, 29]
] as const) {
  test(`block ${wrong} of a segment from ${start} to ${length} is found and proven to be wrong`, (t) =>
    findWrong(t, length, start, wrong))
}

test('nothing is shown where nobody serves the original, or where the blocks are right', async (t) => {
  const authors = await stockStore(t)
  const author = authors.get({ name: 'original' })
  await author.append(noiseBlocks(9, 30, 'right'))
  const segment = await segmentOf(author)
  const store = await openStore(t)
  const ingest = await store.beginSegment(segment.spec)
  const nodes = new MemoryTree()
  const tree = new TreeBuilder((records) => nodes.append(records))
  const batch = await encodedBlocks(author, segment, 0, 9)
  for (const { encoded } of batch) tree.appendLeaf(leafNode(encoded, 136))
  await ingest.append(batch)
  await ingest.check()
  const checkpoint = signed(segment, tree.root())
  const own = (at: number): ReturnType<typeof ingest.node> => ingest.node(at)
  const encoded = (index: number): Promise<Buffer | null> => store.getEncoded(author.key, index)
  const right = { own, encoded, nodes, original: (at: number) => originalNode(author, at, 100) }
  assert.equal(await originalEvidence(checkpoint, 9, right), undefined)
  const lonely = (await stockStore(t)).get({ key: author.key })
  const alone = { ...right, original: (at: number) => originalNode(lonely, at, 100) }
  await assert.rejects(originalEvidence(checkpoint, 9, alone), { code: 'STORAGE_NO_ORIGINAL' })
})

const wrap = new RefusedSegment('wrap')

/** What a signer sends: chunks, and a checkpoint after each number of them. */
async function* sent(
  chunks: readonly Buffer[],
  checkpoints: Map<number, SignedRecord>
): AsyncGenerator<SegmentItem, void, void> {
  for (const [i, bytes] of chunks.entries()) {
    yield { kind: 'chunks', bytes, lengths: [bytes.byteLength] }
    const checkpoint = checkpoints.get(i + 1)
    const kind = i + 1 === chunks.length ? 'end' : 'root'
    if (checkpoint) yield { kind, checkpoint: encodeSignedRecord(checkpoint) }
  }
}

/** A pinner took `good` chunks and found the next one to be bad: what it can show of it. */
async function shown(
  items: AsyncGenerator<SegmentItem, void, void>,
  good: number,
  ahead = 0
): Promise<Uint8Array | undefined> {
  const received = new Received(items, 0, decodeSignedRecord)
  // The engine reads ahead of what it has decoded.
  for (let n = 0; n < good + 1 + ahead; n++) await received.pull()
  const nodes = new MemoryTree()
  const tree = new TreeBuilder((records) => nodes.append(records))
  for (const chunk of received.take(good)) tree.appendLeaf(leafNode(chunk, 136))
  const chunks = wrap.blocks.length - START
  return chunkEvidence(received, { index: START + good, chunks, codec: 'wrap', tree, nodes })
}

test('a bad chunk is shown under the next root that the signer signed, whether it came already or not', async () => {
  const chunks = wrap.chunks()
  chunks[3] = Buffer.alloc(50, 7)
  for (const covers of [4, 5, chunks.length]) {
    const { checkpoint } = await wrap.sign(chunks.slice(0, covers))
    const before = (await wrap.sign(chunks.slice(0, 2))).checkpoint
    for (const ahead of [0, 1, 3, 9]) {
      const checkpoints = new Map([
        [2, before],
        [covers, checkpoint]
      ])
      const evidence = await shown(sent(chunks, checkpoints), 3, ahead)
      assert.ok(evidence, `over ${covers} chunks, ${ahead} ahead`)
      const verdict = wrap.judge(evidence)
      assert.deepEqual([verdict.upheld, verdict.code], [true, 'CODEC_TRUNCATED'])
    }
  }
})

test('a bad chunk that no signed root covers cannot be shown', async () => {
  const chunks = wrap.chunks()
  const good = [...chunks]
  chunks[3] = Buffer.alloc(50, 7)
  assert.equal(await shown(sent(chunks, new Map()), 3), undefined, 'no root at all')
  const { checkpoint } = await wrap.sign(good)
  assert.equal(
    await shown(sent(chunks, new Map([[good.length, checkpoint]])), 3),
    undefined,
    'a root of other chunks'
  )
})

test('a signer that goes on sending and never signs is not followed for long', async () => {
  for (const [size, chunks, most] of [
    [1, 40, 40 + 1],
    [1 << 20, 1000, 64 + 2]
  ] as const) {
    let pulled = 0
    const bytes = Buffer.alloc(size)
    const endless = (async function* (): AsyncGenerator<SegmentItem, void, void> {
      for (; pulled < 10_000; pulled++) yield { kind: 'chunks', bytes, lengths: [size] }
    })()
    const received = new Received(endless, 0, decodeSignedRecord)
    const nodes = new MemoryTree()
    const tree = new TreeBuilder((records) => nodes.append(records))
    await received.pull()
    assert.equal(await chunkEvidence(received, { index: 0, chunks, codec: 'wrap', tree, nodes }), undefined)
    assert.ok(pulled <= most, `${pulled} chunks of ${size} bytes`)
  }
})

test('a root over more or fewer chunks than were sent before it is refused', async () => {
  const chunks = wrap.chunks()
  for (const covers of [1, 2, 4, chunks.length]) {
    const { checkpoint } = await wrap.sign(chunks.slice(0, covers))
    const received = new Received(sent(chunks, new Map([[3, checkpoint]])), 0, decodeSignedRecord)
    const pulled = (async () => {
      while (await received.pull());
    })()
    await assert.rejects(pulled, { code: 'SEGMENT_ROOT' })
  }
})

test('a signer that contradicts itself under one key is found by what it signed before', async () => {
  const seal = new RefusedSegment('seal')
  for (const segment of [wrap, seal]) {
    const checkpoints = new Checkpoints()
    const good = segment.chunks()
    const bad = segment.chunks()
    bad[0] = Buffer.alloc(50, 7)
    for (let count = 1; count <= good.length; count++) {
      assert.equal(
        checkpoints.add(segment.chain, (await segment.sign(good.slice(0, count))).checkpoint),
        undefined
      )
    }
    assert.equal(
      checkpoints.add(segment.chain, (await segment.sign(good)).checkpoint),
      undefined,
      'the same again'
    )
    const evidence = checkpoints.add(segment.chain, (await segment.sign(bad)).checkpoint)
    if (segment === wrap) assert.equal(evidence, undefined, 'wrap draws its keys anew')
    else assert.equal(seal.judge(evidence!).code, 'REFUSAL_CONTRADICTION')
  }
})
