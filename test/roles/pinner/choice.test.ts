import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equal } from '../../../src/bytes.js'
import { DONATION_GRAINS, registrationOf } from '../../../src/local/economy.js'
import { planOf } from '../../../src/roles/plan.js'
import { takes } from '../../../src/roles/pinner/choice.js'
import { original } from '../../ledger/network.js'
import { RoleNetwork } from '../network.js'

const [a, b, c] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]

test('a pinner takes what is allowed, everything where nothing is named, and nothing that is denied', () => {
  assert.equal(takes({ allow: [], deny: [] }, a), true)
  assert.equal(takes({ allow: [], deny: [b] }, a), true)
  assert.equal(takes({ allow: [], deny: [b, a] }, a), false)
  assert.equal(takes({ allow: [b, c], deny: [] }, a), false)
  assert.equal(takes({ allow: [b, c], deny: [] }, c), true)
  assert.equal(takes({ allow: [b, c], deny: [c] }, c), false)
})

test('a pinner says no to a hypercore that it denies before a signer is drawn, and yes to another', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'signer-1'])
  const of = network.effects()
  const denied = original('denied', 16, 16_000)
  const other = original('other', 16, 16_000)
  const pinner = await network.startRole('pinner', 'pinner-1', {
    choice: { allow: [], deny: [denied.key] }
  })
  await network.startRole('signer', 'signer-1')
  const supporter = await network.support()
  const plan = planOf(1, 'wrap', Buffer.alloc(32, 9))
  await supporter.sponsor(denied.key, denied.original, plan, DONATION_GRAINS)
  await network.until('a no', () => of('refused').length > 0)
  assert.ok(equal(of('refused')[0]!.by, pinner.publicKey))
  assert.deepEqual(
    of('drawn').map(({ role }) => role),
    ['pinner']
  )
  assert.deepEqual(of('acknowledged'), [])

  // It may say otherwise later.
  pinner.change({ registration: registrationOf('pinner'), choice: { allow: [other.key], deny: [] } })
  await supporter.sponsor(other.key, other.original, plan, DONATION_GRAINS)
  await network.until('a yes', () => of('acknowledged').length > 0)
  assert.ok(equal(of('acknowledged')[0]!.by, pinner.publicKey))
})
