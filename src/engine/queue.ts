/** Hands items from one producer to one consumer in order; each item may still be under way. */
export class OrderedQueue<T> {
  readonly #items: Promise<T>[] = []
  #wake: (() => void) | undefined
  #end: { error?: unknown } | undefined

  push(item: Promise<T>): void {
    // It may be long until the consumer looks at it.
    item.catch(() => undefined)
    this.#items.push(item)
    this.#wake?.()
  }

  /** No more items; after those that are queued the consumer gets the error, or the end. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#wake?.()
  }

  /** The next item, or undefined at the end. */
  async next(): Promise<T | undefined> {
    while (this.#items.length === 0 && !this.#end) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#wake = undefined
    const item = this.#items.shift()
    if (item) return item
    if (this.#end && 'error' in this.#end) throw this.#end.error
    return undefined
  }

  /** Items that nobody has taken. */
  drain(): Promise<T>[] {
    return this.#items.splice(0)
  }
}
