import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock, type Clock } from '../../../src/clock.js'
import type { SegmentSecret } from '../../../src/chunk/codec.js'
import { codecOf, encodeChunk } from '../../../src/chunk/codecs.js'
import type { CodecName } from '../../../src/chunk/header.js'
import { hash } from '../../../src/crypto/hash.js'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { primeProofHash } from '../../../src/crypto/prime-proof-bytes.js'
import { encodePrimeProof } from '../../../src/crypto/prime-proof-format.js'
import { provePrimes } from '../../../src/crypto/prime-proof.js'
import { rsaKeyFromSeed } from '../../../src/crypto/rsa-key.js'
import { Engine } from '../../../src/engine/engine.js'
import { opened } from '../../../src/lifecycle.js'
import { TreeBuilder } from '../../../src/merkle/builder.js'
import { leafNode } from '../../../src/merkle/node.js'
import { encodeOffer, encodeSignedRecord } from '../../../src/protocol/hand-over.js'
import { signSegment, type SegmentRecord } from '../../../src/protocol/segment.js'
import type { BlockRange } from '../../../src/protocol/ranges.js'
import { recordOf, segmentOf } from '../../../src/roles/assignment.js'
import { Member } from '../../../src/roles/member.js'
import { OwnRefusals } from '../../../src/roles/pinner/refusals.js'
import { SegmentIntake } from '../../../src/roles/pinner/segment-intake.js'
import { PinnerStore } from '../../../src/storage/pinner-store.js'
import { Connections } from '../../../src/swarm/connections.js'
import { createDht } from '../../../src/swarm/dht.js'
import { SwarmHost } from '../../../src/swarm/host.js'
import {
  acceptSegments,
  sendSegment,
  type SegmentItem,
  type SegmentVerdict
} from '../../../src/swarm/segment-channel.js'
import type { Tasks } from '../../../workers/tasks.js'
import { JumpClock } from '../../helpers/jump-clock.js'
import { identity } from '../../ledger/network.js'
import { noiseBlocks } from '../../storage/support.js'
import { drawn, effects, logged, memberOptions, seen, serve, type Drawn } from '../drawn.js'
import { closeAfter } from '../../helpers/close-after.js'

const BLOCKS = noiseBlocks(6, 500, 'segment')
/** Time that work on a draw has to end by itself once it is over. */
const GRACE_MS = 10_000

/** A signer of which a test says what it sends and signs. */
interface LyingSigner {
  readonly chunks: readonly Buffer[]
  /** What it says of its first `count` chunks, as signed by `by`. */
  readonly record: (count: number) => SegmentRecord
  readonly signed: (record: SegmentRecord, by?: KeyPair) => Uint8Array
  /** Offers the segment once more, over the one connection there is. */
  readonly offer: (
    items: (position: number) => AsyncGenerator<SegmentItem>,
    holes?: BlockRange[]
  ) => Promise<SegmentVerdict>
}

interface Taking extends Drawn {
  intake: SegmentIntake
  refusals: OwnRefusals
  member: Member
  liar: LyingSigner
}

/** The part of a pinner that takes segments, on the swarm, and a signer that was drawn with it and lies. */
async function taking(
  t: TestContext,
  { codec = 'wrap', clock = systemClock }: { codec?: CodecName; clock?: Clock } = {}
): Promise<Taking> {
  const of = await drawn(t, BLOCKS, codec)
  await serve(t, of, BLOCKS)
  const engine = await opened(new Engine<Tasks>({ threads: 1, memoryBytes: 16 << 20 }))
  closeAfter(t, () => engine.close())
  const options = await memberOptions(t, of, { name: 'pinner', clock })
  const store = await opened(new PinnerStore(join(options.dir, 'copies'), { clock, capacityBytes: 1 << 30 }))
  closeAfter(t, () => store.close())
  const member = await opened(new Member(options))
  const refusals = new OwnRefusals(member, join(options.dir, 'refusals'))
  const intake = new SegmentIntake({
    member,
    engine,
    store,
    refusals,
    searchSteps: 1,
    announce: () => Promise.resolve(),
    serve: () => Promise.resolve()
  })
  const { keyPair, signal } = member
  const host = new SwarmHost({
    network: of.network,
    keyPair,
    store: store.corestore,
    attach: (connection) =>
      acceptSegments(connection, (segment) => intake.receive(segment), { clock, signal })
  })
  closeAfter(t, async () => {
    await host.close()
    intake.close()
    await member.close()
  })
  await host.ready()
  return { ...of, intake, refusals, member, liar: await lyingSigner(t, of, codec) }
}

