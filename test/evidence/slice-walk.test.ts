import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyed, hash as blake3 } from 'blake3'
import fc from 'fast-check'
import { codecOf } from '../../src/chunk/codecs.js'
import { HEADER_BYTES, MAX_HEADER_BYTES, bodyBytesOf } from '../../src/chunk/header.js'
import { hash, uniform } from '../../src/crypto/hash.js'
import { pureHashes } from '../../src/crypto/pure-hashes.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import {
  openStep,
  sliceState,
  sliceWalkSeed,
  sliceWalkShape,
  walkSlices,
  type SliceChallenge,
  type SliceSource
} from '../../src/evidence/slice-walk.js'
import { challengeOf, makeSliceCopy } from './slice-copy.js'

function keyed(key: Uint8Array, ...parts: Uint8Array[]): Buffer {
  return Buffer.from(createKeyed(Buffer.from(key)).update(Buffer.concat(parts)).digest())
}

function prefix(index: number, slice: number): Buffer {
  const out = Buffer.alloc(12)
  out.writeBigUInt64LE(BigInt(index))
  out.writeUInt32LE(slice, 8)
  return out
}

test('a walk visits the slice under the drawn byte and hashes it into its state', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [100, 5000, 0, 1024, 40_000] },
    { codec: 'seal', plain: [3000, 20, 90_000] }
  ])
  const challenge = challengeOf(copy, 60)
  const steps = await walkSlices(copy.source, challenge, sliceTools)
  const total = copy.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  let state: Uint8Array = challenge.seed
  for (const step of steps) {
    // The same walk by the words of the page: count bytes until the drawn one is reached.
    let rest = Number(uniform(state, BigInt(total)))
    const index = copy.chunks.findIndex((chunk) => (rest -= chunk.byteLength) < 0)
    const chunk = copy.chunks[index]!
    const headerBytes = index < 5 ? 136 : 80
    const inBody = rest + chunk.byteLength - headerBytes
    const slice = inBody < 0 ? 0 : Math.floor(inBody / 1024)
    const body = chunk.subarray(headerBytes)
    const bytes = body.subarray(slice * 1024, slice * 1024 + 1024)
    state = keyed(state, prefix(index, slice), chunk.subarray(0, headerBytes), bytes)
    assert.equal(step.ordinal, index < 5 ? 0 : 1)
    assert.equal(step.place.index, index)
    assert.equal(step.index, slice)
    assert.deepEqual(Buffer.from(step.state), state)
  }
  assert.equal(steps.length, 60)
  assert.ok(steps.some(({ index }) => index > 30))
})

test('a byte in a header leads to slice 0', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: Array.from({ length: 200 }, () => 0) }])
  const steps = await walkSlices(copy.source, challengeOf(copy, 40), sliceTools)
  assert.equal(steps.length, 40)
  assert.ok(steps.every(({ index, slice }) => index === 0 && slice.byteLength === 0))
})

test('steps are drawn by bytes', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [500_000, ...Array.from({ length: 200 }, () => 100)] }
  ])
  const steps = await walkSlices(copy.source, challengeOf(copy, 200), sliceTools)
  const large = steps.filter(({ place }) => place.index === 0).length
  assert.ok(large > 160 && large < 200, `the chunk with 91 % of the bytes was visited ${large} times of 200`)
  assert.ok(new Set(steps.map(({ index }) => index)).size > 100)
})

test('a copy that cannot have more than k slices is walked whole: each slice once, in order', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [0, 3000, 0] },
    { codec: 'seal', plain: [1, 0] }
  ])
  // 3 chunks and 2999 more bytes: at most 5 slices; 2 chunks and 255 more bytes: at most 2.
  for (const k of [7, 8, 512]) {
    assert.deepEqual(sliceWalkShape(challengeOf(copy, k)).steps, 7)
    const steps = await walkSlices(copy.source, challengeOf(copy, k), sliceTools)
    assert.deepEqual(
      steps.map(({ place, index }) => [place.index, index]),
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [1, 2],
        [2, 0],
        [3, 0],
        [4, 0]
      ]
    )
  }
  assert.equal(sliceWalkShape(challengeOf(copy, 6)).whole, false)
  assert.equal((await walkSlices(copy.source, challengeOf(copy, 6), sliceTools)).length, 6)
})

