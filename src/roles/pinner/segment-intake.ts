import { isDeepStrictEqual } from 'node:util'
import { opened } from '../../lifecycle.js'
import {
  decodeOffer,
  decodeSignedRecord,
  encodeSignedRecord,
  type SegmentOffer,
  type SignedRecord
} from '../../protocol/hand-over.js'
import { segmentHash, signSegment, verifySegment } from '../../protocol/segment.js'
import type { AssignmentView } from '../../protocol/views.js'
import type { SegmentPublic } from '../../chunk/codec.js'
import { primeProofHash } from '../../crypto/prime-proof-bytes.js'
import type { Engine } from '../../engine/engine.js'
import {
  ChainError,
  CodecError,
  InputError,
  ProofError,
  StorageError,
  SwarmError,
  type ErrorCode
} from '../../errors.js'
import { TreeBuilder } from '../../merkle/builder.js'
import type { TreeRoot } from '../../merkle/node.js'
import { decodeManifest } from '../../storage/hypercore-parts.js'
import { NodeFile } from '../../storage/node-file.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import type { Ingest, SegmentSpec, StoredSegment } from '../../storage/types.js'
import type { OriginalNode } from '../../protocol/original-tree.js'
import type { IncomingSegment } from '../../swarm/segment-channel.js'
import { pause, settled } from '../../wait.js'
import { recordOf, refusalOf, segmentOf } from '../assignment.js'
import { hasCode, type Member } from '../member.js'
import { OriginalCheck } from './original-check.js'
import { LastWords } from '../last-words.js'
import { OverdueDraws } from '../overdue-draws.js'
import { Received } from './received.js'
import type { OwnRefusals } from './refusals.js'
import { storeChunks } from './store-chunks.js'
import {
  SegmentFault,
  Checkpoints,
  chunkEvidence,
  modulusFault,
  type OfferedModulus
} from './segment-fault.js'
import type { Tasks } from '../../../workers/tasks.js'
import { equal } from '../../bytes.js'

/** How long an offer may be ahead of what the chain tells this pinner, or wait for the one before it to end. */
const ASSIGNMENT_MS = 10_000
const ASSIGNMENT_POLL_MS = 200
/** Other segments' moduli that a new one is held against: half a second of a worker. */
const OTHER_MODULI = 512
/** Trouble with the own disk: no signer is to blame, and the segment may still go on. */
const OWN_DISK: readonly ErrorCode[] = [
  'STORAGE_FAILED',
  'STORAGE_LIMIT',
  'STORAGE_DISK_FAILED',
  'STORAGE_CORRUPT'
]

/** What an intake works with; the pinner owns all of it. */
export interface SegmentIntakePorts {
  member: Member
  engine: Engine<Tasks>
  store: PinnerStore
  refusals: OwnRefusals
  /** Steps that a search for a factor of each modulus may take, see `searchFactor`. */
  searchSteps: number
  /** Is told of a hypercore that will be held in a moment: readers may look for it as soon as the chain has it. */
  announce: (key: Uint8Array) => Promise<void>
  /** Is told of a hypercore that is held from now on. */
  serve: (key: Uint8Array) => Promise<void>
}

/** A segment that is coming in, or being accepted. */
interface Running {
  readonly stop: AbortController
  /** Whether the signer has signed a part of it that is on the disk. */
  provable: boolean
  ended: Promise<void>
}

/**
 * Takes segments from signers: decodes and checks all of them, stores, accepts. What the signer signed last is kept beside
 * the chunks, so that a part of a segment can be accepted when the signer's time is over, also after a restart.
 */
export class SegmentIntake {
  readonly #member: Member
  readonly #engine: Engine<Tasks>
  readonly #store: PinnerStore
  readonly #refusals: OwnRefusals
  readonly #ports: SegmentIntakePorts
  readonly #original: OriginalCheck
  /** By draw. */
  readonly #running = new Map<number, Running>()
  readonly #overdue: OverdueDraws
  readonly #lastWords: LastWords
  /** What the signers of open draws have signed so far. */
  readonly #checkpoints = new Map<number, Checkpoints>()

