import type HyperDHT from 'hyperdht'
import type { KeyPair } from '../crypto/keys.js'
import { connectTo } from './host.js'

interface Shared {
  opening: Promise<HyperDHT.Connection>
  users: number
}

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
      const opening = connectTo(this.#dht, publicKey, this.#keyPair, options)
      const made = (shared = { opening, users: 0 })
      this.#shared.set(id, made)
      // A connection that is lost or never came is not the next one's.
      const forget = (): void => void (this.#shared.get(id) === made && this.#shared.delete(id))
      opening.then((connection) => connection.once('close', forget), forget)
    }
    shared.users++
    try {
      return await use(await shared.opening)
    } finally {
      if (--shared.users === 0) {
        if (this.#shared.get(id) === shared) this.#shared.delete(id)
        await shared.opening.then(
          (connection) => void connection.destroy(),
          () => {}
        )
      }
    }
  }
}
