import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { anchorAt, type Anchor } from '../../src/protocol/anchor.js'
import { signOperation, type Statement } from '../../src/protocol/operations.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { TestNetwork, identity } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const to = identity('receiver').publicKey
const transfer: Statement = { kind: 'transfer', body: { to, amount: 1n } }

function networkOf(t: TestContext, changes: Partial<Parameters> = {}): TestNetwork {
  const network = new TestNetwork(changes, ['alice', 'bob'])
  closeAfter(t, () => network.close())
  return network
}

/** Submits a transfer of `keyPair` over this anchor; the code of its refusal, or `ok`. */
function code({ ledger }: TestNetwork, keyPair: KeyPair, anchor: Anchor): string {
  const { nonce } = ledger.account(keyPair.publicKey)
  const [result] = ledger.submit([
    signOperation(transfer, { chainId: ledger.chainId, keyPair, nonce, anchor })
  ])
  return result!.ok ? 'ok' : result!.error.code
}

test('who was away for long, or saw many entries go by, need not sign again; after both it must', (t) => {
  const network = networkOf(t, { anchorEntries: 8, anchorMs: 60_000 })
  const anchor = anchorAt(network.ledger.chain())
  const clock = network.ledger.chain().clock
  for (let n = 0; n < 20; n++)
    assert.equal(code(network, identity('bob'), anchor), 'ok', 'many entries, no time')
  while (network.ledger.chain().clock - clock <= 60_000) {
    assert.equal(code(network, identity('alice'), anchor), 'ok', 'not a minute yet')
    network.tick()
  }
  assert.equal(code(network, identity('alice'), anchor), 'ANCHOR_OLD')
  assert.equal(code(network, identity('alice'), anchorAt(network.ledger.chain())), 'ok')
})

test('what nobody may name any more is forgotten, and told as too old as before', (t) => {
  const network = networkOf(t, { anchorEntries: 8, anchorMs: 0 })
  const first = anchorAt(network.ledger.chain())
  const kept = (): number => Number(network.ledger.state.db.get('SELECT count(*) AS n FROM anchors')!.n)
  for (let n = 0; n < 300; n++) {
    assert.equal(code(network, identity('bob'), anchorAt(network.ledger.chain())), 'ok')
    if (n % 20 === 0) network.tick()
    assert.ok(kept() <= 8 + 64 + 40, `${kept()} are kept`)
  }
  assert.equal(code(network, identity('bob'), first), 'ANCHOR_OLD')
})

test('an operation cannot be cut out of the past: what others signed after it holds on no such log', (t) => {
  const network = networkOf(t)
  const forged = networkOf(t)
  assert.deepEqual(forged.ledger.chainId, network.ledger.chainId)
  const send = (name: string): Uint8Array => {
    const wire = network.wire(identity(name), transfer)
    const [result] = network.ledger.submit([wire])
    assert.ok(result!.ok)
    return wire
  }
  send('alice')
  const after = send('bob')
  const [result] = forged.ledger.submit([after])
  assert.equal(result!.ok ? 'ok' : result!.error.code, 'ANCHOR_UNKNOWN')
})
