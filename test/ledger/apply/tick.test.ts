import test from 'node:test'
import type { Body } from '../../../src/protocol/operations.js'
import { TestNetwork } from '../network.js'
import { accepted, refused } from './refused.js'

/** A network at some round, and a tick of its chain that would be the next one. */
function next(t: { after(close: () => void): void }): { network: TestNetwork; body: Body<'tick'> } {
  const network = new TestNetwork()
  t.after(() => network.close())
  network.tick(3)
  const { round } = network.ledger.chain()
  const value = network.beacon.value(round + 1)
  return { network, body: { at: network.at + 100, round: round + 1, value, nextOnion: null, work: 100 } }
}

test('time does not go back', (t) => {
  const { network, body } = next(t)
  const { at } = network.ledger.chain()
  refused(network, network.chain, { kind: 'tick', body: { ...body, at: at - 1 } }, 'TIME_BACKWARDS')
  accepted(network, network.chain, { kind: 'tick', body: { ...body, at } })
})

test('a tick that may do nothing is refused', (t) => {
  const { network, body } = next(t)
  refused(network, network.chain, { kind: 'tick', body: { ...body, work: 0 } }, 'WORK_ZERO')
  accepted(network, network.chain, { kind: 'tick', body: { ...body, work: 1 } })
})

test('a tick shows the value of the next round, or none within the same one', (t) => {
  const { network, body } = next(t)
  const { round } = body
  for (const other of [round - 1, round + 1, 0]) {
    refused(network, network.chain, { kind: 'tick', body: { ...body, round: other } }, 'BEACON_ROUND')
  }
  refused(network, network.chain, { kind: 'tick', body: { ...body, value: null } }, 'BEACON_ROUND')
  accepted(network, network.chain, { kind: 'tick', body: { ...body, round: round - 1, value: null } })
  accepted(network, network.chain, { kind: 'tick', body })
})

test('the next onion is committed to once', (t) => {
  const { network, body } = next(t)
  const nextOnion = network.beacon.commitment(1)
  accepted(network, network.chain, { kind: 'tick', body: { ...body, nextOnion } })
  const again = { ...body, round: body.round + 1, value: network.beacon.value(body.round + 1) }
  refused(network, network.chain, { kind: 'tick', body: { ...again, nextOnion } }, 'ONION_KNOWN')
  accepted(network, network.chain, { kind: 'tick', body: again })
})
