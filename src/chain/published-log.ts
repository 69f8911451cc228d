import { once } from 'node:events'
import type Corestore from 'corestore'
import Hypercore from 'hypercore'
import { hash } from '../crypto/hash.js'
import type { KeyPair } from '../crypto/keys.js'
import { ChainError } from '../errors.js'

/** Entries and bytes that go into the core in one append. */
const ENTRIES_PER_APPEND = 1024
const BYTES_PER_APPEND = 4 << 20

/** Blocks that a follower asks for ahead of the one it waits for. */
const FOLLOW_AHEAD = 256

/** The cores that a chain signs: its log, and the evidence of answered challenges. */
export type ChainCore = 'log' | 'evidence'

/** Where the log's entries come from: the ledger, which alone is the truth. */
export interface EntrySource {
  /** How many entries are committed. */
  length(): number
  /** Entries from position `from`, at most `limit` of them. */
  entries(from: number, limit: number): Buffer[]
  /** Whether a published entry is the committed one; bytes may differ where the ledger dropped a detail. */
  same(published: Buffer, committed: Buffer): boolean
}

/** The manifest of one of a chain's cores: signed by the chain's key alone, in a namespace of its own. */
export function chainCoreManifest(chainKey: Uint8Array, name: ChainCore): Hypercore.Manifest {
  return {
    version: 1,
    hash: 'blake2b',
    allowPatch: false,
    quorum: 1,
    signers: [
      { signature: 'ed25519', namespace: hash(`datdot/core/${name}/1`), publicKey: Buffer.from(chainKey) }
    ],
    prologue: null,
    linked: null,
    userData: null
  }
}

/** The key of one of a chain's cores: what any stock hypercore client opens to follow it. */
export function chainCoreKey(chainKey: Uint8Array, name: ChainCore): Buffer {
  return Hypercore.key(chainCoreManifest(chainKey, name))
}

/**
 * Publishes committed ledger entries, one a block, in a hypercore signed by the chain's key. The core may
 * lag behind the ledger (after a crash it does) and is extended from its own length; it is never ahead.
 */
export class ChainLog {
  readonly core: Hypercore
  readonly #source: EntrySource
  #running: Promise<void> | null = null
  #closed = false

  constructor(store: Corestore, keyPair: KeyPair, source: EntrySource) {
    this.core = store.get({ manifest: chainCoreManifest(keyPair.publicKey, 'log'), keyPair })
    this.#source = source
  }

  /**
   * Opens the core and publishes what it lacks.
   *
   * @throws ChainError `LOG_DIVERGED` if the core holds what the ledger does not
   */
  async open(): Promise<void> {
    await this.core.ready()
    const { length } = this.core
    if (length > 0) {
      const published = await this.core.get(length - 1)
      const committed = this.#source.length() >= length ? this.#source.entries(length - 1, 1)[0] : undefined
      if (!published || !committed || !this.#source.same(published, committed)) {
        throw new ChainError(
          'LOG_DIVERGED',
          `The published log has an entry at ${length - 1} that the ledger does not: ` +
            'the ledger was replaced by an older or another one. Restore the ledger that belongs to this log.'
        )
      }
    }
    await this.publish()
  }

  /** Extends the core to the ledger's length. Calls while one is running share it and what came since. */
  publish(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#running ??= this.#extend().finally(() => (this.#running = null))
    return this.#running
  }

  /** Waits for a running append; the store that owns the core closes it. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running?.catch(() => {})
    await this.core.close()
  }

  async #extend(): Promise<void> {
    while (!this.#closed && this.core.length < this.#source.length()) {
      const batch: Buffer[] = []
      let bytes = 0
      for (const entry of this.#source.entries(this.core.length, ENTRIES_PER_APPEND)) {
        if (batch.length > 0 && bytes + entry.byteLength > BYTES_PER_APPEND) break
        batch.push(entry)
        bytes += entry.byteLength
      }
      await this.core.append(batch)
    }
  }
}

/** How to follow a log. */
export interface FollowOptions {
  /** First entry to yield; 0 if not given. */
  from?: number
  /** Go on waiting for new entries (until aborted) instead of ending at the length found. */
  live?: boolean
  /** How long one entry, or the first sight of the log's length, may take, in ms. */
  timeoutMs?: number
  signal?: AbortSignal
}

/**
 * The entries of a log, in order, from a core opened by `chainCoreKey` on any corestore that replicates.
 *
 * @throws ChainError `LOG_UNREACHABLE` if an entry does not arrive in time, `LOG_REWRITTEN` if the chain
 *   truncated its log, which it never does
 */
export async function* followLog(
  core: Hypercore,
  { from = 0, live = false, timeoutMs = 30_000, signal }: FollowOptions = {}
): AsyncGenerator<Buffer, void, void> {
  await core.ready()
  if (core.length <= from) await withTimeout(core.update({ wait: true }), timeoutMs, signal)
  for (let next = from; ;) {
    const ahead = core.download({ start: next, end: Math.min(core.length, next + FOLLOW_AHEAD) })
    try {
      for (const end = Math.min(core.length, next + FOLLOW_AHEAD); next < end; next++) {
        signal?.throwIfAborted()
        if (core.fork !== 0) throw new ChainError('LOG_REWRITTEN', 'The chain has rewritten its log')
        yield await entry(core, next, timeoutMs)
      }
    } finally {
      ahead.destroy()
    }
    if (next < core.length) continue
    if (!live || core.closed) return
    await grown(core, signal)
  }
}

/** Waits until the core grows or closes. */
async function grown(core: Hypercore, signal?: AbortSignal): Promise<void> {
  const settled = new AbortController()
  const stop = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal
  try {
    await Promise.race(['append', 'close'].map((event) => once(core, event, { signal: stop })))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    settled.abort()
  }
}

async function entry(core: Hypercore, index: number, timeoutMs: number): Promise<Buffer> {
  const block = await core.get(index, { timeout: timeoutMs }).catch(() => null)
  if (!block) throw unreachable(`entry ${index} did not arrive within ${timeoutMs} ms`)
  return block
}

async function withTimeout(update: Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    await Promise.race([
      update,
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(unreachable(`nobody offered it within ${timeoutMs} ms`)), timeoutMs)
        onAbort = () => reject(signal?.reason as Error)
        signal?.addEventListener('abort', onAbort)
      })
    ])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}

function unreachable(why: string): ChainError {
  return new ChainError('LOG_UNREACHABLE', `The chain's log cannot be followed: ${why}`)
}
