import assert from 'node:assert/strict'
import { test } from 'node:test'
import createTestnet from '@hyperswarm/testnet'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import { findSamples, samplesOf } from '../helpers/scan.js'
import { noise, openStore, pin, stockStore, tempDir } from './support.js'
import { createDht } from '../../src/swarm/dht.js'
import { closeAfter } from '../helpers/close-after.js'

test('a stock client finds the store on a private DHT and mirrors a drive after its author has gone', async (t) => {
  const testnet = await createTestnet(3)
  closeAfter(t, () => testnet.destroy())
  const { bootstrap } = testnet
  const swarmOf = async () => {
    const swarm = new Hyperswarm({
      dht: createDht({ bootstrap, host: '127.0.0.1' })
    })
    closeAfter(t, () => swarm.destroy())
    return swarm
  }

  const authorStore = await stockStore(t)
  const drive = new Hyperdrive(authorStore)
  await drive.ready()
  const files = new Map([...'abcdef'].map((name, i) => [`/${name}`, noise(i * 50_000 + 1, name)]))
  for (const [name, bytes] of files) await drive.put(name, bytes)
  const dir = await tempDir(t)
  const store = await openStore(t, dir)
  await pin(store, drive.core)
  await pin(store, (await drive.getBlobs())!.core)
  const { key, discoveryKey } = drive
  await authorStore.close()

  const pinner = await swarmOf()
  pinner.on('connection', (connection) => store.corestore.replicate(connection))
  const session = store.session(key)
  await session.ready()
  await pinner.join(discoveryKey, { server: true, client: false }).flushed()

  const consumer = await stockStore(t)
  const reader = await swarmOf()
  reader.on('connection', (connection) => consumer.replicate(connection))
  const copy = new Hyperdrive(consumer, key)
  await copy.ready()
  const done = copy.findingPeers()
  reader.join(discoveryKey, { server: false, client: true })
  void reader.flush().then(done, done)
  await copy.update({ wait: true })
  for (const [name, bytes] of files) assert.deepEqual(await copy.get(name), bytes, name)
  await session.close()
  await store.close()
  assert.deepEqual(await findSamples(dir, samplesOf(Buffer.concat([...files.values()]), 100)), [])
})
