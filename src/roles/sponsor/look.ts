import type { Clock } from '../../clock.js'
import { SwarmError } from '../../errors.js'
import crypto from 'hypercore-crypto'
import { resolveKey } from '../../drive/resolve.js'
import type { Original } from '../../protocol/original.js'
import { encodeOriginal, readOriginal } from '../../storage/original.js'
import type { Network } from '../../swarm/dht.js'
import { SwarmReader, hasBlocks } from '../../swarm/reader.js'
import { deadline } from '../../wait.js'

const FIND_MS = 30_000
/** Longest that one look may take in all, whatever its peers do. */
const LOOK_MS = 120_000

export interface LookOptions {
  network: Network
  /** A folder that this may write to, and empty. */
  dir: string
  clock: Clock
  randomBytes: (length: number) => Buffer
  signal: AbortSignal
}

/** A hypercore as its author has signed it. */
export interface SignedCore {
  key: Buffer
  original: Original
}

/**
 * What a key leads to in the swarm, each hypercore as it is to be sponsored.
 *
 * @param origins hypercores under whose topic it is announced as well
 * @throws SwarmError HYPERCORE_UNREACHABLE, also if it has no blocks yet
 */
export async function lookFor(
  key: Buffer,
  origins: readonly Buffer[],
  { network, dir, clock, randomBytes, signal }: LookOptions
): Promise<SignedCore[]> {
  const reader = new SwarmReader({ network, dir, seed: randomBytes(32) })
  const topics = origins.map((origin) => crypto.discoveryKey(origin))
  const look = async (): Promise<SignedCore[]> => {
    const core = await reader.open(key, topics)
    const has = await hasBlocks(core, { clock, timeoutMs: FIND_MS, signal })
    if (!has)
      throw new SwarmError(
        'HYPERCORE_UNREACHABLE',
        'it has no blocks yet; add it once its author has written'
      )
    const { hypercores } = await resolveKey(reader.store, core)
    const found: SignedCore[] = []
    for (const one of hypercores) {
      const session = await reader.open(one, [crypto.discoveryKey(key), ...topics])
      await hasBlocks(session, { clock, timeoutMs: FIND_MS, signal })
      found.push({ key: one, original: encodeOriginal(await readOriginal(session)) })
    }
    return found
  }
  try {
    await reader.ready()
    const error = (): Error => new SwarmError('HYPERCORE_UNREACHABLE', 'it was not found in time')
    return await deadline(look(), { clock, ms: LOOK_MS, signal, error })
  } finally {
    await reader.discard()
  }
}
