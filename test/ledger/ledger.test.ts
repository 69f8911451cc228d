import test from 'node:test'
import assert from 'node:assert/strict'
import { verifyReceipt } from '../../src/protocol/receipt.js'
import { wallClock } from '../helpers/wall-clock.js'
import { LedgerHost } from '../../src/ledger/host.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { identity, smallNetwork } from './network.js'
import { toHex } from '../../src/bytes.js'
import { assertSame } from '../helpers/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

test('a sponsored hypercore gets its copies, which are challenged, checked and paid', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const { ledger } = network
  const key = network.sponsor('film')
  for (let n = 0; n < 60; n++) {
    network.tick()
    network.work()
  }
  const view = ledger.hypercore(key)!
  assert.deepEqual(
    view.copies.map((copy) => [copy.state, copy.length, copy.segments.length]),
    [
      ['active', 100, 1],
      ['active', 100, 1]
    ]
  )
  const parts = view.copies.flatMap((copy) => [copy.pinner!, copy.segments[0]!.signer])
  assert.equal(new Set(parts.map((part) => toHex(part))).size, 4, 'four different identities')
  const summary = ledger.summary()
  assert.ok(summary.storage.success >= 6, `storage passed: ${summary.storage.success}`)
  assert.ok(summary.retrieval.success >= 4, `retrieval passed: ${summary.retrieval.success}`)
  assert.equal(summary.storage.failure + summary.storage.offline + summary.retrieval.failure, 0)
  assert.equal(summary.reserved, 0n, 'X of every segment was minted')
  assert.equal(summary.sum, 0n)
  assert.ok(summary.minted > 0n)
  for (const copy of view.copies) {
    const pinner = ledger.account(copy.pinner!)
    assert.ok(pinner.balance > 1_000_000_000n - 50_000_000n, 'the pinner earned')
    assert.ok(pinner.roles[0]!.storagePpm > 500_000)
    assert.ok(pinner.roles[0]!.retrievalPpm > 500_000)
  }
})

test('a ledger behind its asynchronous interface is used once it is open', async (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const { path, chain: keyPair } = network
  const host = new LedgerHost({ path, keyPair, clock: wallClock(() => network.at) })
  assert.throws(() => host.api, { code: 'NOT_OPEN' })
  await host.ready()
  const { api } = host
  assert.equal(await api.length(), network.ledger.length())
  await host.close()
  await assert.rejects(api.length(), { code: 'CLOSED' })
})

test('a receipt proves that the chain took an operation', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const receipt = network.send(network.supporter, {
    kind: 'transfer',
    body: { to: identity('somebody').publicKey, amount: 5n }
  })
  const { chainId, chainKey } = network.ledger
  assert.ok(verifyReceipt(chainId, chainKey, receipt))
  assert.ok(!verifyReceipt(chainId, chainKey, { ...receipt, seq: receipt.seq + 1 }))
  assertSame(network.ledger.entry(receipt.seq)!.hash, receipt.entry)
})

test('a ledger that is opened again goes on where it stopped', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  for (let n = 0; n < 20; n++) {
    network.tick()
    network.work()
  }
  const before = { chain: network.ledger.chain(), state: network.ledger.stateHash() }
  network.ledger.close()
  network.ledger = Ledger.open({
    path: network.path,
    keyPair: network.chain,
    beacon: network.beacon,
    clock: wallClock(() => network.at)
  })
  assertSame({ chain: network.ledger.chain(), state: network.ledger.stateHash() }, before)
  network.tick()
  assert.equal(network.ledger.chain().length, before.chain.length + 1)
})
