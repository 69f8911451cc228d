import { createWriteStream, type WriteStream } from 'node:fs'
import type { Clock } from './clock.js'
import { Resource } from './lifecycle.js'

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

/** A log whose lines go through `each`, which hands them on to `write` as it likes. */
export function throughLog(
  log: Logger,
  each: (event: string, facts: Record<string, LogValue>, write: Logger) => void
): Logger {
  const outer = (event: string, facts: Record<string, LogValue> = {}): void => each(event, facts, log)
  outer.with = (facts: Record<string, LogValue>): Logger => throughLog(log.with(facts), each)
  return outer
}

/** Bytes that may wait for a slow disk before lines are left out. */
const WAITING_MAX = 1 << 20

/**
 * A log in a file of JSON lines; a full disk stops the log, never the program. What a slow disk leaves no room for is left
 * out, and a line `log.left-out` says how many lines that were.
 */
export class FileLog extends Resource {
  /** What it is told before it is open, or after it was closed, is lost. */
  readonly log: Logger
  readonly #path: string
  /** Writes a line that has room whatever waits. */
  readonly #always: Logger
  #stream: WriteStream | undefined
  #broken = false
  #leftOut = 0

  constructor(path: string, clock: Clock) {
    super()
    this.#path = path
    const now = (): number => clock.wall()
    this.log = createLogger((line) => this.#write(line), now)
    this.#always = createLogger((line) => void this.#stream?.write(line), now)
  }

  /** Does not wait for the file: lines wait in memory until it is there, and a file that cannot be opened is no error. */
  protected start(): Promise<void> {
    const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o600 })
    stream.on('error', () => (this.#broken = true))
    stream.on('drain', () => this.#admit())
    this.owe('file', () => this.#end(stream))
    this.#stream = stream
    return Promise.resolve()
  }

  #write(line: string): void {
    const stream = this.#stream
    if (!stream || this.#broken || stream.writableEnded) return
    if (stream.writableLength > WAITING_MAX) {
      this.#leftOut++
      return
    }
    this.#admit()
    stream.write(line)
  }

  #admit(): void {
    if (this.#leftOut === 0 || this.#broken || this.#stream?.writableEnded !== false) return
    const lines = this.#leftOut
    this.#leftOut = 0
    this.#always('log.left-out', { lines })
  }

  async #end(stream: WriteStream): Promise<void> {
    if (this.#broken || stream.destroyed) return
    const closed = new Promise<void>((resolve) => stream.once('close', resolve))
    // A stream that ends no longer tells that it drained.
    this.#admit()
    stream.end()
    await closed
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
