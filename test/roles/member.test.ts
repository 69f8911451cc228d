import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import HyperDHT from 'hyperdht'
import { systemClock } from '../../src/clock.js'
import { using } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { registrationOf } from '../../src/local/economy.js'
import { Member, type MemberOptions } from '../../src/roles/member.js'
import { participantOf } from '../../src/roles/participants.js'
import { loadIdentity } from '../../src/swarm/identity.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'

for (const role of ['pinner', 'signer', 'verifier'] as const) {
  test(`a ${role} whose identity others may read does not open, and leaves nothing locked`, async (t) => {
    const dir = temporaryFolder(t)
    await loadIdentity(dir, randomBytes)
    const options = {
      dir,
      network: await privateDht(t),
      chainKey: randomBytes(32),
      clock: systemClock,
      randomBytes,
      log: silentLogger,
      registration: registrationOf(role),
      memoryBytes: 1 << 20,
      threads: 1
    }
    await chmod(join(dir, 'identity'), 0o644)
    const exposed = participantOf(role, options)
    await assert.rejects(exposed.ready(), { code: 'SECRET_EXPOSED' })
    await exposed.close()
    await chmod(join(dir, 'identity'), 0o600)
    const again = participantOf(role, options)
    await again.ready()
    await again.close()
  })
}

async function memberOptions(dir: string, network: MemberOptions['network']): Promise<MemberOptions> {
  await loadIdentity(dir, randomBytes)
  return { dir, network, chainKey: randomBytes(32), clock: systemClock, randomBytes, log: silentLogger }
}

/** Has every goodbye fail from now on; leaving by force works. */
function silenced(t: TestContext): { mock: { restore(): void } } {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own object
  const { destroy } = HyperDHT.prototype
  return t.mock.method(
    HyperDHT.prototype,
    'destroy',
    function (this: HyperDHT, how?: { force?: boolean }): Promise<void> {
      if (!how?.force) return Promise.reject(new Error('nobody says goodbye'))
      return destroy.call(this, how)
    }
  )
}

test('a member that closes ends its work, also what waits for a chain that is not there', async (t) => {
  const options = await memberOptions(temporaryFolder(t), await privateDht(t))
  let ended = 0
  await using(new Member(options), (member) => {
    member.follow(['tick'], () => Promise.reject(new Error('nothing works')))
    member.run('asking', async () => {
      await assert.rejects(member.chain.info({ timeoutMs: 600_000 }), { code: 'RPC_CLOSED' })
      ended++
    })
    member.run('pausing', async () => {
      await member.pause(600_000)
      ended++
    })
    return Promise.resolve()
  })
  assert.equal(ended, 2)
})

test('a member whose goodbye fails has ended its work all the same, and says why', async (t) => {
  const options = await memberOptions(temporaryFolder(t), await privateDht(t))
  const member = new Member(options)
  await member.ready()
  let ended = false
  member.run('pausing', async () => {
    await member.pause(600_000)
    ended = true
  })
  const destroy = silenced(t)
  await assert.rejects(member.close(), /nobody says goodbye/)
  destroy.mock.restore()
  assert.ok(ended)
  assert.ok(member.dht.destroyed)
})
