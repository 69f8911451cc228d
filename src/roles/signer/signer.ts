import type { ChainClient } from '../../client/client.js'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hypercore from 'hypercore'
import { encodeOffer, encodeSignedRecord, HOLES_MAX } from '../../protocol/hand-over.js'
import { treeEnd } from '../../protocol/original-tree.js'
import { blocksOf, outside, type BlockRange } from '../../protocol/ranges.js'
import { findHoles } from '../../storage/holes.js'
import { treeHashAt } from '../../storage/original.js'
import { signSegment } from '../../protocol/segment.js'
import type { AssignmentView } from '../../protocol/views.js'
import type { SegmentSecret } from '../../chunk/codec.js'
import { equal } from '../../bytes.js'
import { primeProofHash } from '../../crypto/prime-proof-bytes.js'
import { Engine } from '../../engine/engine.js'
import { wipeSegmentKey } from '../../engine/seal-key.js'
import { ChainError, PeerError, SwarmError } from '../../errors.js'
import { Resource, opened } from '../../lifecycle.js'
import { TreeBuilder } from '../../merkle/builder.js'
import { NodeFile } from '../../storage/node-file.js'
import { Connections } from '../../swarm/connections.js'
import { SwarmReader, knownLength, readBlocks } from '../../swarm/reader.js'
import { sendSegment, type SegmentItem } from '../../swarm/segment-channel.js'
import { joinSignals, pause } from '../../wait.js'
import { recordOf, segmentOf } from '../assignment.js'
import { Member, hasCode, type MemberOptions, type Registration } from '../member.js'
import { LastWords } from '../last-words.js'
import type { Participant, RoleChange } from '../participant.js'
import { OverdueDraws } from '../overdue-draws.js'
import { encodedItems } from './encoded-items.js'
import { SegmentKeys } from './segment-keys.js'

export interface SignerOptions extends MemberOptions {
  registration: Registration
  /** Memory for chunks in the worker pool. */
  memoryBytes?: number
  threads?: number
  /** Encoded bytes between two signed running roots. Default and most: `RUNNING_ROOT_BYTES`. */
  runningRootBytes?: number
  /** How long a hypercore of which nothing came is looked for before it is said that nobody serves it. Default: `UNSERVED_MS`. */
  unservedMs?: number
  /** How long blocks that nobody seems to have are looked for before they are holes. Default: a part of the time to deliver in. */
  holesMs?: number
}

/** Longer than a pinner waits and looks, and less than what there is to deliver in (`deliverBaseMs`). */
const UNSERVED_MS = 240_000

/** Of the time to deliver in, the part in which blocks that nobody seems to have are looked for. */
const HOLES_PART = 12

/** Most encoded bytes between two signed running roots: what was signed last is what a lost signer leaves. */
export const RUNNING_ROOT_BYTES = 16 << 20
const CONNECT_MS = 15_000
const BLOCK_MS = 30_000
/** Pause after an interruption, doubled up to the second. */
const RETRY_MS = { first: 250, last: 10_000 }

/**
 * Encodes hypercores that it was drawn for and hands each to its pinner: downloads from the swarm, through the
 * worker pool, onto a connection, in bounded memory.
 */
export class Signer extends Resource implements Participant {
  readonly #options: SignerOptions
  readonly #runningRootBytes: number
  readonly #unservedMs: number
  readonly #holesMs: number | undefined
  /** Draws that are being worked on, and what stops it. */
  readonly #draws = new Map<number, AbortController>()
  readonly #overdue: OverdueDraws
  #lastWords!: LastWords
  #engine!: Engine
  #keys!: SegmentKeys
  #connections: Connections | undefined
  #member!: Member
  #registration: Registration

  constructor(options: SignerOptions) {
    super()
    this.#options = options
    this.#registration = options.registration
    this.#runningRootBytes = Math.min(options.runningRootBytes ?? RUNNING_ROOT_BYTES, RUNNING_ROOT_BYTES)
    this.#unservedMs = options.unservedMs ?? UNSERVED_MS
    this.#holesMs = options.holesMs
    this.#overdue = new OverdueDraws(options.clock)
  }

