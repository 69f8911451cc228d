import assert from 'node:assert/strict'
import test from 'node:test'
import { CHANCE_ONE, openingChance } from '../../src/ledger/rules/openings.js'
import { DEFAULT_STEPS, defaultParameters as p } from '../../src/protocol/parameters.js'
import { answer, challengeOf, uniformCopy, type SliceCopy } from './slice-copy.js'

const SLOTS_A_WEEK = 604_800_000 / p.epochMs
/** Bytes of an opening beside its chunk. */
const OPENING_BYTES = 2_048

/** Mean bytes of the public evidence of a copy in a week: its walks, and the openings that follow them by chance. */
async function weekly(copy: SliceCopy, walks: number): Promise<number> {
  let walked = 0
  for (let seed = 0; seed < walks; seed++) {
    walked += (await answer(copy, challengeOf(copy, DEFAULT_STEPS, seed))).evidence.byteLength
  }
  const { bytes, chunks } = copy.segments[0]!
  const opened = openingChance({ bytes, chunks, every: 1 }, p) / CHANCE_ONE
  return SLOTS_A_WEEK * (walked / walks + opened * (bytes / chunks + OPENING_BYTES))
}

for (const { name, plain, levels, walks = 12, most = 4_000_000 } of [
  { name: '10 MB in chunks of 64 KiB', plain: 65_536, levels: 7 },
  { name: '1 GB in chunks of 64 KiB', plain: 65_536, levels: 14 },
  { name: '1 TB in chunks of 64 KiB', plain: 65_536, levels: 24 },
  { name: '1 TB in blocks of 1 KiB', plain: 1_024, levels: 30 },
  { name: '1 TB in blocks of 4 MiB', plain: 4 << 20, levels: 18, walks: 1 },
  // One of the longest is opened in 90 days whatever it weighs.
  { name: '1 TB in blocks of 15 MiB', plain: 15 << 20, levels: 16, walks: 1, most: 4_500_000 }
]) {
  test(`the evidence of a copy of ${name} takes at most ${most} bytes a week, openings included`, async (t) => {
    for (const codec of ['wrap', 'seal'] as const) {
      const bytes = await weekly(uniformCopy(codec, plain, levels), walks)
      t.diagnostic(`${codec}: ${Math.round(bytes)} bytes`)
      assert.ok(bytes <= most)
    }
  })
}
