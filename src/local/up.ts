import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import * as idEncoding from 'hypercore-id-encoding'
import type { CodecName } from '../chunk/header.js'
import type { Clock, Timer } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { differences } from '../drive/compare.js'
import { parseKey, type NamedKey } from '../drive/key.js'
import { resolveKey } from '../drive/resolve.js'
import { scan, type Source } from '../drive/scan.js'
import { DatdotError, InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { Author } from '../roles/author.js'
import { sumsOf } from '../protocol/original.js'
import { ChainNode } from '../roles/chain-node.js'
import type { MemberOptions } from '../roles/member.js'
import { Supporter } from '../roles/supporter.js'
import { PrivateDht, networkAt, type Network } from '../swarm/dht.js'
import { loadIdentity } from '../swarm/identity.js'
import { SwarmReader, knownLength } from '../swarm/reader.js'
import { settled, unlessAborted } from '../wait.js'
import { consume } from './consume.js'
import { DataFolder, RoleFolder, folderFull, isDiskFull } from '../roles/data-folder.js'
import {
  DONATION_GRAINS,
  MEMBER_GRAINS,
  SUPPORTER_GRAINS,
  fastParameters,
  planOf,
  registrationOf
} from './economy.js'
import { Observer } from './observer.js'
import { participantNames, participantOf, type Counts } from '../roles/participants.js'
import { summarise, type NetworkResult } from './result.js'

export type { NetworkResult } from './result.js'

export interface NetworkOptions extends Counts {
  /** An absolute path, or a key in any of its forms. */
  source: string
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
  /** Called with the result while everything still runs; the network is closed when its promise resolves. */
  onResult: (result: NetworkResult) => Promise<void>
}

/** Rounds of the beacon's first onion. */
const BEACON_LENGTH = 1 << 16
/** Below this much free space nothing new is begun. */
const LEAST_FREE_BYTES = 32 << 20
const SPACE_EVERY_MS = 250
const SETTLE_MS = 5_000
/** Slowest that a whole step may go before it counts as stuck. */
const SLOWEST_BYTES_PER_SECOND = 250_000
const STEP_MS = 120_000
/** How long whoever serves a key may take to say how long it is. */
const EMPTY_MS = 8_000
/** How long a key may take to be found. */
const FIND_MS = 30_000
/** What a key's hypercores may weigh without being asked about: there is no telling before they are found. */
const UNKNOWN_BYTES = 1 << 30

/**
 * The main job: publishes or finds the source, runs a pinning network for it, takes the author off the network,
 * waits for challenges, has a stock consumer read everything back, and compares.
 *
 * @throws InputError for a source, data folder or machine that will not do; then nothing is left behind
 */
export async function runNetwork(options: NetworkOptions, run: NetworkRun): Promise<NetworkResult> {
  const key = keyOf(options)
  const given = key ?? (await scanSource(options))
  const data = new DataFolder({
    path: options.dataDir,
    neededBytes: neededBytes(options, given),
    clock: run.clock
  })
  await data.ready()
  const up = new Up(options, run, data)
  try {
    await up.ready()
    const result = await up.run(given)
    await run.onResult(result)
    return result
  } catch (error) {
    // Who heard of a full disk from the chain knows only that the chain failed; and the watch looks now and then.
    await up.lookForSpace()
    if (up.full.aborted) throw up.full.reason
    if (isDiskFull(error)) throw folderFull(data.path)
    throw error
  } finally {
    const wanted = up.done
    // What fails to close is in the log: it changes nothing of what was found.
    await up.close().catch(() => {})
    await (wanted ? data.close() : data.discard())
  }
}

/** Looks at the free space of a folder's disk until there is hardly any left; then `full` is aborted. */
class SpaceWatch extends Resource {
  readonly #folder: string
  readonly #clock: Clock
  readonly #full = new AbortController()
  #timer: Timer | undefined

  constructor(folder: string, clock: Clock) {
    super()
    this.#folder = folder
    this.#clock = clock
  }

  get full(): AbortSignal {
    return this.#full.signal
  }

  protected start(): Promise<void> {
    this.#timer = this.#clock.every(SPACE_EVERY_MS, () => void this.look()).unref()
    this.owe('timer', () => this.#timer?.cancel())
    return Promise.resolve()
  }

  async look(): Promise<void> {
    const space = await statfs(this.#folder).catch(() => null)
    if (!space || this.signal.aborted) return
    if (space.bavail * space.bsize < LEAST_FREE_BYTES) this.#full.abort(folderFull(this.#folder))
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

/** What is published, and what it must read back as. */
interface Subject {
  /** The drive's key, or the bare hypercore's. */
  key: Buffer
  core: boolean
  hypercores: Buffer[]
  source: Source
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
  readonly #file: FileLog
  readonly #log: Logger
  readonly #names = new Map<string, string>()
  readonly #problems: string[] = []
  #author: Author | undefined
  #running: Promise<NetworkResult> | undefined

  constructor(options: NetworkOptions, { progress, clock, signal }: NetworkRun, data: DataFolder) {
    super()
    this.#options = options
    this.#progress = progress
    this.#clock = clock
    this.#data = data
    this.#space = new SpaceWatch(data.path, clock)
    this.#over = AbortSignal.any([signal, this.#space.full, this.signal])
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
   * @param given a key to find, or what to publish
   */
  async run(given: NamedKey | Source): Promise<NetworkResult> {
    this.#running = this.#run(given)
    const result = await unlessAborted(this.#running, this.#over)
    await this.release(this.#space)
    return result
  }

  async #run(given: NamedKey | Source): Promise<NetworkResult> {
    const network = await this.#startDht()
    const subject = 'key' in given ? await this.#find(network, given) : await this.#publish(network, given)
    const { chain, supporterOptions, observer } = await this.#startChain(network)
    await this.#startParticipants(network, chain)
    const { copies, epochs } = this.#options
    const bytes = await this.#sponsor(supporterOptions, subject)
    const patienceMs = STEP_MS + (bytes * copies * 1000) / SLOWEST_BYTES_PER_SECOND
    this.#step('Encoding copies')
    await this.#until(observer, 'all copies', patienceMs, () => {
      this.#progress.detail(`${observer.copies.size} of ${copies * subject.hypercores.length} accepted`)
      return observer.copies.size - observer.gone.size >= copies * subject.hypercores.length
    })
    await this.#closeAuthor()
    this.#step('Challenging pinners')
    const first = observer.epoch
    await this.#until(
      observer,
      'a passed challenge and check of every copy',
      patienceMs + epochs * 30_000,
      () => {
        const records = [...observer.copies.values()]
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
      dataDir: this.#data.path,
      bootstrap: network.bootstrap
    })
    this.done = true
    return result
  }

  async #startDht(): Promise<Network> {
    const { bootstrap } = this.#options
    if (bootstrap) return networkAt(bootstrap)
    this.#step('Starting a private DHT')
    const { network } = await this.acquire('dht', new PrivateDht())
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

  /** Finds a key in the swarm, and reads it once from its author to have something to compare with. */
  async #find(network: Network, { key, length }: NamedKey): Promise<Subject> {
    this.#step('Looking for the key')
    const reader = new SwarmReader({ network, dir: this.#data.of('finder'), seed: randomBytes(32) })
    try {
      const core = await reader.open(key)
      const id = idEncoding.encode(key)
      const patience = (timeoutMs: number) => ({ clock: this.#clock, timeoutMs, signal: this.#over })
      await knownLength(core, 1, patience(EMPTY_MS)).catch(() => {
        this.#over.throwIfAborted()
        if (core.peers.length > 0) throw new InputError('KEY_EMPTY', `${id} is served, but has no blocks yet`)
      })
      const least = Math.max(1, length ?? 1)
      await knownLength(core, least, patience(FIND_MS)).catch((error: unknown) => {
        this.#over.throwIfAborted()
        if (core.length > 0) {
          const found = `${id} is served with ${core.length} blocks, ${length} were asked for`
          throw new InputError('KEY_UNREACHABLE', found, { cause: error })
        }
        throw new InputError(
          'KEY_UNREACHABLE',
          `nobody serves ${id} on this DHT; check the key and --bootstrap`,
          { cause: error }
        )
      })
      const { kind, hypercores } = await resolveKey(reader.store, core)
      const core_ = kind === 'core'
      this.#step('Reading from the author')
      const out = this.#data.of('reference')
      const read = await consume({ network, key, core: core_, out, signal: this.#over })
      const source = await scan(join(out, 'files'), { mayBeEmpty: true })
      for (const { name, target } of read.links) source.entries.push({ kind: 'link', name, path: '', target })
      return { key, core: core_, hypercores, source }
    } finally {
      await reader.discard()
    }
  }

  async #startChain(network: Network) {
    this.#step('Starting the chain')
    const random = (length: number): Buffer => randomBytes(length)
    const names = [...participantNames(this.#options).map(({ name }) => name)]
    const allocations: { key: Buffer; amount: bigint }[] = []
    for (const name of names) {
      const { publicKey } = await loadIdentity(this.#data.of(name), random)
      this.#names.set(publicKey.toString('hex'), name)
      allocations.push({ key: publicKey, amount: MEMBER_GRAINS })
    }
    const supporterDir = this.#data.of('supporter')
    const { publicKey } = await loadIdentity(supporterDir, random)
    allocations.push({ key: publicKey, amount: SUPPORTER_GRAINS })
    const chain = await this.acquire(
      'chain',
      new ChainNode({
        dir: this.#data.of('chain'),
        network,
        genesis: {
          name: 'datdot up',
          parameters: fastParameters(),
          allocations,
          beaconLength: BEACON_LENGTH
        },
        threads: 2,
        randomBytes: random,
        clock: this.#clock,
        log: this.#log.with({ role: 'chain' })
      })
    )
    const member = { network, chainKey: chain.publicKey, clock: this.#clock, randomBytes: random }
    const observer = new Observer({
      ...member,
      dir: this.#data.of('observer'),
      log: this.#log.with({ role: 'observer' })
    })
    await this.acquire('observer', observer)
    const supporterOptions = { ...member, dir: supporterDir, log: this.#log.with({ role: 'supporter' }) }
    return { chain, observer, supporterOptions }
  }

  async #startParticipants(network: Network, chain: ChainNode): Promise<void> {
    this.#step('Starting signers, pinners and verifiers')
    const options = {
      network,
      chainKey: chain.publicKey,
      clock: this.#clock,
      randomBytes: (length: number): Buffer => randomBytes(length),
      memoryBytes: this.#options.memoryBytes,
      threads: 2
    }
    for (const { name, role } of participantNames(this.#options)) {
      this.#over.throwIfAborted()
      const folder = new RoleFolder({ path: this.#data.of(name), role, clock: this.#clock })
      await this.acquire(`folder of ${name}`, folder)
      const own = {
        dir: folder.path,
        log: this.#log.with({ role: name }),
        registration: registrationOf(role)
      }
      const participant = await this.acquire(name, participantOf(role, { ...options, ...own }))
      await participant.join()
    }
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
      this.#problems.push(...found)
      const { files, bytes, downloadMs } = read
      const mbPerSecond = Math.round(bytes / downloadMs / 10) / 100
      return { files, bytes, identical: found.length === 0, mbPerSecond }
    } catch (error) {
      this.#over.throwIfAborted()
      if (isDiskFull(error)) throw error
      this.#problems.push((error as Error).message)
      return { files: 0, bytes: 0, identical: false, mbPerSecond: 0 }
    }
  }

  /** Waits for what the log must show. What takes too long is a problem of the result, not the end of it. */
  async #until(observer: Observer, what: string, timeoutMs: number, holds: () => boolean): Promise<void> {
    try {
      await observer.until(what, holds, { timeoutMs, signal: this.#over })
    } catch (error) {
      if (!(error instanceof DatdotError) || error.code !== 'WAITED_TOO_LONG') throw error
      this.#problems.push(error.message)
    }
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