  /** The member is opened last, so that its work has ended before anything is closed that it needs. */
  protected async start(): Promise<void> {
    const { clock, dir, memoryBytes, threads, randomBytes } = this.#options
    const engine = new Engine({
      random: randomBytes,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(threads === undefined ? {} : { threads })
    })
    this.#engine = this.own('engine', engine)
    this.#keys = new SegmentKeys(join(dir, 'keys'), engine, randomBytes)
    this.own('overdue draws', this.#overdue)
    this.owe('connections', () => this.#connections?.close())
    const member = await this.acquire('member', new Member(this.#options))
    this.#member = member
    this.#lastWords = new LastWords(member, (assignment) => this.#runsOut(assignment))
    this.#connections = new Connections({ dht: member.dht, keyPair: member.keyPair, clock })
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  get chain(): ChainClient {
    return this.#member.chain
  }

  /** It keeps none. */
  get hypercores(): number {
    return 0
  }

  get trouble(): string | null {
    return null
  }

  async join(): Promise<void> {
    await this.#member.register('signer', this.#registration)
    this.#member.follow(['drawn', 'acknowledged', 'redraw', 'accepted'], () => this.#work())
  }

  change({ registration }: RoleChange): void {
    this.#registration = registration
    this.#member.run('register', () => this.#member.register('signer', registration))
  }

  async #work(): Promise<void> {
    const { chain, signal } = this.#member
    const assignments = await chain.assignments({ signal })
    const open = new Set(assignments.map(({ draw }) => draw))
    this.#overdue.look(open, new Set(this.#draws.keys()), (draw) =>
      this.#draws.get(draw)?.abort(new SwarmError('SEGMENT_OVER', 'this draw is over'))
    )
    this.#lastWords.work(
      assignments.filter(({ role, task }) => role === 'signer' && task.state === 'delivering')
    )
    await this.#keys.forgetAllBut(open)
    await this.#forgetAllBut(open)
    for (const assignment of assignments) {
      if (assignment.role !== 'signer') continue
      const { draw, acknowledge, task } = assignment
      if (acknowledge) {
        await chain.acknowledge(draw).catch((error: unknown) => {
          if (!hasCode(error, 'ACKNOWLEDGED', 'DRAW_NOT_OPEN', 'NOT_DRAWN')) throw error
        })
      }
      if (task.state !== 'delivering' && task.state !== 'delivered') continue
      if (this.#draws.has(draw)) continue
      const stop = new AbortController()
      this.#draws.set(draw, stop)
      this.#member.run(`draw ${draw}`, () =>
        this.#encode(assignment, stop.signal).finally(() => this.#draws.delete(draw))
      )
    }
  }

  /** What did not come about in its time is said to be so: its pinner may take what has come, and who is silent pays alone. */
  async #runsOut({ draw }: AssignmentView): Promise<void> {
    const { chain, log } = this.#member
    this.#draws.get(draw)?.abort(new SwarmError('SEGMENT_LATE', 'the time to deliver this segment is over'))
    log('signer.out-of-time', { draw })
    await chain.refuse(draw, 'other').catch((error: unknown) => {
      if (!hasCode(error, 'DRAW_NOT_OPEN', 'NOT_WAITING')) throw error
    })
  }

  /** Deletes what a draw left that was over before a restart. */
  async #forgetAllBut(open: ReadonlySet<number>): Promise<void> {
    const { dir } = this.#member.options
    for (const name of await readdir(dir)) {
      const draw = Number(/^draw-(\d+)$/.exec(name)?.[1] ?? NaN)
      if (Number.isNaN(draw) || open.has(draw) || this.#draws.has(draw)) continue
      await rm(join(dir, name), { recursive: true, force: true })
    }
  }

  /** Encodes and hands over, again after every interruption, until the chain wants it no more. */
  async #encode(assignment: AssignmentView, over: AbortSignal): Promise<void> {
    const { chain, log, signal, options } = this.#member
    const { draw, hypercore, topic } = assignment
    const dir = join(options.dir, `draw-${draw}`)
    const { clock, network, randomBytes } = options
    const reader = new SwarmReader({ network, dir: join(dir, 'plain'), seed: randomBytes(32) })
    const { signal: stopped, release } = joinSignals(signal, over)
    try {
      const core = await reader.open(hypercore, [topic])
      const until = clock.now() + this.#unservedMs
      for (let pauseMs = RETRY_MS.first; !signal.aborted; pauseMs = Math.min(2 * pauseMs, RETRY_MS.last)) {
        try {
          await this.#handOver(assignment, core, join(dir, 'nodes'), stopped)
          return
        } catch (error) {
          stopped.throwIfAborted()
          if (!(error instanceof SwarmError)) throw error
          log('signer.interrupted', { draw, error })
          const nowhere = hasCode(error, 'HYPERCORE_UNREACHABLE', 'BLOCK_UNREACHABLE')
          const has = core.fork >= assignment.fork && (await core.has(assignment.task.start))
          if (nowhere && clock.now() >= until && !has) throw error
        }
        await pause(clock, pauseMs, signal)
        const open = await chain.assignments({ signal })
        if (!open.some((other) => other.draw === draw && other.role === 'signer')) return
      }
    } catch (error) {
      if (signal.aborted) return
      if (over.aborted || hasCode(error, 'DRAW_NOT_OPEN')) {
        return log('signer.stopped', { draw, error: error as Error })
      }
      log('signer.refused', { draw, error: error as Error })
      const reason = hasCode(error, 'ORIGINAL_MISMATCH')
        ? 'mismatch'
        : hasCode(error, 'HYPERCORE_UNREACHABLE', 'BLOCK_UNREACHABLE')
          ? 'unreachable'
          : 'other'
      await chain.refuse(draw, reason).catch((refusal: unknown) => {
        if (!hasCode(refusal, 'DRAW_NOT_OPEN', 'NOT_WAITING')) throw refusal
      })
    } finally {
      release()
      // What is there is gone on with after a restart.
      await (signal.aborted ? reader.close() : reader.discard())
      if (!signal.aborted) await rm(dir, { recursive: true, force: true })
    }
  }

