import { join } from 'node:path'
import { opened } from '../../src/lifecycle.js'
import { encodeOffer, encodeSignedRecord } from '../../src/protocol/hand-over.js'
import { signSegment } from '../../src/protocol/segment.js'
import type { AssignmentView } from '../../src/protocol/views.js'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { codecOf, encodeChunk } from '../../src/chunk/codecs.js'
import { primeProofHash } from '../../src/crypto/prime-proof-bytes.js'
import { Engine } from '../../src/engine/engine.js'
import { ChainError } from '../../src/errors.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { recordOf, segmentOf } from '../../src/roles/assignment.js'
import { Member, hasCode, type MemberOptions, type Registration } from '../../src/roles/member.js'
import { SegmentKeys } from '../../src/roles/signer/segment-keys.js'
import { Connections } from '../../src/swarm/connections.js'
import { SwarmReader, knownLength, readBlocks } from '../../src/swarm/reader.js'
import { anyProof, anySeal, type AnyKey } from './weak-seal.js'
import { sendSegment, type SegmentItem, type SegmentVerdict } from '../../src/swarm/segment-channel.js'

/** What the liar makes of one chunk: it signs the result as if it were right. */
export type Lie = (at: {
  index: number
  end: number
  block: Buffer
  encode: (block: Buffer) => Buffer
}) => Buffer

/** What a signer is dishonest about: its chunks, or its keys, of which it has one for each draw. */
export interface Dishonesty {
  lie?: Lie
  key?: (draw: number) => AnyKey
}

/** A signer that does all that an honest one does, with a real swarm and a real chain, but lies about chunks or has weak keys. */
export class LyingSigner {
  /** What pinners said to its segments. */
  readonly verdicts: SegmentVerdict[] = []
  /** What the chain said to its segments. */
  readonly deliveries: string[] = []
  readonly #member: Member
  readonly #lie: Lie | undefined
  readonly #key: Dishonesty['key']
  readonly #engine = new Engine({ threads: 1, memoryBytes: 8 * 1024 * 1024 })
  readonly #keys: SegmentKeys
  readonly #connections: Connections
  readonly #draws = new Set<number>()

  private constructor(member: Member, { lie, key }: Dishonesty) {
    this.#member = member
    this.#lie = lie
    this.#key = key
    const { clock, dir, randomBytes } = member.options
    this.#keys = new SegmentKeys(join(dir, 'keys'), this.#engine, randomBytes)
    this.#connections = new Connections({ dht: member.dht, keyPair: member.keyPair, clock })
  }

  static async start(
    options: MemberOptions,
    registration: Registration,
    dishonesty: Dishonesty
  ): Promise<LyingSigner> {
    const signer = new LyingSigner(await opened(new Member(options)), dishonesty)
    await signer.#member.register('signer', registration)
    signer.#member.follow(['drawn', 'acknowledged', 'redraw'], () => signer.#work())
    return signer
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  async close(): Promise<void> {
    await this.#member.close()
    await this.#connections.close()
    await this.#engine.close()
  }

  async #work(): Promise<void> {
    const { chain, signal } = this.#member
    for (const assignment of await chain.assignments({ signal })) {
      const { draw, acknowledge, task } = assignment
      if (acknowledge) {
        await chain.acknowledge(draw).catch((error: unknown) => {
          if (!hasCode(error, 'ACKNOWLEDGED', 'DRAW_NOT_OPEN', 'NOT_DRAWN')) throw error
        })
      }
      if (task.state !== 'delivering' || this.#draws.has(draw)) continue
      this.#draws.add(draw)
      this.#member.run(`draw ${draw}`, () => this.#handOver(assignment))
    }
  }

  async #handOver(assignment: AssignmentView): Promise<void> {
    const { chain, keyPair, signal, options } = this.#member
    const { draw, hypercore, length, task, pinner } = assignment
    const { clock } = options
    const dir = join(options.dir, `plain-${draw}`)
    const reader = new SwarmReader({ network: options.network, dir, seed: options.randomBytes(32) })
    try {
      const core = await reader.open(hypercore, [assignment.topic])
      await knownLength(core, length, { clock, timeoutMs: 30_000, signal })
      const chainId = await chain.chainId({ signal })
      const weak = this.#key?.(draw)
      const { publicKey, secretKey } = weak
        ? { publicKey: weak.publicKey, secretKey: Buffer.alloc(0) }
        : await this.#keys.of(assignment, keyPair)
      const segment: SegmentSecret = { ...segmentOf(chainId, assignment, publicKey), secretKey }
      const primeProof = weak ? anyProof(weak, segment.id) : await this.#keys.proofOf(segment, signal)
      const tree = new TreeBuilder()
      const chunks: Buffer[] = []
      let index = task.start
      for await (const block of readBlocks(core, task.start, task.end, { timeoutMs: 30_000, signal })) {
        const at = index
        const encode = (plain: Buffer): Buffer =>
          weak ? anySeal(weak, segment, at, plain) : encodeChunk(segment, at, plain, options.randomBytes(32))
        const chunk = this.#lie?.({ index, end: task.end, block, encode }) ?? encode(block)
        tree.appendLeaf(leafNode(chunk, codecOf(segment.codec).headerBytes))
        chunks.push(chunk)
        index++
      }
      const record = recordOf(
        assignment,
        { ...segment, primeProofHash: primeProof.byteLength > 0 ? primeProofHash(primeProof) : primeProof },
        tree.root()
      )
      await chain.deliver(draw, record).then(
        () => this.deliveries.push('accepted'),
        (error: unknown) => {
          if (!(error instanceof ChainError)) throw error
          this.deliveries.push(error.code)
        }
      )
      const checkpoint = encodeSignedRecord({ record, signature: signSegment(chainId, keyPair, record) })
      async function* items(position: number): AsyncGenerator<SegmentItem> {
        for (const bytes of chunks.slice(position - task.start)) {
          yield { kind: 'chunks', bytes, lengths: [bytes.byteLength] }
        }
        yield { kind: 'end', checkpoint }
      }
      const offer = encodeOffer({
        draw,
        publicKey: Buffer.from(publicKey),
        primeProof,
        known: chunks.length,
        holes: []
      })
      const id = Buffer.alloc(8)
      id.writeBigUInt64LE(BigInt(draw))
      this.verdicts.push(
        await this.#connections.with(pinner, { timeoutMs: 15_000, signal }, (connection) =>
          sendSegment(connection, offer, items, { clock, id, signal })
        )
      )
    } finally {
      await reader.discard()
    }
  }
}
