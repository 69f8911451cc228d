import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type HyperDHT from 'hyperdht'
import { systemClock } from '../../src/clock.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { opened } from '../../src/lifecycle.js'
import { PrivateDht, createDht, type Network } from '../../src/swarm/dht.js'
import { connectTo } from '../../src/swarm/host.js'
import { closeAfter, type Closing } from './close-after.js'

/** A private DHT that ends with the test. */
export async function privateDht(t: Closing): Promise<Network> {
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  return dht.network
}

/** Both ends of one encrypted connection over a private DHT. */
export async function connectedPair(
  t: TestContext
): Promise<{ client: HyperDHT.Connection; server: HyperDHT.Connection; clientKey: Buffer }> {
  const dht = await opened(new PrivateDht())
  const { network } = dht
  const [a, b] = [createDht(network), createDht(network)]
  // The nodes go first: what they take back from a DHT that is gone already waits for its time-outs.
  closeAfter(t, async () => {
    await Promise.all([a.destroy(), b.destroy()])
    await dht.close()
  })
  const serverKeys = keyPairFromSeed(randomBytes(32))
  const clientKeys = keyPairFromSeed(randomBytes(32))
  let connected: ((connection: HyperDHT.Connection) => void) | undefined
  const incoming = new Promise<HyperDHT.Connection>((resolve) => (connected = resolve))
  const listener = a.createServer({}, (connection) => {
    connection.on('error', () => {})
    connected?.(connection)
  })
  await listener.listen(serverKeys)
  const client = await connectTo(b, serverKeys.publicKey, clientKeys, {
    clock: systemClock,
    timeoutMs: 10_000
  })
  return { client, server: await incoming, clientKey: clientKeys.publicKey }
}