test('a walk is whole only if the copy has at most k slices, and always if its one chunk has', async () => {
  const segment = { id: Buffer.alloc(32), root: Buffer.alloc(32), start: 0 }
  const lengths = fc.array(fc.nat(5_000), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 120 }), (plain, steps) => {
      const bytes = plain.reduce((sum, length) => sum + 136 + length, 0)
      const segments = [{ ...segment, codec: 'wrap' as const, chunks: plain.length, bytes }]
      const slices = plain.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / 1024)), 0)
      const shape = sliceWalkShape({ seed: Buffer.alloc(32), steps, segments })
      if (shape.whole) assert.ok(slices <= steps && slices <= shape.steps)
      if (plain.length === 1) assert.equal(shape.whole, slices <= steps)
      if (slices + plain.length <= steps) assert.ok(shape.whole)
    })
  )
})

test('a copy of one chunk is walked whole as long as its last slice is among the first k', () => {
  const segment = {
    codec: 'seal' as const,
    id: Buffer.alloc(32),
    root: Buffer.alloc(32),
    start: 0,
    chunks: 1
  }
  for (const [body, k, whole] of [
    [0, 1, true],
    [1_024, 1, true],
    [1_025, 1, false],
    [2_048, 2, true],
    [2_049, 2, false],
    [512 * 1_024, 512, true],
    [512 * 1_024 + 1, 512, false]
  ] as const) {
    const segments = [{ ...segment, bytes: 80 + body }]
    assert.equal(sliceWalkShape({ seed: Buffer.alloc(32), steps: k, segments }).whole, whole, `${body} bytes`)
  }
})

test('a state binds all 64 bits of the index and all 32 of the slice', () => {
  const [state, header, slice] = [Buffer.alloc(32, 1), Buffer.alloc(80, 2), Buffer.alloc(300, 3)]
  for (const [index, number] of [
    [5, 6],
    [2 ** 32, 0],
    [2 ** 39 + 2 ** 33 + 7, 15_420],
    [2 ** 40 - 1, 2 ** 32 - 1]
  ] as const) {
    for (const hashes of [sliceTools, pureHashes]) {
      const next = sliceState(state, index, number, header, slice, hashes)
      assert.deepEqual(Buffer.from(next), keyed(state, prefix(index, number), header, slice))
    }
  }
})

test('hashes in TypeScript walk the same walk', async () => {
  const copy = await makeSliceCopy([{ codec: 'seal', plain: [3000, 20, 9_000, 0, 40_000] }])
  for (const k of [20, 200]) {
    const [native, pure] = [sliceTools, pureHashes].map((hashes) =>
      walkSlices(copy.source, challengeOf(copy, k), hashes)
    )
    const states = async (steps: typeof native) => (await steps!).map(({ state }) => Buffer.from(state))
    assert.deepEqual(await states(native), await states(pure))
  }
})

test('the seed binds chain, copy, challenge, round, beacon and every segment', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [10, 20] },
    { codec: 'seal', plain: [30] }
  ])
  const parts = { chain: Buffer.alloc(32, 1), copy: 7, challenge: 42, round: 9, beacon: Buffer.alloc(32, 3) }
  const [first, second] = copy.segments
  const variants = [
    sliceWalkSeed(parts, copy.segments, sliceTools),
    ...Object.keys(parts).map((name) =>
      sliceWalkSeed(
        { ...parts, [name]: name === 'chain' || name === 'beacon' ? Buffer.alloc(32) : 1 },
        copy.segments,
        sliceTools
      )
    ),
    sliceWalkSeed(parts, [first!], sliceTools),
    sliceWalkSeed(parts, [first!, { ...second!, bytes: 1 }], sliceTools),
    sliceWalkSeed(parts, [first!, { ...second!, root: Buffer.alloc(32) }], sliceTools),
    sliceWalkSeed(parts, [first!, { ...second!, id: Buffer.alloc(32) }], sliceTools)
  ]
  assert.equal(new Set(variants.map((seed) => Buffer.from(seed).toString('hex'))).size, variants.length)
  assert.deepEqual(Buffer.from(sliceWalkSeed(parts, copy.segments, pureHashes)), variants[0])
})

