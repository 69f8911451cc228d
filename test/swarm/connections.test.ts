import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type HyperDHT from 'hyperdht'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { Connections } from '../../src/swarm/connections.js'
import { createDht, PrivateDht } from '../../src/swarm/dht.js'
import { closeAfter } from '../helpers/close-after.js'

interface Peer {
  publicKey: Buffer
  connections: Connections
  /** Connections that came in. */
  incoming: HyperDHT.Connection[]
}

/** A peer that lets connections in once `gate` is through, and somebody who connects to it. */
async function peer(t: TestContext, gate: Promise<void> = Promise.resolve()): Promise<Peer> {
  const dht = await opened(new PrivateDht())
  const { network } = dht
  const [a, b] = [createDht(network), createDht(network)]
  closeAfter(t, async () => {
    await Promise.all([a.destroy({ force: true }), b.destroy({ force: true })])
    await dht.close()
  })
  const keyPair = keyPairFromSeed(randomBytes(32))
  const incoming: HyperDHT.Connection[] = []
  const firewall = async (): Promise<boolean> => {
    await gate
    return false
  }
  const server = a.createServer({ firewall }, (connection) => {
    connection.on('error', () => {})
    incoming.push(connection)
  })
  await server.listen(keyPair)
  const connections = new Connections({
    dht: b,
    keyPair: keyPairFromSeed(randomBytes(32)),
    clock: systemClock
  })
  closeAfter(t, () => connections.close())
  return { publicKey: keyPair.publicKey, connections, incoming }
}

const patient = { timeoutMs: 20_000 }

test('users at the same time share one connection, and the last one closes it', async (t) => {
  const { publicKey, connections } = await peer(t)
  let finish = (): void => {}
  const held = new Promise<void>((resolve) => (finish = resolve))
  let first: HyperDHT.Connection | undefined
  const long = connections.with(publicKey, patient, async (connection) => {
    first = connection
    await held
  })
  const second = await connections.with(publicKey, patient, (connection) => Promise.resolve(connection))
  assert.equal(second, first)
  assert.equal(second.destroyed, false)
  finish()
  await long
  assert.equal(second.destroyed, true)
})

test('who comes after the last one gets a new connection', async (t) => {
  const { publicKey, connections } = await peer(t)
  const use = (connection: HyperDHT.Connection): Promise<HyperDHT.Connection> => Promise.resolve(connection)
  const first = await connections.with(publicKey, patient, use)
  assert.notEqual(await connections.with(publicKey, patient, use), first)
})

test('one who gives up, or has no more time, does not take the others’ attempt with it', async (t) => {
  let open = (): void => {}
  const { publicKey, connections } = await peer(t, new Promise((resolve) => (open = resolve)))
  const reason = new Error('enough')
  const stop = new AbortController()
  const never = (): Promise<never> => assert.fail('it was not to be connected')
  const aborted = connections.with(publicKey, { ...patient, signal: stop.signal }, never)
  const late = connections.with(publicKey, { timeoutMs: 50 }, never)
  const waiting = connections.with(publicKey, patient, (connection) => Promise.resolve(connection.opened))
  stop.abort(reason)
  await assert.rejects(aborted, reason)
  await assert.rejects(late, { code: 'PEER_UNREACHABLE', message: /no answer within 50 ms/ })
  open()
  assert.equal(await waiting, true)
})

test('a peer that is not there is unreachable for all who wait', async (t) => {
  const { connections } = await peer(t)
  const { publicKey } = keyPairFromSeed(randomBytes(32))
  const never = (): Promise<never> => assert.fail('there is nobody')
  const both = [1, 2].map(() => connections.with(publicKey, patient, never))
  for (const one of both) await assert.rejects(one, { code: 'PEER_UNREACHABLE' })
})

test('a connection that was lost is not the next one’s', async (t) => {
  const { publicKey, connections, incoming } = await peer(t)
  await connections.with(publicKey, patient, async (lost) => {
    incoming[0]!.destroy()
    await new Promise((resolve) => lost.once('close', resolve))
    const next = await connections.with(publicKey, patient, (connection) => Promise.resolve(connection))
    assert.notEqual(next, lost)
  })
})
