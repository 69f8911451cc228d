import { test } from 'node:test'
import { liveTwice } from './virtual-days.js'

// npm run check:day lives through whole days.
for (const ledger of ['here', 'elsewhere'] as const) {
  test(`three hours of a network with its ledger ${ledger} come out the same twice, byte for byte`, (t) =>
    liveTwice(t, ledger, 3))
}
