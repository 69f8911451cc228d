import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { opened } from '../../src/lifecycle.js'
import { PeerListener } from '../../src/profile/listener.js'
import { PeerMachine } from '../../src/profile/peer.js'
import { Run } from '../../src/profile/run.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { closeAfter } from '../helpers/close-after.js'

test('two machines are measured by a one-time code: one client, only what takes bytes, and no more than allowed', async (t) => {
  const network = await privateDht(t)
  const code = randomBytes(32)
  const clock = systemClock
  const given = { network, code, clock, dir: temporaryFolder(t), threads: 1, limitBytes: 8 << 20 }
  const listener = await opened(new PeerListener(given))
  closeAfter(t, () => listener.close())
  const peer = await opened(new PeerMachine({ network, code, clock }))
  closeAfter(t, () => peer.close())
  assert.equal(peer.address, '127.0.0.1')

  const dir = temporaryFolder(t)
  const options = {
    network,
    dir,
    input: { kind: 'random' as const },
    chunkBytes: 16 << 10,
    threads: 1,
    clock
  }
  const { signal } = new AbortController()
  const run = new Run({ ...options, durationMs: 200, signal }, peer.launch)
  const { handOver, serve, bytes } = await run.codec('wrap', 1 << 20)
  for (const use of [handOver.from, handOver.to, serve.to]) assert.equal(use.bytes, bytes)

  // What reads this machine's files is not for a client.
  const seeder = await peer.launch('seeder', { network, seed: '00'.repeat(32), dir: '/', name: 'x' })
  await assert.rejects(seeder.heard('ready', 60_000), {
    code: 'PROFILE_END',
    message: /does not run "seeder"/
  })

  // A second client with the same code is not let in.
  const second = new PeerMachine({ network, code, clock })
  await assert.rejects(opened(second), { code: 'PEER_UNREACHABLE' })

  // 16 MB are more than the limit: the listener ends it.
  await assert.rejects(run.codec('wrap', 16 << 20))
  await listener.ended
})
