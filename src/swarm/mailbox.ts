/** How long a wait may last and what ends it. */
export interface Patience {
  ms: number
  signal?: AbortSignal | undefined
  /** Made when the time is up. */
  error: () => Error
}

/** The promise's outcome, unless the time is up or the signal aborted before. */
export async function deadline<T>(promise: Promise<T>, { ms, signal, error }: Patience): Promise<T> {
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let abort = (): void => {}
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(error()), ms)
    abort = () => reject(signal?.reason as Error)
    signal?.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** A queue with one taker, who waits for what is not there yet. The one who puts keeps it bounded. */
export class Mailbox<T> {
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
