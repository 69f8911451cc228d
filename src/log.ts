import { createWriteStream } from 'node:fs'

/** Values that a log line may carry; bytes are written as hex, amounts as decimal strings. */
export type LogValue = string | number | bigint | boolean | null | undefined | Uint8Array | Error

/** Writes one structured line: what happened, and the facts of it. */
export interface Logger {
  (event: string, facts?: Record<string, LogValue>): void
  /** The same log, every line of it carrying `facts` too. */
  with(facts: Record<string, LogValue>): Logger
}

/** A logger that hands each line, one JSON object, to `write`. The clock is in milliseconds since 1970. */
export function createLogger(write: (line: string) => void, now: () => number): Logger {
  const make = (bound: Record<string, LogValue>): Logger => {
    const log = (event: string, facts: Record<string, LogValue> = {}): void => {
      const line: Record<string, unknown> = { at: new Date(now()).toISOString(), event }
      for (const [name, value] of Object.entries({ ...bound, ...facts })) line[name] = plain(value)
      write(JSON.stringify(line) + '\n')
    }
    log.with = (facts: Record<string, LogValue>) => make({ ...bound, ...facts })
    return log
  }
  return make({})
}

/** Bytes that may wait for a slow disk before lines are left out. */
const WAITING_MAX = 1 << 20

/**
 * A logger into a file of JSON lines; a full disk stops the log, never the program. What a slow disk leaves no room for is left
 * out, and a line `log.left-out` says how many lines that were.
 */
export function createFileLogger(
  path: string,
  now: () => number
): { log: Logger; close: () => Promise<void> } {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  let broken = false
  let leftOut = 0
  stream.on('error', () => (broken = true))
  // One line, which has room whatever waits.
  const always = createLogger((line) => void stream.write(line), now)
  const admit = (): void => {
    if (leftOut === 0 || broken || stream.writableEnded) return
    const lines = leftOut
    leftOut = 0
    always('log.left-out', { lines })
  }
  const write = (line: string): void => {
    if (broken || stream.writableEnded) return
    if (stream.writableLength > WAITING_MAX) {
      leftOut++
      return
    }
    admit()
    stream.write(line)
  }
  stream.on('drain', admit)
  return {
    log: createLogger(write, now),
    close: () =>
      new Promise((resolve) => {
        if (broken || stream.destroyed) return resolve()
        stream.once('close', resolve)
        // A stream that ends no longer tells that it drained.
        admit()
        stream.end()
      })
  }
}

/** Where nobody listens. */
export const silentLogger: Logger = createLogger(
  () => {},
  () => 0
)

function plain(value: LogValue): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code
    return { name: value.name, message: value.message, ...(typeof code === 'string' ? { code } : {}) }
  }
  return value
}
