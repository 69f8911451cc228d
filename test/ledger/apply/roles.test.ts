import test from 'node:test'
import { DEPOSIT, MIB, TestNetwork, identity, smallNetwork } from '../network.js'
import type { Statement } from '../../../src/protocol/operations.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

function register(role: 'signer' | 'pinner' | 'verifier', deposit: bigint, capacityBytes = MIB): Statement {
  return { kind: 'register', body: { role, capacityBytes, deposit, payout: null } }
}

const least = { signer: 500_000n, pinner: 1_000_000n, verifier: 500_000n } as const

for (const role of ['signer', 'pinner', 'verifier'] as const) {
  test(`a ${role} deposits at least what the rules ask for, and what it has`, (t) => {
    const network = new TestNetwork({}, ['one'])
    closeAfter(t, () => network.close())
    const one = identity('one')
    refused(network, one, register(role, least[role] - 1n), 'DEPOSIT_TOO_LOW')
    refused(network, one, register(role, 1_000_000_001n), 'BALANCE_TOO_LOW')
    accepted(network, one, register(role, least[role]))
  })

  test(`a ${role} leaves once, and only a ${role} does`, (t) => {
    const network = new TestNetwork({}, ['one'])
    closeAfter(t, () => network.close())
    const one = identity('one')
    refused(network, one, { kind: 'retire', body: { role } }, 'ROLE_UNKNOWN')
    accepted(network, one, register(role, DEPOSIT))
    accepted(network, one, { kind: 'retire', body: { role } })
    refused(network, one, { kind: 'retire', body: { role } }, 'ROLE_RETIRING')
    refused(network, one, register(role, DEPOSIT), 'ROLE_RETIRING')
  })
}

test('a pinner does not offer less than its segments take', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film', { copies: 1 })
  for (let n = 0; n < 20; n++) {
    network.tick()
    network.work()
  }
  const [pinner] = [...network.identities.values()].filter(({ publicKey }) =>
    network.ledger.account(publicKey).roles.some(({ role, usedBytes }) => role === 'pinner' && usedBytes > 0)
  )
  const { usedBytes } = network.ledger.account(pinner!.publicKey).roles[0]!
  refused(network, pinner!, register('pinner', 0n, usedBytes - 1), 'CAPACITY_IN_USE')
  accepted(network, pinner!, register('pinner', 0n, usedBytes))
})
