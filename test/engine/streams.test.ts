import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { codecOf, decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import {
  Engine,
  type ChunkRun,
  type ChunkSource,
  type EngineOptions,
  type StreamProgress
} from '../../src/engine/engine.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode, type TreeRoot } from '../../src/merkle/node.js'
import { MemoryTree, rootOf } from '../../src/merkle/reader.js'
import { originalLeaf } from '../../src/protocol/original-tree.js'
import { inlineTasks } from '../../workers/inline.js'
import type { Tasks } from '../../workers/tasks.js'
import { chunksOf, executors, slowly, wrapSegment } from './fixtures.js'

const START = 1000
const segment = wrapSegment(START)
const HEADER = codecOf('wrap').headerBytes
const memoryBytes = 2 * 1024 * 1024
const engines = executors.map(([how, executor]) => {
  const make = (options: EngineOptions<Tasks>) => new Engine<Tasks>({ ...executor, ...options })
  return { how, make, engine: make({ memoryBytes }) }
})
after(() => Promise.all(engines.map(({ engine }) => engine.close())))

/** One behaviour, of an engine with worker threads and of one that has none. */
function onBoth(name: string, run: (on: (typeof engines)[number]) => Promise<void>): void {
  for (const on of engines) test(`${name} (${on.how})`, () => run(on))
}

function encodeAll(chunks: Buffer[]): Buffer[] {
  return chunks.map((chunk, i) => encodeChunk(segment, START + i, chunk, Buffer.alloc(32, i)))
}

function referenceRoot(encoded: Buffer[]): TreeRoot {
  const builder = new TreeBuilder()
  for (const chunk of encoded) builder.appendLeaf(leafNode(chunk, HEADER))
  return builder.root()
}

function runOf(chunks: Buffer[], shared: boolean): ChunkRun {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  const bytes = new Uint8Array(shared ? new SharedArrayBuffer(length) : new ArrayBuffer(length))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return { bytes, lengths: chunks.map((chunk) => chunk.byteLength) }
}

const someLengths = [
  0, 1, 70_000, 0, 0, 5, 1_000_000, 300, 300, 300, 131_072, 2, 900_000, 64, 4096, 500_000, 0
]

async function encodeWith(of: Engine, source: ChunkSource): Promise<{ encoded: Buffer[]; root: TreeRoot }> {
  const encoded: Buffer[] = []
  const builder = new TreeBuilder()
  for await (const batch of of.encode(source, { segment, start: START })) {
    assert.equal(batch.firstIndex, START + encoded.length)
    assert.deepEqual(Buffer.concat(batch.chunks), Buffer.from(batch.encoded))
    assert.deepEqual(batch.leaf(0), leafNode(Buffer.from(batch.chunks[0]!), HEADER))
    for (const chunk of batch.chunks) encoded.push(Buffer.from(chunk))
    builder.append(batch.count, batch.levels)
  }
  return { encoded, root: builder.root() }
}

onBoth(
  'encoded chunks come out in order, decode one by one, and carry the root of their tree',
  async ({ engine }) => {
    const chunks = chunksOf(someLengths)
    const { encoded, root } = await encodeWith(engine, slowly(chunks))
    assert.deepEqual(
      encoded.map((chunk, i) => decodeChunk(segment, START + i, chunk)),
      chunks
    )
    assert.deepEqual(root, referenceRoot(encoded))
  }
)

onBoth('decoding gives the plain chunks, and the tree of the encoded ones', async ({ engine }) => {
  const chunks = chunksOf(someLengths)
  const encoded = encodeAll(chunks)
  const plain: Buffer[] = []
  const builder = new TreeBuilder()
  for await (const batch of engine.decode(slowly(encoded), { segment, start: START })) {
    assert.equal(batch.firstIndex, START + plain.length)
    for (const chunk of batch.chunks) plain.push(Buffer.from(chunk))
    builder.append(batch.count, batch.levels)
  }
  assert.deepEqual(plain, chunks)
  assert.deepEqual(builder.root(), referenceRoot(encoded))
  assert.equal(engine.slabsHeld, 0)
})

onBoth('any lengths in any grouping come back, in any memory', async ({ make }) => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 90_000 })), {
    minLength: 1,
    maxLength: 60
  })
  const small = make({ memoryBytes: 160 * 1024 })
  try {
    await fc.assert(
      fc.asyncProperty(lengths, fc.constantFrom('sync', 'async', 'run'), async (sizes, kind) => {
        const chunks = chunksOf(sizes)
        const source = kind === 'sync' ? chunks : kind === 'async' ? slowly(chunks) : [runOf(chunks, false)]
        const { encoded, root } = await encodeWith(small, source)
        assert.deepEqual(root, referenceRoot(encoded))
        const plain: Buffer[] = []
        for await (const { chunks } of small.decode([runOf(encoded, true)], { segment, start: START })) {
          plain.push(...chunks.map((chunk) => Buffer.from(chunk)))
        }
        assert.deepEqual(plain, chunks)
        assert.equal(small.slabsHeld, 0)
      }),
      { numRuns: 25 }
    )
  } finally {
    await small.close()
  }
})

