import { join } from 'node:path'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type Hyperswarm from 'hyperswarm'
import type { ChallengeView } from '../../protocol/views.js'
import { answerTo, type Answer } from './answer.js'
import type { ChainClient } from '../../client/client.js'
import { evidenceOf } from '../../client/upload.js'
import { Engine } from '../../engine/engine.js'
import { Resource, closeAll } from '../../lifecycle.js'
import { diskFreeBytes } from '../../disk-space.js'
import { storageFailure, WORKING_BYTES } from '../../storage/failures.js'
import { PinnerStore } from '../../storage/pinner-store.js'
import { StoreWatch } from '../../storage/store-watch.js'
import { SwarmHost, type ConnectionLimits } from '../../swarm/host.js'
import { loadIdentity } from '../../swarm/identity.js'
import { acceptSegments } from '../../swarm/segment-channel.js'
import { takes, type Choice } from './choice.js'
import { HeldCopy } from './held-copy.js'
import { storedDecode } from './stored-decode.js'
import { Member, hasCode, type MemberOptions, type Registration } from '../member.js'
import type { Participant, RoleChange } from '../participant.js'
import { FactorWatch } from './factor-watch.js'
import { OwnOpenings } from './openings.js'
import { Outcomes } from './outcomes.js'
import { PastCopies } from './past-copies.js'
import { OwnRefusals } from './refusals.js'
import { REPLACED_KEPT_MS, ReplacedSegments } from './replaced-segments.js'
import { keepScrubbing } from './scrubbing.js'
import { SegmentIntake } from './segment-intake.js'
import { Searches } from './searches.js'
import { Tails } from './tails.js'
import type { Tasks } from '../../../workers/tasks.js'
import { equal, toHex } from '../../bytes.js'

export interface PinnerOptions extends MemberOptions {
  registration: Registration
  /** Bytes of its disk that it leaves to others: its capacity is at most what the rest has room for. Default: it is not looked. */
  reserveBytes?: number | undefined
  /** How often all that is held is read and checked. Default: never. */
  scrubEveryMs?: number | undefined
  /** Which hypercores it takes. Default: all. */
  choice?: Choice | undefined
  connections?: ConnectionLimits | undefined
  /** Memory for chunks in the worker pool. */
  memoryBytes?: number
  threads?: number
  /** Steps that a search for a factor of each modulus may take before it is accepted. Default: `SEARCH_STEPS`; 0: no search. */
  searchSteps?: number
  /** Elliptic curves that are tried on each modulus once its segment is held. Default: `SEARCH_CURVES`; 0: nothing is looked for. */
  searchCurves?: number
  /** How much of one core that may take, of 1; with 1 it is no less urgent than other tasks. Default: `SEARCH_SHARE`. */
  searchShare?: number
  /** How long chunks are kept that a new segment encodes again. Default: `REPLACED_KEPT_MS`. */
  replacedKeptMs?: number
  /** Most bytes of all that is held plainly beyond the segments. Default: that of `PinnerStore`. */
  tailBytes?: number
  /** How long a signer may send nothing before its pinner looks whether the hypercore is served. Default: `SEARCH_AFTER_MS`. */
  searchAfterMs?: number
  /** Is told once it can go on only if it is opened anew. Without it, it goes on as well as it can. */
  broken?: ((error: Error) => void) | undefined
  /** Is given what may be counted, once it is open. */
  observe?: ((observed: { swarm: Hyperswarm; store: Corestore }) => void) | undefined
}

/** Folder of the store in a pinner's. */
export const COPIES = 'copies'

/** Enough for close factors and those of p - 1 and p + 1; no elliptic curve. */
const SEARCH_STEPS = 1

/** Hypercores that are announced at a time: one after the other, each would wait for the DHT's answer to the one before. */
const ANNOUNCED_AT_A_TIME = 64
/** Challenges that are walked for one answer. */
const CHALLENGES_PER_ANSWER = 64
/** Pause after answering failed for a reason that may pass. */
const ANSWER_AGAIN_MS = 250
/** Times that a challenge is walked before its copy counts as damaged, and the pause after the first: a disk may fail for a moment. */
const WALKS = 3
const WALK_AGAIN_MS = 100
const WALK_PAUSES_MAX = 10

/**
 * Keeps encoded copies and serves them as the plain hypercores: takes segments from signers, checks all of them,
 * answers challenges, seeds to any reader.
 */
