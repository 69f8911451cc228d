import assert from 'node:assert/strict'
import test from 'node:test'
import { auditFile } from '../../src/audit/file.js'
import { smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const YEAR_MS = 31_536_000_000

/** Some seconds in which everybody does what is asked, while the machine's date is wrong for a while. */
function live(network: TestNetwork, ahead: number): void {
  network.sponsor('film')
  for (let n = 0; n < 60; n++) {
    network.wallAhead = n >= 20 && n < 40 ? ahead : 0
    network.tick()
    network.work({ outcome: () => 'success' })
  }
}

for (const [where, ahead] of [
  ['forward', YEAR_MS],
  ['back', -YEAR_MS]
] as const) {
  test(`a wall clock that jumps a year ${where} and back again changes nothing but dates, by a twentieth`, async (t) => {
    const network = smallNetwork()
    const right = smallNetwork()
    closeAfter(t, () => {
      network.close()
      right.close()
    })
    live(network, ahead)
    live(right, 0)
    const { ledger } = network
    const { at, clock, round } = ledger.chain()
    assert.deepEqual([clock, round], [right.ledger.chain().clock, right.ledger.chain().round])
    assert.deepEqual(ledger.summary(), right.ledger.summary())
    assert.ok(ledger.summary().storage.success > 5)
    assert.ok(Math.abs(at - network.at) <= (40 * 100) / 20)
    let last = 0
    for (let seq = 0; seq < ledger.length(); seq++) {
      const entry = ledger.entry(seq)!
      assert.ok(entry.at >= last, 'no date falls')
      last = entry.at
    }
    assert.equal(ledger.compact(Infinity).entries, right.ledger.compact(Infinity).entries)
    assert.equal((await auditFile(network.path)).failure, null)
  })
}
