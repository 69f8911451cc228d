import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz } from './fuzz.js'
import { targets } from './targets.js'

/** What `npm run fuzz` does with more. The same each time: what it finds elsewhere becomes part of the corpus. */
const INPUTS = 2_000

for (const target of await targets()) {
  test(`${target.name}: whatever comes is taken, or refused with a code`, () => {
    assert.equal(fuzz(target, { inputs: INPUTS, seed: 1 }), null)
  })
}

test('what throws an error without a code is found, with its input', () => {
  const read = (bytes: Uint8Array): void => {
    if (bytes[0] === 7) throw new RangeError('made by the test')
  }
  const found = fuzz({ name: 'made', make: () => Buffer.of(7), read }, { inputs: 100, seed: 1 })
  assert.equal(found?.input.slice(0, 2), '07')
  assert.match(found.why, /RangeError/)
})

test('what takes longer than a second is found', () => {
  let time = 0
  const read = (): void => void (time += 1_001)
  const found = fuzz(
    { name: 'made', make: () => Buffer.of(7), read },
    { inputs: 1, seed: 1, now: () => time }
  )
  assert.match(found?.why ?? '', /1001 ms/)
})
