import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import createTestnet from '@hyperswarm/testnet'
import type HyperDHT from 'hyperdht'
import Protomux from 'protomux'
import { ChainClient } from '../../src/client/client.js'
import { SubmitQueue } from '../../src/client/submit-queue.js'
import { encode } from '../../src/protocol/codec.js'
import { CHAIN_PROTOCOL, methods } from '../../src/protocol/rpc/messages.js'
import { ServerChannel, type Handler } from '../../src/swarm/rpc-channel.js'
import { testChain } from '../chain/chain.js'
import { identity } from '../ledger/network.js'
import { systemClock } from '../../src/clock.js'
import { SwarmError } from '../../src/errors.js'
import { closeAfter } from '../helpers/close-after.js'
import { createDht } from '../../src/swarm/dht.js'

/** A client of a chain that answers as it likes: every method with `otherwise`, but for those in `answers`. */
async function clientOf(
  t: TestContext,
  answers: [code: number, answer: Uint8Array][],
  otherwise = Buffer.from('garbage')
): Promise<ChainClient> {
  const testnet = await createTestnet(3)
  const dhts = [1, 2].map(() => createDht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' }))
  const [serving, asking] = dhts as [HyperDHT, HyperDHT]
  const handlers = new Map<number, Handler>(
    Object.values(methods).map(({ code }) => [code, () => Promise.resolve(otherwise)])
  )
  for (const [code, answer] of answers) handlers.set(code, () => Promise.resolve(answer))
  const listener = serving.createServer({}, (connection) => {
    connection.on('error', () => {})
    const mux = Protomux.from(connection)
    mux.pair(
      { protocol: CHAIN_PROTOCOL },
      () => void new ServerChannel(mux, CHAIN_PROTOCOL, { handlers, clock: systemClock })
    )
  })
  await listener.listen()
  const keyPair = identity('asker')
  const client = new ChainClient({
    chainKey: listener.publicKey,
    keyPair,
    connect: () => asking.connect(listener.publicKey, { keyPair }),
    clock: systemClock,
    random: Math.random
  })
  closeAfter(t, async () => {
    await client.close()
    await Promise.all(dhts.map((dht) => dht.destroy()))
    await testnet.destroy()
  })
  return client
}

test('answers that are not the protocol are told as such, whatever was asked', async (t) => {
  const client = await clientOf(t, [])
  const key = identity('somebody').publicKey
  for (const ask of [
    () => client.info(),
    () => client.account(key),
    () => client.hypercore(key),
    () => client.challenges(256),
    () => client.transfer(key, 1n)
  ]) {
    await assert.rejects(ask, { name: 'SwarmError', code: 'RPC_PROTOCOL' })
  }
})

test('a chain that repeats a page for ever is given up', async (t) => {
  const page = encode(methods.roles.response, { rows: [], next: 5 })
  const client = await clientOf(t, [[methods.roles.code, page]])
  await assert.rejects(client.roles(), { code: 'RPC_PROTOCOL', message: 'The chain repeats a page' })
})

test('an entry that is none, or another one than is next, ends the subscription with an error', async (t) => {
  const chain = await testChain(t)
  const [entry] = chain.network.ledger.entries(0, 1)
  for (const [from, bytes] of [
    [0, Buffer.from('no entry')],
    [1, entry!]
  ] as const) {
    const events = encode(methods.events.response, { length: 2, events: [{ entry: bytes, effects: null }] })
    const client = await clientOf(t, [[methods.events.code, events]])
    await assert.rejects(client.events({ from }).next(), { code: 'RPC_PROTOCOL' })
  }
})

test('a chain with another key than the one asked for is not taken for it', async (t) => {
  const chain = await testChain(t)
  const dht = createDht({ bootstrap: chain.bootstrap, host: '127.0.0.1' })
  const keyPair = identity('asker')
  const client = new ChainClient({
    chainKey: identity('another chain').publicKey,
    keyPair,
    connect: () => dht.connect(chain.network.chain.publicKey, { keyPair }),
    clock: systemClock,
    random: Math.random
  })
  closeAfter(t, async () => {
    await client.close()
    await dht.destroy()
  })
  await assert.rejects(client.chainId(), { code: 'CHAIN_OTHER' })
  await assert.rejects(client.transfer(identity('somebody').publicKey, 1n), { code: 'CHAIN_OTHER' })
})

test('operations wait for a chain that does not answer, but not without end', async () => {
  const never = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.throwIfAborted()
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  const closed = new AbortController()
  const queue = new SubmitQueue({ nonce: never, submit: (_, signal) => never(signal) }, closed.signal)
  const waiting: Promise<unknown>[] = []
  const add = (): Promise<unknown> => queue.add(() => Buffer.alloc(0))
  // One is on its way, the others wait.
  for (let n = 0; n < 100_001; n++) {
    const added = add()
    added.catch(() => {})
    waiting.push(added)
  }
  await assert.rejects(add(), { code: 'SUBMIT_QUEUE' })
  closed.abort(new SwarmError('RPC_CLOSED', 'This client was closed'))
  await assert.rejects(waiting[0]!, { code: 'RPC_CLOSED' })
  await assert.rejects(waiting.at(-1)!, { code: 'RPC_CLOSED' })
})
