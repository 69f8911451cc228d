import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { equal } from '../../src/bytes.js'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { Member } from '../../src/roles/member.js'
import { closeAfter } from '../helpers/close-after.js'
import { RoleNetwork } from './network.js'

const FILES = { 'film.bin': randomBytes(300_000), 'title.txt': randomBytes(300) }

test('a pinner that leaves serves and answers until its successor is there, also when it is started again in between', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'pinner-2', 'signer-1', 'signer-2'])
  await network.startRole('pinner', 'pinner-1')
  await network.startRole('signer', 'signer-1')
  const { driveKey, hypercores } = await network.keep(FILES, { copies: 1, codec: 'wrap' })
  const { chain } = network.observer.member
  const held = async (key: Buffer) =>
    (await chain.hypercore(key))!.copies.find(({ state }) => state === 'active')!
  await network.stopRole('pinner-1')
  // Its operator says so in its place, as `datdot retire` does.
  const operator = await opened(
    new Member({
      dir: join(network.root, 'pinner-1'),
      network: network.network,
      chainKey: network.chain.publicKey,
      clock: systemClock,
      randomBytes,
      log: silentLogger
    })
  )
  closeAfter(t, () => operator.close())
  await operator.chain.retire('pinner')
  await operator.close()
  const again = await network.startRole('pinner', 'pinner-1')
  const { id } = await held(hypercores[0]!)
  const before = network.settled(id, 'success')
  await network.until('proofs of who is leaving', () => network.settled(id, 'success') >= before + 2)
  await network.read(driveKey, FILES)
  // Nobody else has it, and its author is gone: what is made now comes from who is leaving.
  const next = await network.startRole('pinner', 'pinner-2')
  await network.startRole('signer', 'signer-2')
  await network.until('both copies handed over', () => network.observer.gone.size === 2)
  for (const key of hypercores) {
    const copy = await held(key)
    assert.ok(equal(copy.pinner!, next.publicKey))
    assert.equal(copy.length, (await chain.hypercore(key))!.length)
  }
  const [role] = (await chain.account(again.publicKey)).roles
  assert.equal(role!.usedBytes, 0)
  await network.stopRole('pinner-1')
  await network.read(driveKey, FILES)
  await network.audit()
})
