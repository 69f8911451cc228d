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
  #failures: unknown[] = []

  /** @param partMs longest that closing one part may take */
  constructor(partMs = PART_MS) {
    super()
    this.#partMs = partMs
  }

  /** Aborted as soon as closing is asked for, with a DatdotError `CLOSED`. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Opens the parts. What it owns is closed if it throws. */
  protected abstract start(): Promise<void>

  /** Takes a part over: it is closed with this resource. Returns it. */
  protected own<T extends { close(): unknown }>(name: string, part: T): T {
    this.owe(name, () => part.close())
    return part
  }

  /** Something to be done when this resource is closed. */
  protected owe(name: string, close: () => unknown): void {
    this.#parts.push({ name, close })
  }

  /**
   * Closes all parts, the newest first, once `start` is through.
   *
   * @throws the first part's error, once all had their turn; DatdotError `CLOSE_TIMEOUT` for a part that hangs
   */
  override close(): Promise<void> {
    this.#stop.abort(new DatdotError('CLOSED', `this ${this.constructor.name} was closed`))
    this.#ended ??= super.close().then(() => this.#tell())
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

  async #unwind(): Promise<void> {
    this.#failures = await closeParts(this.#parts, this.#partMs)
  }

  #tell(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }
}

/**
 * Closes parts, the last one first; one that fails or hangs keeps the others from nothing.
 *
 * @param partMs longest that each may take, in milliseconds
 * @throws the first error, once all had their turn; DatdotError `CLOSE_TIMEOUT` for a part that hangs
 */
export async function closeAll(parts: readonly Part[], partMs = PART_MS): Promise<void> {
  const failures = await closeParts([...parts], partMs)
  if (failures.length > 0) throw failures[0]
}

/** Empties `parts`: what is added while others close is closed as well. */
async function closeParts(parts: Part[], partMs: number): Promise<unknown[]> {
  const failures: unknown[] = []
  for (let part = parts.pop(); part; part = parts.pop()) {
    const { name, close } = part
    const error = (): Error => new DatdotError('CLOSE_TIMEOUT', `${name} did not close within ${partMs} ms`)
    // What throws at once has failed like what rejects.
    const closing = Promise.resolve().then(close)
    await deadline(closing, { clock: systemClock, ms: partMs, error }).catch((failure: unknown) =>
      failures.push(failure)
    )
  }
  return failures
}