onBoth('chunks far larger than all slabs together pass through', async ({ make }) => {
  const small = make({ memoryBytes: 256 * 1024 })
  try {
    const chunks = chunksOf([10, 15 * 1024 * 1024, 7, 3_000_000, 1])
    const { encoded, root } = await encodeWith(small, chunks)
    assert.deepEqual(root, referenceRoot(encoded))
    assert.ok(decodeChunk(segment, START + 1, encoded[1]!).equals(chunks[1]!))
    let index = 0
    for await (const batch of small.decode(encoded, { segment, start: START })) {
      for (const chunk of batch.chunks) assert.ok(chunk.equals(chunks[index++]!))
    }
    assert.equal(index, chunks.length)
    assert.deepEqual(await small.rebuild(encoded, { codec: 'wrap' }), root)
    assert.equal(small.slabsHeld, 0)
  } finally {
    await small.close()
  }
})

test('pieces of a large chunk travel without the memory that the chunk lies in', async () => {
  let most = 0
  const piece: typeof inlineTasks.piece = (request, slabOf) => {
    most = Math.max(most, request.input.header.buffer.byteLength)
    return inlineTasks.piece(request, slabOf)
  }
  const small = new Engine<Tasks>({ inline: { ...inlineTasks, piece }, memoryBytes: 256 * 1024 })
  try {
    const encoded = encodeAll(chunksOf([1_000_000]))
    for await (const batch of small.decode(encoded, { segment, start: START })) assert.equal(batch.count, 1)
    assert.equal(most, HEADER)
  } finally {
    await small.close()
  }
})

onBoth(
  'rebuild gives the root and stores the tree, from single chunks and from runs in any memory',
  async ({ engine }) => {
    const encoded = encodeAll(chunksOf([...someLengths, ...Array<number>(3000).fill(40)]))
    const expected = referenceRoot(encoded)
    for (const source of [encoded, [runOf(encoded, true)], [runOf(encoded, false)]]) {
      const tree = new MemoryTree()
      const sink = (records: Uint8Array) => tree.append(records)
      assert.deepEqual(await engine.rebuild(source, { codec: 'wrap' }, { sink }), expected)
      assert.deepEqual(await rootOf(tree), expected)
    }
  }
)

onBoth('verify gives the root of chunks that are all in place', async ({ engine }) => {
  const encoded = encodeAll(chunksOf(someLengths))
  assert.deepEqual(await engine.verify(encoded, { segment, start: START }), referenceRoot(encoded))
  await assert.rejects(engine.verify(encoded, { segment, start: START + 1 }), { code: 'CODEC_SIGNATURE' })
})

onBoth('a refused chunk ends the stream after all chunks before it', async ({ engine }) => {
  const chunks = chunksOf(Array<number>(50).fill(100))
  for (const [bad, change, code] of [
    [0, (chunk: Buffer) => Buffer.from(chunk.subarray(0, 100)), 'CODEC_TRUNCATED'],
    [33, (chunk: Buffer) => Buffer.from(chunk.subarray(0, 100)), 'CODEC_TRUNCATED'],
    [20, (chunk: Buffer) => Buffer.from(chunk.subarray(0, 200)), 'CODEC_LENGTH'],
    [49, (chunk: Buffer) => Buffer.concat([chunk.subarray(0, 235), Buffer.alloc(1, 9)]), 'CODEC_SIGNATURE']
  ] as const) {
    const encoded = encodeAll(chunks)
    encoded[bad] = change(encoded[bad]!)
    let seen = 0
    const decoding = async () => {
      for await (const batch of engine.decode(encoded, { segment, start: START })) {
        for (const chunk of batch.chunks) assert.deepEqual(Buffer.from(chunk), chunks[seen++])
      }
    }
    await assert.rejects(decoding(), { code, index: START + bad, name: 'CodecError' })
    assert.equal(seen, bad)
  }
  assert.equal(engine.slabsHeld, 0)
})