export class Pinner extends Resource implements Participant {
  readonly #options: PinnerOptions
  /** A session of each held hypercore: without one the store would close it under its readers after a while. */
  readonly #served = new Map<string, Hypercore>()
  /** Answers whose evidence is still to be handed over. */
  readonly #walked = new Map<number, Answer>()
  readonly #sending = new Set<number>()
  /** Whether challenges are being answered, and whether more of them may be open by now. */
  #answering = false
  #asked = false
  /** Whether the chain may take it for away. */
  #mayBeAway = true
  /** How often the walks of open challenges have failed, and how long those are tried again whose disk failed. */
  #failed = new Map<number, { times: number; until: number }>()
  /** Where else readers look for a held hypercore, by its key. */
  readonly #topics = new Map<string, Uint8Array>()
  #store!: PinnerStore
  #watch!: StoreWatch
  #intake!: SegmentIntake
  #refusals!: OwnRefusals
  #openings!: OwnOpenings
  #past!: PastCopies
  #outcomes!: Outcomes
  #replaced!: ReplacedSegments
  #searches!: Searches
  #factors!: FactorWatch
  #host: SwarmHost | undefined
  #tails!: Tails
  #member!: Member
  #registration: Registration
  #choice: Choice | undefined
  #connections: ConnectionLimits | undefined

  constructor(options: PinnerOptions) {
    super()
    this.#options = options
    this.#registration = options.registration
    this.#choice = options.choice
    this.#connections = options.connections
  }

