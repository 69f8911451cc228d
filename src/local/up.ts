import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import * as idEncoding from 'hypercore-id-encoding'
import { problemsOf } from '../ledger/rules/problems.js'
import type { CodecName } from '../chunk/header.js'
import type { Clock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { differences } from '../drive/compare.js'
import { parseKey, type NamedKey } from '../drive/key.js'
import { scan, type Source } from '../drive/scan.js'
import { DatdotError, InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { Author } from '../roles/author.js'
import { sumsOf } from '../protocol/original.js'
import type { MemberOptions } from '../roles/member.js'
import { planOf } from '../roles/plan.js'
import { Supporter } from '../roles/supporter.js'
import { PrivateDht, networkAt, type Network } from '../swarm/dht.js'
import { loadIdentity } from '../swarm/identity.js'
import { joinSignals, pause, settled, unlessAborted } from '../wait.js'
import { consume } from './consume.js'
import { LastingProblems, problemOf, problemText, saidProblem, type SaidProblem } from '../daemon/problems.js'
import { CHAIN, FAUCET, WALLET } from '../daemon/init.js'
import { DataFolder, folderFull, isDiskFull } from '../roles/data-folder.js'
import {
  DONATION_GRAINS,
  FAUCET_GRAINS,
  FAUCET_LIMITS,
  MEMBER_GRAINS,
  SUPPORTER_GRAINS,
  fastParameters,
  registrationOf
} from './economy.js'
import { Observer } from './observer.js'
import { participantNames, type Counts } from '../roles/participants.js'
import { Parts } from './parts.js'
import { summarise, type NetworkResult } from './result.js'
import { SpaceWatch } from './space-watch.js'
import { readState, writeState, type NetworkState } from './state.js'
import { findSubject, readSource, type Subject } from './subject.js'

export type { NetworkResult } from './result.js'

export interface NetworkOptions extends Counts {
  /** An absolute path, or a key in any of its forms. */
  source: string
  /** Whether a network that `dataDir` holds already goes on, instead of a new one for the source. */
  resume: boolean
  /** What of `made` of a network that goes on was asked for. */
  asked: Partial<NetworkState['made']>
  /** Names of folders that are left out of the drive. */
  excludeNames: string[]
  dataDir: string | undefined
  copies: number
  codec: CodecName
  memoryBytes: number
  /** Challenge epochs to run at least. */
  epochs: number
  bootstrap: { host: string; port: number }[] | undefined
}

/** Where a network is met while it runs. */
export interface MeetingPlace {
  chainKey: Buffer
  bootstrap: { host: string; port: number }[]
}

/** What the work tells whoever watches it. */
export interface Watcher {
  step(title: string): void
  detail(text: string): void
  note(text: string): void
}

export interface NetworkRun {
  progress: Watcher
  clock: Clock
  signal: AbortSignal
  /** Called as soon as others can join. */
  onPlace: (place: MeetingPlace) => void
  /** Called with the result while everything still runs; the network is closed when its promise resolves. */
  onResult: (result: NetworkResult) => Promise<void>
}

/** Rounds of the beacon's first onion. */
const BEACON_LENGTH = 1 << 16
const SETTLE_MS = 5_000
/** Longest that closing one part may take: processes that do not end by themselves are ended before. */
const CLOSE_PART_MS = 30_000
/** Slowest that a whole step may go before it counts as stuck. */
const SLOWEST_BYTES_PER_SECOND = 250_000
const STEP_MS = 120_000
/** How often it is looked at why copies are waited for, and how many looks what is said must last. */
const LOOK_MS = 2_000
const LASTING_LOOKS = 6
/** What a network that goes on may write at least. */
const RESUME_BYTES = 128 << 20
/** What a key's hypercores may weigh without being asked about: there is no telling before they are found. */
const UNKNOWN_BYTES = 1 << 30

/**
 * The main job: publishes or finds the source, runs a pinning network for it, takes the author off the network,
 * waits for challenges, has a stock consumer read everything back, and compares.
 *
 * @throws InputError for a source, data folder or machine that will not do; then nothing is left behind
 */
export async function runNetwork(options: NetworkOptions, run: NetworkRun): Promise<NetworkResult> {
  const { dataDir, resume } = options
  const state = resume && dataDir !== undefined ? await readState(dataDir) : null
  if (state) checkAsked(options.asked, state)
  const given = state ? null : (keyOf(options) ?? (await scanSource(options)))
  const data = new DataFolder({
    path: dataDir,
    resumed: state !== null,
    neededBytes: given ? neededBytes(options, given) : RESUME_BYTES,
    clock: run.clock
  })
  await data.ready()
  const up = new Up(state ? { ...options, ...state.made } : options, run, data)
  try {
    await up.ready()
    const result = await up.run(given ?? state!)
    await run.onResult(result)
    return result
  } catch (error) {
    // Who heard of a full disk from the chain knows only that the chain failed; and the watch looks now and then.
    await up.lookForSpace()
    if (up.full.aborted) throw up.full.reason
    if (isDiskFull(error)) throw folderFull(data.path)
    throw error
  } finally {
    const wanted = up.done || state !== null
    // What fails to close is in the log: it changes nothing of what was found.
    await up.close().catch(() => {})
    await (wanted ? data.close() : data.discard())
  }
}

/** What a network was made with stays. @throws InputError CONFIG_CONFLICT */
function checkAsked(asked: NetworkOptions['asked'], { made }: NetworkState): void {
  for (const [name, value] of Object.entries(made)) {
    const wanted = asked[name as keyof typeof asked]
    if (wanted === undefined || wanted === value) continue
    const message = `the network in --data was made with --${name} ${value}, not ${wanted}; leave --${name} out`
    throw new InputError('CONFIG_CONFLICT', message)
  }
}

/** The key, if the source is one. */
function keyOf({ source, bootstrap }: NetworkOptions): NamedKey | null {
  const named = parseKey(source)
  if (named === null) return null
  if (!bootstrap) {
    throw new InputError(
      'BOOTSTRAP_MISSING',
      'a KEY is looked for on a DHT: give its nodes with --bootstrap HOST:PORT'
    )
  }
  return named
}

/** What the run will write at most, roughly. */
function neededBytes({ copies }: NetworkOptions, given: NamedKey | Source): number {
  const bytes = 'key' in given ? UNKNOWN_BYTES : given.bytes
  // Author, consumer's store and files, and for each copy the signer's download and the encoded bytes.
  return Math.ceil(bytes * (3 + 2 * copies) * 1.05) + (128 << 20)
}

function scanSource({ source, dataDir, excludeNames }: NetworkOptions): Promise<Source> {
  return scan(source, { exclude: dataDir === undefined ? [] : [dataDir], excludeNames })
}

/** One run, and all that it has opened. */
class Up extends Resource {
  /** The check is through, well or not: the data is worth keeping. */
  done = false
  readonly #options: NetworkOptions
  readonly #progress: Watcher
  readonly #clock: Clock
  /** Aborted when the run is to end, whoever wants it. */
  readonly #over: AbortSignal
  readonly #data: DataFolder
  readonly #space: SpaceWatch
  readonly #parts: Parts
  readonly #onPlace: NetworkRun['onPlace']
  readonly #file: FileLog
  readonly #log: Logger
  readonly #names = new Map<string, string>()
  readonly #problems: SaidProblem[] = []
  readonly #notices: SaidProblem[] = []
  #author: Author | undefined
  #running: Promise<NetworkResult> | undefined

  constructor(options: NetworkOptions, { progress, clock, signal, onPlace }: NetworkRun, data: DataFolder) {
    super(CLOSE_PART_MS)
    this.#options = options
    this.#progress = progress
    this.#clock = clock
    this.#onPlace = onPlace
    this.#data = data
    this.#parts = new Parts(clock)
    this.#space = new SpaceWatch(data.path, clock)
    this.#over = joinSignals(signal, this.#space.full, this.signal).signal
    this.#file = new FileLog(join(data.path, 'log.ndjson'), clock)
    this.#log = this.#file.log
  }

  /** Aborted with an InputError DISK_FULL when the disk is. */
  get full(): AbortSignal {
    return this.#space.full
  }

  /** Sees to it that `full` says what is so now. */
  lookForSpace(): Promise<void> {
    return this.#space.look()
  }

  protected async start(): Promise<void> {
    await this.acquire('log', this.#file)
    await this.acquire('processes', this.#parts)
    // What was being opened when all else was closed sees that; nothing may be written after the folder is gone.
    this.owe('run', () => this.#running && settled(this.#running, { clock: this.#clock, ms: SETTLE_MS }))
    await this.acquire('space watch', this.#space)
  }

  protected override closeFailed(name: string, error: unknown): void {
    this.#log('up.close-failed', { name, error: error as Error })
  }

  /**
   * Roles wait for each other, and try again when a disk is full: whatever waits, a full disk ends it.
   *
   * @param given a key to find, what to publish, or what an earlier run left
   */
  async run(given: NamedKey | Source | NetworkState): Promise<NetworkResult> {
    this.#running = this.#run(given)
    const result = await unlessAborted(Promise.race([this.#running, this.#parts.failed]), this.#over)
    await this.release(this.#space)
    return result
  }

  async #run(given: NamedKey | Source | NetworkState): Promise<NetworkResult> {
    const resumed = 'made' in given ? given : null
    const network = await this.#startDht(resumed)
    const subjectOf = (): Promise<Subject> =>
      resumed ? this.#again(resumed) : this.#subject(given as NamedKey | Source, network)
    // A key may be of nobody's; publishing and starting the others hardly wait for the same things.
    const found = 'made' in given || !('key' in given) ? null : await subjectOf()
    const starting = this.#startOthers(network, resumed)
    starting.catch(() => {})
    const subject = found ?? (await subjectOf())
    const { observer, supporterOptions } = await starting
    const { copies, epochs } = this.#options
    const bytes = resumed ? subject.source.bytes : await this.#sponsor(supporterOptions, subject)
    const patienceMs = STEP_MS + (bytes * copies * 1000) / SLOWEST_BYTES_PER_SECOND
    this.#step(resumed ? 'Looking for the copies' : 'Encoding copies')
    const encoded = (): boolean => {
      this.#progress.detail(`${observer.copies.size} of ${copies * subject.hypercores.length} accepted`)
      return observer.copies.size - observer.gone.size >= copies * subject.hypercores.length
    }
    await this.#sayingWhy(observer, subject.hypercores, () =>
      this.#until(observer, 'all copies', patienceMs, encoded)
    )
    await this.#closeAuthor()
    this.#step('Challenging pinners')
    const first = observer.epoch
    await this.#until(
      observer,
      'a passed challenge and check of every copy',
      patienceMs + epochs * 30_000,
      () => {
        const records = observer.live()
        const passed = (kind: 'storage' | 'retrieval'): number =>
          records.filter((record) => (record[kind].success ?? 0) > 0).length
        const ran = observer.epoch - first
        this.#progress.detail(
          `epoch ${ran} of ${epochs}, storage ${passed('storage')}/${records.length}, ` +
            `retrieval ${passed('retrieval')}/${records.length} copies passed`
        )
        return ran >= epochs && passed('storage') === records.length && passed('retrieval') === records.length
      }
    )
    const consumer = await this.#consume(network, subject)
    const result = await summarise({
      observer,
      names: this.#names,
      driveKey: subject.key,
      hypercores: subject.hypercores,
      wantedCopies: copies,
      consumer,
      problems: this.#problems,
      notices: this.#notices,
      dataDir: this.#data.path,
      bootstrap: network.bootstrap
    })
    if (!resumed && consumer.identical) await this.#keepState(subject, network)
    this.done = true
    return result
  }

  #subject(given: NamedKey | Source, network: Network): Promise<Subject> {
    if (!('key' in given)) return this.#publish(network, given)
    return findSubject(given, {
      network,
      dirs: { finder: this.#data.of('finder'), reference: this.#data.of('reference') },
      clock: this.#clock,
      signal: this.#over,
      step: (title) => this.#step(title),
      onProblem: (problem) => {
        this.#notices.push(problem)
        this.#progress.note(`warning: ${problemText(problem)}`)
      }
    })
  }

  /** What an earlier run had kept: what that read back is what is compared with. */
  async #again({ key, core, hypercores, links }: NetworkState): Promise<Subject> {
    const [reference, consumer] = [this.#data.of('reference'), this.#data.of('consumer')]
    const source = await readSource(reference, links).catch(() => null)
    if (source) await rm(consumer, { recursive: true, force: true })
    else await rename(consumer, reference)
    return { key, core, hypercores, source: source ?? (await readSource(reference, links)) }
  }

  /** Has what this network is for survive it. */
  async #keepState({ key, core, hypercores, source }: Subject, network: Network): Promise<void> {
    const { signers, pinners, verifiers, copies, codec } = this.#options
    const links = source.entries.flatMap((entry) => (entry.kind === 'link' ? [entry] : []))
    await writeState(this.#data.path, {
      key,
      core,
      hypercores,
      links: links.map(({ name, target }) => ({ name, target })),
      made: { signers, pinners, verifiers, copies, codec },
      port: this.#options.bootstrap ? null : network.bootstrap[0]!.port
    })
  }

  async #startDht(resumed: NetworkState | null): Promise<Network> {
    const { bootstrap } = this.#options
    if (bootstrap) return networkAt(bootstrap)
    this.#step('Starting a private DHT')
    // Who joined before finds it where it was, unless somebody else has the port by now.
    const { network } = await this.acquire('dht', new PrivateDht(resumed?.port ?? undefined))
    return network
  }

  async #publish(network: Network, source: Source): Promise<Subject> {
    this.#step('Publishing')
    for (const { path, why } of source.skipped) this.#progress.note(`warning: ${path} is left out: ${why}`)
    const options = { ...network, dir: this.#data.of('author') }
    const author = new Author({ ...options, randomBytes: (length) => randomBytes(length) })
    this.#author = await this.acquire('author', author)
    let bytes = 0
    const published = await author.publish(source, {
      signal: this.#over,
      onBytes: (more) => this.#progress.detail(megabytes((bytes += more), source.bytes))
    })
    const { driveKey, hypercores } = published
    for (const { path, why } of published.source.skipped.slice(source.skipped.length))
      this.#progress.note(`warning: ${path} is left out: ${why}`)
    return { key: driveKey, core: false, hypercores, source: published.source }
  }

  /** Starts the chain and all roles, in processes of their own, and whoever watches. */
  async #startOthers(network: Network, resumed: NetworkState | null) {
    this.#step('Starting chain, signers, pinners and verifiers')
    const random = (length: number): Buffer => randomBytes(length)
    const allocations: { key: Buffer; amount: bigint }[] = []
    const allocate = async (name: string, amount: bigint): Promise<Buffer> => {
      const { publicKey } = await loadIdentity(this.#data.of(name), random)
      allocations.push({ key: publicKey, amount })
      return publicKey
    }
    const named = participantNames(this.#options)
    for (const { name } of named) this.#names.set((await allocate(name, MEMBER_GRAINS)).toString('hex'), name)
    await allocate(WALLET, SUPPORTER_GRAINS)
    await allocate(FAUCET, FAUCET_GRAINS)
    const dir = this.#data.path
    const genesis = {
      name: 'datdot up',
      parameters: fastParameters(),
      allocations,
      beaconLength: BEACON_LENGTH
    }
    const { publicKey: chainKey } = await loadIdentity(this.#data.of(CHAIN), random)
    const { memoryBytes } = this.#options
    const roles = named.map(({ name, role }) => {
      return { name, role, registration: registrationOf(role), memoryBytes, port: undefined }
    })
    const opening = this.#parts.openRoles({ dir, network, chainKey, roles })
    // A chain that goes on asks at once for what is owed: whoever owes it must be there.
    if (resumed) await opening
    await Promise.all([this.#parts.startChain({ dir, network, genesis, faucet: FAUCET_LIMITS }), opening])
    this.#onPlace({ chainKey, bootstrap: network.bootstrap })
    const member = { network, chainKey, clock: this.#clock, randomBytes: random }
    const observer = new Observer({
      ...member,
      dir: this.#data.of('observer'),
      log: this.#log.with({ role: 'observer' })
    })
    await this.acquire('observer', observer)
    if (resumed) await observer.beginAgain({ timeoutMs: STEP_MS, signal: this.#over })
    await this.#parts.rolesBegun()
    const supporterOptions = {
      ...member,
      dir: this.#data.of(WALLET),
      log: this.#log.with({ role: 'supporter' })
    }
    return { observer, supporterOptions }
  }

  /** Registers the subject's hypercores and donates to them; returns their plain bytes. */
  async #sponsor(options: MemberOptions, subject: Subject): Promise<number> {
    this.#step('Donating')
    const supporter = await this.acquire('supporter', new Supporter(options))
    let bytes = 0
    // Readers know the drive's key only: its blobs must be found where the drive is looked for.
    const topic = crypto.discoveryKey(subject.key)
    const plan = planOf(this.#options.copies, this.#options.codec, topic)
    for (const key of subject.hypercores) {
      const original = await supporter.inspect(key, topic)
      await supporter.sponsor(key, original, plan, DONATION_GRAINS)
      bytes += sumsOf(original).byteLength
    }
    // The wallet is free for the commands that pay from it.
    await this.release(supporter)
    return bytes
  }

  async #closeAuthor(): Promise<void> {
    if (!this.#author) return
    this.#step('Taking the author off the network')
    await this.release(this.#author)
  }

  async #consume(network: Network, { key, core, source }: Subject): Promise<NetworkResult['consumer']> {
    this.#step('Reading everything back with a stock client')
    const out = this.#data.of('consumer')
    try {
      const read = await consume({
        network,
        key,
        core,
        out,
        signal: this.#over,
        onBytes: (bytes) => this.#progress.detail(megabytes(bytes, source.bytes))
      })
      this.#step('Comparing')
      const found = await differences(source, join(out, 'files'), read)
      this.#problems.push(...found.map((message) => ({ code: 'READ_DIFFERS' as const, message, who: null })))
      const { files, bytes, downloadMs } = read
      const mbPerSecond = Math.round(bytes / downloadMs / 10) / 100
      return { files, bytes, identical: found.length === 0, mbPerSecond }
    } catch (error) {
      this.#over.throwIfAborted()
      if (isDiskFull(error)) throw error
      this.#problems.push(problemOf(error))
      return { files: 0, bytes: 0, identical: false, mbPerSecond: 0 }
    }
  }

  /** Waits for what the log must show. What takes too long is a problem of the result, not the end of it. */
  async #until(observer: Observer, what: string, timeoutMs: number, holds: () => boolean): Promise<void> {
    try {
      await observer.until(what, holds, { timeoutMs, signal: this.#over })
    } catch (error) {
      if (!(error instanceof DatdotError) || error.code !== 'WAITED_TOO_LONG') throw error
      this.#problems.push(problemOf(error))
    }
  }

  /** Says while something is waited for what it waits for, if that lasts. */
  async #sayingWhy(
    observer: Observer,
    hypercores: readonly Buffer[],
    wait: () => Promise<void>
  ): Promise<void> {
    const done = new AbortController()
    const { signal, release } = joinSignals(done.signal, this.#over)
    const lasting = new LastingProblems(LASTING_LOOKS)
    const { chain } = observer.member
    const look = async (): Promise<void> => {
      while (await pause(this.#clock, LOOK_MS, signal)) {
        const { parameters } = await chain.info({ signal })
        const views = await Promise.all(hypercores.map((key) => chain.hypercore(key, { signal })))
        const problems = views.flatMap((view) => (view ? problemsOf(view, parameters) : [])).map(saidProblem)
        for (const problem of lasting.look(problems)) this.#sayWaiting(problem)
      }
    }
    // A chain that does not answer for a while is waited for by whoever waits.
    const looking = look().catch((error: unknown) =>
      this.#log('up.reasons-failed', { error: error as Error })
    )
    try {
      await wait()
    } finally {
      done.abort()
      release()
      await looking
    }
  }

  #sayWaiting(problem: SaidProblem): void {
    this.#log('up.waits', { ...problem })
    this.#progress.note(`waits: ${problemText(problem, (key) => this.#nameOf(key))}`)
  }

  #nameOf(key: string): string {
    return this.#names.get(idEncoding.decode(key).toString('hex')) ?? key
  }

  #step(title: string): void {
    this.#over.throwIfAborted()
    this.#log('up.step', { title })
    this.#progress.step(title)
  }
}

function megabytes(bytes: number, total: number): string {
  return `${(bytes / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`
}
