import { readFileSync } from 'node:fs'
import test from 'node:test'
import { Comparisons } from '../browser/room.js'
import { forks } from '../browser/vectors.js'

test('forks are shown, measured, priced and put off as docs/protocol.md says', () => {
  // Made by test/vectors/rules-forks.py, from the documents alone.
  const path = new URL('../../../test/vectors/rules-forks.json', import.meta.url)
  forks(new Comparisons(), JSON.parse(readFileSync(path, 'utf8')) as Parameters<typeof forks>[1])
})
