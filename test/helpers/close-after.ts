/** What a test registers to be closed when it ends. */
export interface Closing {
  after(close: () => unknown): void
}

const waiting = new WeakMap<Closing, (() => unknown)[]>()

/**
 * Closes something when the test ends, what was made last first: programs stop before their folder goes, nodes before
 * their DHT. Node's own hooks run in the order in which they were made, and the first that fails keeps the others from
 * running: what they would have ended then keeps the whole file from ending.
 */
export function closeAfter(t: Closing, close: () => unknown): void {
  const known = waiting.get(t)
  if (known !== undefined) {
    known.push(close)
    return
  }
  const all = [close]
  waiting.set(t, all)
  t.after(async () => {
    const failed: unknown[] = []
    for (let next = all.pop(); next !== undefined; next = all.pop()) {
      try {
        await next()
      } catch (error) {
        failed.push(error)
      }
    }
    if (failed.length === 1) throw failed[0]
    if (failed.length > 1) throw new AggregateError(failed, 'several parts of a test did not close')
  })
}
