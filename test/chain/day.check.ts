import { test } from 'node:test'
import { SHORT } from '../helpers/form.js'
import { liveTwice } from './virtual-days.js'

const DAYS = SHORT ? 1 : 7

for (const ledger of ['here', 'elsewhere'] as const) {
  test(`${DAYS} of a network's days with its ledger ${ledger}: the same twice, byte for byte`, (t) =>
    liveTwice(t, ledger, DAYS * 24))
}