onBoth('a large chunk with one wrong bit is refused', async ({ engine }) => {
  const encoded = encodeAll(chunksOf([9, 3_000_000]))
  encoded[1]![2_000_000]! ^= 1
  await assert.rejects(engine.verify(encoded, { segment, start: START }), {
    code: 'CODEC_SIGNATURE',
    index: START + 1
  })
  assert.equal(engine.slabsHeld, 0)
})

onBoth('chunks that no hypercore can have are refused after those before them', async ({ engine }) => {
  let count = 0
  const encoding = async () => {
    for await (const batch of engine.encode([Buffer.from('x'), Buffer.alloc(15 * 2 ** 20 + 1)], {
      segment,
      start: 0
    })) {
      count += batch.count
    }
  }
  await assert.rejects(encoding(), { code: 'CODEC_PLAIN_LENGTH', index: 1 })
  assert.equal(count, 1)
})

onBoth('runs that contradict themselves are refused', async ({ engine }) => {
  for (const shared of [true, false]) {
    const bytes = new Uint8Array(shared ? new SharedArrayBuffer(400) : new ArrayBuffer(400))
    for (const lengths of [[200], [200, 201], [200, -1], [200, 200.5], [NaN]]) {
      await assert.rejects(engine.rebuild([{ bytes, lengths }], { codec: 'wrap' }), { code: 'ENGINE_SOURCE' })
    }
  }
  assert.equal(engine.slabsHeld, 0)
})

onBoth('one seed is drawn for a slab, not for a chunk', async ({ make }) => {
  const draws: number[] = []
  const random = (length: number) => Buffer.alloc(length, draws.push(length))
  const counting = make({ threads: 1, random })
  try {
    const { encoded } = await encodeWith(counting, chunksOf(Array<number>(200).fill(50)))
    assert.deepEqual(draws, [32])
    const keys = new Set(encoded.map((chunk) => chunk.toString('hex', 40, 72)))
    assert.equal(keys.size, 200)
  } finally {
    await counting.close()
  }
})

onBoth(
  'with a seed of the segment a stream that begins later goes on with the same bytes',
  async ({ make }) => {
    const seed = Buffer.alloc(32, 5)
    const chunks = chunksOf(someLengths)
    const encodeFrom = async (first: number, memoryBytes: number): Promise<Buffer[]> => {
      const other = make({ threads: 1, memoryBytes })
      const out: Buffer[] = []
      try {
        const job = { segment, start: START + first, seed }
        for await (const batch of other.encode(chunks.slice(first), job)) {
          out.push(...batch.chunks.map((chunk) => Buffer.from(chunk)))
        }
      } finally {
        await other.close()
      }
      return out
    }
    const whole = await encodeFrom(0, 64 * 1024 * 1024)
    assert.deepEqual(
      whole.map((chunk, i) => decodeChunk(segment, START + i, chunk)),
      chunks
    )
    for (const first of [1, 4, 7]) assert.deepEqual(await encodeFrom(first, 1024 * 1024), whole.slice(first))
    const keys = new Set(whole.map((chunk) => chunk.toString('hex', 40, 72)))
    assert.equal(keys.size, whole.length)
  }
)

test('a seed of another length is refused', () => {
  const { engine } = engines[0]!
  const seed = Buffer.alloc(31)
  assert.throws(() => engine.encode([], { segment, start: START, seed }), { code: 'CODEC_SEED' })
})

onBoth('no key of a seed is used twice: a chunk beyond its last one is refused', async ({ engine }) => {
  const job = { segment, start: 2 ** 33 - 1, seed: Buffer.alloc(32, 5) }
  const counts: number[] = []
  await assert.rejects(
    async () => {
      for await (const { count } of engine.encode(chunksOf([50]), job)) counts.push(count)
      for await (const { count } of engine.encode(chunksOf([50, 50]), job)) counts.push(count)
    },
    { code: 'CODEC_SEED' }
  )
  assert.deepEqual(counts, [1])
})

onBoth('progress counts what has come out', async ({ engine }) => {
  const chunks = chunksOf(someLengths)
  const reports: StreamProgress[] = []
  const onProgress = (progress: StreamProgress) => {
    reports.push(progress)
  }
  for await (const { count } of engine.encode(chunks, { segment, start: START }, { onProgress })) {
    assert.ok(reports.at(-1)!.chunks >= count)
  }
  const plainBytes = someLengths.reduce((sum, length) => sum + length, 0)
  const { chunks: done, plainBytes: plain, encodedBytes, cipherMs, hashMs, headerMs } = reports.at(-1)!
  assert.deepEqual(
    { done, plain, encodedBytes },
    { done: someLengths.length, plain: plainBytes, encodedBytes: plainBytes + HEADER * someLengths.length }
  )
  assert.ok(cipherMs > 0 && hashMs > 0 && headerMs > 0)
})

