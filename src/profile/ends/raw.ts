import { once } from 'node:events'
import type HyperDHT from 'hyperdht'
import { randomBytes } from '../../crypto/keys.js'
import { createDht } from '../../swarm/dht.js'
import { connectTo } from '../../swarm/host.js'
import { leave } from '../../swarm/leave.js'
import { Meter } from '../meter.js'
import type { EndOptions, Port } from '../port.js'
import { identityOf } from './drawn.js'

/** Written into a stream at a time. */
const WRITE_BYTES = 64 << 10
const CONNECT_MS = 60_000

/** One end of an encrypted stream over UDX, the wire of everything: writes for some time as fast as it may. */
export async function rawSource(
  { network, seed, durationMs }: EndOptions['raw-source'],
  port: Port
): Promise<void> {
  const { clock } = port
  const dht = createDht(network)
  const meter = new Meter(clock, (bytes) => port.say('bytes', bytes))
  const connected = new Promise<HyperDHT.Connection>((resolve) => {
    const server = dht.createServer({}, resolve)
    const keyPair = identityOf(seed)
    void server.listen(keyPair).then(() => port.say('ready', { key: keyPair.publicKey.toString('hex') }))
  })
  const stream = await connected
  stream.on('error', () => {})
  await once(stream, 'data')
  const bytes = randomBytes(WRITE_BYTES)
  meter.begin()
  const until = clock.now() + durationMs
  while (clock.now() < until && !stream.destroyed) {
    meter.add(bytes.byteLength)
    if (!stream.write(bytes)) await once(stream, 'drain')
  }
  port.say('use', meter.end())
  stream.end()
  await port.order('close')
  await leave(dht)
}

/** The other end: reads until the stream ends. */
export async function rawSink({ network, key }: EndOptions['raw-sink'], port: Port): Promise<void> {
  const { clock } = port
  const dht = createDht(network)
  const keyPair = dht.defaultKeyPair
  const stream = await connectTo(dht, Buffer.from(key, 'hex'), keyPair, { clock, timeoutMs: CONNECT_MS })
  const meter = new Meter(clock, (bytes) => port.say('bytes', bytes))
  meter.begin()
  stream.on('data', (bytes: Buffer) => meter.add(bytes.byteLength))
  stream.write(Buffer.from('begin'))
  await once(stream, 'end')
  port.say('use', meter.end())
  stream.end()
  await port.order('close')
  await leave(dht)
}
