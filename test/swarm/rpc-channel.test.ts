import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import createTestnet from '@hyperswarm/testnet'
import type HyperDHT from 'hyperdht'
import Protomux from 'protomux'
import { ClientChannel, ServerChannel, type Handler, type Quotas } from '../../src/swarm/rpc-channel.js'
import { bytes, decode, encode, struct, text, uint } from '../../src/protocol/codec.js'
import { systemClock } from '../../src/clock.js'
import { ChainError, PeerError } from '../../src/errors.js'
import { hostileChannel } from './hostile-peer.js'
import { closeAfter } from '../helpers/close-after.js'
import { createDht } from '../../src/swarm/dht.js'

const PROTOCOL = 'datdot/test/1'
const ECHO = 1
const WAIT = 2
const FAIL = 3
const LARGE = 4

interface Pair {
  client: ClientChannel
  stream: HyperDHT.Connection
  server: () => ServerChannel
  /** Requests that wait in the handler, to be let go. */
  held: { release: () => void; signal: AbortSignal }[]
}

/** A server and a client on a private DHT, over a real encrypted connection. */
async function connect(
  t: TestContext,
  quotas: Partial<Quotas> = {},
  now = (): number => systemClock.now()
): Promise<Pair> {
  const testnet = await createTestnet(3)
  const dhts = [1, 2].map(() => createDht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' }))
  const [serving, asking] = dhts as [HyperDHT, HyperDHT]
  closeAfter(t, async () => {
    await Promise.all(dhts.map((dht) => dht.destroy()))
    await testnet.destroy()
  })
  const held: Pair['held'] = []
  const handlers = new Map<number, Handler>([
    [ECHO, async (body) => body],
    [WAIT, (body, signal) => new Promise((resolve) => held.push({ release: () => resolve(body), signal }))],
    [
      FAIL,
      async (body) => {
        if (body.toString() === 'known') throw new ChainError('DRAW_NOT_OPEN', 'a reason for people')
        throw new Error('/secret/path of this machine')
      }
    ],
    [LARGE, async () => Buffer.alloc(1 << 20)]
  ])
  let channel: ServerChannel | undefined
  const listener = serving.createServer({}, (connection) => {
    connection.on('error', () => {})
    const mux = Protomux.from(connection)
    mux.pair({ protocol: PROTOCOL }, () => {
      const costs = new Map([[LARGE, 4]])
      channel = new ServerChannel(mux, PROTOCOL, { handlers, clock: { now }, quotas, costs })
    })
  })
  await listener.listen()
  const stream = asking.connect(listener.publicKey)
  stream.on('error', () => {})
  const client = new ClientChannel(Protomux.from(stream), PROTOCOL, { clock: systemClock })
  assert.equal(await client.opened(), true)
  return { client, stream, held, server: () => channel! }
}

const ask = (client: ClientChannel, method: number, body: string, timeoutMs = 5000): Promise<string> =>
  client.request(method, Buffer.from(body), { timeoutMs }).then((answer) => answer.toString())

test('a server whose handlers are all busy says that it lives', async (t) => {
  const { client, held } = await connect(t)
  const slow = ask(client, WAIT, 'slow')
  while (held.length === 0) await sleep(5)
  const asked = systemClock.now()
  client.beat()
  while (client.heardAt < asked) await sleep(5)
  assert.equal(client.waiting, true)
  held[0]!.release()
  await slow
})

test('answers come back to their questions, also out of order', async (t) => {
  const { client, held } = await connect(t)
  const slow = ask(client, WAIT, 'slow')
  assert.equal(await ask(client, ECHO, 'fast'), 'fast')
  held[0]!.release()
  assert.equal(await slow, 'slow')
})

test('a coded error reaches the peer with its code, any other without what it says', async (t) => {
  const { client } = await connect(t)
  await assert.rejects(ask(client, FAIL, 'known'), { code: 'DRAW_NOT_OPEN', message: 'a reason for people' })
  await assert.rejects(ask(client, FAIL, 'unknown'), {
    code: 'RPC_FAILED',
    message: 'The other side failed for a reason of its own'
  })
  await assert.rejects(ask(client, 99, ''), { code: 'RPC_METHOD' })
  assert.equal(await ask(client, ECHO, 'still here'), 'still here')
})

test('a request that is not answered in time, or given up, is cancelled at the server', async (t) => {
  const { client, held } = await connect(t)
  await assert.rejects(ask(client, WAIT, '', 50), { code: 'RPC_TIMEOUT' })
  const abort = new AbortController()
  const asked = client.request(WAIT, Buffer.alloc(0), { timeoutMs: 5000, signal: abort.signal })
  assert.equal(await ask(client, ECHO, 'x'), 'x')
  abort.abort()
  await assert.rejects(asked, { name: 'AbortError' })
  assert.equal(await ask(client, ECHO, 'y'), 'y')
  assert.deepEqual(
    held.map(({ signal }) => signal.aborted),
    [true, true]
  )
})

test('a peer has a limited number of requests, and of bytes in them, at a time', async (t) => {
  const { client, held } = await connect(t, { inFlight: 2, bytesInFlight: 1000 })
  const first = ask(client, WAIT, 'a'.repeat(600))
  await assert.rejects(ask(client, WAIT, 'b'.repeat(600)), { code: 'RPC_BUSY' })
  const second = ask(client, WAIT, 'c')
  await assert.rejects(ask(client, ECHO, 'd'), { code: 'RPC_BUSY' })
  for (const { release } of held) release()
  await Promise.all([first, second])
  assert.equal(await ask(client, ECHO, 'e'), 'e')
})

test('a peer that asks too fast is refused until time has passed', async (t) => {
  let clock = 0
  const { client } = await connect(t, { perSecond: 10, burst: 5 }, () => clock)
  for (let i = 0; i < 5; i++) await ask(client, ECHO, 'x')
  await assert.rejects(ask(client, ECHO, 'x'), { code: 'RPC_RATE' })
  clock += 100
  assert.equal(await ask(client, ECHO, 'again'), 'again')
  await assert.rejects(ask(client, ECHO, 'x'), { code: 'RPC_RATE' })
})

test('a dear request counts as several, but never as more than a peer can have', async (t) => {
  let clock = 0
  const { client } = await connect(t, { perSecond: 10, burst: 5 }, () => clock)
  await ask(client, LARGE, '')
  assert.equal(await ask(client, ECHO, 'one is left'), 'one is left')
  await assert.rejects(ask(client, ECHO, 'x'), { code: 'RPC_RATE' })
  const small = await connect(t, { perSecond: 10, burst: 2 }, () => clock)
  await ask(small.client, LARGE, '')
  await assert.rejects(ask(small.client, ECHO, 'x'), { code: 'RPC_RATE' })
  clock += 200
  await ask(small.client, LARGE, '')
})

test('a peer that floods is cut off, and only this channel', async (t) => {
  const { client, stream, server } = await connect(t, { perSecond: 1, burst: 1, offences: 50 })
  const asked = Array.from({ length: 200 }, () =>
    ask(client, ECHO, 'x').catch((error: { code: string }) => error.code)
  )
  const codes = new Set(await Promise.all(asked))
  assert.deepEqual(codes, new Set(['x', 'RPC_RATE', 'RPC_CLOSED']))
  assert.equal(server().closed, true)
  assert.equal(stream.destroyed, false)
})

test('garbage in place of a request does not hurt the connection', async (t) => {
  const { stream, client, server } = await connect(t, { offences: 20 })
  const mux = Protomux.from(stream)
  // The same channel, once more, from a peer that does not keep to the protocol.
  client.close()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const hostile = hostileChannel(stream, PROTOCOL)
  await hostile.opened()
  for (const [i, bytes] of [
    Buffer.alloc(0),
    Buffer.alloc(100, 0xff),
    Buffer.from([1, 1, 0xfe, 0xff])
  ].entries()) {
    hostile.send(i === 2 ? 2 : 0, bytes)
  }
  const after = mux.createChannel({ protocol: 'datdot/other/1' })
  assert.notEqual(after, null)
  for (let i = 0; i < 30; i++) hostile.send(0, Buffer.alloc(50, i))
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(server().closed, true)
  assert.equal(stream.destroyed, false)
})

test('a peer that does not read its answers is cut off', async (t) => {
  const { client, stream, server } = await connect(t, { backlogBytes: 8 << 20, inFlight: 1000 })
  const closed = once(stream, 'close')
  stream.pause()
  const asked = Array.from({ length: 300 }, () =>
    ask(client, LARGE, '').catch((error: { code: string }) => error.code)
  )
  while (!server().closed) await new Promise((resolve) => setTimeout(resolve, 10))
  stream.destroy()
  await closed
  assert.ok((await Promise.all(asked)).includes('RPC_CLOSED'))
})

/** Requests and answers as docs/formats.md has them. */
const requestType = struct({ id: uint(), method: uint(), body: bytes(100) })
const responseType = struct({ id: uint(), error: uint(1), body: bytes(10_000) })
const errorType = struct({ code: text(64), message: text(1024) })

test('a request with the number of one that is being answered is refused', async (t) => {
  const { stream, client, held } = await connect(t)
  client.close()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const codes: string[] = []
  const hostile = hostileChannel(stream, PROTOCOL, (_, answer) => {
    const { error, body } = decode(responseType, answer)
    codes.push(error ? decode(errorType, body).code : 'ok')
  })
  await hostile.opened()
  const request = encode(requestType, { id: 7, method: WAIT, body: Buffer.alloc(0) })
  for (let n = 0; n < 2; n++) hostile.send(0, request)
  while (codes.length < 1) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(codes, ['RPC_ID'])
  held[0]!.release()
  while (codes.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(codes, ['RPC_ID', 'ok'])
})

test('a connection has one channel of a protocol at each end', async (t) => {
  const { stream } = await connect(t)
  const mux = Protomux.from(stream)
  assert.throws(() => new ClientChannel(mux, PROTOCOL, { clock: systemClock }), { code: 'RPC_CHANNEL' })
  const serve = (): ServerChannel =>
    new ServerChannel(mux, PROTOCOL, { handlers: new Map(), clock: systemClock })
  assert.throws(serve, { code: 'RPC_CHANNEL' })
})

test('a code that is not known here, or is none of a peer’s business, is kept as what the peer said', async (t) => {
  const testnet = await createTestnet(3)
  const dhts = [1, 2].map(() => createDht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' }))
  const [serving, asking] = dhts as [HyperDHT, HyperDHT]
  closeAfter(t, async () => {
    await Promise.all(dhts.map((dht) => dht.destroy()))
    await testnet.destroy()
  })
  const says = { code: '', message: '' }
  const listener = serving.createServer({}, (connection) => {
    connection.on('error', () => {})
    Protomux.from(connection).pair({ protocol: PROTOCOL }, () => {
      const hostile = hostileChannel(connection, PROTOCOL, (message, request) => {
        if (message !== 0) return
        const { id } = decode(requestType, request)
        hostile.send(1, encode(responseType, { id, error: 1, body: encode(errorType, says) }))
      })
    })
  })
  await listener.listen()
  const stream = asking.connect(listener.publicKey)
  stream.on('error', () => {})
  const client = new ClientChannel(Protomux.from(stream), PROTOCOL, { clock: systemClock })
  for (const [code, arrives] of [
    ['DRAW_NOT_OPEN', 'DRAW_NOT_OPEN'],
    ['RPC_BUSY', 'RPC_BUSY'],
    // Of later versions, or made up.
    ['NOT_YET_INVENTED', 'PEER_CODE'],
    ['', 'PEER_CODE'],
    ['__proto__', 'PEER_CODE'],
    ['toString', 'PEER_CODE'],
    // A stranger has no say on our disk, our options and our threads.
    ['STORAGE_DISK_FULL', 'PEER_CODE'],
    ['DISK_FULL', 'PEER_CODE'],
    ['ENGINE_CLOSED', 'PEER_CODE'],
    ['LEDGER_IN_USE', 'PEER_CODE']
  ] as const) {
    Object.assign(says, { code, message: 'x'.repeat(1024) })
    await assert.rejects(ask(client, ECHO, ''), (error: unknown) => {
      assert.ok(error instanceof PeerError)
      assert.equal(error.code, arrives, code)
      assert.ok(error.message.length < 1200)
      assert.deepEqual(error.said, arrives === 'PEER_CODE' ? says : undefined)
      return true
    })
  }
})
