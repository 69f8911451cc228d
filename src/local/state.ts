import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWholeFile } from '../whole-file.js'
import type { CodecName } from '../chunk/header.js'
import { codecNames } from '../chunk/header.js'
import type { Counts } from '../roles/participants.js'

/** Written into the data folder when a network has done what it is for: from then on it can go on. */
const STATE_FILE = 'up.json'
const VERSION = 1

/** What a network that goes on must know. */
export interface NetworkState {
  /** The drive's key, or the bare hypercore's. */
  key: Buffer
  core: boolean
  hypercores: Buffer[]
  /** Links of the drive: what is compared with has only files. */
  links: { name: string; target: string }[]
  made: Counts & { copies: number; codec: CodecName }
  /** UDP port of the private DHT's first node; null where the DHT is somebody else's. */
  port: number | null
}

/** The state that a folder holds, null if it has none that this version understands. */
export async function readState(dataDir: string): Promise<NetworkState | null> {
  try {
    const state = JSON.parse(await readFile(join(dataDir, STATE_FILE), 'utf8')) as Record<string, never>
    if (state.version !== VERSION) return null
    const { key, core, hypercores, links, made, port } = state as unknown as Written
    if (!codecNames.includes(made.codec)) return null
    const counts = [made.signers, made.pinners, made.verifiers, made.copies]
    if (!counts.every((one) => Number.isSafeInteger(one) && one >= 1 && one <= 100)) return null
    const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
    return { key: bytes(key), core, hypercores: hypercores.map(bytes), links, made, port }
  } catch {
    return null
  }
}

/** As it is in the file. */
type Written = Omit<NetworkState, 'key' | 'hypercores'> & { key: string; hypercores: string[] }

export async function writeState(dataDir: string, state: NetworkState): Promise<void> {
  const hypercores = state.hypercores.map((key) => key.toString('hex'))
  const written = { version: VERSION, ...state, key: state.key.toString('hex'), hypercores }
  await writeWholeFile(join(dataDir, STATE_FILE), JSON.stringify(written) + '\n')
}
