import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Effect } from '../../../src/protocol/effects.js'
import { TestNetwork, identity, original, smallNetwork } from '../network.js'
import { accepted, lapsed, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const RICH = 1_000_000_000n
const to = identity('somebody').publicKey

test('a transfer moves all that its sender has, and not a grain more', (t) => {
  const network = new TestNetwork({}, ['rich'])
  closeAfter(t, () => network.close())
  const rich = identity('rich')
  refused(network, rich, { kind: 'transfer', body: { to, amount: RICH + 1n } }, 'BALANCE_TOO_LOW')
  accepted(network, rich, { kind: 'transfer', body: { to, amount: RICH } })
  refused(network, rich, { kind: 'transfer', body: { to, amount: 1n } }, 'BALANCE_TOO_LOW')
})

test('a transfer of nothing, or to its own sender, is refused', (t) => {
  const network = new TestNetwork({}, ['rich'])
  closeAfter(t, () => network.close())
  const rich = identity('rich')
  refused(network, rich, { kind: 'transfer', body: { to, amount: 0n } }, 'AMOUNT_ZERO')
  refused(network, rich, { kind: 'transfer', body: { to: rich.publicKey, amount: 1n } }, 'TRANSFER_TO_SELF')
  accepted(network, rich, { kind: 'transfer', body: { to, amount: 1n } })
})

test('who has no account sends nothing until somebody transfers to it', (t) => {
  const network = new TestNetwork({}, ['rich'])
  closeAfter(t, () => network.close())
  const somebody = identity('somebody')
  const back = { kind: 'transfer', body: { to: identity('rich').publicKey, amount: 1n } } as const
  refused(network, somebody, back, 'ACCOUNT_UNKNOWN')
  accepted(network, identity('rich'), { kind: 'transfer', body: { to, amount: 1n } })
  accepted(network, somebody, back)
})

test('a donation goes to a registered hypercore, and is at least one grain', (t) => {
  const network = new TestNetwork()
  closeAfter(t, () => network.close())
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

const GRACE = 3

/** A hypercore whose balance could not pay what was due, in its grace; and what the chain said since it was sponsored. */
function inGrace(t: TestContext): { network: TestNetwork; key: Buffer; said: () => Effect[] } {
  const network = smallNetwork({ graceEpochs: GRACE })
  closeAfter(t, () => network.close())
  const key = network.sponsor('film', { copies: 1 }, 30_000n)
  const first = network.ledger.length()
  const said = (): Effect[] =>
    Array.from(
      { length: network.ledger.length() - first },
      (_, n) => network.ledger.effects(first + n)!.effects
    ).flat()
  for (let n = 0; n < 1_000 && network.ledger.hypercore(key)!.state !== 'grace'; n++) {
    network.tick()
    network.work()
  }
  assert.equal(network.ledger.hypercore(key)!.state, 'grace')
  return { network, key, said }
}

test('a grace is announced once, with the epoch at which it ends, and then the hypercore lapses', (t) => {
  const { network, key, said } = inGrace(t)
  const began = Number(network.ledger.chain().epoch)
  let epoch = began
  for (let n = 0; n < 1_000 && network.ledger.hypercore(key)!.state === 'grace'; n++) {
    network.tick()
    network.work()
    epoch = Number(network.ledger.chain().epoch)
  }
  assert.deepEqual(
    said().filter(({ kind }) => kind === 'graceBegan'),
    [{ kind: 'graceBegan', hypercore: key, until: began + GRACE }]
  )
  assert.equal(network.ledger.hypercore(key)!.state, 'lapsed')
  assert.equal(epoch, began + GRACE)
})

test('a donation ends a grace and says so, and only where there is one', (t) => {
  const { network, key, said } = inGrace(t)
  const ended = (): Effect[] => said().filter(({ kind }) => kind === 'graceEnded')
  accepted(network, network.supporter, { kind: 'donate', body: { key, amount: 100_000_000n } })
  assert.deepEqual(ended(), [{ kind: 'graceEnded', hypercore: key }])
  assert.equal(network.ledger.hypercore(key)!.state, 'active')
  accepted(network, network.supporter, { kind: 'donate', body: { key, amount: 1n } })
  assert.equal(ended().length, 1)
  for (
    let epoch = Number(network.ledger.chain().epoch) + GRACE + 2;
    Number(network.ledger.chain().epoch) < epoch;
  ) {
    network.tick()
    network.work()
  }
  assert.equal(network.ledger.hypercore(key)!.state, 'active')
})

/** What is due for one copy of a few bytes, from one challenge to the next: 195 for storage, 48 for retrieval, 300 for verifiers. */
const ROUND = 195n + 48n + 300n

test('a donation ends a grace only if the balance then pays a full round, or grains would keep pinners for nothing', (t) => {
  const { network, key, said } = inGrace(t)
  const ended = (): number => said().filter(({ kind }) => kind === 'graceEnded').length
  const give = (amount: bigint): void =>
    accepted(network, network.supporter, { kind: 'donate', body: { key, amount } })
  const balance = (): bigint => network.ledger.hypercore(key)!.balance
  give(1n)
  assert.equal(ended(), 0)
  // A twentieth is burned, rounded up.
  while (balance() < ROUND - 2n) give(2n)
  assert.equal(ended(), 0)
  while (balance() < ROUND) give(2n)
  assert.equal(ended(), 1)
})

test('a pinner that retires leaves a hypercore in its grace at once, and a successor is asked for when it can pay again', (t) => {
  const { network, key } = inGrace(t)
  const [copy] = network.ledger.hypercore(key)!.copies.filter(({ state }) => state === 'active')
  accepted(network, network.keyPair(copy!.pinner!), { kind: 'retire', body: { role: 'pinner' } })
  network.tick()
  const states = (): string[] => network.ledger.hypercore(key)!.copies.map(({ state }) => state)
  assert.deepEqual(states(), [])
  accepted(network, network.supporter, { kind: 'donate', body: { key, amount: 100_000_000n } })
  assert.deepEqual(states(), ['pending'])
})
