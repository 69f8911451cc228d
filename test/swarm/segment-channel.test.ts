import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Protomux from 'protomux'
import { systemClock, type Clock } from '../../src/clock.js'
import {
  SEGMENT_PROTOCOL,
  acceptSegments as accept,
  sendSegment as send,
  type IncomingSegment,
  type SegmentItem,
  type SegmentVerdict,
  type TransferOptions
} from '../../src/swarm/segment-channel.js'
import { ChainError, PeerError, StorageError } from '../../src/errors.js'
import { connectedPair } from '../helpers/network.js'

type Connection = Parameters<typeof send>[0]

function sendSegment(
  connection: Connection,
  offer: Buffer,
  items: (position: number) => AsyncIterable<SegmentItem>,
  options: Partial<TransferOptions> = {}
): Promise<SegmentVerdict> {
  return send(connection, offer, items, { clock: systemClock, ...options })
}

function acceptSegments(
  connection: Connection,
  handle: (segment: IncomingSegment) => Promise<void>,
  options: Partial<TransferOptions> = {}
): void {
  accept(connection, handle, { clock: systemClock, ...options })
}

/** Chunks whose bytes tell their index. */
function chunk(index: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, index % 251)
}

const sizes = [1, 136, 70_000, 3 << 20, 5, 200_000, 128 << 10, 128 << 10, 1, 1]

async function* itemsFrom(position: number, end = sizes.length): AsyncGenerator<SegmentItem> {
  for (let first = position; first < end; first += 3) {
    const some = sizes.slice(first, Math.min(first + 3, end))
    const bytes = Buffer.concat(some.map((size, i) => chunk(first + i, size)))
    yield { kind: 'chunks', bytes, lengths: some }
    yield { kind: 'root', checkpoint: Buffer.from(`root after ${first + some.length}`) }
  }
  yield { kind: 'end', checkpoint: Buffer.from('the end') }
}

test('chunks of all sizes arrive whole and in order, with the checkpoints between them', async (t) => {
  const { client, server, clientKey } = await connectedPair(t)
  const received: Buffer[] = []
  const checkpoints: string[] = []
  acceptSegments(server, async (segment) => {
    assert.equal(segment.offer.toString(), 'an offer')
    assert.deepEqual(segment.from, clientKey)
    for await (const item of segment.receive(0)) {
      if (item.kind !== 'chunks') {
        checkpoints.push(`${item.kind}: ${item.checkpoint.toString()}`)
        continue
      }
      let at = 0
      for (const length of Array.from(item.lengths)) {
        received.push(Buffer.from(item.bytes.subarray(at, (at += length))))
      }
      assert.equal(at, item.bytes.byteLength)
    }
    segment.accept(Buffer.from('well done'))
  })
  const verdict = await sendSegment(client, Buffer.from('an offer'), itemsFrom)
  assert.deepEqual(verdict, { accepted: true, signed: Buffer.from('well done') })
  assert.deepEqual(
    received,
    sizes.map((size, index) => chunk(index, size))
  )
  assert.equal(checkpoints.length, 5)
  assert.equal(checkpoints.at(-1), 'end: the end')
})

test('a transfer begins where the pinner wants it', async (t) => {
  const { client, server } = await connectedPair(t)
  let chunks = 0
  acceptSegments(server, async (segment) => {
    for await (const item of segment.receive(7)) if (item.kind === 'chunks') chunks += item.lengths.length
    segment.accept(Buffer.alloc(0))
  })
  const positions: number[] = []
  await sendSegment(client, Buffer.from('x'), (position) => {
    positions.push(position)
    return itemsFrom(position)
  })
  assert.deepEqual(positions, [7])
  assert.equal(chunks, 3)
})

test('much more than the window goes through, and the receiver sets the pace', async (t) => {
  const { client, server } = await connectedPair(t)
  const total = 40 << 20
  let got = 0
  let most = 0
  let sent = 0
  acceptSegments(server, async (segment) => {
    for await (const item of segment.receive(0)) {
      if (item.kind !== 'chunks') continue
      most = Math.max(most, sent - got)
      got += item.bytes.byteLength
      await new Promise((resolve) => setImmediate(resolve))
    }
    segment.accept(Buffer.alloc(0))
  })
  const piece = Buffer.alloc(1 << 20)
  async function* items(): AsyncGenerator<SegmentItem> {
    for (; sent < total; sent += piece.byteLength) yield { kind: 'chunks', bytes: piece, lengths: [1 << 20] }
    yield { kind: 'end', checkpoint: Buffer.alloc(0) }
  }
  await sendSegment(client, Buffer.from('x'), items)
  assert.equal(got, total)
  assert.ok(most <= 12 << 20, `${most} bytes were on their way`)
})

