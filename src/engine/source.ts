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

/** Takes items from a source one by one, and knows whether it waits for one. */
export class SourceReader {
  readonly #iterator: AsyncIterator<Item> | Iterator<Item>
  #waiting = false

  constructor(source: ChunkSource) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** Whether an item has been asked for and has not come. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** The next step: at once from a synchronous source; else call `came` when the promise is settled. */
  next(): Step | Promise<Step> {
    const step = this.#iterator.next()
    this.#waiting = step instanceof Promise
    return step as Step | Promise<Step>
  }

  /** Says that the step waited for is there. Not done by a promise of its own, since chunks are many. */
  came(): void {
    this.#waiting = false
  }

  /** Ends the source early; waits for its clean-up unless it hangs in the middle of an item. */
  async close(): Promise<void> {
    const closed = Promise.resolve(this.#iterator.return?.(undefined)).then(
      () => undefined,
      () => undefined
    )
    if (!this.#waiting) await closed
  }
}
