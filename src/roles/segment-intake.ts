import { join } from 'node:path'
import {
  decodeOffer,
  decodeSignedRecord,
  encodeSignedRecord,
  type SegmentOffer,
  type SignedRecord
} from '../chain/handover.js'
import { segmentHash, signSegment, verifySegment } from '../chain/segment.js'
import type { AssignmentView } from '../chain/views.js'
import type { SegmentPublic } from '../chunk/codec.js'
import type { Engine } from '../engine/engine.js'
import { ChainError, CodecError, ProofError, StorageError, SwarmError } from '../errors.js'
import { TreeBuilder } from '../merkle/builder.js'
import { decodeManifest } from '../storage/hypercore-parts.js'
import { NodeFile } from '../storage/node-file.js'
import { originalNode } from '../storage/original.js'
import type { PinnerStore } from '../storage/pinner-store.js'
import type { Ingest, IngestBlock } from '../storage/types.js'
import { SwarmReader, knownLength } from '../swarm/reader.js'
import type { IncomingSegment } from '../swarm/segment-channel.js'
import { recordOf, refusalOf, segmentOf } from './assignment.js'
import { hasCode, type Member } from './member.js'
import { Received } from './received.js'
import type { Refusals } from './refusals.js'
import { SegmentFault, SignedWords, chunkEvidence, originalEvidence } from './segment-fault.js'

/** How long an offer may be ahead of what the chain tells this pinner. */
const ASSIGNMENT_MS = 10_000
const ASSIGNMENT_POLL_MS = 200
/** How long the original may take to be found, or a block of it, where a signer's wrong block is looked for; and all of that. */
const ORIGINAL_MS = 15_000
const SEARCH_MS = 60_000

export interface SegmentIntakePorts {
  member: Member
  engine: Engine
  store: PinnerStore
  refusals: Refusals
  /** Is told of a hypercore that is held from now on. */
  serve: (key: Buffer) => Promise<void>
}

/**
 * Takes segments from the signers that were drawn with a pinner: checks and stores every chunk, then accepts on the
 * chain, or refuses and shows why.
 */
export class SegmentIntake {
  readonly #member: Member
  readonly #engine: Engine
  readonly #store: PinnerStore
  readonly #refusals: Refusals
  readonly #serve: (key: Buffer) => Promise<void>
  /** Draws whose segment is coming in. */
  readonly #receiving = new Set<number>()
  /** What the signers of open draws have signed so far. */
  readonly #words = new Map<number, SignedWords>()

  constructor({ member, engine, store, refusals, serve }: SegmentIntakePorts) {
    this.#member = member
    this.#engine = engine
    this.#store = store
    this.#refusals = refusals
    this.#serve = serve
  }

