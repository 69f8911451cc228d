import { deadline, type Patience } from '../wait.js'

/** A queue with one taker, who waits for what is not there yet. The one who puts keeps it bounded. */
export class Queue<T> {
  readonly #items: T[] = []
  #wake: (() => void) | undefined
  #error: Error | undefined

  get length(): number {
    return this.#items.length
  }

  /** Why nothing more will come. */
  get error(): Error | undefined {
    return this.#error
  }

  put(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** What is there can still be taken; waiting for more throws the first of these errors. */
  fail(error: Error): void {
    this.#error ??= error
    this.#wake?.()
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  shift(): T | undefined {
    return this.#items.shift()
  }

  async take(patience: Patience): Promise<T> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) return item
      if (this.#error) throw this.#error
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      await deadline(woken, patience)
      this.#wake = undefined
    }
  }
}