test('a refusal reaches the signer with its code, before or in the middle of the data', async (t) => {
  const { client, server } = await connectedPair(t)
  acceptSegments(server, async (segment) => {
    if (segment.offer.toString() === 'never') throw new ChainError('NOT_DRAWN', 'not mine')
    for await (const item of segment.receive(0)) {
      if (item.kind === 'chunks') return segment.refuse('CODEC_TAG', 'chunk 0 is not what it should be')
    }
  })
  await assert.rejects(sendSegment(client, Buffer.from('never'), itemsFrom), {
    code: 'NOT_DRAWN',
    message: 'not mine'
  })
  const verdict = await sendSegment(client, Buffer.from('try'), itemsFrom)
  assert.deepEqual(verdict, {
    accepted: false,
    code: 'CODEC_TAG',
    message: 'chunk 0 is not what it should be'
  })
})

test('a pinner that disappears ends the transfer with an error that says so', async (t) => {
  const { client, server } = await connectedPair(t)
  acceptSegments(server, async (segment) => {
    for await (const item of segment.receive(0)) if (item.kind === 'chunks') server.destroy()
  })
  await assert.rejects(sendSegment(client, Buffer.from('x'), itemsFrom), { code: 'SEGMENT_CLOSED' })
})

test('a silent peer is given up', async (t) => {
  const { client, server } = await connectedPair(t)
  acceptSegments(server, () => new Promise(() => {}), { idleMs: 100 })
  await assert.rejects(sendSegment(client, Buffer.from('x'), itemsFrom, { idleMs: 100 }), {
    code: /SEGMENT_IDLE|SEGMENT_CLOSED/
  })
})

test('an aborted transfer ends with the reason of its signal', async (t) => {
  const { client, server } = await connectedPair(t)
  const controller = new AbortController()
  acceptSegments(server, async (segment) => {
    for await (const item of segment.receive(0))
      if (item.kind === 'chunks') controller.abort(new Error('enough'))
  })
  const sending = sendSegment(client, Buffer.from('x'), itemsFrom, { signal: controller.signal })
  await assert.rejects(sending, { message: 'enough' })
})

/** A peer that says what it wants on the channel of segments. */
function rawChannel(connection: object, onclose = (): void => {}): (type: number, payload: Buffer) => void {
  const encoding = {
    preencode: (state: { end: number }, bytes: Buffer) => void (state.end += bytes.byteLength),
    encode: (state: { start: number; buffer: Uint8Array | null }, bytes: Buffer) => {
      state.buffer?.set(bytes, state.start)
      state.start += bytes.byteLength
    },
    decode: () => Buffer.alloc(0)
  }
  const channel = Protomux.from(connection).createChannel({ protocol: SEGMENT_PROTOCOL, onclose })
  assert.ok(channel)
  const messages = [0, 1, 2, 3, 4, 5].map(() => channel.addMessage<Buffer>({ encoding }))
  channel.open()
  return (type, payload) => void messages[type]?.send(payload)
}

/** A data message of one byte that claims many chunks. */
function lengthsOnly(count: number): Buffer {
  const payload = Buffer.alloc(4 + 4 * count + 1)
  payload.writeUInt32LE(count)
  for (let i = 0; i < count; i++) payload.writeUInt32LE(1, 4 + 4 * i)
  return payload
}

