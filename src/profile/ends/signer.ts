import { join } from 'node:path'
import Corestore from 'corestore'
import type { SegmentSecret } from '../../chunk/codec.js'
import { primeProofHash } from '../../crypto/prime-proof-bytes.js'
import { randomBytes } from '../../crypto/keys.js'
import { Engine, type StreamProgress } from '../../engine/engine.js'
import { generateSealKey, provePrimesOf } from '../../engine/seal-key.js'
import { PeerError } from '../../errors.js'
import { opened } from '../../lifecycle.js'
import { TreeBuilder } from '../../merkle/builder.js'
import { encodeOffer, encodeSignedRecord } from '../../protocol/hand-over.js'
import { signSegment } from '../../protocol/segment.js'
import { recordOf, segmentOf } from '../../roles/assignment.js'
import { encodedItems } from '../../roles/signer/encoded-items.js'
import { RUNNING_ROOT_BYTES } from '../../roles/signer/signer.js'
import { NodeFile } from '../../storage/node-file.js'
import { createDht } from '../../swarm/dht.js'
import { connectTo } from '../../swarm/host.js'
import { leave } from '../../swarm/leave.js'
import { readBlocks } from '../../swarm/reader.js'
import { sendSegment, type SegmentItem } from '../../swarm/segment-channel.js'
import { Meter } from '../meter.js'
import type { EndOptions, EndUse, Port } from '../port.js'
import { assignmentOf, identityOf, PROFILE_CHAIN } from './drawn.js'
import { startWorkers, streamStages } from './stages.js'
import { Busy, timedItems, type Laps } from './timed.js'

const BLOCK_MS = 30_000
const CONNECT_MS = 60_000

/** Encodes a hypercore that it has and hands it to its pinner, with the role's own code: all but the chain. */
export async function signer(options: EndOptions['signer'], port: Port): Promise<void> {
  const { network, seed, author, name, dir, drawn, threads } = options
  const { clock } = port
  const { codec } = drawn
  const store = new Corestore(author)
  const core = store.get({ name })
  await core.ready()
  const engine = new Engine({ threads })
  const meter = new Meter(clock, (bytes) => port.say('bytes', bytes))
  await startWorkers(engine, meter)
  const began = clock.now()
  const keyPair = identityOf(seed)
  const key = codec === 'seal' ? await generateSealKey(engine) : keyPair
  const assignment = assignmentOf(drawn)
  const segment: SegmentSecret = {
    ...segmentOf(PROFILE_CHAIN, assignment, key.publicKey),
    secretKey: key.secretKey
  }
  const primeProof = codec === 'seal' ? await provePrimesOf(segment) : Buffer.alloc(0)
  const hashed = codec === 'seal' ? primeProofHash(primeProof) : Buffer.alloc(0)
  const setupMs = codec === 'seal' ? clock.now() - began : 0
  const nodes = await opened(new NodeFile(join(dir, 'nodes')))
  const dht = createDht(network)
  port.say('ready', { setupMs })
  await port.order('begin')

  const connection = await connectTo(dht, assignment.pinner, keyPair, { clock, timeoutMs: CONNECT_MS })
  const read: Laps = { itemsMs: 0, useMs: 0 }
  const encode: Laps = { itemsMs: 0, useMs: 0 }
  const treeTime = new Busy(clock)
  let progress: StreamProgress | undefined
  const { length } = drawn.original

  async function* items(): AsyncGenerator<SegmentItem, void, void> {
    const builder = new TreeBuilder((records) => nodes.append(records))
    const tree = {
      append: (count: number, levels: Uint8Array) => treeTime.during(() => builder.append(count, levels)),
      get bytes() {
        return builder.bytes
      },
      get chunks() {
        return builder.chunks
      }
    }
    const checkpoint = (): Uint8Array => {
      const record = recordOf(assignment, { ...segment, primeProofHash: hashed }, builder.root())
      return encodeSignedRecord({ record, signature: signSegment(PROFILE_CHAIN, keyPair, record) })
    }
    const encoding = encodedItems({
      engine,
      blocks: timedItems(readBlocks(core, 0, length, { timeoutMs: BLOCK_MS }), clock, read),
      segment,
      ...(codec === 'wrap' && { seed: randomBytes(32) }),
      start: 0,
      tree,
      nodes,
      checkpoint,
      runningRootBytes: RUNNING_ROOT_BYTES,
      signal: new AbortController().signal,
      onProgress: (now) => {
        meter.add(now.plainBytes - (progress?.plainBytes ?? 0))
        progress = now
      }
    })
    yield* timedItems(encoding, clock, encode)
    await nodes.flush()
    yield { kind: 'end', checkpoint: checkpoint() }
  }

  meter.begin()
  const offer = encodeOffer({ draw: 0, publicKey: key.publicKey, primeProof, known: 0, holes: [] })
  const verdict = await sendSegment(connection, offer, items, { clock, id: Buffer.alloc(8) })
  const use = meter.end()
  if (!verdict.accepted) throw new PeerError(verdict.code, verdict.message)
  const stages = streamStages(use, progress, {
    codec,
    job: 'encode',
    tree: treeTime.take(),
    main: 'send',
    other: 'read'
  })
  const { itemsMs, useMs } = encode
  const blocksMs = Math.min(itemsMs, read.itemsMs)
  port.say('use', {
    ...use,
    stages,
    waits: [
      { what: 'blocks from the disk', ms: blocksMs },
      { what: 'encoded chunks', ms: itemsMs - blocksMs },
      { what: 'the link and the pinner', ms: useMs }
    ]
  } satisfies EndUse)
  await port.order('close')
  connection.destroy()
  await nodes.close()
  await engine.close()
  await leave(dht)
  await store.close()
}
