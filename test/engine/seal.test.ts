import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { segmentId, type SegmentSecret } from '../../src/chunk/codec.js'
import { encodeChunk } from '../../src/chunk/codecs.js'
import { segmentSalt } from '../../src/chunk/codec.js'
import { parseSecretKey } from '../../src/crypto/rsa-key.js'
import { Engine, type Batch } from '../../src/engine/engine.js'
import { generateSealKey, wipeSegmentKey } from '../../src/engine/seal-key.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { bytesFrom } from '../helpers/bytes.js'

const engine = new Engine({ threads: 2 })
after(() => engine.close())

const id = segmentId({
  chain: Buffer.alloc(32, 1),
  key: Buffer.alloc(32, 2),
  fork: 0,
  copy: 0,
  start: 5,
  signer: Buffer.alloc(32, 3),
  draw: 9
})
const salt = segmentSalt(Buffer.alloc(32, 7), id)
/** Small chunks, some of a few blocks, and one that passes through the slabs in pieces. */
const plain = [1, 255, 256, 5000, 3, 64 * 1024, 255, 3_000_000, 17].map((n, i) => bytesFrom(`chunk ${i}`, n))

async function newSegment(): Promise<SegmentSecret> {
  return { codec: 'seal', id, salt, ...(await generateSealKey(engine)) }
}

async function chunksOf(batches: AsyncIterable<Batch>, tree?: TreeBuilder): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const batch of batches) {
    tree?.append(batch.count, batch.levels)
    for (const chunk of batch.chunks) chunks.push(Buffer.from(chunk))
  }
  return chunks
}

test('chunks of all sizes are sealed and opened through the pool as one by one, with the same tree', async () => {
  const segment = await newSegment()
  const tree = new TreeBuilder()
  const encoded = await chunksOf(engine.encode(plain, { segment, start: 5 }), tree)
  const seed = Buffer.alloc(32)
  encoded.forEach((chunk, i) =>
    assert.ok(chunk.equals(encodeChunk(segment, 5 + i, plain[i]!, seed)), `chunk ${i}`)
  )
  const { codec, publicKey } = segment
  const open = { codec, id, salt, publicKey }
  const decoded = await chunksOf(engine.decode(encoded, { segment: open, start: 5 }))
  decoded.forEach((chunk, i) => assert.ok(chunk.equals(plain[i]!), `chunk ${i}`))
  assert.deepEqual(await engine.verify(encoded, { segment: open, start: 5 }), tree.root())
  assert.deepEqual(await engine.rebuild(encoded, { codec: 'seal' }), tree.root())
})

test('a chunk that was not sealed for its place ends the stream after those before it', async () => {
  const segment = await newSegment()
  const few = plain.slice(0, 5)
  const encoded = await chunksOf(engine.encode(few, { segment, start: 0 }))
  encoded[3]!.set(segment.publicKey, encoded[3]!.byteLength - 256)
  const good: Buffer[] = []
  await assert.rejects(
    async () => {
      for await (const batch of engine.decode(encoded, { segment, start: 0 })) {
        for (const chunk of batch.chunks) good.push(Buffer.from(chunk))
      }
    },
    { code: 'CODEC_TAG', index: 3 }
  )
  assert.deepEqual(good, few.slice(0, 3))
})

test('a generated key is fresh, well-formed and gone once wiped', async () => {
  const [one, two] = await Promise.all([newSegment(), newSegment()])
  assert.notDeepEqual(one.publicKey, two.publicKey)
  assert.deepEqual(parseSecretKey(one.secretKey).modulus, one.publicKey)
  const three = await generateSealKey(engine, { primes: 3 })
  assert.equal(three.secretKey[1], 3)
  wipeSegmentKey(one)
  assert.ok(one.secretKey.every((byte) => byte === 0))
  await assert.rejects(chunksOf(engine.encode([Buffer.from('x')], { segment: one, start: 0 })), {
    code: 'CODEC_KEY'
  })
})

test('a key is made from the randomness given, whose bytes are overwritten', async () => {
  const given: Buffer[] = []
  const random = (length: number) => {
    const bytes = Buffer.alloc(length, 5)
    given.push(bytes)
    return bytes
  }
  const [one, two] = [await generateSealKey(engine, { random }), await generateSealKey(engine, { random })]
  assert.deepEqual(one, two)
  assert.deepEqual(given, [Buffer.alloc(32), Buffer.alloc(32)])
  await assert.rejects(generateSealKey(engine, { primes: 2 as 3 }), { code: 'SEAL_PRIMES' })
})

test('an abandoned key generation rejects at once', async () => {
  const stop = new AbortController()
  const key = generateSealKey(engine, { signal: stop.signal })
  stop.abort(new Error('not needed'))
  await assert.rejects(key, /not needed/)
})
