import test from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import { identity, smallNetwork } from './network.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

test('a pinner that leaves is released when its successor’s copy is complete, and has its deposit back after the evidence window', async (t) => {
  const windowMs = 2_000
  const network = smallNetwork({ evidenceWindowMs: windowMs })
  closeAfter(t, () => network.close())
  const { ledger } = network
  const key = network.sponsor('film', { copies: 1 })
  while (ledger.hypercore(key)!.copies[0]?.state !== 'active') {
    network.tick()
    network.work()
  }
  const old = ledger.hypercore(key)!.copies[0]!
  const leaving = network.keyPair(old.pinner!)
  const role = () => ledger.account(leaving.publicKey).roles[0]!
  const { deposit } = role()
  assert.ok(role().locked > 0n)
  network.send(leaving, { kind: 'retire', body: { role: 'pinner' } })
  const retiredAt = ledger.chain().clock
  assert.equal(role().state, 'retiring')
  assert.equal(network.code(leaving, { kind: 'retire', body: { role: 'pinner' } }), 'ROLE_RETIRING')

  // A successor is drawn; while its copy is not complete the old one is held, challenged and paid.
  const successor = () => ledger.hypercore(key)!.copies.find(({ id }) => id !== old.id)
  while (successor()?.task?.state !== 'delivering') {
    network.tick()
    network.acknowledge()
    network.answer(leaving)
    network.settle()
  }
  const { pinner } = successor()!.task!
  assert.ok(pinner && !equal(pinner, leaving.publicKey))
  assert.equal(ledger.copy(old.id)!.state, 'active')
  const [assignment] = ledger.assignments(pinner)
  while (ledger.assignments(pinner)[0]?.task.state === 'delivering') {
    network.tick()
    network.answer(leaving)
    network.settle()
  }
  // First half of the successor's copy: it is active, but does not yet stand for the old one.
  const half = { end: 60, chunks: 60, bytes: 60 * 1_140 }
  network.accept(assignment!, half)
  assert.equal(successor()!.state, 'active')
  assert.equal(ledger.copy(old.id)!.state, 'active', 'half a copy releases nobody')
  assert.ok(role().locked > 0n)

  while (successor()!.length < 100) {
    network.tick()
    network.work()
  }
  assert.equal(ledger.copy(old.id)!.state, 'released')
  assert.equal(role().locked, 0n)
  assert.equal(role().deposit, deposit, 'leaving in order costs nothing')
  assert.equal(ledger.hypercore(key)!.copies.filter(({ state }) => state === 'active').length, 1)

  const balance = ledger.account(leaving.publicKey).balance
  while (role().state !== 'retired') {
    assert.equal(role().deposit, deposit)
    network.tick()
    network.work()
  }
  assert.ok(ledger.chain().clock >= retiredAt + windowMs, 'not before the window has passed')
  assert.equal(role().deposit, 0n)
  assert.equal(ledger.account(leaving.publicKey).balance, balance + deposit)
  assert.equal(network.code(leaving, { kind: 'retire', body: { role: 'pinner' } }), 'ROLE_UNKNOWN')
  const summary = ledger.summary()
  assert.equal(summary.storage.failure + summary.storage.offline, 0)
  assert.equal(summary.sum, 0n)
  assert.equal((await auditFile(network.path)).failure, null)
})

test('a pinner that leaves keeps its copy, and its deposit, while nobody can take over', (t) => {
  const network = smallNetwork({ evidenceWindowMs: 500 })
  closeAfter(t, () => network.close())
  const { ledger } = network
  const key = network.sponsor('film', { copies: 4 })
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work()
  }
  // Three signers make three copies at the most; the fourth pinner is free but nobody can encode for it.
  const held = ledger.hypercore(key)!.copies.filter(({ state }) => state === 'active')
  assert.equal(held.length, 3)
  const leaving = network.keyPair(held[0]!.pinner!)
  network.send(leaving, { kind: 'retire', body: { role: 'pinner' } })
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work()
  }
  assert.equal(ledger.copy(held[0]!.id)!.state, 'active')
  const [role] = ledger.account(leaving.publicKey).roles
  assert.equal(role!.state, 'retiring')
  assert.ok(role!.deposit > 0n && role!.locked > 0n)
  assert.equal(
    network.code(identity('supporter'), { kind: 'retire', body: { role: 'pinner' } }),
    'ROLE_UNKNOWN'
  )
})
