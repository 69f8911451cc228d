import { execFileSync } from 'node:child_process'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type HyperDHT from 'hyperdht'
import { diskFreeBytes } from '../disk-space.js'
import type { Clock } from '../clock.js'
import { settled } from '../wait.js'

/** What is looked at, how it is, and what would mend it. */
export interface Finding {
  name: string
  state: 'good' | 'poor' | 'unknown'
  found: string
  /** Empty where nothing is to be done. */
  remedy: string
}

const TRIAL_BYTES = 32 << 20
const PIECE_BYTES = 1 << 20
const LEAST_FREE_BYTES = 1 << 30
const LEAST_DISK_BYTES_PER_SECOND = 20e6
const LEAST_FILES = 4_096
export const MOST_DRIFT_MS = 60_000
const NETWORK_MS = 15_000

/** Free space of a folder's disk, and how fast it takes what is written and flushed. */
export async function lookAtDisk(dir: string, clock: Clock): Promise<Finding[]> {
  const free = await diskFreeBytes(dir)
  const gib = (free / 2 ** 30).toFixed(1)
  const space = finding(
    'disk space',
    free >= LEAST_FREE_BYTES,
    `${gib} GiB free in ${dir}`,
    'free some space, or choose another --data'
  )
  const path = join(dir, '.doctor')
  const piece = Buffer.alloc(PIECE_BYTES, 1)
  const began = clock.now()
  const file = await open(path, 'w', 0o600)
  try {
    for (let left = TRIAL_BYTES; left > 0; left -= PIECE_BYTES) await file.write(piece)
    await file.sync()
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
  const speed = TRIAL_BYTES / ((clock.now() - began) / 1000)
  const fast = speed >= LEAST_DISK_BYTES_PER_SECOND
  const said = `${(speed / 1e6).toFixed(0)} MB/s written and flushed`
  return [
    space,
    finding('disk speed', fast, said, 'choose a faster disk for --data: challenges are answered from it')
  ]
}

/** How many files this process may open. */
export async function lookAtFiles(): Promise<Finding> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => null)
  const text = limits ? /^Max open files +(\S+)/m.exec(limits)?.[1] : shellLimit()
  const files = text === 'unlimited' ? Infinity : Number(text ?? NaN)
  if (Number.isNaN(files))
    return { name: 'open files', state: 'unknown', found: 'the system does not say', remedy: '' }
  return finding(
    'open files',
    files >= LEAST_FILES,
    `${files} at a time`,
    `ulimit -n 65536, or LimitNOFILE=65536 of a systemd unit`
  )
}

function shellLimit(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8', timeout: 2_000 }).trim()
  } catch {
    return undefined
  }
}

/** Whether UDP gets through, and what is in the way. */
export async function lookAtNetwork(dht: HyperDHT, clock: Clock): Promise<Finding> {
  const name = 'UDP'
  const up = await settled(dht.fullyBootstrapped(), { clock, ms: NETWORK_MS })
  if (!up || !dht.bootstrapped) {
    return finding(
      name,
      false,
      'no node of the DHT answers',
      'let UDP out through the firewall, or correct --bootstrap'
    )
  }
  const { firewalled, randomized, host, port } = dht as HyperDHT & {
    firewalled: boolean
    randomized: boolean
  }
  if (!firewalled) return finding(name, true, `reachable without a NAT at ${host}:${port}`, '')
  const mapping = randomized
    ? 'a NAT that takes another port for everybody'
    : 'a NAT or firewall that peers get through'
  return finding(name, !randomized, `behind ${mapping}`, 'forward the UDP port of --port to this machine')
}

/** This machine's date beside the chain's. */
export function lookAtClock(chainAt: number, clock: Clock): Finding {
  const drift = clock.wall() - chainAt
  const said = `${(drift / 1000).toFixed(1)} s from the date of the chain's last entry`
  return finding('clock', Math.abs(drift) <= MOST_DRIFT_MS, said, 'have the clock set by NTP')
}

/** The version of Node that runs this. */
export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const fit = major > 20 || (major === 20 && minor >= 19)
  return finding('Node', fit, version, 'install Node 20.19 or later')
}

export function finding(name: string, good: boolean, found: string, remedy: string): Finding {
  return { name, state: good ? 'good' : 'poor', found, remedy: good ? '' : remedy }
}
