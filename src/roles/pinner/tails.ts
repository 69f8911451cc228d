import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { SwarmError } from '../../errors.js'
import { Resource } from '../../lifecycle.js'
import { verifyForkProof, type ForkProof } from '../../protocol/fork-proof.js'
import type { HypercoreView } from '../../protocol/views.js'
import { forkProofOf } from '../../storage/fork.js'
import { originalNode, readOriginal, type SignedOriginal } from '../../storage/original.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import { SwarmReader } from '../../swarm/reader.js'
import { deadline, joinSignals, joining, unlessAborted, Wakeup } from '../../wait.js'
import { equal, toHex } from '../../bytes.js'
import { hasCode, type Member } from '../member.js'
import { Growth } from './growth.js'

/** Looks again even if nothing was heard of: room may have come about. */
const LOOK_MS = 60_000
/** What is only read through: so many blocks at a time, which are deleted then, and how long these may take. */
const READ_BLOCKS = 16
const READ_MS = 120_000
/** How long a block may take that is asked for since a node of the author's tree comes with it. */
const NODE_MS = 15_000

/** A hypercore that is looked for. */
interface Followed {
  readonly topics: readonly Uint8Array[]
  /** Its author's newest state, in the plain store; open until it is followed no more. */
  readonly session: Promise<Hypercore>
  readonly stop: AbortController
  readonly changed: Wakeup
  /** Ends what is being fetched, which is wanted no more. */
  cut: AbortController
  /** How far all of it has been here once, as one fork of it. */
  had: { fork: number; length: number }
  /** Something changed since it was last looked at. */
  due: boolean
  ended: Promise<void>
}

/**
 * Looks for what authors append to the hypercores that a pinner holds, and has its store serve it plainly until a segment
 * has it, and the chain know of it: as a reader of its own, under a key used once, since what a pinner says of itself is what it can serve.
 */
export class Tails extends Resource {
  readonly #member: Member
  readonly #store: PinnerStore
  readonly #growth: Growth
  readonly #followed = new Map<string, Followed>()
  #reader: SwarmReader | undefined

  constructor(member: Member, store: PinnerStore) {
    super()
    this.#member = member
    this.#store = store
    this.#growth = new Growth(member)
  }

