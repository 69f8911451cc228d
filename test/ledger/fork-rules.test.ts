import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { Comparisons } from '../browser/room.js'
import { forks } from '../browser/vectors.js'
import { forkWaitMs } from '../../src/ledger/rules/forks.js'
import { parameters } from '../../src/protocol/parameters.js'

test('forks are shown, measured, priced and put off as docs/protocol.md says', () => {
  // Made by test/vectors/rules-forks.py, from the documents alone.
  const path = new URL('../../../test/vectors/rules-forks.json', import.meta.url)
  forks(new Comparisons(), JSON.parse(readFileSync(path, 'utf8')) as Parameters<typeof forks>[1])
})

test('a fork that encodes something waits for ever where no share of what is due is for growth', () => {
  const fork = { anew: [1_000], copies: [2 ** 20], ageMs: 2 ** 50, every: 1, fee: 0n }
  assert.equal(forkWaitMs(fork, parameters({ growthSharePpm: 0 })), Infinity)
  assert.equal(forkWaitMs({ ...fork, anew: [], copies: [] }, parameters({ growthSharePpm: 0 })), 0)
})
