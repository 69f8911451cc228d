import type HyperDHT from 'hyperdht'
import type { Clock } from '../clock.js'
import type { KeyPair } from '../crypto/keys.js'
import { Resource } from '../lifecycle.js'
import { deadline, joining } from '../wait.js'
import { connectTo, unreachable } from './host.js'
import { toHex } from '../bytes.js'

interface Shared {
  /** Goes on as long as anybody waits for it. */
  attempt: AbortController
  opening: Promise<HyperDHT.Connection>
  users: number
}

export interface ConnectionsOptions {
  dht: HyperDHT
  keyPair: KeyPair
  clock: Clock
}

/** Longest that an attempt may take, whoever waits. */
const ATTEMPT_MS = 120_000

/**
 * Connections of one identity to others, one to each: a peer that keeps its connections apart by key would close a
 * second one. Whoever needs one shares it and lets it go; the last one closes it. The DHT node is the caller's.
 */
export class Connections extends Resource {
  readonly #options: ConnectionsOptions
  readonly #shared = new Map<string, Shared>()

  constructor(options: ConnectionsOptions) {
    super()
    this.#options = options
  }

  protected start(): Promise<void> {
    this.owe('connections', () => this.#closeAll())
    return Promise.resolve()
  }

  /**
   * Calls `use` with an open connection to a peer.
   *
   * @throws SwarmError PEER_UNREACHABLE; DatdotError CLOSED; what `use` throws
   */
  async with<T>(
    publicKey: Uint8Array,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
    use: (connection: HyperDHT.Connection) => Promise<T>
  ): Promise<T> {
    await this.ready()
    this.signal.throwIfAborted()
    const id = toHex(publicKey)
    const shared = this.#shared.get(id) ?? this.#connect(id, publicKey)
    shared.users++
    try {
      const { timeoutMs, signal } = options
      const connection = await deadline(shared.opening, {
        clock: this.#options.clock,
        ms: timeoutMs,
        signal,
        error: () => unreachable(publicKey, `no answer within ${timeoutMs} ms`)
      })
      return await use(connection)
    } finally {
      if (--shared.users === 0) {
        if (this.#shared.get(id) === shared) this.#shared.delete(id)
        await end(shared)
      }
    }
  }

  #connect(id: string, publicKey: Uint8Array): Shared {
    const { dht, keyPair, clock } = this.#options
    const attempt = new AbortController()
    const opening = joining([attempt.signal, this.signal], (signal) =>
      connectTo(dht, publicKey, keyPair, { clock, timeoutMs: ATTEMPT_MS, signal })
    )
    const made: Shared = { attempt, opening, users: 0 }
    this.#shared.set(id, made)
    // A connection that is lost or never came is not the next one's.
    const forget = (): void => void (this.#shared.get(id) === made && this.#shared.delete(id))
    opening.then((connection) => connection.once('close', forget), forget)
    return made
  }

  async #closeAll(): Promise<void> {
    await Promise.all([...this.#shared.values()].map(end))
  }
}

/** Ends an attempt, or the connection that came of it. */
async function end({ attempt, opening }: Shared): Promise<void> {
  attempt.abort()
  await opening.then(
    (connection) => void connection.destroy(),
    () => {}
  )
}
