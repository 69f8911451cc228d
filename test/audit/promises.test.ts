import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { auditLog } from '../../src/audit/replay.js'
import type { Statement } from '../../src/protocol/operations.js'
import type { Receipt } from '../../src/protocol/views.js'
import { TestNetwork, identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const transfer = (name: string): Statement => ({
  kind: 'transfer',
  body: { to: identity(name).publicKey, amount: 1n }
})

/** A log of a few transfers, and the receipts of all. */
function promised(
  t: TestContext,
  names: string[]
): { network: TestNetwork; log: Uint8Array[]; receipts: Receipt[] } {
  const network = new TestNetwork({}, ['alice'])
  closeAfter(t, () => network.close())
  const receipts = names.map((name) => network.send(identity('alice'), transfer(name)))
  return { network, log: network.ledger.entries(0, 1_000), receipts }
}

test('a log that has what the chain gave receipts for holds', async (t) => {
  const { log, receipts } = promised(t, ['a', 'b', 'c'])
  const report = await auditLog(log, { receipts })
  assert.equal(report.failure, null)
  assert.deepEqual(report.receipts, { held: 3, foreign: 0 })
})

test('a log that ends before an entry that the chain gave a receipt for does not hold', async (t) => {
  const { log, receipts } = promised(t, ['a', 'b', 'c'])
  assert.equal((await auditLog(log.slice(0, -1))).failure, null, 'nothing else tells')
  const { ok, failure } = await auditLog(log.slice(0, -1), { receipts })
  assert.equal(ok, false)
  assert.deepEqual([failure?.code, failure?.seq], ['RECEIPT_BROKEN', 3])
})

test('a log in which an entry is another one than its receipt says does not hold', async (t) => {
  const { receipts } = promised(t, ['a', 'b', 'c'])
  const { log: other } = promised(t, ['a', 'x', 'c'])
  assert.equal((await auditLog(other)).failure, null, 'nothing else tells')
  const { failure } = await auditLog(other, { receipts })
  assert.deepEqual([failure?.code, failure?.seq], ['RECEIPT_BROKEN', 2])
})

test('receipts that the chain did not sign say nothing against it', async (t) => {
  const { log, receipts } = promised(t, ['a', 'b'])
  const forged = receipts.map((receipt) => ({ ...receipt, seq: receipt.seq + 100 }))
  const report = await auditLog(log, { receipts: [...receipts, ...forged] })
  assert.equal(report.failure, null)
  assert.deepEqual(report.receipts, { held: 2, foreign: 2 })
})

test('a log without an entry of the hash that was seen once does not hold', async (t) => {
  const { log, receipts, network } = promised(t, ['a', 'b'])
  for (const head of [network.ledger.chain().head, receipts[0]!.entry]) {
    assert.equal((await auditLog(log, { head })).failure, null)
  }
  const { failure } = await auditLog(log.slice(0, -1), { head: network.ledger.chain().head })
  assert.deepEqual([failure?.code, failure?.seq], ['HEAD_MISSING', null])
})