  /** Deletes what came of draws that were drawn again: it would keep the new segment out. */
  async dropStale(assignments: AssignmentView[]): Promise<void> {
    const { chain, log, signal } = this.#member
    const draws = new Set(assignments.map(({ draw }) => draw))
    for (const draw of this.#words.keys()) if (!draws.has(draw)) this.#words.delete(draw)
    const pending = this.#store.segments().filter(({ state }) => state === 'pending')
    if (pending.length === 0) return
    const chainId = await chain.chainId({ signal })
    const none = Buffer.alloc(0)
    const open = new Set(
      assignments.map((assignment) => Buffer.from(segmentOf(chainId, assignment, none).id).toString('hex'))
    )
    for (const stale of pending) {
      if (open.has(Buffer.from(stale.segment.id).toString('hex'))) continue
      try {
        await (await this.#store.beginSegment(stale)).abort()
        log('pinner.segment-dropped', { key: stale.key, segment: stale.segment.id })
      } catch (error) {
        // Still coming in: its own end will drop it.
        if (!hasCode(error, 'STORAGE_BUSY', 'STORAGE_HELD')) throw error
      }
    }
  }

  /** Takes a segment from the signer that was drawn with this pinner. */
  async receive(incoming: IncomingSegment): Promise<void> {
    const offer = decodeOffer(incoming.offer)
    const assignment = await this.#assignmentOf(offer.draw, incoming.from)
    await this.dropStale(await this.#member.chain.assignments({ signal: this.#member.signal }))
    if (this.#receiving.has(offer.draw)) {
      throw new SwarmError('SEGMENT_BUSY', 'this segment is on its way in over another connection')
    }
    this.#receiving.add(offer.draw)
    try {
      await this.#ingest(incoming, offer, assignment)
    } catch (error) {
      this.#member.log('pinner.segment-failed', { draw: offer.draw, error: error as Error })
      throw error
    } finally {
      this.#receiving.delete(offer.draw)
    }
  }

  /** The chain may tell the signer first, so the assignment is waited for a little. */
  async #assignmentOf(draw: number, signer: Buffer): Promise<AssignmentView> {
    const { chain, signal } = this.#member
    const until = performance.now() + ASSIGNMENT_MS
    for (;;) {
      const assignments = await chain.assignments({ signal })
      const mine = assignments.find((other) => other.role === 'pinner' && other.draw === draw)
      if (mine && !mine.signer.equals(signer)) break
      if (mine && ['delivering', 'late', 'delivered'].includes(mine.task.state)) return mine
      if (performance.now() > until) break
      await this.#member.pause(ASSIGNMENT_POLL_MS)
      signal.throwIfAborted()
    }
    throw new ChainError('NOT_DRAWN', `draw ${draw} does not pair this pinner with this signer`)
  }

  async #ingest(incoming: IncomingSegment, offer: SegmentOffer, assignment: AssignmentView): Promise<void> {
    const { chain, keyPair, log, signal } = this.#member
    const { hypercore, fork, length, treeHash, task, signer, draw } = assignment
    if (assignment.codec === 'wrap' && !offer.publicKey.equals(signer)) {
      throw new ChainError('SEGMENT_MISMATCH', 'a wrap segment is encoded with the signer’s own key')
    }
    const chainId = await chain.chainId({ signal })
    const segment = segmentOf(chainId, assignment, offer.publicKey)
    const { signature } = offer
    const manifest = decodeManifest(offer.manifest)
    const original = { key: hypercore, manifest, fork, length, treeHash, signature }
    const spec = { ...original, segment, start: task.start, end: task.end }
    let ingest = await this.#store.beginSegment(spec)
    if (ingest.position - task.start > offer.known) {
      // The signer cannot vouch any more for what it sent before: from the beginning.
      await ingest.abort()
      ingest = await this.#store.beginSegment(spec)
    }
    let finished = false
    try {
      const { tree, word } = await this.#takeChunks(incoming, ingest, segment, assignment)
      const { record, signature: signerSignature } = decodeSignedRecord(word)
      const own = recordOf(assignment, segment, tree.root())
      if (!segmentHash(chainId, own).equals(segmentHash(chainId, record))) {
        throw new ProofError('SEGMENT_ROOT', 'the signer’s record of the segment is not what was received')
      }
      if (!verifySegment(chainId, signer, record, signerSignature)) {
        throw new ChainError('SEGMENT_SIGNATURE', 'the signer’s signature over the segment does not hold')
      }
      await this.#checkOriginal(ingest, assignment, { record, signature: signerSignature })
      await ingest.finish()
      finished = true
      await this.#serve(hypercore)
      await chain.accept(draw, own, signerSignature)
      incoming.accept(encodeSignedRecord({ record: own, signature: signSegment(chainId, keyPair, own) }))
      log('pinner.accepted', { draw, key: hypercore, chunks: own.chunks, bytes: own.bytes, root: own.root })
    } catch (error) {
      if (!finished) await this.#giveUp(ingest, assignment, error)
      throw error
    }
  }

  /** What was interrupted goes on later; what does not hold is deleted and refused on the chain, with evidence if there is some. */
  async #giveUp(ingest: Ingest, assignment: AssignmentView, error: unknown): Promise<void> {
    const { chain, signal } = this.#member
    const { draw } = assignment
    if (signal.aborted || error instanceof SwarmError) return ingest.suspend()
    // `finish` has deleted what the author's signature does not cover.
    await ingest.abort().catch((failure: unknown) => {
      if (!(failure instanceof StorageError)) throw failure
    })
    if (error instanceof SegmentFault && (await this.#wouldBeUpheld(assignment, error))) {
      return this.#refusals.refuse(draw, error.evidence)
    }
    const reason = hasCode(error, 'STORAGE_DISK_FULL', 'STORAGE_QUOTA') ? 'busy' : 'mismatch'
    await chain.refuse(draw, reason).catch((failure: unknown) => {
      if (!hasCode(failure, 'DRAW_NOT_OPEN')) throw failure
    })
  }

  /** Judges own evidence as the chain will. */
  async #wouldBeUpheld(assignment: AssignmentView, { evidence }: SegmentFault): Promise<boolean> {
    const { chain, log, signal } = this.#member
    const refusal = refusalOf(await chain.chainId({ signal }), assignment, evidence)
    const verdict = await this.#engine.call('judge-refusal', { refusal, evidence: { memory: evidence } })
    log('pinner.fault-found', { draw: assignment.draw, ...verdict })
    return verdict.upheld
  }