const hostile: [string, (send: (type: number, payload: Buffer) => void) => void][] = [
  ['data without lengths', (send) => send(2, Buffer.from([9, 9]))],
  ['a chunk that is too large', (send) => send(2, Buffer.from('01000000ffffffff', 'hex'))],
  ['a chunk without bytes', (send) => send(2, Buffer.from('0100000000000000', 'hex'))],
  ['bytes that belong to no chunk', (send) => send(2, Buffer.from('00000000aabb', 'hex'))],
  ['lengths without any bytes', (send) => send(2, Buffer.from('0100000001000000', 'hex'))],
  ['more lengths than its bytes can fill', (send) => send(2, lengthsOnly(1000))],
  ['a credit, which is the receiver’s to give', (send) => send(3, Buffer.alloc(8))],
  ['an empty checkpoint', (send) => send(4, Buffer.alloc(0))],
  ['an endless checkpoint', (send) => send(4, Buffer.alloc(1 << 20))]
]
for (const [what, attack] of hostile) {
  test(`a signer that sends ${what} ends its channel and not the connection`, async (t) => {
    const { client, server } = await connectedPair(t)
    let asked = (): void => {}
    const asks = new Promise<void>((resolve) => (asked = resolve))
    const ended = new Promise<Error>((resolve) => {
      acceptSegments(server, async (segment) => {
        try {
          const items = segment.receive(0)
          const first = items.next()
          asked()
          await first
          for await (const item of items) void item
        } catch (error) {
          resolve(error as Error)
          throw error
        }
      })
    })
    const send = rawChannel(client)
    send(0, Buffer.from('offer'))
    await asks
    attack(send)
    assert.equal(((await ended) as Error & { code: string }).code, 'SEGMENT_PROTOCOL')
    assert.equal(server.destroyed, false)
  })
}

test('a signer has no window before it was asked for its segment', async (t) => {
  const { client, server } = await connectedPair(t)
  const offered = new Promise<IncomingSegment>((resolve) => {
    acceptSegments(server, async (segment) => {
      resolve(segment)
      await new Promise<void>(() => {})
    })
  })
  let gone = (): void => {}
  const closed = new Promise<void>((resolve) => (gone = resolve))
  const send = rawChannel(client, gone)
  send(0, Buffer.from('offer'))
  const segment = await offered
  send(2, Buffer.concat([Buffer.from('0100000001000000', 'hex'), Buffer.alloc(1)]))
  await closed
  await assert.rejects(segment.receive(0).next(), { code: 'SEGMENT_PROTOCOL' })
  assert.equal(server.destroyed, false)
})

test('checkpoints that nobody takes are not kept without end', async (t) => {
  const { client, server } = await connectedPair(t)
  const ended = new Promise<Error>((resolve) => {
    acceptSegments(server, async (segment) => {
      // Busy with the offer until the channel is closed, while the signer keeps talking.
      await new Promise<void>((closed) => (closeHandler = closed))
      for await (const item of segment.receive(0)) void item
    })
    let closeHandler: (() => void) | undefined
    const channel = rawChannel(client, () => {
      closeHandler?.()
      resolve(new Error('closed by the pinner'))
    })
    channel(0, Buffer.from('offer'))
    for (let i = 0; i < 100; i++) channel(4, Buffer.alloc(60 << 10))
  })
  assert.match((await ended).message, /closed by the pinner/)
  assert.equal(server.destroyed, false)
})

for (const [what, credits] of [
  ['no bytes', [0]],
  ['bytes that were not sent', [1001]],
  ['the bytes of the credit before', [600, 600]]
] as const) {
  test(`a pinner that gives credit for ${what} ends the transfer and not the connection`, async (t) => {
    const { client, server } = await connectedPair(t)
    const send = rawChannel(server)
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt(value))
      return bytes
    }
    async function* items(): AsyncGenerator<SegmentItem> {
      yield { kind: 'chunks', bytes: Buffer.alloc(1000), lengths: [1000] }
      for (const credit of credits) send(3, number(credit))
    }
    const sending = sendSegment(client, Buffer.from('offer'), items)
    send(1, number(0))
    await assert.rejects(sending, { code: 'SEGMENT_PROTOCOL' })
    assert.equal(client.destroyed, false)
  })
}

/** A clock that shows ten seconds more whenever it is looked at, and so makes every wait that long. */
function hastyClock(): Clock {
  let ms = 0
  return { ...systemClock, now: () => (ms += 10_000) }
}

