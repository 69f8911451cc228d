import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import {
  afterDelivery,
  afterFailure,
  failedFee,
  NONE_FAILED,
  unservedRounds
} from '../../src/ledger/rules/deliveries.js'
import { parameters } from '../../src/protocol/parameters.js'

/** Expected values made by test/vectors/rules-deliveries.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-deliveries.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  parameters: { failedFee: number; failedMs: number; tickMs: number; epochMs: number }
  stories: Record<string, { what: 'end' | 'delivery'; clock: number; fee?: string }[]>
  rests: { times: number; rounds: number }[]
}
const p = parameters({ ...vectors.parameters, failedFee: BigInt(vectors.parameters.failedFee) })

for (const [name, steps] of Object.entries(vectors.stories)) {
  test(`what an end without evidence costs: ${name}`, () => {
    let failed = NONE_FAILED
    for (const { what, clock, fee } of steps) {
      if (what === 'delivery') failed = afterDelivery(failed)
      else {
        assert.equal(failedFee(failed, clock, p), BigInt(fee!), `at ${clock}`)
        failed = afterFailure(failed, clock, p)
      }
    }
  })
}

test('a hypercore that nobody serves is tried again later and later, and at least once a day', () => {
  for (const { times, rounds } of vectors.rests) assert.equal(unservedRounds(times, p), rounds, `${times}`)
})
