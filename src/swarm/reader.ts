import { rm } from 'node:fs/promises'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type Hypercore from 'hypercore'
import type { Clock } from '../clock.js'
import { DatdotError, SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { deadline } from '../wait.js'
import { createDht, type Network } from './dht.js'
import { leave } from './leave.js'
import { toHex } from '../bytes.js'

export interface ReaderOptions {
  network: Network
  /** Where downloaded blocks go: a folder, or a store that stays its owner's. */
  dir: string | Corestore
  /** 32 bytes that the key pair of this reader is made from; a reader is nobody that others know. */
  seed: Uint8Array
  /** Connects to nobody but this peer. */
  only?: Uint8Array
  /** Never connects to this peer: whoever reads for itself finds itself too. */
  not?: Uint8Array
}

/** A plain reader on the swarm, like any other: a key pair used once, a DHT node, a store, stock replication. */
export class SwarmReader extends Resource {
  readonly #options: ReaderOptions
  readonly #topics = new Set<string>()
  #parts: { store: Corestore; swarm: Hyperswarm } | undefined

  constructor(options: ReaderOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { network, dir, seed, only, not } = this.#options
    const store = typeof dir === 'string' ? this.own('store', new Corestore(dir)) : dir
    await store.ready()
    const swarm = new Hyperswarm({
      dht: createDht(network),
      keyPair: HyperDHT.keyPair(Buffer.from(seed)),
      firewall: (remotePublicKey) => only !== undefined && !remotePublicKey.equals(only)
    })
    this.owe('swarm', () => leave(swarm))
    this.#parts = { store, swarm }
    swarm.on('connection', (connection, info) => {
      // A peer that goes away is no error of the reader's; hypercore asks the others.
      connection.on('error', () => {})
      if (not !== undefined && connection.remotePublicKey.equals(not)) {
        info.ban(true)
        connection.destroy()
      } else if (only !== undefined && !connection.remotePublicKey.equals(only)) connection.destroy()
      else store.replicate(connection)
    })
    if (only !== undefined) swarm.joinPeer(only)
  }

  /** Where downloaded blocks are, once it is open. */
  get store(): Corestore {
    return this.#open().store
  }

  /**
   * Opens a hypercore, and before it the reader, and looks for it in the swarm: under its own discovery key and, as the
   * blobs of a drive are announced under the drive's alone, under others. The caller closes the session.
   */
  async open(key: Uint8Array, topics: readonly Uint8Array[] = []): Promise<Hypercore> {
    await this.ready()
    const { store, swarm } = this.#open()
    const core = store.get({ key })
    await core.ready()
    const fresh = [core.discoveryKey, ...topics].filter((topic) => !this.#topics.has(toHex(topic)))
    for (const topic of fresh) {
      this.#topics.add(toHex(topic))
      swarm.join(topic, { client: true, server: false })
    }
    if (fresh.length > 0) {
      const found = core.findingPeers()
      swarm.flush().then(found, found)
    }
    return core
  }

  /** Looks for nobody under a topic any more. */
  async leave(topic: Uint8Array): Promise<void> {
    if (this.#topics.delete(toHex(topic))) await this.#open().swarm.leave(topic)
  }

  /** Closes the reader and deletes what was downloaded. Throws as `close` does, and what cannot be deleted. */
  async discard(): Promise<void> {
    try {
      await this.close()
    } finally {
      const { dir } = this.#options
      if (typeof dir === 'string') await rm(dir, { recursive: true, force: true })
    }
  }

  #open(): { store: Corestore; swarm: Hyperswarm } {
    this.signal.throwIfAborted()
    if (!this.#parts) throw new DatdotError('NOT_OPEN', 'this reader is not open yet')
    return this.#parts
  }
}

/** How long something on the network may take. */
export interface WaitOptions {
  clock: Clock
  timeoutMs: number
  signal?: AbortSignal | undefined
}

/**
 * Waits until a hypercore is known to be at least `length` long.
 *
 * @throws SwarmError HYPERCORE_UNREACHABLE; the signal's reason
 */
export async function knownLength(
  core: Hypercore,
  length: number,
  { clock, timeoutMs, signal }: WaitOptions
): Promise<void> {
  if (core.length >= length) return
  let check = (): void => {}
  const known = new Promise<void>((resolve) => {
    check = () => {
      if (core.length >= length) resolve()
    }
  })
  const error = (): SwarmError =>
    new SwarmError(
      'HYPERCORE_UNREACHABLE',
      `Nobody served hypercore ${core.id} up to block ${length} within ${timeoutMs} ms`
    )
  core.on('append', check)
  try {
    core.update({ wait: true }).then(check, () => {})
    await deadline(known, { clock, ms: timeoutMs, signal, error })
  } finally {
    core.off('append', check)
  }
}

/** How long whoever serves a hypercore may take to say how long it is. */
const EMPTY_MS = 8_000

/**
 * Whether a hypercore has blocks; false if it is served, and nobody has any.
 *
 * @throws SwarmError HYPERCORE_UNREACHABLE; the signal's reason
 */
export async function hasBlocks(
  core: Hypercore,
  { clock, timeoutMs, signal }: WaitOptions
): Promise<boolean> {
  const until = clock.now() + timeoutMs
  try {
    await knownLength(core, 1, { clock, timeoutMs: Math.min(EMPTY_MS, timeoutMs), signal })
    return true
  } catch (error) {
    signal?.throwIfAborted()
    if (core.peers.length > 0) return false
    if (clock.now() >= until) throw error
  }
  try {
    await knownLength(core, 1, { clock, timeoutMs: until - clock.now(), signal })
    return true
  } catch (error) {
    signal?.throwIfAborted()
    if (core.peers.length > 0) return false
    throw error
  }
}

/** Blocks asked for ahead of the one that is waited for. */
const READ_AHEAD_BLOCKS = 64

/**
 * Plain blocks `[start, end)` in order, downloading ahead.
 *
 * @throws SwarmError BLOCK_UNREACHABLE if one does not arrive in time
 */
export async function* readBlocks(
  core: Hypercore,
  start: number,
  end: number,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }
): AsyncGenerator<Buffer, void, void> {
  const range = core.download({ start, end, linear: true })
  const ahead: Promise<Buffer | null>[] = []
  let asked = start
  try {
    for (let index = start; index < end; index++) {
      signal?.throwIfAborted()
      for (; asked < Math.min(end, index + READ_AHEAD_BLOCKS); asked++) {
        const block = core.get(asked, { timeout: timeoutMs })
        block.catch(() => {})
        ahead.push(block)
      }
      const block = await (ahead.shift() as Promise<Buffer | null>).catch((error: Error) => {
        signal?.throwIfAborted()
        throw new SwarmError('BLOCK_UNREACHABLE', `Block ${index} of ${core.id}: ${error.message}`, {
          cause: error
        })
      })
      if (block === null)
        throw new SwarmError('BLOCK_UNREACHABLE', `Block ${index} of ${core.id} is not served`)
      yield block
    }
  } finally {
    range.destroy()
  }
}
