import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import {
  CHANCE_ONE,
  isOpened,
  openedChunk,
  openingChance,
  openingSeed
} from '../../src/ledger/rules/openings.js'
import { uniform } from '../../src/crypto/hash.js'
import { parameters } from '../../src/protocol/parameters.js'

const p = parameters()
const path = new URL('../../../test/vectors/openings.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  chances: { bytes: number; chunks: number; every: number; chance: number }[]
  draws: {
    chain: string
    challenge: number
    value: string
    chunks: number
    seed: string
    draw: number
    chunk: number
  }[]
}

test('chances and draws are those of the independent implementation', () => {
  for (const { chance, ...copy } of vectors.chances) assert.equal(openingChance(copy, p), chance)
  for (const { chain, challenge, value, chunks, seed, draw, chunk } of vectors.draws) {
    const own = openingSeed(Buffer.from(chain, 'hex'), challenge, Buffer.from(value, 'hex'))
    assert.equal(Buffer.from(own).toString('hex'), seed)
    assert.equal(uniform(own, BigInt(CHANCE_ONE)), BigInt(draw))
    assert.ok(isOpened(own, draw + 1) && !isOpened(own, draw))
    assert.equal(openedChunk(own, chunks), chunk)
  }
})

test('where no time is said within which a copy is opened, the bytes of a week alone say how often', () => {
  const longest = { bytes: 15_790_472, chunks: 1, every: 1 }
  // floor(2^32 * 512 KiB / 168 / (15,790,472 + 2,048)), and 2^32 / 2,160.
  assert.equal(openingChance(longest, { ...p, openingWithinMs: 0 }), 848_729)
  assert.equal(openingChance(longest, p), 1_988_410)
})

const WEEK_MS = 7 * 86_400_000

test('the openings of a copy weigh what the budget says in the mean, or one in 90 days, whatever its chunks are', () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 81, max: 70_000 }), fc.integer({ min: 81, max: 15_790_472 })),
    {
      minLength: 1,
      maxLength: 50
    }
  )
  fc.assert(
    fc.property(sizes, fc.constantFrom(1, 2, 4, 64), (lengths, every) => {
      const bytes = lengths.reduce((sum, length) => sum + length, 0)
      const chance = openingChance({ bytes, chunks: lengths.length, every }, p) / CHANCE_ONE
      const weekly = (chance * WEEK_MS) / (every * p.epochMs)
      const weigh = (weekly * (bytes + 2_048 * lengths.length)) / lengths.length
      assert.ok(chance <= 0.25)
      const rarest = WEEK_MS / p.openingWithinMs
      const most = Math.max(
        p.openingBytesPerWeek,
        (rarest * (bytes + 2_048 * lengths.length)) / lengths.length
      )
      assert.ok(weigh <= most * 1.000001, `${weigh} bytes a week`)
      if (chance < 0.25)
        assert.ok(weekly >= rarest * 0.999 && weigh > 0.99 * Math.min(most, p.openingBytesPerWeek))
    })
  )
})
