import { join } from 'node:path'
import type Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { resolveKey, type Resolved } from '../drive/resolve.js'
import type { NamedKey } from '../drive/key.js'
import { SwarmError } from '../errors.js'
import { Resource, using } from '../lifecycle.js'
import { encodedBytesMax, roundDue, segmentPrice } from '../ledger/rules/economics.js'
import { sumsOf, type Original } from '../protocol/original.js'
import { blocksOf, type BlockRange } from '../protocol/ranges.js'
import { findHoles } from '../storage/holes.js'
import type { Parameters } from '../protocol/parameters.js'
import { SwarmReader, hasBlocks, knownLength } from '../swarm/reader.js'
import type { Network } from '../swarm/dht.js'
import type { Clock } from '../clock.js'

const FIND_MS = 30_000
/** How long blocks that nobody seems to have are looked for. */
const HOLES_MS = 8_000
const MONTH_MS = 30 * 86_400_000

export interface FindOptions {
  network: Network
  /** A folder that this may write to, and empty. */
  dir: string
  clock: Clock
  randomBytes: (length: number) => Buffer
  signal: AbortSignal
}

/** What a key leads to. */
export interface FoundKey extends Resolved {
  /** Of each hypercore the blocks that nobody has who serves it. */
  holes: BlockRange[][]
}

/**
 * Whether a key is a drive's, the hypercores that it needs, and what of them nobody has. One that has no blocks yet may become either: it
 * is the only one.
 *
 * @throws SwarmError HYPERCORE_UNREACHABLE, also where it is shorter than was named; BLOCK_UNREACHABLE where nobody has any block of it
 */
export function findKey({ key, length }: NamedKey, options: FindOptions): Promise<FoundKey> {
  const { network, dir, clock, randomBytes, signal } = options
  const reader = new SwarmReader({ network, dir: join(dir, 'finder'), seed: randomBytes(32) })
  return using(new Discarded(reader), async () => {
    const core = await reader.open(key)
    const patience = { clock, timeoutMs: FIND_MS, signal }
    if (!(await hasBlocks(core, patience))) return { kind: 'core', hypercores: [core.key], holes: [[]] }
    if (length !== null) await knownLength(core, length, patience)
    const found = await resolveKey(reader.store, core)
    return { ...found, holes: await holesOf(reader.store, found.hypercores, { clock, signal }) }
  })
}

/**
 * Of some hypercores that a reader has found the blocks that nobody has.
 *
 * @throws SwarmError BLOCK_UNREACHABLE where nobody has any block of one
 */
export async function holesOf(
  store: Corestore,
  hypercores: readonly Buffer[],
  { clock, signal }: { clock: Clock; signal: AbortSignal }
): Promise<BlockRange[][]> {
  const found: BlockRange[][] = []
  for (const key of hypercores) {
    const core = store.get({ key })
    await core.ready()
    try {
      const holes = await findHoles(core, 0, core.length, { clock, waitMs: HOLES_MS, signal })
      if (core.length > 0 && blocksOf(holes) === core.length) {
        const why = `hypercore ${core.id} is dead: none of its ${core.length} blocks is with anybody who serves it`
        throw new SwarmError('BLOCK_UNREACHABLE', why)
      }
      found.push(holes)
    } finally {
      await core.close()
    }
  }
  return found
}

/** A reader whose downloads go with it. */
class Discarded extends Resource {
  readonly #reader: SwarmReader

  constructor(reader: SwarmReader) {
    super()
    this.#reader = reader
  }

  protected async start(): Promise<void> {
    this.owe('reader', () => this.#reader.discard())
    await this.#reader.ready()
  }
}

/** What keeping costs, in grains. */
export interface Price {
  /** Once: encoding all copies, with what is burned for that. */
  once: bigint
  /** A month of all copies, each passing all that it is asked: the most that it can be. */
  month: bigint
}

/** What some hypercores cost by the chain's rules, at most. */
export function priceOf(originals: readonly Original[], copies: number, p: Parameters): Price {
  let [once, month] = [0n, 0n]
  const epochs = Math.max(1, Math.round(MONTH_MS / p.epochMs))
  for (const original of originals) {
    const bytes = encodedBytesMax(sumsOf(original).byteLength, original.length)
    once += BigInt(copies) * segmentPrice(bytes, p)
    // Of one epoch, since what is paid for many at once is capped.
    month += BigInt(copies) * BigInt(epochs) * roundDue([bytes], 1, p)
  }
  return { once, month }
}

/** The topic under which readers look for all hypercores of a key. */
export function topicOf(key: Buffer): Buffer {
  return crypto.discoveryKey(key)
}