  /**
   * Opens the folder: identity, store and all that is held. The member is opened last, so that its work has ended before
   * anything is closed that it needs.
   */
  protected async start(): Promise<void> {
    const { clock, dir, memoryBytes, threads, randomBytes, registration, reserveBytes } = this.#options
    // Before the store: copies without an identity beside them are those of one that was lost.
    await loadIdentity(dir, randomBytes)
    const engine = new Engine<Tasks>({
      random: randomBytes,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(threads === undefined ? {} : { threads })
    })
    this.own('engine', engine)
    const store = new PinnerStore(join(dir, COPIES), {
      clock,
      capacityBytes: registration.capacityBytes,
      minFreeBytes: Math.max(WORKING_BYTES, reserveBytes ?? 0),
      slow: storedDecode(engine),
      ...(this.#options.tailBytes === undefined ? {} : { tailBytes: this.#options.tailBytes })
    })
    this.#store = await this.acquire('store', store)
    this.owe('sessions', () => closeAll(this.#sessions()))
    this.owe('intake', () => this.#intake?.close())
    this.owe('host', () => this.#host?.close())
    this.owe('tails', () => this.#tails?.close())
    const member = await this.acquire('member', new Member(this.#options))
    this.#member = member
    this.#tails = new Tails(member, store)
    await this.#tails.ready()
    this.#refusals = new OwnRefusals(member, join(dir, 'refusals'))
    this.#intake = new SegmentIntake({
      member,
      engine,
      store,
      refusals: this.#refusals,
      searchSteps: this.#options.searchSteps ?? SEARCH_STEPS,
      announce: (key) => this.#announce(key),
      serve: (key) => this.#serve(key)
    })
    this.#factors = new FactorWatch({
      member,
      engine,
      store,
      dir: join(dir, 'claims'),
      curves: this.#options.searchCurves,
      share: this.#options.searchShare
    })
    this.#searches = new Searches(member, (draw) => this.#intake.isComing(draw), this.#options.searchAfterMs)
    this.#openings = new OwnOpenings({ member, store, engine, clock })
    this.#past = new PastCopies({ member, store, forget: (key, only) => this.#forget(key, only) })
    this.#outcomes = new Outcomes(member)
    this.#replaced = new ReplacedSegments(member, store, this.#options.replacedKeptMs ?? REPLACED_KEPT_MS)
    this.#watch = await this.acquire(
      'watch',
      new StoreWatch({
        dir: join(dir, COPIES),
        write: () => store.writeNothing(),
        minFreeBytes: Math.max(WORKING_BYTES, reserveBytes ?? 0),
        clock,
        broken: this.#options.broken,
        changed: (trouble) =>
          trouble ? member.log('role.degraded', { error: trouble }) : member.log('role.recovered')
      })
    )
    store.events.on('failed', () => this.#watch.suspect())
    store.events.on('fault', () => this.#watch.suspect())
    store.events.on('lost', (key, index, reason) => member.log('pinner.block-lost', { key, index, reason }))
    store.events.on('fault', (key, index, error) =>
      member.log('pinner.read-failed', { key, index, error: error as Error })
    )
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  get chain(): ChainClient {
    return this.#member.chain
  }

  get hypercores(): number {
    return this.#served.size
  }

  get trouble(): string | null {
    return this.#watch.trouble?.message ?? null
  }

  /** Serves what is held, whether there is a chain or not, registers with the chain and begins to work. */
  async join(): Promise<void> {
    await this.#listen()
    // Announcing many takes its time: challenges are answered meanwhile.
    this.#member.run('serve', () => this.#serveAll())
    const { scrubEveryMs } = this.#options
    if (scrubEveryMs !== undefined)
      this.#member.run('scrub', () => keepScrubbing(this.#member, this.#store, scrubEveryMs))
    await this.#register()
    this.#factors.start()
    const wakers = [
      'drawn',
      'redraw',
      'late',
      'challenged',
      'answered',
      'lost',
      'released',
      'refused',
      'openingDrawn',
      'wentAway'
    ] as const
    this.#member.follow(
      wakers,
      () => this.#work(),
      (effects) => {
        this.#past.hear(effects)
        this.#outcomes.hear(effects)
        if (!effects || effects.some((effect) => effect.kind === 'wentAway')) this.#mayBeAway = true
        // The time for an answer has no room for other work.
        if (!effects || effects.some(({ kind }) => kind === 'challenged')) this.#answerSoon()
      }
    )
  }

  change({ registration, choice, connections }: RoleChange): void {
    this.#registration = registration
    this.#choice = choice
    this.#connections = connections
    this.#host?.limit(connections)
    this.#member.run('register', () => this.#register())
  }

  /** Registers with no more than the disk has room for, beside what is left to others. */
  async #register(): Promise<void> {
    const { capacityBytes } = this.#registration
    const { reserveBytes } = this.#options
    let capacity = capacityBytes
    if (reserveBytes !== undefined) {
      const { usedBytes, dir } = this.#store
      const room = usedBytes + Math.max(0, (await diskFreeBytes(dir)) - Math.max(WORKING_BYTES, reserveBytes))
      capacity = Math.min(capacityBytes, room)
      if (capacity < capacityBytes)
        this.#member.log('pinner.capacity-cut', {
          wanted: capacityBytes,
          capacityBytes: capacity,
          reserveBytes
        })
    }
    this.#store.capacityBytes = capacity
    await this.#member.register('pinner', { ...this.#registration, capacityBytes: capacity })
  }

  async #listen(): Promise<void> {
    this.signal.throwIfAborted()
    const { keyPair, signal } = this.#member
    const { clock, network } = this.#options
    this.#host = new SwarmHost({
      network,
      keyPair,
      store: this.#store.corestore,
      limits: this.#connections,
      attach: (connection) =>
        acceptSegments(connection, (segment) => this.#intake.receive(segment), { clock, signal })
    })
    await this.#host.ready()
    this.#options.observe?.({ swarm: this.#host.swarm, store: this.#store.corestore })
  }

