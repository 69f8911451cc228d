import Corestore from 'corestore'
import { opened } from '../../lifecycle.js'
import { SwarmHost } from '../../swarm/host.js'
import { SwarmReader, knownLength } from '../../swarm/reader.js'
import { Meter, type Use } from '../meter.js'
import type { EndOptions, Port } from '../port.js'
import { identityOf } from './drawn.js'

const FIND_MS = 60_000

/** A stock seeder: a Corestore replicated on every connection. */
export async function seeder({ network, seed, dir, name }: EndOptions['seeder'], port: Port): Promise<void> {
  const store = new Corestore(dir)
  const core = store.get({ name })
  await core.ready()
  const host = await opened(new SwarmHost({ network, keyPair: identityOf(seed), store }))
  await host.announce(core.discoveryKey)
  const meter = new Meter(port.clock, (bytes) => port.say('bytes', bytes))
  core.on('upload', (_index: number, bytes: number) => meter.add(bytes))
  port.say('ready', { key: core.key.toString('hex') })
  void measured(meter, port, (use) => use)
  await port.order('close')
  await host.close()
  await store.close()
}

/** Measures what this end serves, as often as it is told to. */
export async function measured<T>(meter: Meter, port: Port, result: (use: Use) => T): Promise<void> {
  for (let round = 0; ; round++) {
    await port.order(`begin ${round}`)
    meter.begin()
    port.say(`begun ${round}`, null)
    await port.order(`end ${round}`)
    port.say(`use ${round}`, result(meter.end()))
  }
}

/** A stock reader: finds a hypercore in the swarm and downloads all of it. */
export async function reader(
  { network, seed, dir, key, blocks }: EndOptions['reader'],
  port: Port
): Promise<void> {
  const { clock } = port
  const swarm = new SwarmReader({ network, dir, seed: Buffer.from(seed, 'hex') })
  const core = await swarm.open(Buffer.from(key, 'hex'))
  const meter = new Meter(clock, (bytes) => port.say('bytes', bytes))
  core.on('download', (_index: number, bytes: number) => meter.add(bytes))
  await knownLength(core, blocks, { clock, timeoutMs: FIND_MS })
  port.say('found', null)
  await port.order('begin')
  meter.begin()
  await core.download({ start: 0, end: blocks }).done()
  port.say('use', meter.end())
  await port.order('close')
  await core.close()
  await swarm.discard()
}
