import { join } from 'node:path'
import { primeProofHash } from '../../crypto/prime-proof-bytes.js'
import { Engine, type StreamProgress } from '../../engine/engine.js'
import { ChainError, ProofError, SwarmError } from '../../errors.js'
import { opened } from '../../lifecycle.js'
import { TreeBuilder } from '../../merkle/builder.js'
import {
  decodeOffer,
  decodeSignedRecord,
  encodeSignedRecord,
  type SignedRecord
} from '../../protocol/hand-over.js'
import { segmentHash, signSegment, verifySegment } from '../../protocol/segment.js'
import { recordOf, segmentOf } from '../../roles/assignment.js'
import { Received } from '../../roles/pinner/received.js'
import { storeChunks } from '../../roles/pinner/store-chunks.js'
import { storedDecode } from '../../roles/pinner/stored-decode.js'
import { NodeFile } from '../../storage/node-file.js'
import { readChunk } from '../../storage/read-chunk.js'
import { PinnerStore } from '../../storage/pinner-store.js'
import { SwarmHost } from '../../swarm/host.js'
import { acceptSegments, type IncomingSegment } from '../../swarm/segment-channel.js'
import type { Tasks } from '../../../workers/tasks.js'
import { equal } from '../../bytes.js'
import { Meter } from '../meter.js'
import type { EndOptions, EndUse, Port } from '../port.js'
import { measured } from './plain.js'
import { assignmentOf, identityOf, originalOf, PROFILE_CHAIN } from './drawn.js'
import { startWorkers, streamStages } from './stages.js'
import { Busy, timedItems, type Laps } from './timed.js'

/** Takes a segment with the role's own code, all but the chain, and then serves it to whoever comes. */
export async function pinner(options: EndOptions['pinner'], port: Port): Promise<void> {
  const { network, seed, dir, drawn, threads } = options
  const { clock } = port
  const engine = new Engine<Tasks>({ threads })
  const meter = new Meter(clock, (bytes) => port.say('bytes', bytes))
  await startWorkers(engine, meter)
  const decoding = new Busy(clock)
  const slow = storedDecode(engine)
  const store = await opened(
    new PinnerStore(join(dir, 'copies'), {
      clock,
      decode: (...chunk) => decoding.during(() => readChunk(...chunk)),
      slow: { ...slow, open: (...chunks) => decoding.during(() => slow.open(...chunks)) }
    })
  )
  let told: (outcome: EndUse | Error) => void = () => {}
  const taken = new Promise<EndUse | Error>((resolve) => (told = resolve))
  const keyPair = identityOf(seed)
  const attach = (connection: Parameters<typeof acceptSegments>[0]): void =>
    acceptSegments(
      connection,
      async (incoming) => {
        try {
          told(await take(incoming, options, { engine, meter, store, port }))
        } catch (error) {
          told(error as Error)
          throw error
        }
      },
      { clock }
    )
  const host = await opened(new SwarmHost({ network, keyPair, store: store.corestore, attach }))
  port.say('ready', { key: keyPair.publicKey.toString('hex') })
  const outcome = await taken
  if (outcome instanceof Error) throw outcome
  port.say('taken', outcome)

  const core = store.session(Buffer.from(drawn.original.key, 'hex'))
  await core.ready()
  core.on('upload', (_index: number, bytes: number) => meter.add(bytes))
  await host.announce(core.discoveryKey)
  port.say('served', null)
  const inMain = drawn.codec === 'wrap'
  void measured(meter, port, (use): EndUse => {
    const ms = decoding.take()
    // Where workers decode, they alone have that time; what the main thread waits for is no use of it.
    const decodeMs = inMain ? Math.min(ms, use.threads.main) : use.threads.workers
    return {
      ...use,
      stages: [
        { stage: 'decode', cpuMs: decodeMs, thread: inMain ? 'main' : 'workers' },
        { stage: 'prove and send', cpuMs: use.threads.main - (inMain ? decodeMs : 0), thread: 'main' },
        { stage: 'read', cpuMs: use.threads.other, thread: 'other' }
      ],
      waits: [{ what: 'decoded blocks', ms: inMain ? 0 : ms }]
    }
  })
  await port.order('close')
  await core.close()
  await host.close()
  await store.close()
  await engine.close()
}

interface Taking {
  engine: Engine<Tasks>
  meter: Meter
  store: PinnerStore
  port: Port
}

