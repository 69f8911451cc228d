import test from 'node:test'
import { TestNetwork, identity, original } from '../network.js'
import { accepted, lapsed, refused } from './refused.js'

const RICH = 1_000_000_000n
const to = identity('somebody').publicKey

test('a transfer moves all that its sender has, and not a grain more', (t) => {
  const network = new TestNetwork({}, ['rich'])
  t.after(() => network.close())
  const rich = identity('rich')
  refused(network, rich, { kind: 'transfer', body: { to, amount: RICH + 1n } }, 'BALANCE_TOO_LOW')
  accepted(network, rich, { kind: 'transfer', body: { to, amount: RICH } })
  refused(network, rich, { kind: 'transfer', body: { to, amount: 1n } }, 'BALANCE_TOO_LOW')
})

test('a transfer of nothing, or to its own sender, is refused', (t) => {
  const network = new TestNetwork({}, ['rich'])
  t.after(() => network.close())
  const rich = identity('rich')
  refused(network, rich, { kind: 'transfer', body: { to, amount: 0n } }, 'AMOUNT_ZERO')
  refused(network, rich, { kind: 'transfer', body: { to: rich.publicKey, amount: 1n } }, 'TRANSFER_TO_SELF')
  accepted(network, rich, { kind: 'transfer', body: { to, amount: 1n } })
})

test('who has no account sends nothing until somebody transfers to it', (t) => {
  const network = new TestNetwork({}, ['rich'])
  t.after(() => network.close())
  const somebody = identity('somebody')
  const back = { kind: 'transfer', body: { to: identity('rich').publicKey, amount: 1n } } as const
  refused(network, somebody, back, 'ACCOUNT_UNKNOWN')
  accepted(network, identity('rich'), { kind: 'transfer', body: { to, amount: 1n } })
  accepted(network, somebody, back)
})

test('a donation goes to a registered hypercore, and is at least one grain', (t) => {
  const network = new TestNetwork()
  t.after(() => network.close())
  const { key } = original('film', 100, 100_000)
  const { supporter } = network
  refused(network, supporter, { kind: 'donate', body: { key, amount: 1n } }, 'HYPERCORE_UNKNOWN')
  network.sponsor('film')
  refused(network, supporter, { kind: 'donate', body: { key, amount: 0n } }, 'AMOUNT_ZERO')
  accepted(network, supporter, { kind: 'donate', body: { key, amount: 1n } })
})

test('a hypercore that has lapsed takes no donation, but can be sponsored again', (t) => {
  const { network, key } = lapsed(t)
  refused(
    network,
    network.supporter,
    { kind: 'donate', body: { key, amount: 1_000_000n } },
    'HYPERCORE_LAPSED'
  )
  network.sponsor('film')
  accepted(network, network.supporter, { kind: 'donate', body: { key, amount: 1_000_000n } })
})
