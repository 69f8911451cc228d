import ReadyResource from 'ready-resource'
import { systemClock } from './clock.js'
import { DatdotError } from './errors.js'
import { deadline } from './wait.js'

/** Longest that closing one part may take. In real time: what hangs, hangs whatever clock its owner lives by. */
const PART_MS = 15_000

/** What is closed with its owner. */
interface Part {
  name: string
  close: () => unknown
  /** Whose closing it is, where it belongs to one object. */
  of?: object
}

/**
 * What has to be opened before it is used and closed after it, such as a role, a store or a connection.
 *
 * A subclass opens its parts in `start` and says at once of each that it owns it. Parts are closed newest first, when
 * the resource is closed and also when `start` fails half way; one that fails or hangs keeps the others from nothing.
 * `ready` and `close` may be called any number of times, in any order.
 *
 * ```ts
 * class Node extends Resource {
 *   protected async start(): Promise<void> {
 *     this.own('store', new Corestore(this.#dir))
 *     this.#host = await this.acquire('host', new SwarmHost(this.#options))
 *     this.owe('goodbye', () => leave(this.#dht))
 *   }
 * }
 * ```
 */
export abstract class Resource extends ReadyResource {
  readonly #parts: Part[] = []
  readonly #stop = new AbortController()
  readonly #partMs: number
  #ended: Promise<void> | undefined
  readonly #failures: unknown[] = []
  /** Whether all parts have had their turn: what comes now is closed at once. */
  #unwound = false

  /** @param partMs longest that closing one part may take */
  constructor(partMs = PART_MS) {
    super()
    this.#partMs = partMs
  }

  /** Aborted as soon as closing is asked for, with what `closedError` says. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Opens the parts. What it owns is closed if it throws. */
  protected abstract start(): Promise<void>

  /** Is told of each part that failed to close. `close` throws the first of these errors all the same. */
  protected closeFailed(name: string, error: unknown): void {
    void name
    void error
  }

  /** What is to be thrown by whatever is asked of this resource once it is closed; `CLOSED` unless a subclass knows better. */
  protected closedError(): Error {
    return new DatdotError('CLOSED', `this ${this.constructor.name} was closed`)
  }

  /**
   * Takes a part over: it is closed with this resource. Returns it.
   *
   * @throws the signal's reason if this resource is closed already; the part is then closed as well
   */
  protected own<T extends { close(): unknown }>(name: string, part: T): T {
    this.#add({ name, close: () => part.close(), of: part })
    return part
  }

  /** Takes a part over, and opens it. Throws as `own` and the part's `ready` do. */
  protected async acquire<T extends { ready(): Promise<void>; close(): unknown }>(
    name: string,
    part: T
  ): Promise<T> {
    this.own(name, part)
    await part.ready()
    return part
  }

  /** Something to be done when this resource is closed. Throws as `own` does. */
  protected owe(name: string, close: () => unknown): void {
    this.#add({ name, close })
  }

  /** Closes a part that is owned before its time; nothing happens if it is not owned any more. */
  protected async release(part: object): Promise<void> {
    const at = this.#parts.findIndex(({ of }) => of === part)
    if (at >= 0) await closeAll(this.#parts.splice(at, 1), this.#partMs)
  }

  /**
   * Closes all parts, the newest first, once `start` is through.
   *
   * @throws the first part's error, once all had their turn; DatdotError `CLOSE_TIMEOUT` for a part that hangs
   */
  override close(): Promise<void> {
    if (!this.#ended) {
      this.#stop.abort(this.closedError())
      this.#ended = super.close().then(() => this.#tell())
      // Where opening failed nobody asks: why it did has been said.
      this.#ended.catch(() => {})
    }
    return this.#ended
  }

  protected override async _open(): Promise<void> {
    try {
      this.signal.throwIfAborted()
      await this.start()
    } catch (error) {
      this.#stop.abort(error)
      await this.#unwind()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    await this.#unwind()
  }

  #add(part: Part): void {
    if (!this.#unwound) return void this.#parts.push(part)
    void closeParts([part], this.#partMs)
    throw this.signal.reason
  }

  async #unwind(): Promise<void> {
    // What is owned while the last part closes is closed as well.
    do {
      for (const { name, error } of await closeParts(this.#parts, this.#partMs)) {
        this.#failures.push(error)
        this.closeFailed(name, error)
      }
    } while (this.#parts.length > 0)
    this.#unwound = true
  }

  #tell(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }
}

/** The resource, once it is open: `const store = await opened(new PinnerStore(dir))`. Throws what its `ready` does. */
export async function opened<T extends Resource>(resource: T): Promise<T> {
  await resource.ready()
  return resource
}

/**
 * Opens a resource, works with it, and closes it whatever came of that.
 *
 * @throws what opening or the work throws; if they went well, what closing throws
 */
export async function using<T extends Resource, R>(
  resource: T,
  work: (resource: T) => Promise<R>
): Promise<R> {
  let result: R
  try {
    await resource.ready()
    result = await work(resource)
  } catch (error) {
    await resource.close().catch(() => {})
    throw error
  }
  await resource.close()
  return result
}

/**
 * Closes parts, the last one first; one that fails or hangs keeps the others from nothing.
 *
 * @param partMs longest that each may take, in milliseconds
 * @throws the first error, once all had their turn; DatdotError `CLOSE_TIMEOUT` for a part that hangs
 */
export async function closeAll(parts: readonly Part[], partMs = PART_MS): Promise<void> {
  const [first] = await closeParts([...parts], partMs)
  if (first) throw first.error
}

/** Empties `parts`: what is added while others close is closed as well. */
async function closeParts(parts: Part[], partMs: number): Promise<{ name: string; error: unknown }[]> {
  const failures: { name: string; error: unknown }[] = []
  for (let part = parts.pop(); part; part = parts.pop()) {
    const { name, close } = part
    const late = (): Error => new DatdotError('CLOSE_TIMEOUT', `${name} did not close within ${partMs} ms`)
    // What throws at once has failed like what rejects.
    const closing = Promise.resolve().then(close)
    await deadline(closing, { clock: systemClock, ms: partMs, error: late }).catch((error: unknown) =>
      failures.push({ name, error })
    )
  }
  return failures
}
