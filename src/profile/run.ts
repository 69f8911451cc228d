import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CodecName } from '../chunk/header.js'
import type { Clock } from '../clock.js'
import { keyPairFromSeed, randomBytes } from '../crypto/keys.js'
import { closeAll } from '../lifecycle.js'
import type { Network } from '../swarm/dht.js'
import { toHex } from '../bytes.js'
import { EndProcess, type RunningEnd } from './end-process.js'
import type { Use } from './meter.js'
import type { Drawn, EndName, EndNetwork, EndOptions, EndUse } from './port.js'
import { encodeRate } from './rate.js'
import type { CodecFigures, Moved } from './report.js'
import { prepare, type InputSource, type Prepared } from './source.js'

/** Bounds of what is moved in one measurement. */
const LEAST_BYTES = 8 << 20
const MOST_BYTES = 1 << 30
/** An end is ready, or has found the other, in this time even on a busy machine. */
const READY_MS = 120_000

/** What a measurement is made of. */
export interface RunOptions {
  network: Network
  /** For all that is written; emptied by who made it. */
  dir: string
  input: InputSource
  chunkBytes: number
  threads: number
  /** What one measurement aims at. */
  durationMs: number
  cpuProfileDir?: string | undefined
  clock: Clock
  signal: AbortSignal
  /** Told the bytes so far of what is being measured. */
  onBytes?: (bytes: number) => void
}

/** Starts ends on one machine. */
export type Launch = <N extends EndName>(end: N, options: EndOptions[N]) => Promise<RunningEnd>

/** Measures ways of bytes between two processes, one way at a time. */
export class Run {
  readonly #options: RunOptions
  readonly #near: Launch
  readonly #far: Launch
  readonly #open: RunningEnd[] = []
  readonly #prepared = new Map<number, Prepared>()
  #folders = 0

  /** @param far where pinners and readers of what is sent run; default: here */
  constructor(options: RunOptions, far?: Launch) {
    this.#options = options
    this.#near = (end, given) => this.#launch(end, given)
    this.#far = far ? async (end, given) => this.#owned(await far(end, given)) : this.#near
    const stop = (): void => this.#open.forEach((end) => void end.close().catch(() => {}))
    options.signal.addEventListener('abort', stop, { once: true })
  }