  async #handOver(
    assignment: AssignmentView,
    core: Hypercore,
    nodeFile: string,
    signal: AbortSignal
  ): Promise<void> {
    const { chain, keyPair, log, options } = this.#member
    const { clock } = options
    const { draw, length, pinner, task } = assignment
    await knownLength(core, length, { clock, timeoutMs: Math.min(BLOCK_MS, this.#unservedMs), signal })
    checkFork(core, assignment)
    await checkOriginal(core, assignment)
    const chainId = await chain.chainId({ signal })
    const holes = await this.#holesOf(assignment, core, nodeFile, signal)
    const nodes = await opened(new NodeFile(nodeFile))
    let wipe = () => {}
    try {
      const { publicKey, secretKey, seed } = await this.#keys.of(assignment, keyPair)
      const segment: SegmentSecret = { ...segmentOf(chainId, assignment, publicKey), secretKey }
      // The signer's own key, which `wrap` uses, stays.
      if (segment.codec === 'seal') wipe = () => wipeSegmentKey(segment)
      const primeProof = await this.#keys.proofOf(segment, signal)
      const known = nodes.chunks
      const offer = encodeOffer({ draw, publicKey, primeProof, known, holes })
      const items = (position: number): AsyncGenerator<SegmentItem> =>
        this.#items(
          assignment,
          { segment, primeProofHash: hashOf(primeProof), ...(seed && { seed }) },
          { core, holes },
          nodes,
          position - task.start,
          signal
        )
      const verdict = await this.#connections!.with(pinner, { timeoutMs: CONNECT_MS, signal }, (connection) =>
        sendSegment(connection, offer, items, { clock, id: idOf(draw), signal })
      )
      // What a pinner refuses for good it refuses on the chain, where it pays or shows why. A signer that refused the draw on
      // the pinner's word would pay in its place; it goes on until the draw is over.
      if (!verdict.accepted) throw new PeerError(verdict.code, verdict.message)
      log('signer.delivered', { draw, bytes: nodes.chunks })
    } finally {
      wipe()
      // What was sent may be asked to be gone on from.
      await nodes.flush().catch((error: unknown) => log('signer.nodes-lost', { draw, error: error as Error }))
      await nodes.close()
    }
  }

  /**
   * Blocks of a draw that nobody has. They are written down: chunks that were encoded with other ones in mind are encoded again.
   *
   * @throws SwarmError BLOCK_UNREACHABLE if they are more than a segment may have
   */
  async #holesOf(
    { draw, hypercore, task }: AssignmentView,
    core: Hypercore,
    nodeFile: string,
    signal: AbortSignal
  ): Promise<BlockRange[]> {
    const { log, options } = this.#member
    const file = `${nodeFile}.holes`
    const before = await readFile(file, 'utf8').catch(() => '[]')
    const { deliverBaseMs } = (await this.chain.info({ signal })).parameters
    const waitMs = this.#holesMs ?? Math.ceil(deliverBaseMs / HOLES_PART)
    const found = await findHoles(core, task.start, task.end, { clock: options.clock, waitMs, signal })
    if (found.length > HOLES_MAX) {
      const why = `${blocksOf(found)} blocks of ${core.id} are served by nobody, in ${found.length} places`
      throw new SwarmError('BLOCK_UNREACHABLE', why)
    }
    const now = JSON.stringify(found)
    if (now !== before) await rm(nodeFile, { force: true })
    await writeFile(file, now)
    if (found.length > 0) log('signer.holes', { draw, key: hypercore, blocks: blocksOf(found) })
    return found
  }

  /** The segment from chunk `done` of it on: encoded chunks, running roots, and the end once the chain has it. */
  async *#items(
    assignment: AssignmentView,
    { primeProofHash, ...encoding }: { segment: SegmentSecret; primeProofHash: Uint8Array; seed?: Buffer },
    { core, holes }: { core: Hypercore; holes: readonly BlockRange[] },
    nodes: NodeFile,
    done: number,
    signal: AbortSignal
  ): AsyncGenerator<SegmentItem, void, void> {
    const { chain, keyPair } = this.#member
    const { draw, task } = assignment
    const segment = { ...encoding.segment, primeProofHash }
    if (done < 0 || done > nodes.chunks) {
      throw new SwarmError(
        'SEGMENT_POSITION',
        `the pinner wants chunk ${done} of the segment to be the first; the first that was not sent is ${nodes.chunks}`
      )
    }
    this.#member.log('signer.sending', { draw, position: task.start + done, end: task.end })
    await nodes.truncate(done)
    const tree = await TreeBuilder.resume(nodes, done, (records) => nodes.append(records))
    const chainId = await chain.chainId({ signal })
    const checkpoint = (): Uint8Array => {
      const record = recordOf(assignment, segment, tree.root())
      return encodeSignedRecord({ record, signature: signSegment(chainId, keyPair, record) })
    }
    const start = task.start + done
    if (start < task.end) {
      const blocks = withHoles(core, holes, { start, end: task.end }, signal)
      // Half a subtree of holes leads nowhere.
      const mayEnd = (chunks: number): boolean => treeEnd(holes, task.start + chunks) === task.start + chunks
      const parts = { engine: this.#engine, blocks, tree, nodes, checkpoint, mayEnd, signal }
      yield* encodedItems({ ...parts, ...encoding, start, runningRootBytes: this.#runningRootBytes })
    }
    await nodes.flush()
    const record = recordOf(assignment, segment, tree.root())
    await chain.deliver(draw, record).catch((error: unknown) => {
      // Delivered before an interruption: the pinner is still to accept it.
      if (!hasCode(error, 'NOT_WAITING')) throw error
    })
    yield { kind: 'end', checkpoint: checkpoint() }
  }
}

/** Blocks in order, and an empty one for each that nobody has. */
async function* withHoles(
  core: Hypercore,
  holes: readonly BlockRange[],
  { start, end }: BlockRange,
  signal: AbortSignal
): AsyncGenerator<Buffer, void, void> {
  let at = start
  for (const range of [...outside(holes, start, end), { start: end, end }]) {
    for (; at < range.start; at++) yield Buffer.alloc(0)
    if (range.start < range.end)
      yield* readBlocks(core, range.start, range.end, { timeoutMs: BLOCK_MS, signal })
    at = range.end
  }
}

/** What a record says of the proof about its modulus's primes. */
function hashOf(primeProof: Uint8Array): Uint8Array {
  return primeProof.byteLength === 0 ? primeProof : primeProofHash(primeProof)
}

/** Names the channel of a draw's segment. */
function idOf(draw: number): Buffer {
  const id = Buffer.alloc(8)
  id.writeBigUInt64LE(BigInt(draw))
  return id
}

/** Those who hold what was before a fork serve that. @throws SwarmError HYPERCORE_UNREACHABLE until its author is there */
function checkFork(core: Hypercore, { fork }: AssignmentView): void {
  if (core.fork >= fork) return
  throw new SwarmError('HYPERCORE_UNREACHABLE', `hypercore ${core.id} is served at fork ${core.fork} only`)
}

/** What was downloaded must be what the chain recorded; what a later fork has left of that is the same. */
async function checkOriginal(core: Hypercore, { fork, length, treeHash }: AssignmentView): Promise<void> {
  const isSame = core.length >= length && equal(await treeHashAt(core, length, BLOCK_MS), treeHash)
  const differs = isSame
    ? undefined
    : core.fork !== fork
      ? `its author is at fork ${core.fork}, the chain at fork ${fork}`
      : `its author serves another tree of ${length} blocks`
  if (!differs) return
  throw new ChainError('ORIGINAL_MISMATCH', `hypercore ${core.id} is not the one on the chain: ${differs}`)
}
