import { rm } from 'node:fs/promises'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import type Hypercore from 'hypercore'
import { SwarmError } from '../errors.js'
import { createDht, type Network } from './dht.js'
import { closeAll, leave } from './leave.js'

export interface ReaderOptions {
  network: Network
  /** Where downloaded blocks go. */
  dir: string
  /** 32 bytes that the key pair of this reader is made from; a reader is nobody that others know. */
  seed: Uint8Array
  /** Connects to nobody but this peer. */
  only?: Buffer
}

/** A plain reader on the swarm, like any other: a key pair used once, a DHT node, a store, stock replication. */
export class SwarmReader {
  readonly store: Corestore
  readonly #swarm: Hyperswarm
  readonly #dir: string
  readonly #topics = new Set<string>()

  constructor({ network, dir, seed, only }: ReaderOptions) {
    this.#dir = dir
    this.store = new Corestore(dir)
    this.#swarm = new Hyperswarm({
      dht: createDht(network),
      keyPair: HyperDHT.keyPair(Buffer.from(seed)),
      firewall: (remotePublicKey) => only !== undefined && !remotePublicKey.equals(only)
    })
    this.#swarm.on('connection', (connection) => {
      // A peer that goes away is no error of the reader's; hypercore asks the others.
      connection.on('error', () => {})
      if (only !== undefined && !connection.remotePublicKey.equals(only)) connection.destroy()
      else this.store.replicate(connection)
    })
    if (only !== undefined) this.#swarm.joinPeer(only)
  }

  /** Opens a hypercore and looks for it in the swarm. The caller closes the session. */
  async open(key: Buffer): Promise<Hypercore> {
    const core = this.store.get({ key })
    await core.ready()
    const topic = core.discoveryKey.toString('hex')
    if (!this.#topics.has(topic)) {
      this.#topics.add(topic)
      const found = core.findingPeers()
      this.#swarm.join(core.discoveryKey, { client: true, server: false })
      this.#swarm.flush().then(found, found)
    }
    return core
  }

  /**
   * Leaves the swarm and closes the store; `remove` deletes what was downloaded.
   *
   * @throws SwarmError CLOSE_TIMEOUT; what fails to close. The other parts are closed all the same.
   */
  async close({ remove = false }: { remove?: boolean } = {}): Promise<void> {
    const parts: (() => Promise<unknown>)[] = [() => leave(this.#swarm), () => this.store.close()]
    if (remove) parts.push(() => rm(this.#dir, { recursive: true, force: true }))
    await closeAll(parts)
  }
}

/**
 * Waits until a hypercore is known to be at least `length` long.
 *
 * @throws SwarmError HYPERCORE_UNREACHABLE
 */
export async function knownLength(
  core: Hypercore,
  length: number,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }
): Promise<void> {
  if (core.length >= length) return
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      core.off('append', check)
      signal?.removeEventListener('abort', abort)
      if (error) reject(error)
      else resolve()
    }
    const check = (): void => {
      if (core.length >= length) settle()
    }
    const abort = (): void => settle(signal?.reason as Error)
    const timer = setTimeout(() => {
      settle(
        new SwarmError(
          'HYPERCORE_UNREACHABLE',
          `Nobody served hypercore ${core.id} up to block ${length} within ${timeoutMs} ms`
        )
      )
    }, timeoutMs)
    core.on('append', check)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    core.update({ wait: true }).then(check, () => {})
  })
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
