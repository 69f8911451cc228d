import { join } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import type { Clock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import type { NamedKey } from '../drive/key.js'
import { holesOf } from '../daemon/keeping.js'
import { holesProblem, type SaidProblem } from '../daemon/problems.js'
import { resolveKey } from '../drive/resolve.js'
import { scan, type Source } from '../drive/scan.js'
import { InputError } from '../errors.js'
import type { Network } from '../swarm/dht.js'
import { SwarmReader, knownLength } from '../swarm/reader.js'
import { consume } from './consume.js'

/** How long whoever serves a key may take to say how long it is. */
const EMPTY_MS = 8_000
/** How long a key may take to be found. */
const FIND_MS = 30_000

/** What is kept, and what it must read back as. */
export interface Subject {
  /** The drive's key, or the bare hypercore's. */
  key: Buffer
  core: boolean
  hypercores: Buffer[]
  source: Source
}

export interface FindSubjectOptions {
  network: Network
  /** Where the reader may keep what it downloads, and where it is read to. */
  dirs: { finder: string; reference: string }
  clock: Clock
  signal: AbortSignal
  step: (title: string) => void
  /** Is told what of it nobody has. */
  onProblem: (problem: SaidProblem) => void
}

/**
 * Finds a key in the swarm, and reads it once from its author to have something to compare with.
 *
 * @throws InputError KEY_EMPTY, KEY_UNREACHABLE; SwarmError BLOCK_UNREACHABLE; DatdotError CONSUMER_FAILED; the signal's reason
 */
export async function findSubject({ key, length }: NamedKey, options: FindSubjectOptions): Promise<Subject> {
  const { network, dirs, clock, signal, step, onProblem } = options
  step('Looking for the key')
  const reader = new SwarmReader({ network, dir: dirs.finder, seed: randomBytes(32) })
  try {
    const opened = await reader.open(key)
    const id = idEncoding.encode(key)
    const patience = (timeoutMs: number) => ({ clock, timeoutMs, signal })
    await knownLength(opened, 1, patience(EMPTY_MS)).catch(() => {
      signal.throwIfAborted()
      if (opened.peers.length > 0) throw new InputError('KEY_EMPTY', `${id} is served, but has no blocks yet`)
    })
    const least = Math.max(1, length ?? 1)
    await knownLength(opened, least, patience(FIND_MS)).catch((error: unknown) => {
      signal.throwIfAborted()
      if (opened.length > 0) {
        const found = `${id} is served with ${opened.length} blocks, ${length} were asked for`
        throw new InputError('KEY_UNREACHABLE', found, { cause: error })
      }
      throw new InputError(
        'KEY_UNREACHABLE',
        `nobody serves ${id} on this DHT; check the key and --bootstrap`,
        { cause: error }
      )
    })
    const { kind, hypercores } = await resolveKey(reader.store, opened)
    const core = kind === 'core'
    const holes = await holesOf(reader.store, hypercores, { clock, signal })
    for (const [at, one] of hypercores.entries()) {
      const problem = holesProblem(one, holes[at]!)
      if (problem) onProblem(problem)
    }
    step('Reading from the author')
    const read = await consume({ network, key, core, out: dirs.reference, signal })
    return { key, core, hypercores, source: await readSource(dirs.reference, read.links) }
  } finally {
    await reader.discard()
  }
}

/** What a reader has read into a folder, as a source to compare others with. */
export async function readSource(
  out: string,
  links: readonly { name: string; target: string }[]
): Promise<Source> {
  const source = await scan(join(out, 'files'), { mayBeEmpty: true })
  for (const { name, target } of links) source.entries.push({ kind: 'link', name, path: '', target })
  return source
}