async function lyingSigner(t: TestContext, of: Drawn, codec: CodecName): Promise<LyingSigner> {
  const { assignment, signer, network } = of
  const keyPair = identity('signer')
  const dht = createDht(network)
  const connections = new Connections({ dht, keyPair, clock: systemClock })
  closeAfter(t, async () => {
    await connections.close()
    await dht.destroy()
  })
  const chainId = await signer.chainId()
  const { publicKey, secretKey } = codec === 'wrap' ? keyPair : rsaKeyFromSeed(hash('test/modulus'))
  const segment: SegmentSecret = { ...segmentOf(chainId, assignment, Buffer.from(publicKey)), secretKey }
  const encoded = codec === 'wrap' ? Buffer.alloc(0) : encodePrimeProof(provePrimes(secretKey, segment.id))
  const primeProof = { encoded, hash: codec === 'wrap' ? encoded : primeProofHash(encoded) }
  const chunks = BLOCKS.map((block, i) => encodeChunk(segment, i, block, hash('test/seed', i)))
  let offers = 0
  return {
    chunks,
    record(count) {
      const tree = new TreeBuilder()
      for (const chunk of chunks.slice(0, count)) tree.appendLeaf(leafNode(chunk, codecOf(codec).headerBytes))
      return recordOf(assignment, { ...segment, primeProofHash: primeProof.hash }, tree.root())
    },
    signed: (record, by = keyPair) =>
      encodeSignedRecord({ record, signature: signSegment(chainId, by, record) }),
    offer(items, holes = []) {
      const { draw, pinner } = assignment
      const offer = encodeOffer({
        draw,
        publicKey: Buffer.from(publicKey),
        primeProof: primeProof.encoded,
        known: chunks.length,
        holes
      })
      const id = Buffer.of(offers++)
      return connections.with(pinner, { timeoutMs: 15_000 }, (connection) =>
        sendSegment(connection, offer, items, { clock: systemClock, id })
      )
    }
  }
}

/** The chunks `[from, to)`, each alone. */
function* sent(chunks: readonly Buffer[], from: number, to = chunks.length): Generator<SegmentItem> {
  for (const bytes of chunks.slice(from, to)) yield { kind: 'chunks', bytes, lengths: [bytes.byteLength] }
}

test('a segment that ends before all of its chunks came is refused', async (t) => {
  const of = await taking(t)
  const { chunks, offer, record, signed } = of.liar
  const verdict = await offer(async function* (position) {
    yield* sent(chunks, position, 4)
    yield { kind: 'end', checkpoint: signed(record(4)) }
  })
  assert.deepEqual(verdict, {
    accepted: false,
    code: 'SEGMENT_INCOMPLETE',
    message: 'the signer sent chunks up to 4 of 6'
  })
  const [refused] = await seen(of, 'refused')
  assert.deepEqual(refused?.by, identity('pinner').publicKey)
})

test('a segment with holes where its author serves blocks is not taken, and its signer may look again', async (t) => {
  const of = await taking(t)
  const { chunks, offer, record, signed } = of.liar
  const items = async function* (position: number): AsyncGenerator<SegmentItem> {
    yield* sent(chunks, position)
    yield { kind: 'end', checkpoint: signed(record(6)) }
  }
  await assert.rejects(offer(items, [{ start: 2, end: 4 }]), {
    code: 'SEGMENT_HOLES',
    message: '2 blocks from 2 on are served, of which the signer says that nobody has them'
  })
  assert.equal((await offer(items)).accepted, true)
})

test('a segment that somebody else signed for its signer is refused', async (t) => {
  const of = await taking(t)
  const { chunks, offer, record, signed } = of.liar
  const verdict = await offer(async function* (position) {
    yield* sent(chunks, position)
    yield { kind: 'end', checkpoint: signed(record(6), identity('author')) }
  })
  assert.deepEqual(verdict, {
    accepted: false,
    code: 'SEGMENT_SIGNATURE',
    message: 'the signer’s signature over the segment does not hold'
  })
  const [refused] = await seen(of, 'refused')
  assert.deepEqual(refused?.by, identity('pinner').publicKey)
})

test('a proof about primes that is not the one that was signed only ends a transfer', async (t) => {
  const of = await taking(t, { codec: 'seal' })
  const { chunks, offer, record, signed } = of.liar
  const told = (changes: Partial<SegmentRecord>) =>
    offer(async function* (position) {
      yield* sent(chunks, position)
      yield { kind: 'end', checkpoint: signed({ ...record(6), ...changes }) }
    })
  for (const changes of [{ primeProof: hash('another') }, { publicKey: Buffer.alloc(256, 0xc1) }]) {
    assert.deepEqual(await told(changes), {
      accepted: false,
      code: 'SEGMENT_PRIME_PROOF',
      message: 'the signer signed another modulus or proof than it handed over'
    })
  }
  assert.equal((await told({})).accepted, true)
})

