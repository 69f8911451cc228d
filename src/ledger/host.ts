import { DatdotError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { Ledger } from './ledger.js'
import type { LedgerApi, LedgerOptions, SyncLedger } from './types.js'

/**
 * A ledger as a resource of a chain, on this thread.
 *
 * ```ts
 * const host = new LedgerHost({ path, keyPair, beacon, clock, genesis })
 * await host.ready()
 * const { length } = await host.api.chain()
 * await host.close()
 * ```
 */
export class LedgerHost extends Resource {
  readonly #options: LedgerOptions
  #api: LedgerApi | undefined

  /** @param options opening throws as `Ledger.open` does */
  constructor(options: LedgerOptions) {
    super()
    this.#options = options
  }

  /** The open ledger. Once this is closed it refuses every call with `CLOSED`. */
  get api(): LedgerApi {
    if (!this.#api) throw new DatdotError('NOT_OPEN', 'this ledger is not open yet')
    return this.#api
  }

  protected start(): Promise<void> {
    const ledger = this.own('ledger', Ledger.open(this.#options))
    this.#api = asynchronous(ledger, this.signal)
    return Promise.resolve()
  }
}

/** A ledger of this thread behind its asynchronous interface: calls are done as they are made. */
export function asynchronous(ledger: SyncLedger, signal?: AbortSignal): LedgerApi {
  const api = new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = value as (...args: unknown[]) => unknown
      // What throws becomes a rejection, as it would on another thread.
      return (...args: unknown[]) =>
        new Promise((resolve) => {
          signal?.throwIfAborted()
          resolve(call.apply(target, args))
        })
    }
  })
  return api as unknown as LedgerApi
}
