import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import createTestnet from '@hyperswarm/testnet'
import type HyperDHT from 'hyperdht'
import { ConnectionGate, type GateOptions, type Guest } from '../../src/swarm/gate.js'
import { identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'
import { createDht } from '../../src/swarm/dht.js'

class Visitor extends EventEmitter implements Guest {
  readonly remotePublicKey: Uint8Array
  readonly rawStream: EventEmitter & { remoteHost: string }
  rawBytesRead = 0
  rawBytesWritten = 0
  gone = false

  constructor(key: number, remoteHost = '10.0.0.1') {
    super()
    this.remotePublicKey = new Uint8Array(32).fill(key)
    this.rawStream = Object.assign(new EventEmitter(), { remoteHost })
  }

  destroy(): void {
    this.gone = true
    this.emit('close')
  }
}

function gateWith(options: Partial<GateOptions>): { gate: ConnectionGate; clock: { at: number } } {
  const clock = { at: 0, now: () => clock.at }
  const gate = new ConnectionGate({
    all: 4,
    perKey: 2,
    perAddress: 3,
    unfinishedBytes: 1_000,
    clock,
    ...options
  })
  return { gate, clock }
}

test('one key and one address have so many connections, and get the place of one that ends', () => {
  const { gate } = gateWith({})
  const [first, second, third] = [new Visitor(1), new Visitor(1), new Visitor(1)]
  assert.deepEqual([gate.admit(first), gate.admit(second), gate.admit(third)], [true, true, false])
  assert.equal(third.gone, true)
  assert.equal(gate.admit(new Visitor(2)), true)
  assert.equal(gate.admit(new Visitor(3)), false)
  assert.equal(gate.admit(new Visitor(3, '10.0.0.2')), true)
  first.destroy()
  assert.equal(gate.admit(new Visitor(1)), true)
  assert.equal(gate.size, 4)
})

test('where there is no place the one goes that moved least for its age, and members go last', () => {
  const member = new Visitor(1, 'a')
  const { gate, clock } = gateWith({ keeps: ({ remotePublicKey }) => remotePublicKey[0] === 1 })
  const reader = new Visitor(2, 'b')
  reader.rawBytesWritten = 1_000_000
  const idle = new Visitor(3, 'c')
  idle.rawBytesRead = 10
  for (const visitor of [member, reader, idle, new Visitor(4, 'd')]) gate.admit(visitor)
  // They have all just come: nobody can tell who is of use.
  assert.equal(gate.admit(new Visitor(5, 'e')), false)
  clock.at += 60_000
  assert.equal(gate.admit(new Visitor(6, 'f')), true)
  assert.equal(gate.admit(new Visitor(7, 'g')), true)
  assert.deepEqual([member.gone, reader.gone, idle.gone], [false, false, true])
})

test('messages that begin and do not end have a budget, and who holds most of it goes', () => {
  const { gate } = gateWith({})
  const [slow, large] = [new Visitor(1), new Visitor(2)]
  for (const visitor of [slow, large]) gate.admit(visitor)
  slow.rawStream.emit('data', Buffer.alloc(400))
  large.rawStream.emit('data', Buffer.alloc(600))
  assert.equal(large.gone, false)
  // A message that is whole is not held any more.
  slow.rawBytesRead += 400
  slow.rawStream.emit('data', Buffer.alloc(1))
  large.rawStream.emit('data', Buffer.alloc(400))
  assert.equal(large.gone, false)
  slow.rawStream.emit('data', Buffer.alloc(1))
  assert.deepEqual([slow.gone, large.gone], [false, true])
})

test('a peer that dials again and again is told so a few times, and then not listened to for a while', async (t) => {
  const testnet = await createTestnet(3)
  const [serving, dialling] = [1, 2].map(() =>
    createDht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' })
  ) as [HyperDHT, HyperDHT]
  closeAfter(t, async () => {
    await Promise.all([serving.destroy(), dialling.destroy()])
    await testnet.destroy()
  })
  const clock = { at: 0, now: () => clock.at }
  const { gate } = gateWith({ all: 100, perAddress: 100, clock })
  let taken = 0
  const server = serving.createServer({ firewall: (key) => gate.refuses(key) }, (connection) => {
    connection.on('error', () => {})
    taken++
    gate.admit(connection)
    connection.destroy()
  })
  await server.listen()
  const keyPair = identity('redials')
  const dial = async (): Promise<void> => {
    const connection = dialling.connect(server.publicKey, { keyPair })
    connection.on('error', () => {})
    await new Promise<void>((resolve) => void connection.once('close', () => resolve()))
  }
  for (let i = 0; i < 10; i++) await dial()
  assert.equal(taken, 10)
  await Promise.all([dial(), dial(), dial()])
  assert.equal(taken, 10)
  clock.at += 2_000
  await dial()
  assert.equal(taken, 11)
})

test('other limits hold from the next connection on, also where there are more already', () => {
  const { gate, clock } = gateWith({ all: 4, perKey: 4, perAddress: 9 })
  const guests = [1, 2, 3, 4].map((key) => new Visitor(key))
  for (const guest of guests) assert.equal(gate.admit(guest), true)
  clock.at = 60_000
  for (const [n, guest] of guests.entries()) guest.rawBytesRead = n * 1_000
  gate.limit({ all: 2, perKey: 1 })
  assert.equal(gate.size, 4)
  assert.equal(gate.admit(new Visitor(5)), true)
  assert.deepEqual(
    guests.map(({ gone }) => gone),
    [true, true, true, false]
  )
  assert.equal(gate.size, 2)
  assert.equal(gate.admit(new Visitor(4)), false)
  gate.limit({ all: 3, perKey: 2 })
  assert.equal(gate.admit(new Visitor(4)), true)
})