/** A signer that sends one chunk whenever the pinner has taken the one before, and how many the pinner took. */
async function oneByOne(
  t: TestContext,
  chunkBytes: number,
  chunks: number
): Promise<{ taken: number; error: (Error & { code?: string }) | undefined }> {
  const { client, server } = await connectedPair(t)
  let taken = 0
  let next = (): void => {}
  const received = new Promise<Error | undefined>((resolve) => {
    acceptSegments(
      server,
      async (segment) => {
        try {
          for await (const item of segment.receive(0)) {
            if (item.kind !== 'chunks') continue
            taken++
            next()
          }
          segment.accept(Buffer.alloc(0))
          resolve(undefined)
        } catch (error) {
          resolve(error as Error)
          throw error
        }
      },
      { idleMs: 60_000, clock: hastyClock() }
    )
  })
  async function* items(): AsyncGenerator<SegmentItem> {
    for (let sent = 0; sent < chunks; sent++) {
      const done = new Promise<void>((resolve) => (next = resolve))
      yield { kind: 'chunks', bytes: Buffer.alloc(chunkBytes), lengths: [chunkBytes] }
      yield { kind: 'root', checkpoint: Buffer.from('a checkpoint is no progress') }
      await done
    }
    yield { kind: 'end', checkpoint: Buffer.alloc(0) }
  }
  const stop = new AbortController()
  const sending = sendSegment(client, Buffer.from('x'), items, { signal: stop.signal }).catch(() => {})
  const error = await received
  next()
  stop.abort()
  await sending
  return { taken, error }
}

test('a signer that trickles is given up like one that is silent', async (t) => {
  const { taken, error } = await oneByOne(t, 1, 20)
  assert.equal(error?.code, 'SEGMENT_IDLE')
  // A chunk and its checkpoint are a wait each, and six waits are the time there is.
  assert.equal(taken, 3)
})

test('a signer that is slow, but sends its 64 KiB in time, gets through', async (t) => {
  assert.deepEqual(await oneByOne(t, 32 << 10, 20), { taken: 20, error: undefined })
})

test('a pinner that gives credit a byte at a time is given up like one that is silent', async (t) => {
  const { client, server } = await connectedPair(t)
  const send = rawChannel(server)
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    return bytes
  }
  const consumed: number[] = []
  async function* items(): AsyncGenerator<SegmentItem> {
    yield { kind: 'chunks', bytes: Buffer.alloc(1000), lengths: [1000] }
    for (let credit = 1; credit <= 20; credit++) send(3, number(credit))
    send(5, Buffer.from('\x01in the end, a verdict'))
  }
  const sending = sendSegment(client, Buffer.from('offer'), items, {
    idleMs: 60_000,
    clock: hastyClock(),
    onConsumed: (bytes) => consumed.push(bytes)
  })
  send(1, number(0))
  await assert.rejects(sending, { code: 'SEGMENT_IDLE' })
  assert.deepEqual(consumed, [1, 2, 3, 4, 5, 6])
  assert.equal(client.destroyed, false)
})

test('a pinner that comes to no verdict, or fails for a reason of its own, says so and nothing of its machine', async (t) => {
  const { client, server } = await connectedPair(t)
  acceptSegments(server, async (segment) => {
    if (segment.offer.toString() === 'silent') return
    const error = new Error("EACCES: permission denied, open '/home/pinner/secret'")
    if (segment.offer.toString() === 'unknown') throw error
    throw new StorageError('STORAGE_DISK_FULL', 'The disk that holds /home/pinner is full', { cause: error })
  })
  const refusal = async (offer: string): Promise<{ code: string; message: string }> => {
    const sending = sendSegment(client, Buffer.from(offer), itemsFrom)
    return sending.then(
      () => assert.fail('it was accepted'),
      (error: unknown) => {
        assert.ok(error instanceof PeerError)
        assert.ok(!error.message.includes('/home'), error.message)
        return error
      }
    )
  }
  assert.equal((await refusal('silent')).code, 'SEGMENT_UNDECIDED')
  assert.equal((await refusal('unknown')).code, 'SEGMENT_FAILED')
  const full = await refusal('full')
  assert.equal(full.code, 'SEGMENT_FAILED')
  assert.match(full.message, /The disk is full .*\[STORAGE_DISK_FULL\]/)
})

test('a second transfer of one segment on a connection is refused, the first goes on', async (t) => {
  const { client, server } = await connectedPair(t)
  acceptSegments(server, async (segment) => {
    for await (const item of segment.receive(0)) if (item.kind === 'end') segment.accept(Buffer.from('done'))
  })
  const first = sendSegment(client, Buffer.from('x'), itemsFrom)
  await assert.rejects(sendSegment(client, Buffer.from('x'), itemsFrom), { code: 'SEGMENT_BUSY' })
  assert.deepEqual(await first, { accepted: true, signed: Buffer.from('done') })
})
