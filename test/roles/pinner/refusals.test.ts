import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { opened } from '../../../src/lifecycle.js'
import { systemClock } from '../../../src/clock.js'
import { blake3 } from '../../../src/crypto/hash.js'
import { silentLogger } from '../../../src/log.js'
import { Member } from '../../../src/roles/member.js'
import { OwnRefusals } from '../../../src/roles/pinner/refusals.js'
import { identity } from '../../ledger/network.js'
import { BAD, delivered, judged, verdictIn, type Delivered } from '../../chain/refused.js'
import { temporaryFolder } from '../../helpers/folder.js'
import { closeAfter } from '../../helpers/close-after.js'

/** The drawn pinner as a role has it, in a folder of its own. */
async function pinnerMember(
  t: TestContext,
  { chain }: Delivered
): Promise<{ member: Member; folder: string }> {
  const dir = temporaryFolder(t)
  const member = await opened(
    new Member({
      dir,
      network: { bootstrap: chain.bootstrap, host: '127.0.0.1' },
      chainKey: chain.network.chain.publicKey,
      clock: systemClock,
      randomBytes: () => blake3(Buffer.from('test pinner')),
      log: silentLogger
    })
  )
  closeAfter(t, () => member.close())
  assert.deepEqual(member.keyPair.publicKey, identity('pinner').publicKey)
  return { member, folder: join(dir, 'refusals') }
}

test('evidence is handed over after a restart, and kept no longer than the chain waits for it', async (t) => {
  const of = await delivered(t)
  const { member, folder } = await pinnerMember(t, of)
  const before = new OwnRefusals(member, folder)
  await before.refuse(of.draw, await of.evidence(BAD))
  assert.deepEqual(readdirSync(folder), [String(of.draw)])
  assert.equal(verdictIn(of), undefined)

  const after = new OwnRefusals(member, folder)
  await after.work()
  assert.equal(await judged(of), true)
  await of.chain.until('it is forgotten', async () => {
    await after.work()
    return readdirSync(folder).length === 0
  })
})

test('nothing is kept of a refusal that the chain does not take', async (t) => {
  const of = await delivered(t)
  const { member, folder } = await pinnerMember(t, of)
  const refusals = new OwnRefusals(member, folder)
  await refusals.work()
  assert.equal(existsSync(folder), false)
  await refusals.refuse(of.draw + 1, await of.evidence(BAD))
  await refusals.work()
  assert.deepEqual(readdirSync(folder), [])
  assert.deepEqual(await of.pinner.refusalsDue(), [])
})

test('evidence is handed over again to a chain that lost it', async (t) => {
  const of = await delivered(t)
  const { member, folder } = await pinnerMember(t, of)
  const refusals = new OwnRefusals(member, folder)
  await refusals.refuse(of.draw, await of.evidence(BAD))
  // An upload that a crash of the chain ended in the middle.
  const sent = await of.evidence(BAD)
  const stopped = of.pinner.sendRefusalEvidence(of.draw, {
    byteLength: sent.byteLength,
    *parts() {
      yield sent.subarray(0, 100)
      throw new Error('the pinner ends here')
    }
  })
  await assert.rejects(stopped, /ends here/)
  await of.chain.restart()
  await refusals.work()
  assert.equal(await judged(of), true)
})
