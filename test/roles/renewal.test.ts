import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { equal } from '../../src/bytes.js'
import type { LogLine } from './process.js'
import { RoleNetwork } from './network.js'

test(`a copy of seal is sealed anew by another signer while it is served, and then from the new segment alone`, async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'signer-1', 'signer-2'], {
    evidenceWindowMs: 5_000
  })
  const of = network.effects()
  await network.startRole('pinner', 'pinner-1', { replacedKeptMs: 1 })
  await network.startRole('signer', 'signer-1')
  let dropped = 0
  network.events.on('line', (line: LogLine) => {
    if (line.event === 'pinner.replaced-dropped') dropped++
  })
  const files = { 'one.bin': randomBytes(200_000), 'two.bin': randomBytes(3_000) }
  const plan = { refreshAfterMs: 10_000 }
  const { driveKey, hypercores } = await network.keep(files, { copies: 1, codec: 'seal', plan })
  const signers = [...of('drawn')].filter(({ role }) => role === 'signer').map(({ key }) => key)
  await network.startRole('signer', 'signer-2')

  await network.until('all segments anew', () => of('renewed').length >= hypercores.length)
  for (const { segment, replaced } of of('renewed')) assert.deepEqual([segment, replaced], [1, 1])
  const renewals = of('drawn').filter(({ role, key }) => role === 'signer' && !equal(key, signers[0]!))
  assert.ok(renewals.length >= hypercores.length)
  const renewed = of('renewed').map(({ copy }) => copy)
  const passed = new Map(renewed.map((copy) => [copy, network.settled(copy, 'success')]))
  await network.until('challenges of the new segments', () =>
    renewed.every((copy) => network.settled(copy, 'success') >= passed.get(copy)! + 2)
  )
  await network.until('the old chunks to go', () => dropped >= hypercores.length)
  for (const copy of renewed) {
    const { storage } = network.observer.copies.get(copy)!
    assert.deepEqual([storage.failure ?? 0, storage.refused ?? 0, storage.lie ?? 0], [0, 0, 0])
  }
  await network.read(driveKey, files)
  assert.equal(of('judged').length + of('lost').length, 0)
  await network.audit()
})