  constructor(ports: SegmentIntakePorts) {
    this.#ports = ports
    this.#member = ports.member
    this.#engine = ports.engine
    this.#store = ports.store
    this.#refusals = ports.refusals
    this.#original = new OriginalCheck(ports.member, ports.store)
    this.#overdue = new OverdueDraws(ports.member.options.clock)
    this.#lastWords = new LastWords(ports.member, ({ draw }) => this.#object(draw))
  }

  /** Whether the signer of a draw sends its segment now. */
  isComing(draw: number): boolean {
    return this.#running.has(draw)
  }

  /** Its work ends with the member; this is what could come after. */
  close(): void {
    this.#overdue.close()
  }

  /** Accepts what no signer need send any more, and deletes what came of draws that are over. */
  async work(assignments: AssignmentView[]): Promise<void> {
    await this.#settleStale(assignments)
    const open = new Set(assignments.map(({ draw }) => draw))
    this.#overdue.look(open, new Set(this.#running.keys()), (draw) =>
      this.#running.get(draw)?.stop.abort(new SwarmError('SEGMENT_OVER', 'this draw is over'))
    )
    for (const draw of this.#checkpoints.keys()) if (!open.has(draw)) this.#checkpoints.delete(draw)
    const own = assignments.filter(({ role }) => role === 'pinner')
    this.#lastWords.work(own.filter(({ task: { state } }) => state === 'delivered' || state === 'refused'))
    for (const assignment of own) {
      const { draw, task } = assignment
      if (!['late', 'delivered', 'refused'].includes(task.state)) continue
      const running = this.#running.get(draw)
      if (!running) {
        this.#member.run(`segment of draw ${draw}`, () =>
          this.#exclusively(draw, async () => {
            const isStored = await this.#acceptStored(assignment)
            if (!isStored && task.state === 'refused') await this.#object(draw)
          })
        )
      } else if (task.state !== 'delivered' && running.provable) {
        running.stop.abort(new SwarmError('SEGMENT_LATE', 'the time to deliver this segment is over'))
      }
    }
  }

  /** Takes a segment from the signer that was drawn with this pinner. */
  async receive(incoming: IncomingSegment): Promise<void> {
    const { chain, log, options, signal } = this.#member
    const offer = decodeOffer(incoming.offer)
    const { draw } = offer
    const assignment = await this.#assignmentOf(draw, incoming.from)
    await this.#settleStale(await chain.assignments({ signal }))
    // A signer that comes again has lost the connection before, which may take a while to notice.
    const before = this.#running.get(draw)
    before?.stop.abort(
      new SwarmError('SEGMENT_SUPERSEDED', 'the signer has begun this segment again, and goes on there')
    )
    if (before) await settled(before.ended, { clock: options.clock, ms: ASSIGNMENT_MS, signal })
    await this.#exclusively(draw, async (running) => {
      try {
        await this.#ingest(incoming, offer, assignment, running)
      } catch (error) {
        log('pinner.segment-failed', { draw, error: error as Error })
        if (hasCode(error, 'SEGMENT_LATE')) {
          await this.#acceptStored(await this.#assignmentOf(draw, incoming.from))
        }
        throw error
      }
    })
  }

  async #exclusively(draw: number, work: (running: Running) => Promise<void>): Promise<void> {
    if (this.#running.has(draw)) {
      throw new SwarmError('SEGMENT_BUSY', 'this segment is on its way in over another connection')
    }
    const running: Running = { stop: new AbortController(), provable: false, ended: Promise.resolve() }
    this.#running.set(draw, running)
    const working = work(running).finally(() => this.#running.delete(draw))
    running.ended = working.catch(() => {})
    return working
  }

  /** The chain may tell the signer first, so the assignment is waited for a little. */
  async #assignmentOf(draw: number, signer: Buffer): Promise<AssignmentView> {
    const { chain, options, signal } = this.#member
    const { clock } = options
    const until = clock.now() + ASSIGNMENT_MS
    for (;;) {
      const assignments = await chain.assignments({ signal })
      const mine = assignments.find((other) => other.role === 'pinner' && other.draw === draw)
      if (mine && !equal(mine.signer, signer)) break
      if (mine && ['delivering', 'late', 'delivered', 'refused'].includes(mine.task.state)) return mine
      if (clock.now() > until) break
      await pause(clock, ASSIGNMENT_POLL_MS, signal)
      signal.throwIfAborted()
    }
    throw new ChainError('NOT_DRAWN', `draw ${draw} does not pair this pinner with this signer`)
  }

  async #ingest(
    incoming: IncomingSegment,
    offer: SegmentOffer,
    assignment: AssignmentView,
    running: Running
  ): Promise<void> {
    const { chain, keyPair, signal } = this.#member
    const { hypercore, fork, length, treeHash, task, signer } = assignment
    if (assignment.codec === 'wrap' && !equal(offer.publicKey, signer)) {
      throw new ChainError('SEGMENT_MISMATCH', 'a wrap segment is encoded with the signer’s own key')
    }
    // What is held of a copy that has no segments is of one that this pinner had before.
    if (
      task.start === 0 &&
      !task.renewal &&
      this.#store.segments(hypercore).some(({ state }) => state === 'held')
    ) {
      // It may be all that there is to make the new one from, and its signer may still have to read it.
      await this.#store.retire(hypercore)
      this.#member.log('pinner.copy-retired', { draw: offer.draw, key: hypercore })
    }
    const chainId = await chain.chainId({ signal })
    const segment = segmentOf(chainId, assignment, offer.publicKey)
    const manifest = decodeManifest(assignment.manifest)
    // Empty where nobody signs: the key fixes the blocks.
    const signature = assignment.signature.byteLength > 0 ? assignment.signature : null
    const original = { key: hypercore, manifest, fork, length, treeHash, signature }
    const spec = { ...original, segment, start: task.start, end: task.end, holes: offer.holes }
    // Found nowhere by the signer: what this pinner finds counts as well. What came under other holes is of no use.
    const holes = await this.#original.nodesOf(spec, assignment.topic)
    await this.#dropOther(spec)
    const ingest = await this.#store.beginSegment(spec)
    let checkpoint: SignedRecord
    try {
      // What the signer cannot vouch for any more, it sends again.
      if (ingest.position - task.start > offer.known) await ingest.cutBack(task.start + offer.known)
      running.provable = (await this.#checkpointOf(ingest)) !== null
      // Its record is stored by now: of two that share a prime and come together, one at least sees the other.
      const modulus = await this.#examine(segment, offer)
      checkpoint = await this.#takeChunks(incoming, ingest, { assignment, running, modulus, holes })
      await this.#accept(ingest, assignment, checkpoint)
    } catch (error) {
      await this.#giveUp(ingest, assignment, error)
      throw error
    }
    const { record } = checkpoint
    incoming.accept(encodeSignedRecord({ record, signature: signSegment(chainId, keyPair, record) }))
  }

  /** Deletes what came of a segment whose signer said other holes before. */
  async #dropOther({ key, segment, holes }: SegmentSpec): Promise<void> {
    const stored = this.#store.segments(key).find((one) => equal(one.segment.id, segment.id))
    if (stored?.state !== 'pending' || isDeepStrictEqual(stored.holes ?? [], holes ?? [])) return
    const ingest = await this.#store.beginSegment(stored)
    await ingest.abort()
  }

  /**
   * Looks at a signer's modulus before anything is taken: the proof about its primes, factors in common with those of
   * other segments here, close factors, and those of p - 1 and p + 1. What is found costs the signer once it has signed a record with it.
   */
  async #examine(
    { codec, id, publicKey }: SegmentPublic,
    { primeProof }: SegmentOffer
  ): Promise<OfferedModulus> {
    if (codec !== 'seal') return { publicKey, primeProofHash: Buffer.alloc(0), primeProof, fault: null }
    const { randomBytes } = this.#member.options
    const others = this.#store
      .segments()
      .filter(({ segment }) => segment.codec === 'seal' && !equal(segment.id, id))
      .slice(-OTHER_MODULI)
      .map(({ segment }) => Buffer.from(segment.publicKey))
    const found = await this.#engine.call('check-modulus', {
      modulus: publicKey,
      segmentId: id,
      proof: primeProof,
      search: { others, seed: randomBytes(32), steps: this.#ports.searchSteps }
    })
    const fault = found.fault === null ? null : modulusFault(found, primeProof)
    return { publicKey, primeProofHash: primeProofHash(primeProof), primeProof, fault }
  }

  /** Says that nothing came that could be accepted: silence would be this pinner's fault alone. */
  async #object(draw: number): Promise<void> {
    const { chain, log } = this.#member
    log('pinner.objects', { draw })
    await chain.refuse(draw, 'other').catch((error: unknown) => {
      if (!hasCode(error, 'DRAW_NOT_OPEN')) throw error
    })
  }

  /** Accepts a segment that is all here, or in part if the signer has no more time. Returns whether anything of it is here. */
  async #acceptStored(assignment: AssignmentView): Promise<boolean> {
    const { chain, log, signal } = this.#member
    const { draw, task, hypercore } = assignment
    const { id } = segmentOf(await chain.chainId({ signal }), assignment, Buffer.alloc(0))
    const stored = this.#store
      .segments(hypercore)
      .find(({ state, segment }) => state === 'pending' && Buffer.compare(segment.id, id) === 0)
    if (!stored) return false
    const ingest = await this.#store.beginSegment(stored)
    try {
      const checkpoint = await this.#checkpointOf(ingest)
      const takesPart = task.state !== 'delivered' && !task.renewal
      if (!checkpoint || (checkpoint.record.end < task.end && !takesPart)) {
        await ingest.suspend()
        return false
      }
      await ingest.cutBack(checkpoint.record.end)
      await this.#accept(ingest, assignment, checkpoint)
    } catch (error) {
      log('pinner.part-failed', { draw, error: error as Error })
      // It may be accepted later, or be gone on with.
      if (error instanceof ChainError || hasCode(error, 'STORAGE_NO_ORIGINAL')) await ingest.suspend()
      else await this.#giveUp(ingest, assignment, error)
    }
    return true
  }

  /** Checks all that is stored of a segment, which is what `checkpoint` covers, and accepts it on the chain. */
  async #accept(ingest: Ingest, assignment: AssignmentView, checkpoint: SignedRecord): Promise<void> {
    const { chain, log } = this.#member
    const { draw, hypercore } = assignment
    const { record, signature } = checkpoint
    const nodes = await this.#nodesOf(ingest)
    try {
      const tree = await TreeBuilder.resume(nodes, record.chunks)
      await this.#checkRoot(ingest, assignment, { record, root: tree.root() })
      await nodes.flush()
    } finally {
      await nodes.close()
    }
    const rest = await this.#original.restOf(ingest.spec, record.end, assignment.topic)
    await this.#original.check(ingest, assignment, { checkpoint, rest })
    await this.#ports.announce(hypercore)
    await chain.accept(draw, record, signature)
    const { start, end, chunks, bytes, root } = record
    log('pinner.accepted', { draw, key: hypercore, start, end, chunks, bytes, root })
    await this.#finish(ingest, rest)
  }

  /** Puts a segment in place that the chain has; what fails here is tried again by `#settleStale`. */
  async #finish(ingest: Ingest, rest: readonly OriginalNode[]): Promise<void> {
    try {
      await ingest.finish({ end: ingest.position, rest })
    } catch (error) {
      await ingest.suspend()
      throw new StorageError('STORAGE_FAILED', 'an accepted segment could not be put in place', {
        cause: error
      })
    }
    await this.#ports.serve(ingest.spec.key)
  }

  /** Deletes what came of draws that were drawn again: it would keep the new segment out. What was accepted is put in place. */
  async #settleStale(assignments: AssignmentView[]): Promise<void> {
    const { chain, log, signal } = this.#member
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
        const ingest = await this.#store.beginSegment(stale)
        const topic = await this.#topicOfAccepted(stale, ingest.position)
        if (topic) {
          await this.#finish(ingest, await this.#original.restOf(stale, ingest.position, topic))
          log('pinner.segment-recovered', { key: stale.key, segment: stale.segment.id })
        } else {
          await ingest.abort()
          log('pinner.segment-dropped', { key: stale.key, segment: stale.segment.id })
        }
      } catch (error) {
        // Still coming in: its own end will drop it.
        if (!hasCode(error, 'STORAGE_BUSY', 'STORAGE_HELD')) throw error
      }
    }
  }

  /** If the chain has a segment in this pinner's copy, as far as it is here: the topic of its hypercore. */
  async #topicOfAccepted({ key, segment }: StoredSegment, end: number): Promise<Uint8Array | null> {
    const { chain, keyPair, signal } = this.#member
    const view = await chain.hypercore(key, { signal })
    const isAccepted = (view?.copies ?? []).some(
      ({ state, segments }) =>
        state === 'active' &&
        segments.some(
          (known) =>
            Buffer.compare(known.id, segment.id) === 0 &&
            known.end === end &&
            equal(known.pinner, keyPair.publicKey)
        )
    )
    return view && isAccepted ? view.plan.topic : null
  }

  /** What was interrupted goes on later; what does not hold is deleted and refused on the chain, with evidence if there is some. */
  async #giveUp(ingest: Ingest, assignment: AssignmentView, error: unknown): Promise<void> {
    const { chain, signal } = this.#member
    const { draw } = assignment
    const ours = error instanceof InputError || hasCode(error, ...OWN_DISK)
    const later = ours || error instanceof SwarmError || hasCode(error, 'DRAW_NOT_OPEN')
    if (signal.aborted || later) return ingest.suspend()
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

  /** Decodes, checks and stores chunk by chunk; the tree over the encoded ones grows with them. Returns the checkpoint over all of them. */
  async #takeChunks(
    incoming: IncomingSegment,
    ingest: Ingest,
    {
      assignment,
      running,
      modulus,
      holes
    }: {
      assignment: AssignmentView
      running: Running
      modulus: OfferedModulus
      holes: ReadonlyMap<number, OriginalNode>
    }
  ): Promise<SignedRecord> {
    const { signal } = this.#member
    const { task, draw } = assignment
    const { segment } = ingest.spec
    const chainId = await this.#member.chain.chainId({ signal })
    const nodes = await this.#nodesOf(ingest)
    try {
      const tree = await TreeBuilder.resume(nodes, ingest.position - task.start, (records) =>
        nodes.append(records)
      )
      const read = (encoded: Uint8Array): SignedRecord =>
        this.#readCheckpoint(chainId, { assignment, modulus }, encoded)
      const received = new Received(incoming.receive(ingest.position), tree.chunks, read, running.stop.signal)
      const keepCheckpoints = async (): Promise<void> => {
        for (const checkpoint of received.covered()) {
          const { record } = checkpoint
          const root = (await TreeBuilder.resume(nodes, record.chunks)).root()
          await this.#checkRoot(ingest, assignment, { record, root })
          await nodes.flush()
          await this.#keep(ingest, encodeSignedRecord(checkpoint), modulus)
          running.provable = true
          this.#member.log('pinner.provable', { draw, chunks: record.chunks, bytes: record.bytes })
        }
        received.forgetCheckpoints()
      }
      this.#member.log('pinner.receiving', { draw, position: ingest.position, end: task.end })
      try {
        const how = { engine: this.#engine, tree, onStored: keepCheckpoints, holes, signal }
        await storeChunks(received, ingest, how)
      } catch (error) {
        // The last checkpoint may have come after the chunks that it covers.
        if (error instanceof SwarmError) await keepCheckpoints()
        if (!(error instanceof CodecError)) throw error
        const index = ingest.position
        const chunks = task.end - task.start
        const at = { index, chunks, codec: segment.codec, tree, nodes }
        const evidence = await chunkEvidence(received, at)
        throw evidence ? new SegmentFault(error, evidence) : error
      }
      await keepCheckpoints()
      await nodes.flush()
      const { end } = received
      if (end === undefined || ingest.position !== task.end) {
        throw new ProofError(
          'SEGMENT_INCOMPLETE',
          `the signer sent chunks up to ${ingest.position} of ${task.end}`
        )
      }
      await this.#keep(ingest, end, modulus)
      return decodeSignedRecord(end)
    } finally {
      await nodes.close()
    }
  }

  /** Keeps what the signer signed last, and the proof that it names. */
  async #keep(ingest: Ingest, checkpoint: Uint8Array, { primeProof }: OfferedModulus): Promise<void> {
    const { segment } = ingest.spec
    if (segment.codec === 'seal') await this.#store.keepPrimeProof(segment.id, primeProof)
    await ingest.keepNote(checkpoint)
  }

  /**
   * A checkpoint of the signer's.
   *
   * @throws ChainError SEGMENT_SIGNATURE; SwarmError SEGMENT_PRIME_PROOF; SegmentFault if its modulus is not to be
   *   trusted, or it contradicts an earlier one
   */
  #readCheckpoint(
    chainId: Uint8Array,
    { assignment, modulus }: { assignment: AssignmentView; modulus: OfferedModulus },
    encoded: Uint8Array
  ): SignedRecord {
    const { draw, signer } = assignment
    const checkpoint = decodeSignedRecord(encoded)
    if (!verifySegment(chainId, signer, checkpoint.record, checkpoint.signature)) {
      throw new ChainError('SEGMENT_SIGNATURE', 'the signer’s signature over the segment does not hold')
    }
    const { publicKey, primeProof } = checkpoint.record
    if (!equal(publicKey, modulus.publicKey) || !equal(primeProof, modulus.primeProofHash)) {
      throw new SwarmError(
        'SEGMENT_PRIME_PROOF',
        'the signer signed another modulus or proof than it handed over'
      )
    }
    if (modulus.fault) throw modulus.fault(checkpoint)
    const evidence = this.#checkpointsOf(draw).add(chainId, checkpoint)
    if (evidence) {
      const { start, end } = checkpoint.record
      const why = `the signer has signed two roots of chunks ${start} to ${end - 1}`
      throw new SegmentFault(new ProofError('SEGMENT_CONTRADICTION', why), evidence)
    }
    return checkpoint
  }

  /** Whether a record is that of the chunks that came. @throws ProofError SEGMENT_ROOT */
  async #checkRoot(
    { spec }: Ingest,
    assignment: AssignmentView,
    { record, root }: { record: SignedRecord['record']; root: TreeRoot }
  ): Promise<void> {
    const { chain, signal } = this.#member
    const chainId = await chain.chainId({ signal })
    const own = recordOf(assignment, { ...spec.segment, primeProofHash: record.primeProof }, root)
    if (!equal(segmentHash(chainId, own), segmentHash(chainId, record))) {
      throw new ProofError('SEGMENT_ROOT', 'the signer’s record of the segment is not what was received')
    }
  }

  /** The signer's last checkpoint, if all that it covers is here. */
  async #checkpointOf(ingest: Ingest): Promise<SignedRecord | null> {
    const note = await ingest.note()
    const checkpoint = note && decodeSignedRecord(note)
    return checkpoint && checkpoint.record.end <= ingest.position ? checkpoint : null
  }

  #checkpointsOf(draw: number): Checkpoints {
    let checkpoints = this.#checkpoints.get(draw)
    if (!checkpoints) this.#checkpoints.set(draw, (checkpoints = new Checkpoints()))
    return checkpoints
  }

  /** The stored tree up to where the ingest stands; built again from the disk if a crash took some of it. */
  async #nodesOf(ingest: Ingest): Promise<NodeFile> {
    const { key, start, segment } = ingest.spec
    const done = ingest.position - start
    const nodes = await opened(new NodeFile(ingest.nodeFile))
    if (nodes.chunks >= done) {
      await nodes.truncate(done)
      return nodes
    }
    await nodes.truncate(0)
    const stored = this.#store.encodedBlocks(key, start, ingest.position, segment.id)
    const runs = (async function* () {
      for await (const { encoded } of stored) yield encoded
    })()
    await this.#engine.rebuild(runs, segment, { sink: (records) => nodes.append(records) })
    return nodes
  }
}