  protected start(): Promise<void> {
    this.owe('followed', () => this.#endAll())
    this.owe('reader', () => this.#reader?.close())
    return Promise.resolve()
  }

  /** Follows a hypercore from now on, also under topics besides its own. */
  follow(key: Buffer, topics: readonly Uint8Array[]): void {
    const id = toHex(key)
    if (this.#followed.has(id) || this.signal.aborted) return
    const stop = new AbortController()
    const session = this.#open().open(key, topics)
    const followed: Followed = {
      topics,
      session,
      stop,
      changed: new Wakeup(),
      cut: new AbortController(),
      had: { fork: -1, length: 0 },
      due: true,
      ended: Promise.resolve()
    }
    this.#followed.set(id, followed)
    followed.ended = this.#follow(key, followed)
  }

  /** A segment came: what it has need not be held plainly, and there may be more beyond it. */
  look(key: Uint8Array): void {
    const followed = this.#followed.get(toHex(key))
    if (!followed) return
    followed.cut.abort()
    wake(followed)
  }

  /** Looks for a hypercore no more; its plain tail is the store's to delete. */
  async forget(key: Uint8Array): Promise<void> {
    const id = toHex(key)
    const followed = this.#followed.get(id)
    if (!followed) return
    this.#followed.delete(id)
    this.#growth.forget(key)
    followed.stop.abort()
    await followed.ended
    const others = [...this.#followed].flatMap(([other, { topics }]) => [
      crypto.discoveryKey(Buffer.from(other, 'hex')),
      ...topics
    ])
    for (const topic of [crypto.discoveryKey(Buffer.from(key)), ...followed.topics])
      if (!others.some((other) => equal(other, topic))) await this.#reader?.leave(topic)
    await followed.session.then((session) => session.close()).catch(() => {})
  }

  async #endAll(): Promise<void> {
    const all = [...this.#followed.values()]
    for (const { stop } of all) stop.abort()
    await Promise.all(all.map(({ ended }) => ended))
    for (const { session } of all) await session.then((core) => core.close()).catch(() => {})
  }

  #open(): SwarmReader {
    const { network, randomBytes } = this.#member.options
    const { publicKey } = this.#member.keyPair
    return (this.#reader ??= new SwarmReader({
      network,
      dir: this.#store.tailStore,
      seed: randomBytes(32),
      not: publicKey
    }))
  }

  async #follow(key: Buffer, followed: Followed): Promise<void> {
    const { log } = this.#member
    const { clock } = this.#member.options
    const { signal, release } = joinSignals(followed.stop.signal, this.signal)
    try {
      const session = await followed.session
      const changed = (): void => wake(followed)
      session.on('append', changed)
      session.on('truncate', changed)
      while (!signal.aborted) {
        if (!followed.due) await followed.changed.wait(clock, LOOK_MS, signal)
        followed.due = false
        if (!signal.aborted) await this.#catchUp(key, session, followed, signal)
      }
    } catch (error) {
      if (!signal.aborted) log('pinner.tail-failed', { key, error: error as Error })
    } finally {
      release()
    }
  }

  /** Fetches up to the length that the author has signed now; what it signs meanwhile is for the next time. */
  async #catchUp(key: Buffer, session: Hypercore, followed: Followed, signal: AbortSignal): Promise<void> {
    await this.#store.trimTail(key)
    if (session.length === 0 || session.manifest === null) return
    const original = await readOriginal(session)
    const held = this.#store.segments(key).findLast(({ state }) => state !== 'pending')
    if (held && original.fork > held.fork) {
      const proof = await this.#hasHadFork(key, session, original, { followed, signal })
      if (proof) this.#growth.seen(original, proof)
      return
    }
    const start = await this.#store.tailStart(key, original)
    if (start === null) {
      // Held already, or too much to be held plainly.
      if (await this.#hasHad(key, session, original, { followed, signal })) this.#growth.seen(original)
      return
    }
    const range = session.download({ start, end: original.length })
    // Cut off, the author's blocks never come; of another fork, others do.
    const cut = (followed.cut = new AbortController())
    const truncated = (): void => cut.abort()
    session.on('truncate', truncated)
    try {
      await joining([signal, cut.signal], (either) => unlessAborted(range.done(), either))
    } catch (error) {
      if (signal.aborted || cut.signal.aborted) return
      throw error
    } finally {
      session.off('truncate', truncated)
      range.destroy()
    }
    if (await this.#store.holdTail(key, original)) {
      this.#member.log('pinner.tail', { key, start, end: original.length })
      this.#growth.seen(original)
    }
  }

  /**
   * Whether every block up to a length that is not to be held plainly now has been here once: what the author has signed need not be there, and who
   * says to the chain that a hypercore has grown has seen it. What is not held is read through for that, and deleted.
   */
  async #hasHad(
    key: Buffer,
    session: Hypercore,
    { fork, length, byteLength }: SignedOriginal,
    { followed, signal }: { followed: Followed; signal: AbortSignal }
  ): Promise<boolean> {
    const held = this.#store.segments(key).findLast(({ state }) => state !== 'pending')
    if (held?.fork !== fork) return false
    const tail = (await this.#store.tails()).find((one) => one.key.equals(key))
    const { had } = followed
    const from = Math.max(held.end, tail?.end ?? 0, had.fork === fork ? had.length : 0)
    if (from < length) {
      // More than the plan pays for is not looked at.
      const view = await this.#member.chain.hypercore(key, { signal }).catch(() => null)
      signal.throwIfAborted()
      if (!view || byteLength > view.plan.maxBytes) return false
    }
    return this.#readThrough(session, { fork, from, length }, { followed, signal })
  }

  /**
   * What shows how much a fork leaves of what the chain has on record, once every other block of it has been here; null as long as it does not show, or is not
   * to be followed.
   */
  async #hasHadFork(
    key: Buffer,
    session: Hypercore,
    original: SignedOriginal,
    { followed, signal }: { followed: Followed; signal: AbortSignal }
  ): Promise<ForkProof | null> {
    const { fork, length, byteLength } = original
    const view = await this.#member.chain.hypercore(key, { signal }).catch(() => null)
    signal.throwIfAborted()
    if (!view || fork <= view.fork || byteLength > view.plan.maxBytes) return null
    const proof = await this.#forkProof(key, session, original, view)
    signal.throwIfAborted()
    if (!proof) return null
    const { had } = followed
    const from = Math.max(proof.kept, had.fork === fork ? had.length : 0)
    const isHere = await this.#readThrough(session, { fork, from, length }, { followed, signal })
    return isHere ? proof : null
  }

  async #forkProof(
    key: Buffer,
    session: Hypercore,
    original: SignedOriginal,
    view: HypercoreView
  ): Promise<ForkProof | null> {
    const before = {
      length: view.length,
      node: (index: number) => this.#store.originalNode(key, index)
    }
    const after = {
      length: original.length,
      node: (index: number) => originalNode(session, index, NODE_MS)
    }
    try {
      const proof = await forkProofOf(before, after)
      // What is held here may be more or less than what the chain has.
      if (proof) verifyForkProof(proof, view, original)
      return proof
    } catch (error) {
      if (!hasCode(error, 'STORAGE_NO_ORIGINAL', 'FORK_PROOF_SHAPE', 'FORK_PROOF_HASH')) throw error
      this.#member.log('pinner.fork-unclear', { key, error: error as Error })
      return null
    }
  }

  /** Reads blocks through that are not to be held, and deletes them; says whether all came. */
  async #readThrough(
    session: Hypercore,
    { fork, from, length }: { fork: number; from: number; length: number },
    { followed, signal }: { followed: Followed; signal: AbortSignal }
  ): Promise<boolean> {
    const { clock } = this.#member.options
    const error = (): Error => new SwarmError('BLOCK_UNREACHABLE', `Blocks from ${from} on are not served`)
    while (from < length) {
      const end = Math.min(length, from + READ_BLOCKS)
      const range = session.download({ start: from, end })
      try {
        await deadline(range.done(), { clock, ms: READ_MS, signal, error })
      } catch (failure) {
        signal.throwIfAborted()
        if (!hasCode(failure, 'BLOCK_UNREACHABLE')) throw failure
        return false
      } finally {
        range.destroy()
        if (!signal.aborted) await session.clear(from, end)
      }
      from = end
      followed.had = { fork, length: from }
    }
    return true
  }
}

function wake(followed: Followed): void {
  followed.due = true
  followed.changed.wake()
}
