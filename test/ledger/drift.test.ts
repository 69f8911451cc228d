import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { driftReputation, newReputation, updateReputation } from '../../src/ledger/rules/reputation.js'
import { TestNetwork, identity } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const DAY_MS = 86_400_000

/** Somebody who has signed badly twice, on a chain whose ticks may be days apart. */
function distrusted(t: TestContext): TestNetwork {
  const network = new TestNetwork({ evidenceWindowMs: 0 }, ['signer'])
  closeAfter(t, () => network.close())
  network.register('signer', 'signer')
  const { state } = network.ledger
  const role = state.roleOf(state.wallet(identity('signer').publicKey)!, 'signer')!
  const p = network.ledger.parameters()
  role.main = [0, 1].reduce((before) => updateReputation(before, 'failure', p), newReputation())
  return network
}

function mainOf({ ledger: { state } }: TestNetwork): { alpha: number; beta: number } {
  return state.roleOf(state.wallet(identity('signer').publicKey)!, 'signer')!.main
}

function days(network: TestNetwork, count: number): void {
  for (let day = 0; day < count; day++) {
    network.at += DAY_MS
    network.ledger.tick()
  }
}

test('trust that was lost comes back with the days, and who lost too much is drawn again', (t) => {
  const network = distrusted(t)
  const before = mainOf(network)
  network.tick()
  assert.deepEqual(mainOf(network), before)
  days(network, 1)
  assert.deepEqual(mainOf(network), driftReputation(before, 1))
  days(network, 29)
  assert.deepEqual(mainOf(network), driftReputation(before, 30))
  const [role] = network.ledger.account(identity('signer').publicKey).roles
  const { noNewCopiesPpm } = network.ledger.parameters()
  assert.ok(Math.floor((before.alpha * 1e6) / (before.alpha + before.beta)) < noNewCopiesPpm)
  assert.ok(role!.reputationPpm > noNewCopiesPpm)
})

test('nothing is forgotten of who has left', (t) => {
  const network = distrusted(t)
  network.send(identity('signer'), { kind: 'retire', body: { role: 'signer' } })
  network.tick()
  assert.equal(network.ledger.account(identity('signer').publicKey).roles[0]!.state, 'retired')
  const before = mainOf(network)
  days(network, 3)
  network.register('signer', 'signer')
  network.tick()
  assert.deepEqual(mainOf(network), before)
  days(network, 1)
  assert.deepEqual(mainOf(network), driftReputation(before, 1))
})
