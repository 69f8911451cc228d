import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import crypto from 'hypercore-crypto'
import * as idEncoding from 'hypercore-id-encoding'
import type { CodecName } from '../chunk/header.js'
import { systemClock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { differences } from '../drive/compare.js'
import { resolveKey } from '../drive/resolve.js'
import { scan, type Source } from '../drive/scan.js'
import { DatdotError, InputError } from '../errors.js'
import { createFileLogger, type Logger } from '../log.js'
import { Author } from '../roles/author.js'
import { ChainNode } from '../roles/chain-node.js'
import { Supporter } from '../roles/supporter.js'
import { isLoopback, startPrivateDht, type Network } from '../swarm/dht.js'
import { loadIdentity } from '../swarm/identity.js'
import { SwarmReader, knownLength } from '../swarm/reader.js'
import { consume } from './consume.js'
import { diskFull, isDiskFull, prepareDataFolder, type DataFolder } from '../roles/data-folder.js'
import {
  DONATION_GRAINS,
  MEMBER_GRAINS,
  SUPPORTER_GRAINS,
  fastParameters,
  planOf,
  registrationOf
} from './economy.js'
import { Observer } from './observer.js'
import { openParticipant, participantNames, type Counts } from '../roles/participants.js'
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
  const data = await prepare(options, given)
  const space = new SpaceWatch(data.path)
  const signal = AbortSignal.any([run.signal, space.signal])
  const up = new Up(options, { ...run, signal }, data)
  const running = up.run(given)
  try {
    // Roles wait for each other, and try again when a disk is full: whatever waits, a full disk ends it.
    const result = await Promise.race([running, aborted(signal)])
    space.stop()
    await run.onResult(result)
    return result
  } catch (error) {
    if (space.signal.aborted) throw space.signal.reason
    if (isDiskFull(error)) throw diskFull(data.path)
    throw error
  } finally {
    space.stop()
    const wanted = up.done
    await up.close()
    // What was being opened sees that all is closed; nothing may be written after the folder is gone.
    const settled = running.catch(() => {}).then(() => up.closeLate())
    await Promise.race([settled, delay(SETTLE_MS, undefined, { ref: false })])
    if (!wanted) await data.discard()
  }
}

/** Looks at the free space of a folder's disk until there is hardly any left; then its signal is aborted. */
class SpaceWatch {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(folder: string) {
    this.#timer = setInterval(() => {
      statfs(folder).then(
        ({ bavail, bsize }) => {
          if (bavail * bsize < LEAST_FREE_BYTES) this.#controller.abort(diskFull(folder))
        },
        () => {}
      )
    }, SPACE_EVERY_MS)
    this.#timer.unref()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** Rejects with the reason of a signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
  })
}

/** The key, if the source is one. */
function keyOf({ source, bootstrap }: NetworkOptions): Buffer | null {
  if (!idEncoding.isValid(source)) return null
  if (!bootstrap) {
    throw new InputError(
      'BOOTSTRAP_MISSING',
      'a KEY is looked for on a DHT: give its nodes with --bootstrap HOST:PORT'
    )
  }
  return idEncoding.decode(source)
}