  /**
   * Whether the decoded chunks are the author's blocks. If not, the wrong one is looked for with the help of the swarm.
   *
   * @throws SegmentFault if it is found; else StorageError
   */
  async #checkOriginal(ingest: Ingest, assignment: AssignmentView, word: SignedRecord): Promise<void> {
    try {
      await ingest.check()
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'STORAGE_TREE_MISMATCH') throw error
      const evidence = await this.#findWrongBlock(ingest, assignment, word).catch((failure: unknown) => {
        this.#member.log('pinner.fault-not-found', { draw: assignment.draw, error: failure as Error })
        return undefined
      })
      throw evidence ? new SegmentFault(error, evidence) : error
    }
  }

  async #findWrongBlock(
    ingest: Ingest,
    { hypercore, length, draw }: AssignmentView,
    word: SignedRecord
  ): Promise<Buffer | undefined> {
    const { options, signal } = this.#member
    const { network, randomBytes } = options
    const dir = join(options.dir, `original-${draw}`)
    const until = performance.now() + SEARCH_MS
    const nodes = await NodeFile.open(ingest.nodeFile)
    const reader = new SwarmReader({ network, dir, seed: randomBytes(32) })
    try {
      const core = await reader.open(hypercore)
      await knownLength(core, length, { timeoutMs: ORIGINAL_MS, signal })
      return await originalEvidence(word, length, {
        own: (at) => ingest.node(at),
        original: (at) => {
          signal.throwIfAborted()
          const left = Math.max(1, Math.min(ORIGINAL_MS, until - performance.now()))
          return originalNode(core, at, left)
        },
        encoded: (index) => this.#store.getEncoded(hypercore, index),
        nodes
      })
    } finally {
      await nodes.close()
      await reader.close({ remove: true })
    }
  }

  /** Decodes, checks and stores chunk by chunk; the tree over the encoded ones grows with them. */
  async #takeChunks(
    incoming: IncomingSegment,
    ingest: Ingest,
    segment: SegmentPublic,
    { task, signer, draw }: AssignmentView
  ): Promise<{ tree: TreeBuilder; word: Buffer }> {
    const { signal } = this.#member
    const chainId = await this.#member.chain.chainId({ signal })
    const nodes = await this.#nodesOf(ingest, segment)
    try {
      const tree = await TreeBuilder.resume(nodes, ingest.position - task.start, (records) =>
        nodes.append(records)
      )
      const words = this.#wordsOf(draw)
      const received = new Received(incoming.receive(ingest.position), tree.chunks, (encoded) => {
        const word = decodeSignedRecord(encoded)
        if (!verifySegment(chainId, signer, word.record, word.signature)) {
          throw new ChainError('SEGMENT_SIGNATURE', 'the signer’s signature over the segment does not hold')
        }
        const evidence = words.add(chainId, word)
        if (evidence) {
          const { start, end } = word.record
          const why = `the signer has signed two roots of chunks ${start} to ${end - 1}`
          throw new SegmentFault(new ProofError('SEGMENT_CONTRADICTION', why), evidence)
        }
        return word
      })
      const start = ingest.position
      try {
        for await (const batch of this.#engine.decode(received.runs(), { segment, start }, { signal })) {
          const encoded = received.take(batch.count)
          const blocks = batch.chunks.map((plain, i): IngestBlock => ({
            index: batch.firstIndex + i,
            encoded: encoded[i] as Uint8Array,
            plain
          }))
          tree.append(batch.count, batch.levels)
          await ingest.append(blocks)
          received.forgetWords()
        }
      } catch (error) {
        if (!(error instanceof CodecError)) throw error
        const index = ingest.position
        const chunks = task.end - task.start
        const at = { index, chunks, codec: segment.codec, tree, nodes }
        const evidence = await chunkEvidence(received, at)
        throw evidence ? new SegmentFault(error, evidence) : error
      }
      await nodes.flush()
      const { end } = received
      if (end === undefined || ingest.position !== task.end) {
        throw new ProofError(
          'SEGMENT_SHORT',
          `the signer sent chunks up to ${ingest.position} of ${task.end}`
        )
      }
      return { tree, word: end }
    } finally {
      await nodes.close()
    }
  }

  #wordsOf(draw: number): SignedWords {
    let words = this.#words.get(draw)
    if (!words) this.#words.set(draw, (words = new SignedWords()))
    return words
  }

  /** The stored tree up to where the ingest stands; built again from the disk if a crash took some of it. */
  async #nodesOf(ingest: Ingest, segment: SegmentPublic): Promise<NodeFile> {
    const { key, start } = ingest.spec
    const done = ingest.position - start
    const nodes = await NodeFile.open(ingest.nodeFile)
    if (nodes.chunks >= done) {
      await nodes.truncate(done)
      return nodes
    }
    await nodes.truncate(0)
    const stored = this.#store.encodedBlocks(key, start, ingest.position)
    const runs = (async function* () {
      for await (const { encoded } of stored) yield encoded
    })()
    await this.#engine.rebuild(runs, segment, { sink: (records) => nodes.append(records) })
    return nodes
  }
}
