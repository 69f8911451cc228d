import type { Clock, Timer } from './clock.js'

/** How long a wait may last and what ends it. */
export interface Patience {
  clock: Clock
  ms: number
  signal?: AbortSignal | undefined
  /** Made when the time is up. */
  error: () => Error
}

/**
 * The promise's outcome, unless the time is up or the signal aborted before. The promise goes on by itself; its later
 * failure is nobody's.
 *
 * @throws `error()` when the time is up; the signal's reason
 */
export async function deadline<T>(promise: Promise<T>, { clock, ms, signal, error }: Patience): Promise<T> {
  let timer: Timer | undefined
  let abort: (() => void) | undefined
  promise.catch(() => {})
  try {
    signal?.throwIfAborted()
    return await new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject)
      timer = clock.after(ms, () => reject(error()))
      abort = () => reject(signal?.reason as Error)
      signal?.addEventListener('abort', abort, { once: true })
    })
  } finally {
    timer?.cancel()
    if (abort) signal?.removeEventListener('abort', abort)
  }
}

/** Waits; a signal that aborts ends the wait early and without an error. Returns whether the time went by. */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return false
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => done(true))
    const abort = (): void => done(false)
    const done = (whole: boolean): void => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
      resolve(whole)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Waits until the promise is settled, whatever its outcome, at most `ms`, or until aborted; returns whether it is. */
export async function settled(
  promise: Promise<unknown>,
  { clock, ms, signal }: { clock: Clock; ms: number; signal?: AbortSignal | undefined }
): Promise<boolean> {
  const done = promise.then(
    () => true,
    () => true
  )
  return deadline(done, { clock, ms, signal, error: () => new Error('late') }).catch(() => false)
}

/** Lets everything that is due have its turn: what does long work in steps calls it between them. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when the signal aborts: what a program does that runs until it is told to end. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The promise's outcome, or the signal's reason if that comes first. The promise goes on by itself. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined
  promise.catch(() => {})
  try {
    signal.throwIfAborted()
    return await new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject)
      abort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
    })
  } finally {
    if (abort) signal.removeEventListener('abort', abort)
  }
}

/** A signal that aborts as soon as one of others does. */
export interface JoinedSignal {
  signal: AbortSignal
  /** Has the others let go of it; it does not abort any more. */
  readonly release: () => void
}

/**
 * What `AbortSignal.any` is for, with an end: in Node 20 and 22 a signal that lives as long as its program keeps a reference to each
 * signal that was ever made of it, 200,000 an hour of a node under load.
 */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const joined = new AbortController()
  const sources = signals.filter((signal) => signal !== undefined)
  const release = (): void => {
    for (const source of sources) source.removeEventListener('abort', abort)
  }
  const abort = (): void => {
    release()
    joined.abort(sources.find(({ aborted }) => aborted)?.reason)
  }
  if (sources.some(({ aborted }) => aborted)) abort()
  else for (const source of sources) source.addEventListener('abort', abort, { once: true })
  return { signal: joined.signal, release }
}

/** Runs with a signal that aborts as soon as one of others does. */
export async function joining<T>(
  signals: readonly (AbortSignal | undefined)[],
  run: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const { signal, release } = joinSignals(...signals)
  try {
    return await run(signal)
  } finally {
    release()
  }
}

/** Something that several may wait for, again and again: each `wake` ends the waits that are under way. */
export class Wakeup {
  readonly #waiting = new Set<(woken: boolean) => void>()

  /** Ends all waits that have begun. */
  wake(): void {
    for (const resolve of [...this.#waiting]) resolve(true)
  }

  /** Waits for the next `wake`, at most `ms`, or until aborted; returns whether it came. */
  async wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return false
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => done(false))
      const abort = (): void => done(false)
      const done = (woken: boolean): void => {
        timer.cancel()
        signal?.removeEventListener('abort', abort)
        this.#waiting.delete(done)
        resolve(woken)
      }
      this.#waiting.add(done)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}
