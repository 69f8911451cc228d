import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import Hyperswarm from 'hyperswarm'
import { decodeEntry } from '../../src/protocol/entry.js'
import { followLog } from '../../src/client/published-log.js'
import { chainCoreKey } from '../../src/client/chain-cores.js'
import { ChainStores } from '../../src/chain/stores.js'
import { asynchronous } from '../../src/ledger/host.js'
import { using } from '../../src/lifecycle.js'
import { createDht } from '../../src/swarm/dht.js'
import { TestNetwork } from '../ledger/network.js'
import { testChain } from './chain.js'
import { assertSame } from '../helpers/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

test('a chain ticks by itself, and stock software follows its log over the swarm', async (t) => {
  const chain = await testChain(t, { heartbeat: true, parameters: { tickMs: 20 } })
  const folder = await mkdtemp(join(tmpdir(), 'datdot-follower-'))
  const store = new Corestore(folder)
  const swarm = new Hyperswarm({ dht: createDht({ bootstrap: chain.bootstrap, host: '127.0.0.1' }) })
  closeAfter(t, async () => {
    await swarm.destroy()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  const core = store.get({ key: chainCoreKey(chain.network.chain.publicKey, 'log') })
  await core.ready()
  swarm.join(core.discoveryKey, { server: false, client: true })
  const kinds: string[] = []
  for await (const bytes of followLog(core, { live: true })) {
    const { seq, hash } = decodeEntry(bytes)
    const entry = chain.network.ledger.entry(seq)!
    assertSame(hash, entry.hash)
    if (kinds.push(entry.operation.kind) === 12) break
  }
  assert.deepEqual(kinds, ['genesis', ...Array.from({ length: 11 }, () => 'tick')])
  assert.deepEqual(chain.stores.cores.log.key, core.key)
})

test('a folder that belongs to another ledger is refused, and left as it was', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'datdot-service-'))
  closeAfter(t, () => rm(dir, { recursive: true, force: true }))
  const open = (network: TestNetwork): Promise<void> => {
    const ledger = asynchronous(network.ledger)
    return using(new ChainStores({ ledger, keyPair: network.chain, dir }), () => Promise.resolve())
  }
  const [one, other] = [new TestNetwork(), new TestNetwork({ epochMs: 2_000 })]
  closeAfter(t, () => [one, other].forEach((network) => network.close()))
  one.tick()
  await open(one)
  other.tick(3)
  await assert.rejects(open(other), { code: 'LOG_DIVERGED' })
  one.tick(2)
  await open(one)
})
