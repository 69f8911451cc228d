import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equal } from '../../src/bytes.js'
import { problemsOf } from '../../src/ledger/rules/problems.js'
import { DONATION_GRAINS } from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { original } from '../ledger/network.js'
import { RoleNetwork } from './network.js'

test('a hypercore that nobody serves pays for the search itself: first its pinner says so, then its signer', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'signer-1'])
  const of = network.effects()
  const pinner = await network.startRole('pinner', 'pinner-1', { searchAfterMs: 1_500 })
  const signer = await network.startRole('signer', 'signer-1', { unservedMs: 12_000 })
  const { chain } = network.observer.member
  const owned = async ({ publicKey }: { publicKey: Buffer }): Promise<bigint> => {
    const { balance, roles } = await chain.account(publicKey)
    return balance + roles[0]!.deposit
  }
  const before = [await owned(pinner), await owned(signer)]
  const supporter = await network.support()
  const { key, original: signed } = original('ghost', 16, 16_000)
  await supporter.sponsor(key, signed, planOf(1, 'wrap', Buffer.alloc(32, 9)), DONATION_GRAINS)
  const { balance } = (await chain.hypercore(key))!

  await network.until('the end of an attempt', () => of('redraw').length > 0)
  const [said] = of('unserved')
  assert.ok(equal(said!.by, pinner.publicKey))
  const [refused] = of('refused')
  assert.ok(equal(refused!.by, signer.publicKey))
  assert.equal(of('redraw')[0]!.why, 'unserved')
  const view = (await chain.hypercore(key))!
  assert.deepEqual(
    problemsOf(view, (await chain.info()).parameters).map(({ code, who }) => [code, who]),
    [['HYPERCORE_UNREACHABLE', null]],
    'the reason reaches whoever asks the chain'
  )
  assert.deepEqual(of('penalised'), [])
  assert.deepEqual([await owned(pinner), await owned(signer)], before)
  assert.equal(balance - (await chain.hypercore(key))!.balance, 5_000n)
})