  /** An encrypted stream as fast as it goes. */
  async raw(): Promise<Moved> {
    const { chunkBytes, durationMs } = this.#options
    return this.#closing(async () => {
      const source = await this.#near('raw-source', {
        network: this.#network,
        seed: newSeed(),
        chunkBytes,
        durationMs
      })
      const { key } = await source.heard<{ key: string }>('ready', READY_MS)
      const sink = await this.#far('raw-sink', { network: this.#network, key })
      return this.#moved(source.heard<Use>('use', this.#patience), sink.heard<Use>('use', this.#patience))
    })
  }

  /** Bytes that a measurement of a codec is to move, given how fast the wire alone is. */
  async bytesFor(codec: CodecName, wireMbPerSecond: number): Promise<number> {
    const { chunkBytes, threads, durationMs, clock } = this.#options
    const rate = await encodeRate(codec, { chunkBytes, threads, clock })
    // Replication and hand-over take some three to four times the CPU of the bare stream.
    const bytes = Math.min(rate, 0.3 * wireMbPerSecond * 1e6) * (durationMs / 1000)
    return Math.round(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, 8 * chunkBytes, bytes)))
  }

  /** The author's hypercore of about so many bytes; made the first time it is asked for. */
  async prepared(bytes: number): Promise<Prepared> {
    const known = this.#prepared.get(bytes)
    if (known) return known
    const { input, chunkBytes, clock } = this.#options
    const given = { input, chunkBytes, bytes, clock, scratch: this.#folder('input') }
    const made = await prepare(this.#author, `original-${bytes}`, given)
    this.#prepared.set(bytes, made)
    return made
  }

  /** Stock seeder to stock readers. */
  async replication(bytes: number, readers = 1): Promise<Moved> {
    const { name, original } = await this.prepared(bytes)
    return this.#closing(async () => {
      const given = { network: this.#network, seed: newSeed(), dir: this.#author, name }
      const seeder = await this.#near('seeder', given)
      const { key } = await seeder.heard<{ key: string }>('ready', READY_MS)
      return this.#download<Use>(seeder, { key, blocks: original.length }, { readers, launch: this.#far })
    })
  }

  /** Signer to pinner, and then pinner to stock readers, for each number of them. */
  async codec(
    codec: CodecName,
    bytes: number,
    readers: readonly number[] = [1]
  ): Promise<CodecFigures & { served: Moved<EndUse>[] }> {
    const { name, original } = await this.prepared(bytes)
    const { threads } = this.#options
    const [signerSeed, pinnerSeed] = [newSeed(), newSeed()]
    const drawn: Drawn = { codec, original, signer: publicKeyOf(signerSeed), pinner: publicKeyOf(pinnerSeed) }
    return this.#closing(async () => {
      const network = this.#network
      const pinner = await this.#far('pinner', {
        network,
        seed: pinnerSeed,
        dir: await this.#made('pinner'),
        drawn,
        threads
      })
      await pinner.heard('ready', READY_MS)
      const signer = await this.#near('signer', {
        network,
        seed: signerSeed,
        author: this.#author,
        name,
        dir: await this.#made('signer'),
        drawn,
        threads
      })
      const { setupMs } = await signer.heard<{ setupMs: number }>('ready', READY_MS)
      signer.order('begin')
      const handOver = await this.#moved(
        signer.heard<EndUse>('use', this.#patience),
        pinner.heard<EndUse>('taken', this.#patience)
      )
      await signer.close()
      await pinner.heard('served', READY_MS)
      const served: Moved<EndUse>[] = []
      for (const count of readers) {
        const what = { key: original.key, blocks: original.length }
        served.push(
          await this.#download<EndUse>(pinner, what, {
            readers: count,
            launch: this.#near,
            again: served.length
          })
        )
      }
      const { length: chunks, byteLength } = original
      return { codec, chunks, bytes: byteLength, setupMs, handOver, serve: served[0]!, served }
    })
  }

  /** Readers find a seeder, begin together, and download all of it. */
  async #download<S extends Use>(
    seeder: RunningEnd,
    { key, blocks }: { key: string; blocks: number },
    { readers, launch, again = 0 }: { readers: number; launch: Launch; again?: number }
  ): Promise<Moved<S>> {
    const network = this.#network
    const all = await Promise.all(
      Array.from({ length: readers }, () =>
        launch('reader', { network, seed: newSeed(), dir: this.#folder('reader'), key, blocks })
      )
    )
    await Promise.all(all.map((reader) => reader.heard('found', READY_MS)))
    seeder.order(`begin ${again}`)
    await seeder.heard(`begun ${again}`, READY_MS)
    for (const reader of all) reader.order('begin')
    const uses = await Promise.all(all.map((reader) => reader.heard<Use>('use', this.#patience)))
    seeder.order(`end ${again}`)
    const from = await seeder.heard<S>(`use ${again}`, READY_MS)
    await Promise.all(all.map((reader) => reader.close()))
    const to = uses.reduce(together)
    return { mbPerSecond: rateOf(to), from, to }
  }

  async #moved<A extends Use, B extends Use>(from: Promise<A>, to: Promise<B>): Promise<Moved<A, B>> {
    const [a, b] = await Promise.all([from, to])
    return { mbPerSecond: rateOf(b), from: a, to: b }
  }

  /** Closes all ends that `work` has started, newest first. */
  async #closing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      const open = this.#open.splice(0)
      await closeAll(
        open.map((end) => ({ name: 'end', close: () => end.close() })),
        2 * CLOSE_MS
      )
    }
  }

  #owned(end: RunningEnd): RunningEnd {
    this.#open.push(end)
    return end
  }

  async #launch<N extends EndName>(end: N, options: EndOptions[N]): Promise<RunningEnd> {
    const { clock, cpuProfileDir, onBytes, signal } = this.#options
    signal.throwIfAborted()
    const started = new EndProcess({ end, options, clock, cpuProfileDir, onBytes })
    this.#owned(started)
    await started.ready()
    return started
  }

  /** Given up after so long. */
  get #patience(): number {
    return READY_MS + 30 * this.#options.durationMs
  }

  get #network(): EndNetwork {
    const { bootstrap, host } = this.#options.network
    return { bootstrap, ...(host !== undefined && { host }) }
  }

  get #author(): string {
    return join(this.#options.dir, 'author')
  }

  #folder(name: string): string {
    return join(this.#options.dir, `${name}-${this.#folders++}`)
  }

  async #made(name: string): Promise<string> {
    const dir = this.#folder(name)
    await mkdir(dir, { recursive: true })
    return dir
  }

  /** Deletes what ends have left, but for the author's store. */
  async clean(): Promise<void> {
    const { dir } = this.#options
    for (let i = 0; i < this.#folders; i++) {
      for (const name of ['pinner', 'signer', 'reader', 'input'])
        await rm(join(dir, `${name}-${i}`), { recursive: true, force: true })
    }
  }
}

const CLOSE_MS = 15_000

function newSeed(): string {
  return toHex(randomBytes(32))
}

function publicKeyOf(seed: string): string {
  return toHex(keyPairFromSeed(Buffer.from(seed, 'hex')).publicKey)
}

function rateOf({ bytes, wallMs }: Use): number {
  return bytes / 1e3 / wallMs
}

/** Several readers as one: they began together, and are done when the last is. */
function together(a: Use, b: Use): Use {
  return {
    wallMs: Math.max(a.wallMs, b.wallMs),
    bytes: a.bytes + b.bytes,
    cpuMs: a.cpuMs + b.cpuMs,
    threads: {
      main: a.threads.main + b.threads.main,
      workers: a.threads.workers + b.threads.workers,
      other: a.threads.other + b.threads.other
    },
    loop: Math.max(a.loop, b.loop),
    rssBytes: a.rssBytes + b.rssBytes,
    samples: a.samples
  }
}
