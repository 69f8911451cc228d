import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type HyperDHT from 'hyperdht'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { createDht, startPrivateDht, type Network } from '../../src/swarm/dht.js'
import { connectTo } from '../../src/swarm/host.js'

/** A private DHT that ends with the test. */
export async function privateDht(t: TestContext): Promise<Network> {
  const { network, close } = await startPrivateDht()
  t.after(close)
  return network
}

/** Both ends of one encrypted connection over a private DHT. */
export async function connectedPair(
  t: TestContext
): Promise<{ client: HyperDHT.Connection; server: HyperDHT.Connection; clientKey: Buffer }> {
  const { network, close } = await startPrivateDht()
  const [a, b] = [createDht(network), createDht(network)]
  // The nodes go first: what they take back from a DHT that is gone already waits for its time-outs.
  t.after(async () => {
    await Promise.all([a.destroy(), b.destroy()])
    await close()
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
  const client = await connectTo(b, serverKeys.publicKey, clientKeys, { timeoutMs: 10_000 })
  return { client, server: await incoming, clientKey: clientKeys.publicKey }
}