test('which step is opened follows from the last state and a later beacon', () => {
  const state = Buffer.alloc(32, 1)
  const steps = new Set<number>()
  for (let i = 0; i < 200; i++) {
    const beacon = Buffer.from(blake3(Buffer.of(i)))
    const step = openStep(state, beacon, 9, sliceTools)
    assert.equal(step, Number(uniform(hash('datdot/open/1', state, beacon), 9n)))
    steps.add(step)
  }
  assert.deepEqual([...steps].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('a challenge that cannot be walked is refused', async () => {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [10, 20] },
    { codec: 'wrap', plain: [30] }
  ])
  const good = challengeOf(copy, 2)
  const [first, second] = copy.segments
  const bad: Partial<SliceChallenge>[] = [
    { seed: Buffer.alloc(31) },
    { steps: 0 },
    { steps: 1.5 },
    { steps: 513 },
    { steps: NaN },
    { segments: [] },
    { segments: [second!, first!] },
    { segments: [first!, first!] },
    { segments: [{ ...first!, bytes: 271 }] },
    { segments: [{ ...first!, bytes: NaN }] },
    { segments: [{ ...first!, chunks: 0 }] },
    { segments: [{ ...first!, chunks: -1 }] },
    { segments: [{ ...first!, start: -1 }] },
    { segments: [{ ...first!, bytes: 2 ** 48 + 1 }] },
    { segments: [{ ...first!, bytes: 2 ** 48 }, second!] },
    { segments: [{ ...first!, start: 2 ** 40 - 1 }] },
    { segments: [{ ...first!, start: 2 ** 53 }] },
    { segments: [{ ...first!, root: Buffer.alloc(3) }] },
    { segments: [{ ...first!, id: Buffer.alloc(33) }] },
    { segments: Array.from({ length: 4_097 }, (_, i) => ({ ...first!, start: 2 * i })) }
  ]
  for (const change of bad) {
    assert.throws(
      () => sliceWalkShape({ ...good, ...change }),
      { code: 'WALK_CHALLENGE' },
      JSON.stringify(change)
    )
  }
  sliceWalkShape({ ...good, segments: [{ ...first!, bytes: 2 ** 48, start: 2 ** 40 - 2 }] })
})

test('a source whose places or lengths are not those of the copy is not walked', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [3000, 2000] }])
  const { source } = copy
  const bad: Partial<SliceSource>[] = [
    { find: async (ordinal, offset) => ({ ...(await source.find(ordinal, offset)), offset: offset + 1 }) },
    { find: async (ordinal, offset) => ({ ...(await source.find(ordinal, offset)), offset: 0, bytes: 1 }) },
    { read: async (...at) => ({ ...(await source.read(...at)), slice: Buffer.alloc(1_023) }) },
    { read: async (...at) => ({ ...(await source.read(...at)), header: Buffer.alloc(80) }) },
    { read: async (...at) => ({ ...(await source.read(...at)), siblings: Buffer.alloc(32) }) }
  ]
  for (const k of [3, 9]) {
    for (const change of bad) {
      const walk = walkSlices({ ...source, ...change }, challengeOf(copy, k), sliceTools)
      await assert.rejects(walk, ({ code }: { code: string }) => /^SLICE_(READ|BODY)$/.test(code))
    }
  }
})

test('a walk stops when it is told to', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [10, 20, 30] }])
  const abort = new AbortController()
  const source: SliceSource = {
    ...copy.source,
    read: (...at) => {
      abort.abort()
      return copy.source.read(...at)
    }
  }
  await assert.rejects(walkSlices(source, challengeOf(copy, 3), sliceTools, abort.signal), {
    name: 'AbortError'
  })
})

test('header lengths are those of the codecs, and what a header says of its body is what they make', () => {
  for (const codec of ['wrap', 'seal'] as const) {
    const described = codecOf(codec)
    const { headerBytes, id } = described
    assert.equal(HEADER_BYTES[codec], headerBytes)
    assert.ok(headerBytes <= MAX_HEADER_BYTES)
    for (const plain of [1, 255, 256, 65_536, 15 << 20]) {
      const header = Buffer.alloc(headerBytes)
      header[0] = id
      header.writeUInt32LE(plain, 4)
      assert.equal(bodyBytesOf(codec, header, 0), described.encodedBytes(plain) - headerBytes)
      header.writeUInt32LE((15 << 20) + plain, 4)
      assert.throws(() => bodyBytesOf(codec, header, 0), { code: 'CODEC_LENGTH' })
      header[0] = 3
      assert.throws(() => bodyBytesOf(codec, header, 0), { code: 'CODEC_NAME' })
      assert.throws(() => bodyBytesOf(codec, header.subarray(1), 0), { code: 'CODEC_TRUNCATED' })
    }
  }
})

test('a source that reads what is not the copy is found out by its walker', async () => {
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [100, 5000, 0, 1024, 40_000] }])
  const challenge = challengeOf(copy, 10)
  const { source } = copy
  const wrong: Partial<SliceSource>[] = [
    { find: async (ordinal, offset) => ({ ...(await source.find(ordinal, offset)), offset: offset + 1 }) },
    {
      read: async (...place) => {
        const read = await source.read(...place)
        return { ...read, slice: Buffer.concat([read.slice, Buffer.alloc(1)]) }
      }
    },
    { read: async (...place) => ({ ...(await source.read(...place)), siblings: Buffer.alloc(31) }) }
  ]
  for (const change of wrong) {
    const walking = walkSlices({ ...source, ...change }, challenge, sliceTools)
    await assert.rejects(walking, { name: 'ProofError', code: 'SLICE_READ' })
  }
})