/** Checks the folder, and the disk's room for the source, before anything is written. */
async function prepare(options: NetworkOptions, given: Buffer | Source): Promise<DataFolder> {
  const bytes = Buffer.isBuffer(given) ? UNKNOWN_BYTES : given.bytes
  // Author, consumer's store and files, and for each copy the signer's download and the encoded bytes.
  const neededBytes = Math.ceil(bytes * (3 + 2 * options.copies) * 1.05) + (128 << 20)
  return prepareDataFolder(options.dataDir, neededBytes)
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
class Up {
  /** The check is through, well or not: the data is worth keeping. */
  done = false
  #closed = false
  readonly #options: NetworkOptions
  readonly #progress: Watcher
  readonly #signal: AbortSignal
  readonly #data: DataFolder
  readonly #log: Logger
  /** In the order of opening; closed in the reverse order. */
  readonly #opened: { name: string; close: () => Promise<void> }[] = []
  /** What had just been opened when all was closed. */
  readonly #late: Promise<void>[] = []
  readonly #names = new Map<string, string>()
  readonly #problems: string[] = []

  constructor(options: NetworkOptions, { progress, signal }: NetworkRun, data: DataFolder) {
    this.#options = options
    this.#progress = progress
    this.#signal = signal
    this.#data = data
    const { log, close } = createFileLogger(join(data.path, 'log.ndjson'), Date.now)
    this.#log = log
    this.#own('log', { close })
  }

  /** @param given a key to find, or what to publish */
  async run(given: Buffer | Source): Promise<NetworkResult> {
    const network = await this.#startDht()
    const subject = Buffer.isBuffer(given)
      ? await this.#find(network, given)
      : await this.#publish(network, given)
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

  /** Closes what is open, the newest first; what fails to close does not keep the others from it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { name, close } of this.#opened.splice(0).reverse()) await this.#close(name, close)
  }

  /** Waits until what was opened too late is closed as well. */
  async closeLate(): Promise<void> {
    await Promise.all(this.#late)
  }

  async #close(name: string, close: () => Promise<void>): Promise<void> {
    await close().catch((error: unknown) => this.#log('up.close-failed', { name, error: error as Error }))
  }

  async #startDht(): Promise<Network> {
    const { bootstrap } = this.#options
    if (bootstrap) return { bootstrap, ...(isLoopback(bootstrap) ? { host: '127.0.0.1' } : {}) }
    this.#step('Starting a private DHT')
    const { network, close } = await startPrivateDht()
    this.#own('dht', { close })
    return network
  }

  async #publish(network: Network, source: Source): Promise<Subject> {
    this.#step('Publishing')
    for (const { path, why } of source.skipped) this.#progress.note(`warning: ${path} is left out: ${why}`)
    const author = this.#own(
      'author',
      new Author({ ...network, dir: this.#data.of('author'), randomBytes: (length) => randomBytes(length) })
    )
    let bytes = 0
    const { driveKey, hypercores } = await author.publish(source, {
      signal: this.#signal,
      onBytes: (more) => this.#progress.detail(megabytes((bytes += more), source.bytes))
    })
    return { key: driveKey, core: false, hypercores, source }
  }

  /** Finds a key in the swarm, and reads it once from its author to have something to compare with. */
  async #find(network: Network, key: Buffer): Promise<Subject> {
    this.#step('Looking for the key')
    const reader = new SwarmReader({ network, dir: this.#data.of('finder'), seed: randomBytes(32) })
    try {
      const core = await reader.open(key)
      await knownLength(core, 1, { timeoutMs: 30_000, signal: this.#signal }).catch((error: unknown) => {
        this.#signal.throwIfAborted()
        throw new InputError(
          'KEY_UNREACHABLE',
          `nobody serves ${idEncoding.encode(key)} on this DHT; check the key and --bootstrap`,
          { cause: error }
        )
      })
      const { kind, hypercores } = await resolveKey(reader.store, core)
      const core_ = kind === 'core'
      this.#step('Reading from the author')
      const out = this.#data.of('reference')
      const read = await consume({ network, key, core: core_, out, signal: this.#signal })
      const source = await scan(join(out, 'files'))
      for (const { name, target } of read.links) source.entries.push({ kind: 'link', name, path: '', target })
      return { key, core: core_, hypercores, source }
    } finally {
      await reader.close({ remove: true })
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
    const chain = this.#own(
      'chain',
      await ChainNode.open({
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
        clock: systemClock,
        log: this.#log.with({ role: 'chain' })
      })
    )
    await chain.start()
    const member = { network, chainKey: chain.publicKey, randomBytes: random }
    const observer = this.#own(
      'observer',
      await Observer.open({
        ...member,
        dir: this.#data.of('observer'),
        log: this.#log.with({ role: 'observer' })
      })
    )
    const supporterOptions = { ...member, dir: supporterDir, log: this.#log.with({ role: 'supporter' }) }
    return { chain, observer, supporterOptions }
  }

  async #startParticipants(network: Network, chain: ChainNode): Promise<void> {
    this.#step('Starting signers, pinners and verifiers')
    const options = {
      network,
      chainKey: chain.publicKey,
      randomBytes: (length: number): Buffer => randomBytes(length),
      memoryBytes: this.#options.memoryBytes,
      threads: 2
    }
    for (const { name, role } of participantNames(this.#options)) {
      this.#signal.throwIfAborted()
      const own = {
        dir: this.#data.of(name),
        log: this.#log.with({ role: name }),
        registration: registrationOf(role)
      }
      const participant = this.#own(name, await openParticipant(role, { ...options, ...own }))
      await participant.start()
    }
  }

  /** Registers the subject's hypercores and donates to them; returns their plain bytes. */
  async #sponsor(options: Parameters<typeof Supporter.open>[0], subject: Subject): Promise<number> {
    this.#step('Donating')
    const supporter = this.#own('supporter', await Supporter.open(options))
    let bytes = 0
    // Readers know the drive's key only: its blobs must be found where the drive is looked for.
    const topic = crypto.discoveryKey(subject.key)
    const plan = planOf(this.#options.copies, this.#options.codec, topic)
    for (const key of subject.hypercores) {
      const original = await supporter.inspect(key)
      await supporter.sponsor(key, original, plan, DONATION_GRAINS)
      bytes += original.byteLength
    }
    return bytes
  }

  async #closeAuthor(): Promise<void> {
    const at = this.#opened.findIndex(({ name }) => name === 'author')
    if (at < 0) return
    this.#step('Taking the author off the network')
    const [author] = this.#opened.splice(at, 1)
    await author?.close()
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
        signal: this.#signal,
        onBytes: (bytes) => this.#progress.detail(megabytes(bytes, source.bytes))
      })
      this.#step('Comparing')
      const found = await differences(source, join(out, 'files'), read)
      this.#problems.push(...found)
      const { files, bytes, downloadMs } = read
      const mbPerSecond = Math.round(bytes / downloadMs / 10) / 100
      return { files, bytes, identical: found.length === 0, mbPerSecond }
    } catch (error) {
      this.#signal.throwIfAborted()
      if (isDiskFull(error)) throw error
      this.#problems.push((error as Error).message)
      return { files: 0, bytes: 0, identical: false, mbPerSecond: 0 }
    }
  }

  /** Waits for what the log must show. What takes too long is a problem of the result, not the end of it. */
  async #until(observer: Observer, what: string, timeoutMs: number, holds: () => boolean): Promise<void> {
    try {
      await observer.until(what, holds, { timeoutMs, signal: this.#signal })
    } catch (error) {
      if (!(error instanceof DatdotError) || error.code !== 'WAITED_TOO_LONG') throw error
      this.#problems.push(error.message)
    }
  }

  #step(title: string): void {
    this.#signal.throwIfAborted()
    this.#log('up.step', { title })
    this.#progress.step(title)
  }

  #own<T extends { close(): Promise<void> }>(name: string, resource: T): T {
    if (this.#closed) {
      this.#late.push(this.#close(name, () => resource.close()))
      throw new DatdotError('CLOSED', 'this run is over')
    }
    this.#opened.push({ name, close: () => resource.close() })
    return resource
  }
}

function megabytes(bytes: number, total: number): string {
  return `${(bytes / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`
}