onBoth('workers hash plain chunks for the original’s tree where they are asked to', async ({ engine }) => {
  const chunks = chunksOf([1, 20_000, 300])
  const source = { segment, start: START }
  const leaves: (Buffer | undefined)[] = []
  for await (const batch of engine.decode(encodeAll(chunks), source, { originals: true })) {
    for (let i = 0; i < batch.count; i++) leaves.push(batch.original(i))
  }
  assert.deepEqual(
    leaves,
    chunks.map((chunk) => Buffer.from(originalLeaf(chunk)))
  )
  for await (const batch of engine.decode(encodeAll(chunks), source)) {
    assert.equal(batch.original(0), undefined)
  }
})

onBoth(
  'decodeChunks decodes away from the main thread and reports the chunk that is refused',
  async ({ engine }) => {
    const chunks = chunksOf([10, 20_000, 30])
    const encoded = encodeAll(chunks).map((bytes, i) => ({ index: START + i, bytes }))
    assert.deepEqual(
      (await engine.decodeChunks(segment, encoded)).map((bytes) => Buffer.from(bytes)),
      chunks
    )
    encoded[1]!.index++
    await assert.rejects(engine.decodeChunks(segment, encoded), { code: 'CODEC_SIGNATURE', index: START + 2 })
  }
)

onBoth(
  'openChunks opens any chunks of a segment, and one that is refused keeps no other',
  async ({ make }) => {
    const small = make({ memoryBytes: 400_000 })
    const chunks = chunksOf([10, 20_000, 300_000, 30, 500])
    const encoded = encodeAll(chunks).map((bytes, i) => ({ index: START + i, bytes: bytes }))
    const order = [4, 2, 0, 3, 1].map((i) => encoded[i]!)
    const opened = await small.openChunks(segment, order)
    assert.deepEqual(
      opened,
      [4, 2, 0, 3, 1].map((i) => chunks[i])
    )
    const wrong = { ...encoded[1]!, index: START + 2 }
    const [before, refused, short, empty, after] = await small.openChunks(segment, [
      encoded[0]!,
      wrong,
      { index: START, bytes: encoded[0]!.bytes.subarray(0, 20) },
      { index: START, bytes: new Uint8Array(0) },
      encoded[4]!
    ])
    assert.deepEqual([before, after], [chunks[0], chunks[4]])
    assert.equal((refused as { code?: string }).code, 'CODEC_SIGNATURE')
    for (const error of [short, empty]) assert.equal((error as { code?: string }).code, 'CODEC_TRUNCATED')
    assert.equal(small.slabsHeld, 0)
  }
)

test('options that make no engine are refused', () => {
  for (const options of [{ threads: 0 }, { threads: 1.5 }, { memoryBytes: 1000 }, { memoryBytes: NaN }]) {
    assert.throws(() => new Engine(options), { code: 'ENGINE_OPTIONS' })
  }
})

onBoth(
  'seal goes through the engine in slabs and, where a chunk is too large for one, in pieces',
  async ({ make }) => {
    const id = Buffer.alloc(32, 5)
    const sealed: SegmentSecret = {
      codec: 'seal',
      id,
      salt: Buffer.alloc(32, 6),
      ...rsaKeyFromSeed(Buffer.alloc(32))
    }
    const small = make({ memoryBytes: 128 * 1024 })
    try {
      const chunks = chunksOf([1, 255, 256, 3000, 100_000, 7])
      const encoded: Buffer[] = []
      const builder = new TreeBuilder()
      for await (const batch of small.encode(chunks, { segment: sealed, start: START })) {
        for (const chunk of batch.chunks) encoded.push(Buffer.from(chunk))
        builder.append(batch.count, batch.levels)
      }
      assert.deepEqual(
        encoded.map((chunk, i) => decodeChunk(sealed, START + i, chunk)),
        chunks
      )
      assert.deepEqual(
        encoded,
        chunks.map((chunk, i) => encodeChunk(sealed, START + i, chunk, Buffer.alloc(32)))
      )
      const plain: Buffer[] = []
      for await (const batch of small.decode(encoded, { segment: sealed, start: START })) {
        plain.push(...batch.chunks.map((chunk) => Buffer.from(chunk)))
      }
      assert.deepEqual(plain, chunks)
      assert.deepEqual(await small.rebuild(encoded, { codec: 'seal' }), builder.root())
      encoded[4]![90_000]! ^= 1
      await assert.rejects(small.verify(encoded, { segment: sealed, start: START }), { index: START + 4 })
      assert.equal(small.slabsHeld, 0)
    } finally {
      await small.close()
    }
  }
)
