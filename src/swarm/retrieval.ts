import type Hypercore from 'hypercore'
import type { Clock } from '../clock.js'
import { hash } from '../crypto/hash.js'
import { SwarmReader, knownLength } from './reader.js'
import type { Network } from './dht.js'

export interface RetrievalOptions {
  network: Network
  /** A folder that does not exist yet; removed afterwards. */
  dir: string
  /** 32 random bytes: the key pair of this one measurement. */
  seed: Uint8Array
  key: Uint8Array
  /** Public key of the pinner; nobody else is asked. */
  pinner: Uint8Array
  /** Blocks that the pinner must have. */
  length: number
  /** Blocks to fetch. */
  indices: number[]
  /** For the whole measurement, or twice that if blocks were missing: they are looked for once more. */
  timeoutMs: number
  clock: Clock
  signal?: AbortSignal | undefined
}

/**
 * For the log; the chain judges by the numbers alone. `unreachable`: nobody answered under the pinner's key; `behind`: the
 * pinner did, and served no tree up to the length in time; `wrong`: it sent what the author did not sign; `incomplete`:
 * all that came was right, and some did not come.
 */
export type RetrievalOutcome = 'served' | 'unreachable' | 'behind' | 'wrong' | 'incomplete'

export interface Retrieval {
  outcome: RetrievalOutcome
  /** Median time from asking for a block to having it, one block at a time; the time-out if none came. */
  firstByteUs: number
  bytesPerSecond: number
  /** Blocks asked for and not served, or served wrong. */
  misses: number
  blocks: number
  bytes: number
}

/** Blocks that are asked for one after the other, for the latency; the others all at once. */
const ONE_BY_ONE = 3
/**
 * A sample with fewer bytes says nothing of throughput, only of latency. It counts as this many: it must arrive
 * within the time in which a pinner just fast enough would deliver them.
 */
const LEAST_SAMPLE_BYTES = 256 << 10

/**
 * Reads random blocks from one pinner as any stock client would; hypercore itself checks each against the tree
 * that the author signed. Whatever a bad pinner does is a result, not an error.
 *
 * @throws the signal's reason when aborted
 */
export async function measureRetrieval(options: RetrievalOptions): Promise<Retrieval> {
  const { network, dir, seed, key, pinner, indices, timeoutMs, signal } = options
  const read = async <T>(from: Uint8Array, work: (core: Hypercore) => Promise<T>): Promise<T> => {
    const reader = new SwarmReader({ network, dir, seed: from, only: pinner })
    try {
      return await work(await reader.open(key))
    } finally {
      await reader.discard()
      signal?.throwIfAborted()
    }
  }
  const { missed, ...first } = await read(seed, (core) => measure(core, options))
  const [lost, ...rest] = missed
  const mayBeForgotten = first.outcome === 'incomplete' || first.outcome === 'wrong'
  if (!mayBeForgotten || lost === undefined) return first
  // A stock reader (before hypercore 11.39) may sit on requests that follow one that timed out. Another one, which asks for
  // that block last, tells what was not served from what was not asked for.
  const again = hash('datdot/retrieval-again/1', seed)
  const second = await read(again, (core) => measure(core, { ...options, indices: [...rest, lost] }))
  const blocks = first.blocks + second.blocks
  const misses = indices.length - blocks
  const latencyKnown = first.firstByteUs < timeoutMs * 1000
  return {
    outcome:
      misses === 0 ? 'served' : [first.outcome, second.outcome].includes('wrong') ? 'wrong' : 'incomplete',
    firstByteUs: (latencyKnown ? first : second).firstByteUs,
    bytesPerSecond: (first.blocks > 0 ? first : second).bytesPerSecond,
    misses,
    blocks,
    bytes: first.bytes + second.bytes
  }
}

/** What one block may take of the time for all: one that never comes must not take the time of those after it. */
function shareOf(timeoutMs: number): number {
  return Math.ceil(timeoutMs / (ONE_BY_ONE + 2))
}

async function measure(
  core: Hypercore,
  { indices, length, timeoutMs, clock, signal }: RetrievalOptions
): Promise<Retrieval & { missed: number[] }> {
  const nowUs = (): number => clock.now() * 1000
  const until = nowUs() + timeoutMs * 1000
  const leftMs = (): number => {
    const left = Math.round((until - nowUs()) / 1000)
    return Math.max(1, Math.min(left, shareOf(timeoutMs)))
  }
  const none = {
    firstByteUs: timeoutMs * 1000,
    bytesPerSecond: 0,
    misses: indices.length,
    blocks: 0,
    bytes: 0,
    missed: indices
  }
  // One that goes away again was there all the same.
  let connected = core.peers.length > 0
  core.on('peer-add', () => (connected = true))
  let wrong = false
  core.on('verification-error', () => (wrong = true))
  try {
    await knownLength(core, length, { clock, timeoutMs, signal })
  } catch {
    return { outcome: wrong ? 'wrong' : connected ? 'behind' : 'unreachable', ...none }
  }
  const latencies: number[] = []
  const missed: number[] = []
  let lastUs = 0
  let blocks = 0
  let bytes = 0
  const fetch = async (index: number): Promise<boolean> => {
    const block = await core.get(index, { timeout: leftMs() }).catch(() => null)
    if (block === null) {
      missed.push(index)
      return false
    }
    lastUs = nowUs()
    blocks++
    bytes += block.byteLength
    return true
  }
  const startUs = nowUs()
  for (const index of indices.slice(0, ONE_BY_ONE)) {
    const askedUs = nowUs()
    if (await fetch(index)) latencies.push(nowUs() - askedUs)
    signal?.throwIfAborted()
  }
  const restUs = nowUs()
  const before = bytes
  await Promise.all(indices.slice(ONE_BY_ONE).map(fetch))
  // Asked for all at once, the rest shows throughput; where there is no rest, all there was must do.
  const inParallel = bytes > before
  const sample = Math.max(LEAST_SAMPLE_BYTES, inParallel ? bytes - before : bytes)
  // Until the last one came: one that never does is a miss, not a slow one.
  const tookUs = Math.max(1, lastUs - (inParallel ? restUs : startUs))
  const misses = indices.length - blocks
  const outcome = misses === 0 ? 'served' : wrong ? 'wrong' : 'incomplete'
  if (blocks === 0) return { outcome, ...none }
  latencies.sort((a, b) => a - b)
  return {
    outcome,
    firstByteUs: Math.round(latencies[(latencies.length - 1) >> 1] ?? timeoutMs * 1000),
    bytesPerSecond: Math.round((sample * 1e6) / tookUs),
    misses,
    blocks,
    bytes,
    missed
  }
}
