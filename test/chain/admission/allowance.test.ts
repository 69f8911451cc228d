import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Allowances } from '../../../src/chain/admission/allowance.js'

const rates = {
  perSecond: { operations: 10, bytes: 1_000, units: 100 },
  burst: { operations: 20, bytes: 5_000, units: 50 }
}

for (const [what, amounts] of [
  ['operations', { operations: 20, bytes: 0, units: 0 }],
  ['bytes', { operations: 1, bytes: 5_000, units: 0 }],
  ['cost units', { operations: 1, bytes: 0, units: 50 }]
] as const) {
  test(`who has spent all of its ${what} waits, and nobody else does`, () => {
    const clock = { at: 0, now: () => clock.at }
    const allowances = new Allowances(clock)
    allowances.charge('a', rates, amounts)
    assert.equal(allowances.isOpen('a', rates), false)
    assert.equal(allowances.isOpen('b', rates), true)
    clock.at += 100
    assert.equal(allowances.isOpen('a', rates), true)
  })
}

test('what was overspent comes back first', () => {
  const clock = { at: 0, now: () => clock.at }
  const allowances = new Allowances(clock)
  allowances.charge('a', rates, { operations: 40, bytes: 0, units: 0 })
  clock.at += 1_999
  assert.equal(allowances.isOpen('a', rates), false)
  clock.at += 2
  assert.equal(allowances.isOpen('a', rates), true)
})
