import type HyperDHT from 'hyperdht'
import type { KeyPair } from '../crypto/keys.js'
import { connectTo, unreachable } from './host.js'
import { deadline } from './mailbox.js'

interface Shared {
  /** Goes on as long as anybody waits for it. */
  attempt: AbortController
  opening: Promise<HyperDHT.Connection>
  users: number
}

/** Longest that an attempt may take, whoever waits. */
const ATTEMPT_MS = 120_000

/**
 * Connections of one identity to others, one to each: a peer that keeps its connections apart by key would close a
 * second one. Whoever needs one shares it and lets it go; the last one closes it.
 */
export class Connections {
  readonly #dht: HyperDHT
  readonly #keyPair: KeyPair
  readonly #shared = new Map<string, Shared>()

  constructor(dht: HyperDHT, keyPair: KeyPair) {
    this.#dht = dht
    this.#keyPair = keyPair
  }

  /**
   * Calls `use` with an open connection to a peer.
   *
   * @throws SwarmError PEER_UNREACHABLE; what `use` throws
   */
  async with<T>(
    publicKey: Buffer,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
    use: (connection: HyperDHT.Connection) => Promise<T>
  ): Promise<T> {
    const id = publicKey.toString('hex')
    let shared = this.#shared.get(id)
    if (!shared) {
      const attempt = new AbortController()
      const { signal } = attempt
      const opening = connectTo(this.#dht, publicKey, this.#keyPair, { timeoutMs: ATTEMPT_MS, signal })
      const made = (shared = { attempt, opening, users: 0 })
      this.#shared.set(id, made)
      // A connection that is lost or never came is not the next one's.
      const forget = (): void => void (this.#shared.get(id) === made && this.#shared.delete(id))
      opening.then((connection) => connection.once('close', forget), forget)
    }
    shared.users++
    try {
      const { timeoutMs, signal } = options
      const connection = await deadline(shared.opening, {
        ms: timeoutMs,
        signal,
        error: () => unreachable(publicKey, `no answer within ${timeoutMs} ms`)
      })
      return await use(connection)
    } finally {
      if (--shared.users === 0) {
        if (this.#shared.get(id) === shared) this.#shared.delete(id)
        shared.attempt.abort()
        await shared.opening.then(
          (connection) => void connection.destroy(),
          () => {}
        )
      }
    }
  }
}