  async #serveAll(): Promise<void> {
    const { log, signal } = this.#member
    const held = this.#store.segments().filter(({ state }) => state !== 'pending')
    const keys = [...new Map(held.map(({ key }) => [toHex(key), key])).values()]
    const total = keys.length
    const work = async (): Promise<void> => {
      for (let key = keys.shift(); key && !signal.aborted; key = keys.shift()) {
        const failed = (error: unknown): void => log('pinner.announce-failed', { key, error: error as Error })
        await this.#serve(key).catch(failed)
      }
    }
    await Promise.all(Array.from({ length: ANNOUNCED_AT_A_TIME }, work))
    if (total > 0 && !signal.aborted) log('pinner.serving', { hypercores: total })
  }

  #sessions(): { name: string; close: () => Promise<void> }[] {
    return [...this.#served.values()].map((core) => ({ name: 'session', close: () => core.close() }))
  }

  async #work(): Promise<void> {
    const { chain, signal } = this.#member
    this.#answerSoon()
    if (this.#mayBeAway) await this.#sayBack()
    const assignments = await chain.assignments({ signal })
    await this.#intake.work(assignments)
    this.#searches.work(assignments)
    for (const { draw, hypercore } of await chain.asks({ signal })) await this.#reply(draw, hypercore)
    await this.#refusals.work()
    await this.#sendEvidence()
    await this.#openings.work()
    await this.#past.work(assignments)
    await this.#replaced.work()
  }

  /** Says that it is here, if the chain takes it for away: then it is asked at once for what it missed, and paid again after that. */
  async #sayBack(): Promise<void> {
    const { chain, keyPair, log, signal } = this.#member
    this.#mayBeAway = false
    try {
      const { roles } = await chain.account(keyPair.publicKey, { signal })
      const since = roles.find(({ role }) => role === 'pinner')?.awaySince ?? null
      if (since === null) return
      await chain.answer([], [], signal)
      log('pinner.back', { since })
    } catch (error) {
      // Something else of it came first.
      if (hasCode(error, 'ANSWER_EMPTY')) return
      this.#mayBeAway = true
      throw error
    }
  }

  /** Says yes to what it is asked to keep; or no, for a fee, before a signer is drawn for it. */
  async #reply(draw: number, hypercore: Uint8Array): Promise<void> {
    const { chain, log } = this.#member
    const isWanted = !this.#choice || takes(this.#choice, hypercore)
    // What cannot be written now is somebody else's to keep; what is held is served.
    const isBusy = this.#watch.trouble !== null
    const said = isBusy
      ? chain.refuse(draw, 'busy')
      : isWanted
        ? chain.acknowledge(draw)
        : chain.refuse(draw, 'other')
    try {
      await said
      if (isBusy) log('pinner.intake-paused', { draw, key: hypercore })
      else if (!isWanted) log('pinner.declined', { draw, key: hypercore })
    } catch (error) {
      if (!hasCode(error, 'ACKNOWLEDGED', 'DRAW_NOT_OPEN', 'NOT_DRAWN')) throw error
    }
  }

  /** Answers what is open, beside all other work; what is asked for meanwhile is looked for again. */
  #answerSoon(): void {
    this.#asked = true
    if (this.#answering) return
    this.#answering = true
    const { signal, log } = this.#member
    this.#member.run('answers', async () => {
      while (this.#asked && !signal.aborted) {
        this.#asked = false
        await this.#answer().catch(async (error: unknown) => {
          if (signal.aborted) return
          log('role.failed', { job: 'answers', error: error as Error })
          this.#asked = true
          await this.#member.pause(ANSWER_AGAIN_MS)
        })
      }
      this.#answering = false
    })
  }

  /** Walks the open challenges and signs one answer for all of them. */
  async #answer(): Promise<void> {
    const { chain, log, signal } = this.#member
    const challenges = await chain.challenges(CHALLENGES_PER_ANSWER, { signal })
    this.#outcomes.asked(challenges)
    const open = challenges.filter(({ state }) => state === 'open')
    if (open.length === 0) return
    const answered: { challenge: number; state: Uint8Array; evidence: Uint8Array }[] = []
    const refused: number[] = []
    const before = this.#failed
    this.#failed = new Map()
    let pauses = 1
    for (const challenge of open) {
      const copy = new HeldCopy(this.#store, challenge.hypercore, challenge)
      try {
        const answer = await answerTo(copy, challenge, signal)
        this.#walked.set(challenge.id, answer)
        answered.push({ challenge: challenge.id, state: answer.state, evidence: answer.hash })
      } catch (error) {
        signal.throwIfAborted()
        const known = before.get(challenge.id)
        const times = (known?.times ?? 0) + 1
        const until = known?.until ?? (await this.#walkUntil(challenge))
        if (this.#isComing(challenge)) continue
        log('pinner.walk-failed', { challenge: challenge.id, times, error: error as Error })
        const mayPass = this.#isOfTheDisk(error) && this.#options.clock.now() < until
        if (times < WALKS || mayPass) this.#failed.set(challenge.id, { times, until })
        else refused.push(challenge.id)
        pauses = Math.max(pauses, Math.min(times, WALK_PAUSES_MAX))
      } finally {
        await copy.close()
      }
    }
    const said = answered.length + refused.length
    if (said > 0) await chain.answer(answered, refused, signal)
    if (said === open.length) return
    this.#asked = true
    await this.#member.pause(pauses * WALK_AGAIN_MS)
  }

  /** Until when a challenge is walked again whose disk fails: half of the time for its answer is left to refuse it. */
  async #walkUntil({ answerBy }: ChallengeView): Promise<number> {
    const { chain, signal } = this.#member
    const { clockNow } = await chain.info({ signal })
    return this.#options.clock.now() + (answerBy - clockNow) / 2
  }

  /** Whether it is the disk that failed, and not what it gave back that is wrong. */
  #isOfTheDisk(error: unknown): boolean {
    const { code } = storageFailure(error, this.#store.dir)
    const isOf = code === 'STORAGE_DISK_FAILED' || code === 'STORAGE_LIMIT' || code === 'STORAGE_FAILED'
    if (isOf) this.#watch.suspect()
    return isOf
  }

  /** Whether a segment is asked for that the chain has accepted, and that is being put in its place here. */
  #isComing({ hypercore, segments }: ChallengeView): boolean {
    const coming = this.#store.segments(hypercore).filter(({ state }) => state === 'pending')
    return coming.some(({ segment }) => segments.some(({ id }) => equal(id, segment.id)))
  }

  /** Hands over the evidence of what was answered. */
  async #sendEvidence(): Promise<void> {
    const { chain, signal } = this.#member
    const due = await chain.evidenceDue(CHALLENGES_PER_ANSWER, { signal })
    const ids = new Set(due.map(({ id }) => id))
    for (const id of this.#walked.keys()) if (!ids.has(id)) this.#walked.delete(id)
    for (const challenge of due) {
      if (this.#sending.has(challenge.id)) continue
      this.#sending.add(challenge.id)
      this.#member.run(`evidence ${challenge.id}`, () =>
        this.#handOver(challenge).finally(() => this.#sending.delete(challenge.id))
      )
    }
  }

  async #handOver(challenge: ChallengeView): Promise<void> {
    const { chain, log, signal } = this.#member
    const copy = new HeldCopy(this.#store, challenge.hypercore, challenge)
    try {
      // After a restart it is walked again: the same bytes give the same evidence.
      const { evidence, hash } = this.#walked.get(challenge.id) ?? (await answerTo(copy, challenge, signal))
      await chain.sendEvidence(challenge.id, evidenceOf(evidence, hash), { signal, timeoutMs: 120_000 })
      this.#walked.delete(challenge.id)
    } catch (error) {
      signal.throwIfAborted()
      // Taken already, or too late: nothing that trying again would mend.
      log('pinner.evidence-failed', { challenge: challenge.id, error: error as Error })
    } finally {
      await copy.close()
    }
  }

  /** Tells readers that a hypercore is here. */
  async #announce(key: Uint8Array): Promise<void> {
    await this.#host!.announce(crypto.discoveryKey(key))
  }

  /** Serves a held hypercore and announces it. */
  async #serve(key: Uint8Array): Promise<void> {
    const id = toHex(key)
    const known = this.#served.get(id)
    if (known?.closed === false) return this.#tails.look(key)
    const core = this.#store.session(key)
    this.#served.set(id, core)
    await core.ready()
    // It was closed to follow a fork, and is announced already.
    if (known) return this.#tails.look(key)
    await this.#announce(key)
    // Serving does not wait for the chain, which alone knows where else readers look.
    this.#member.run('topic', async () => {
      const { chain, signal } = this.#member
      const view = await chain.hypercore(key, { signal, timeoutMs: 600_000 })
      if (!view || this.#served.get(id) !== core) return
      this.#topics.set(id, view.plan.topic)
      this.#tails.follow(core.key, [view.plan.topic])
      if (!equal(view.plan.topic, core.discoveryKey)) await this.#host!.announce(view.plan.topic)
    })
  }

  /** Deletes a hypercore of a copy that this pinner has no more; not if it has other segments by now than `only`. */
  async #forget(key: Uint8Array, only?: readonly Uint8Array[]): Promise<void> {
    const id = toHex(key)
    const core = this.#served.get(id)
    const topic = this.#topics.get(id)
    await this.#tails.forget(key)
    if (!(await this.#store.remove(key, only))) {
      if (core && topic) this.#tails.follow(core.key, [topic])
      return
    }
    this.#served.delete(id)
    this.#topics.delete(id)
    await core?.close()
    // The hypercores of a drive are looked for under one topic.
    for (const looked of [crypto.discoveryKey(key), ...(topic ? [topic] : [])]) {
      if (![...this.#topics.values()].some((other) => equal(other, looked)))
        await this.#host!.withdraw(looked)
    }
    this.#member.log('pinner.forgot', { key })
  }
}