test('a signer that signs two roots of the same chunks is convicted by both of them', async (t) => {
  const of = await taking(t, { codec: 'seal' })
  const { chunks, offer, record, signed } = of.liar
  const verdict = await offer(async function* (position) {
    yield* sent(chunks, position, 2)
    yield { kind: 'root', checkpoint: signed(record(2)) }
    yield { kind: 'root', checkpoint: signed({ ...record(2), root: hash('test/root') }) }
  })
  assert.deepEqual(verdict, {
    accepted: false,
    code: 'SEGMENT_CONTRADICTION',
    message: 'the signer has signed two roots of chunks 0 to 1'
  })
  assert.equal((await logged(of, 'pinner.fault-found')).code, 'REFUSAL_CONTRADICTION')
  await of.refusals.work()
  const [judged] = await seen(of, 'judged')
  assert.deepEqual(judged, { kind: 'judged', draw: of.assignment.draw, upheld: 1 })
  assert.deepEqual(
    effects(of, 'penalised').map(({ key }) => key),
    [identity('signer').publicKey]
  )
})

test('a signer that comes again goes on in its new transfer, and the old one is told so', async (t) => {
  const of = await taking(t)
  const { chunks, offer, record, signed } = of.liar
  let begun = false
  const first = offer(async function* (position) {
    yield* sent(chunks, position, 2)
    yield { kind: 'root', checkpoint: signed(record(2)) }
    begun = true
  })
  await logged(of, 'pinner.provable')
  assert.ok(begun)
  let from: number | undefined
  const second = offer(async function* (position) {
    from = position
    yield* sent(chunks, position)
    await of.signer.deliver(of.assignment.draw, record(6))
    yield { kind: 'end', checkpoint: signed(record(6)) }
  })
  assert.deepEqual(await first, {
    accepted: false,
    code: 'SEGMENT_SUPERSEDED',
    message: 'the signer has begun this segment again, and goes on there'
  })
  assert.equal((await second).accepted, true)
  assert.equal(from, 2)
})

for (const how of ['is late', 'has refused']) {
  test(`a segment whose signer ${how} is accepted as far as it was signed`, async (t) => {
    const of = await taking(t)
    const { chunks, offer, record, signed } = of.liar
    const verdict = offer(async function* (position) {
      yield* sent(chunks, position, 3)
      yield { kind: 'root', checkpoint: signed(record(3)) }
      yield* sent(chunks, 3, 4)
    })
    await logged(of, 'pinner.provable')
    if (how === 'is late') await of.chain.until('the signer is late', () => effects(of, 'late').length > 0)
    else await of.signer.refuse(of.assignment.draw, 'other')
    await of.intake.work(await of.member.chain.assignments())
    assert.deepEqual(await verdict, {
      accepted: false,
      code: 'SEGMENT_LATE',
      message: 'the time to deliver this segment is over'
    })
    assert.deepEqual(
      effects(of, 'accepted').map(({ start, end }) => [start, end]),
      [[0, 3]]
    )
  })
}

test('a pinner whose signer has refused, and of whose segment nothing came, says so: silent, it would pay alone', async (t) => {
  const of = await taking(t)
  await of.signer.refuse(of.assignment.draw, 'other')
  await of.intake.work(await of.member.chain.assignments())
  await logged(of, 'pinner.objects')
  await of.chain.until('both pay', () => effects(of, 'penalised').length === 2)
})

test('a transfer that its signer lets hang is ended once the draw is over', async (t) => {
  const clock = new JumpClock()
  const of = await taking(t, { clock })
  const { chunks, offer, record, signed } = of.liar
  const verdict = offer(async function* (position) {
    yield* sent(chunks, position, 2)
    yield { kind: 'root', checkpoint: signed(record(2)) }
  })
  await logged(of, 'pinner.provable')
  await of.pinner.refuse(of.assignment.draw, 'other')
  await of.intake.work(await of.member.chain.assignments())
  assert.ok(!of.lines.some(({ event }) => event === 'pinner.segment-failed'))
  clock.jump(GRACE_MS)
  assert.deepEqual(await verdict, { accepted: false, code: 'SEGMENT_OVER', message: 'this draw is over' })
})