/** Takes the segment, accepts it and puts it in place. */
async function take(
  incoming: IncomingSegment,
  { seed, drawn }: EndOptions['pinner'],
  { engine, meter, store, port }: Taking
): Promise<EndUse> {
  const { clock } = port
  const { codec } = drawn
  const original = originalOf(drawn.original)
  const assignment = assignmentOf(drawn)
  const offer = decodeOffer(incoming.offer)
  const { publicKey, primeProof } = offer
  const segment = segmentOf(PROFILE_CHAIN, assignment, publicKey)
  if (codec === 'seal') {
    const search = { others: [], seed: Buffer.alloc(32), steps: 1 }
    const task = { modulus: publicKey, segmentId: segment.id, proof: primeProof, search }
    const { fault } = await engine.call('check-modulus', task)
    if (fault !== null) throw new ProofError('SEGMENT_MODULUS', 'the modulus of the segment does not hold')
  }
  const hashed = codec === 'seal' ? primeProofHash(primeProof) : Buffer.alloc(0)
  const ingest = await store.beginSegment({ ...original, segment, start: 0, end: original.length })
  const nodes = await opened(new NodeFile(ingest.nodeFile))
  meter.begin()
  const builder = new TreeBuilder((records) => nodes.append(records))
  const [treeTime, disk] = [new Busy(clock), new Busy(clock)]
  const [link, decoded]: Laps[] = [
    { itemsMs: 0, useMs: 0 },
    { itemsMs: 0, useMs: 0 }
  ]
  let progress: StreamProgress | undefined

  const read = (encoded: Uint8Array): SignedRecord => {
    const checkpoint = decodeSignedRecord(encoded)
    if (!verifySegment(PROFILE_CHAIN, assignment.signer, checkpoint.record, checkpoint.signature)) {
      throw new ChainError('SEGMENT_SIGNATURE', 'the signer’s signature over the segment does not hold')
    }
    return checkpoint
  }
  const received = new Received(timedItems(incoming.receive(0), clock, link!), 0, read)
  const onStored = async (): Promise<void> => {
    for (const checkpoint of received.covered()) {
      const { record } = checkpoint
      const root = (await TreeBuilder.resume(nodes, record.chunks)).root()
      const own = recordOf(assignment, { ...segment, primeProofHash: hashed }, root)
      if (!equal(segmentHash(PROFILE_CHAIN, own), segmentHash(PROFILE_CHAIN, record))) {
        throw new ProofError('SEGMENT_ROOT', 'the signer’s record of the segment is not what was received')
      }
      await nodes.flush()
      await ingest.keepNote(encodeSignedRecord(checkpoint))
    }
    received.forgetCheckpoints()
  }
  await storeChunks(
    received,
    {
      spec: ingest.spec,
      get position() {
        return ingest.position
      },
      append: (blocks) => disk.during(() => ingest.append(blocks))
    },
    {
      engine: { decode: (...of) => timedItems(engine.decode(...of), clock, decoded!) },
      tree: {
        append: (count, levels) => treeTime.during(() => builder.append(count, levels)),
        get chunks() {
          return builder.chunks
        }
      },
      onStored: () => disk.during(onStored),
      signal: new AbortController().signal,
      onProgress: (now) => {
        meter.add(now.plainBytes - (progress?.plainBytes ?? 0))
        progress = now
      }
    }
  )
  await disk.during(async () => {
    await onStored()
    await nodes.flush()
    await nodes.close()
    await ingest.finish()
  })
  const use = meter.end()
  const { end } = received
  if (!end) throw new SwarmError('SEGMENT_CLOSED', 'the signer ended without a record')
  const { record } = decodeSignedRecord(end)
  const signature = signSegment(PROFILE_CHAIN, identityOf(seed), record)
  incoming.accept(encodeSignedRecord({ record, signature }))
  const stages = streamStages(use, progress, {
    codec,
    job: 'decode',
    tree: treeTime.take(),
    main: 'receive',
    other: 'store'
  })
  const linkMs = Math.min(link!.itemsMs, decoded!.itemsMs)
  return {
    ...use,
    stages,
    waits: [
      { what: 'bytes from the signer', ms: linkMs },
      { what: 'decoded chunks', ms: decoded!.itemsMs - linkMs },
      { what: 'the disk', ms: disk.take() }
    ]
  }
}
