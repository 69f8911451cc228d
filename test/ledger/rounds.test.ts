import test from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import { ROUNDS_KEPT } from '../../src/ledger/apply/tick.js'
import { smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

function rounds({ ledger }: TestNetwork): { first: number; count: number } {
  const row = ledger.state.db.get('SELECT min(round) AS first, count(*) AS count FROM rounds')!
  return { first: Number(row.first), count: Number(row.count) }
}

test('the state forgets rounds that nothing refers to, keeps the one of an open challenge, and a replay agrees', async (t) => {
  const network = smallNetwork({ settleGraceMs: 10_000_000 })
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 1 })
  const settle = network.settle.bind(network)
  network.settle = () => {}
  for (let n = 0; n < 100 && network.ledger.answered().length === 0; n++) {
    network.tick()
    network.work({ outcome: () => 'success' })
  }
  const [waiting] = network.ledger.answered()
  for (let n = 0; n < ROUNDS_KEPT + 50; n++) network.tick()
  assert.ok(rounds(network).first <= waiting!.round)
  assert.ok(network.ledger.beaconValue(waiting!.round))
  assert.deepEqual(network.ledger.challenge(waiting!.id), waiting)
  network.settle = settle
  network.work({ outcome: () => 'success' })
  assert.equal(network.ledger.challenge(waiting!.id), null)
  for (let n = 0; n < 50; n++) {
    network.tick()
    network.work({ outcome: () => 'success' })
  }
  const { round } = network.ledger.chain()
  assert.deepEqual(rounds(network), { first: round - ROUNDS_KEPT, count: ROUNDS_KEPT + 1 })
  assert.equal(network.ledger.beaconValue(waiting!.round), null)
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.deepEqual(report.stateHash, network.ledger.stateHash())
})
