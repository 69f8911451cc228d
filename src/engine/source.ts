/** Chunks one after another in one piece of memory: how they are stored, sent and handed over fastest. */
export interface ChunkRun {
  bytes: Uint8Array
  /** Bytes of each chunk; they sum to `bytes.byteLength`. */
  lengths: ArrayLike<number>
}

/**
 * Where a stream's chunks come from, in order. A source reads ahead by itself if that takes time. What it
 * yields must stay as it is until the batch with those chunks comes out: it may be needed for a second try.
 */
export type ChunkSource = AsyncIterable<Uint8Array | ChunkRun> | Iterable<Uint8Array | ChunkRun>

type Item = Uint8Array | ChunkRun
type Step = IteratorResult<Item, unknown>

/** Takes items from a source one by one, and can stop waiting for one that does not come. */
export class SourceReader {
  readonly #iterator: AsyncIterator<Item> | Iterator<Item>
  #interrupt: ((reason: unknown) => void) | undefined

  constructor(source: ChunkSource) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** Whether an item has been asked for and has not come. */
  get waiting(): boolean {
    return this.#interrupt !== undefined
  }

  /** The next step: at once from a synchronous source. */
  next(): Step | Promise<Step> {
    const step = this.#iterator.next()
    if (!(step instanceof Promise)) return step as Step
    return new Promise((resolve, reject) => {
      this.#interrupt = reject
      ;(step as Promise<Step>).then(
        (value) => {
          this.#interrupt = undefined
          resolve(value)
        },
        (error: Error) => {
          this.#interrupt = undefined
          reject(error)
        }
      )
    })
  }

  /** Makes a pending `next` reject with `reason`. */
  interrupt(reason: unknown): void {
    this.#interrupt?.(reason)
  }

  /** Ends the source early; waits for its clean-up unless it hangs in the middle of an item. */
  async close(): Promise<void> {
    const closed = Promise.resolve(this.#iterator.return?.(undefined)).then(
      () => undefined,
      () => undefined
    )
    if (!this.waiting) await closed
  }
}
