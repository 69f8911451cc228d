import type { Clock } from '../clock.js'
import { toHex } from '../bytes.js'

/** A connection as the gate sees it: what hyperdht opens has all of it. */
export interface Guest {
  readonly remotePublicKey: Uint8Array
  /** Bytes of whole messages. */
  readonly rawBytesRead: number
  readonly rawBytesWritten: number
  readonly rawStream: {
    remoteHost?: string
    on(event: 'data', listener: (data: Uint8Array) => void): unknown
  }
  once(event: 'close', listener: () => void): unknown
  destroy(error?: Error): unknown
}

export interface GateLimits {
  /** Connections in all, from one key, and from one address. */
  all: number
  perKey: number
  perAddress: number
  /** Bytes of messages that have begun and not ended, of all connections: one message may have 16 MB. */
  unfinishedBytes: number
}

export interface GateOptions extends GateLimits {
  clock: Pick<Clock, 'now'>
  /** Who goes after everybody else. */
  keeps?: (guest: Guest) => boolean
}

/** How often one key may connect at once, and how long it is until it may once more. */
const DIALS = 10
const DIAL_MS = 2_000
/** Keys whose dials are remembered. */
const KEYS_MAX = 10_000
/** How old a connection must be before it can be told whether it is of use. */
const GRACE_MS = 10_000

interface Entry {
  guest: Guest
  key: string
  address: string
  since: number
  unfinished: number
}

/**
 * Who may be connected: so many in all, from one key and from one address. Where there is no place, the connection goes that has moved the
 * fewest bytes for its age; of what has just come nobody can tell, and it is the newest that finds no place.
 */
export class ConnectionGate {
  readonly #options: GateOptions
  #all: number
  #perKey: number
  readonly #entries = new Set<Entry>()
  readonly #keys = new Map<string, number>()
  readonly #addresses = new Map<string, number>()
  readonly #dials = new Map<string, { left: number; at: number }>()
  #unfinished = 0

  constructor(options: GateOptions) {
    this.#options = options
    this.#all = options.all
    this.#perKey = options.perKey
  }

  /** Takes in so many from now on; of who is there too many go when the next one comes. */
  limit({ all, perKey }: Pick<GateLimits, 'all' | 'perKey'>): void {
    this.#all = all
    this.#perKey = perKey
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * Whether a key has connected so often that it is not listened to for a while: who finds that its protocol is not spoken here, and dials
   * again at once, is told a few times and then costs no connection.
   */
  refuses(key: Uint8Array): boolean {
    return (this.#dialsOf(toHex(key))?.left ?? DIALS) < 1
  }

  /** Takes a connection in, or destroys it and returns false. */
  admit(guest: Guest): boolean {
    const { perAddress, clock } = this.#options
    const key = toHex(guest.remotePublicKey)
    const address = guest.rawStream.remoteHost ?? ''
    this.#dial(key)
    const crowded = count(this.#keys, key) >= this.#perKey || count(this.#addresses, address) >= perAddress
    while (!crowded && this.#entries.size >= this.#all) if (!this.#makeRoom()) break
    if (crowded || this.#entries.size >= this.#all) {
      guest.destroy()
      return false
    }
    const entry: Entry = { guest, key, address, since: clock.now(), unfinished: 0 }
    this.#entries.add(entry)
    add(this.#keys, key, 1)
    add(this.#addresses, address, 1)
    this.#watch(entry)
    guest.once('close', () => this.#forget(entry))
    return true
  }

  #forget(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    add(this.#keys, entry.key, -1)
    add(this.#addresses, entry.address, -1)
    this.#unfinished -= entry.unfinished
    entry.unfinished = 0
  }

  #remove(entry: Entry): void {
    this.#forget(entry)
    entry.guest.destroy()
  }

  #makeRoom(): boolean {
    const { clock, keeps } = this.#options
    const now = clock.now()
    let least: Entry | undefined
    let use = Infinity
    for (const entry of this.#entries) {
      const age = now - entry.since
      if (age < GRACE_MS) continue
      const { rawBytesRead, rawBytesWritten } = entry.guest
      const kept = keeps?.(entry.guest) ? 1e12 : 0
      const its = kept + (rawBytesRead + rawBytesWritten) / age
      if (its < use) [least, use] = [entry, its]
    }
    if (least) this.#remove(least)
    return least !== undefined
  }

  /** Counts what has come of a message that is not whole: secret-stream keeps it until the rest comes. */
  #watch(entry: Entry): void {
    const { guest } = entry
    let read = guest.rawBytesRead
    guest.rawStream.on('data', (data) => {
      if (!this.#entries.has(entry)) return
      const now = guest.rawBytesRead
      const unfinished = now === read ? entry.unfinished + data.byteLength : 0
      read = now
      this.#unfinished += unfinished - entry.unfinished
      entry.unfinished = unfinished
      if (this.#unfinished <= this.#options.unfinishedBytes) return
      const [most] = [...this.#entries].sort((a, b) => b.unfinished - a.unfinished)
      if (most) this.#remove(most)
    })
  }

  #dial(key: string): void {
    const dials = this.#dialsOf(key) ?? { left: DIALS, at: this.#options.clock.now() }
    dials.left = Math.max(0, dials.left - 1)
    this.#dials.delete(key)
    this.#dials.set(key, dials)
    if (this.#dials.size > KEYS_MAX) this.#dials.delete(this.#dials.keys().next().value as string)
  }

  #dialsOf(key: string): { left: number; at: number } | undefined {
    const dials = this.#dials.get(key)
    if (!dials) return undefined
    const now = this.#options.clock.now()
    dials.left = Math.min(DIALS, dials.left + (now - dials.at) / DIAL_MS)
    dials.at = now
    return dials
  }
}

function count(counts: ReadonlyMap<string, number>, name: string): number {
  return counts.get(name) ?? 0
}

function add(counts: Map<string, number>, name: string, change: number): void {
  const next = count(counts, name) + change
  if (next > 0) counts.set(name, next)
  else counts.delete(name)
}
