import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  originalStep,
  walk,
  walkSeed,
  walkShape,
  walkState,
  type WalkChallenge
} from '../../src/evidence/walk.js'
import { hash, keyedBlake3, uniform } from '../../src/crypto/hash.js'
import { challengeOf, makeCopy } from './copy.js'
import { toHex } from '../../src/bytes.js'

test('a walk visits the chunk under the drawn byte and hashes it into its state', async () => {
  const copy = await makeCopy([
    [100, 5000, 1, 40, 900],
    [3000, 20, 20]
  ])
  const challenge = challengeOf(copy, 6)
  const steps = await walk(copy.reader, challenge)
  let state: Buffer = Buffer.from(challenge.seed)
  const total = copy.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  for (const step of steps) {
    // The same walk by the words of the protocol: count bytes until the drawn one is reached.
    let rest = Number(uniform(state, BigInt(total)))
    const index = copy.chunks.findIndex((chunk) => (rest -= chunk.byteLength) < 0)
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(index))
    state = keyedBlake3(state, Buffer.concat([prefix, copy.chunks[index]!]))
    assert.deepEqual(step, { ordinal: index < 5 ? 0 : 1, index, state })
  }
  assert.equal(steps.length, 6)
})

test('a copy of at most k chunks is walked whole and in order', async () => {
  const copy = await makeCopy([[10, 20], [30]])
  for (const k of [3, 4, 100]) {
    const steps = await walk(copy.reader, challengeOf(copy, k))
    assert.deepEqual(
      steps.map(({ ordinal, index }) => [ordinal, index]),
      [
        [0, 0],
        [0, 1],
        [1, 2]
      ]
    )
  }
  assert.equal((await walk(copy.reader, challengeOf(copy, 2))).length, 2)
})

test('steps are drawn by bytes, so large chunks are visited more often', async () => {
  const copy = await makeCopy([[50_000, ...Array.from({ length: 20 }, () => 100)]])
  const steps = await walk(copy.reader, challengeOf(copy, 20))
  const large = steps.filter(({ index }) => index === 0).length
  assert.ok(large >= 14, `the chunk with 92 % of the bytes was visited ${large} times of 20`)
})

test('the walk of docs/formats.md has these vectors', () => {
  const segment = {
    codec: 'wrap' as const,
    id: Buffer.alloc(32, 4),
    publicKey: Buffer.alloc(32),
    salt: Buffer.alloc(32),
    start: 0,
    chunks: 10,
    bytes: 1_000_000,
    root: Buffer.alloc(32, 5),
    treeHash: Buffer.alloc(32)
  }
  const parts = { chain: Buffer.alloc(32, 1), copy: 7, challenge: 42, round: 9, beacon: Buffer.alloc(32, 3) }
  const seed = walkSeed(parts, [segment])
  const state = walkState(seed, 5, Buffer.from('a chunk'))
  assert.equal(toHex(seed), 'fd8b53bcef7bc7b60f657a04d552990c509b8a89627e97e7a0a48301803cb641')
  assert.equal(uniform(seed, 1_000_000n), 468_318n)
  assert.equal(toHex(state), '934721279acccb608fbc76c68958796c034121743f79d5e424facce816b2b45d')
  assert.equal(originalStep(state, 44), 29)
  assert.equal(originalStep(state, 44), Number(uniform(hash('original', state), 44n)))
})

test('a challenge that cannot be walked is refused', async () => {
  const copy = await makeCopy([[10, 20], [30]])
  const good = challengeOf(copy, 2)
  const bad: Partial<WalkChallenge>[] = [
    { seed: Buffer.alloc(31) },
    { steps: 0 },
    { steps: 1.5 },
    { steps: 513 },
    { segments: [] },
    { segments: [...copy.segments].reverse() },
    { segments: [copy.segments[0]!, copy.segments[0]!] },
    { segments: [{ ...copy.segments[0]!, bytes: 1 }] },
    { segments: [{ ...copy.segments[0]!, chunks: 0 }] },
    { segments: [{ ...copy.segments[0]!, bytes: 2 ** 53 }] },
    { segments: [{ ...copy.segments[0]!, root: Buffer.alloc(3) }] }
  ]
  for (const change of bad) {
    assert.throws(() => walkShape({ ...good, ...change }), { code: 'WALK_CHALLENGE' }, JSON.stringify(change))
  }
})

test('a walk stops when it is told to', async () => {
  const copy = await makeCopy([[10, 20, 30]])
  const abort = new AbortController()
  const reader = {
    ...copy.reader,
    chunk: (_: number, index: number) => {
      abort.abort()
      return copy.chunks[index]!
    }
  }
  await assert.rejects(walk(reader, challengeOf(copy, 3), abort.signal), { name: 'AbortError' })
})
