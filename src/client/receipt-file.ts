import { appendFile, readFile, stat } from 'node:fs/promises'
import { writeWholeFile } from '../whole-file.js'
import { toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { fileTrouble } from '../file-failure.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import { UINT_MAX } from '../bounds.js'
import type { Receipt } from '../protocol/views.js'

/** Receipts beyond which the older half goes: the newest one fixes all of the log below it. */
const KEPT_MAX = 10_000
/** Far more than `KEPT_MAX` lines have. */
const FILE_BYTES_MAX = 16 << 20
const HEX = { operation: 64, entry: 64, signature: 128 } as const

export interface ReceiptFileOptions {
  path: string
  log: Logger
}

/**
 * What a chain has given its word for, one JSON object a line: `seq`, `at`, `clock`, `arrived`, and `operation`, `entry`, `signature` in hexadecimal. An audit
 * holds the log against it (`datdot audit --receipts`), and after a restart a client signs on over what it saw last. A disk that
 * fails costs the record of a receipt and not the operation.
 */
export class ReceiptFile extends Resource {
  readonly #options: ReceiptFileOptions
  #lines: string[] = []
  #newest: Receipt | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(options: ReceiptFileOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { path, log } = this.#options
    this.owe('what is being written', () => this.#writing)
    const text = await read(path).catch((error: unknown) => {
      if (fileTrouble(error) === 'missing') return ''
      throw error
    })
    for (const line of text.split('\n')) {
      if (line === '') continue
      const receipt = parse(line)
      // A line that a crash cut off, or that somebody wrote: it is not kept.
      if (!receipt) log('receipts.line-ignored', { path })
      else this.#remember(receipt, line)
    }
    if (text !== '' && !text.endsWith('\n')) await this.#rewrite()
  }

  /** The receipt with the highest number; null if there is none. It may be another chain's: check its signature. */
  get newest(): Receipt | null {
    return this.#newest
  }

  /** Writes a receipt down. Never rejects. */
  add(receipt: Receipt): Promise<void> {
    const line = lineOf(receipt)
    this.#remember(receipt, line)
    this.#writing = this.#writing.then(() => this.#write(line))
    return this.#writing
  }

  #remember(receipt: Receipt, line: string): void {
    this.#lines.push(line)
    if (!this.#newest || receipt.seq > this.#newest.seq) this.#newest = receipt
  }

  async #write(line: string): Promise<void> {
    const { path, log } = this.#options
    try {
      if (this.#lines.length > KEPT_MAX) {
        this.#lines = this.#lines.slice(-KEPT_MAX / 2)
        await this.#rewrite()
      } else await appendFile(path, line + '\n', { mode: 0o600 })
    } catch (error) {
      log('receipts.write-failed', { path, error: error as Error })
    }
  }

  async #rewrite(): Promise<void> {
    await writeWholeFile(this.#options.path, this.#lines.map((line) => line + '\n').join(''))
  }
}

/**
 * All receipts in a file of `ReceiptFile`. What a crash cut off at its end is left out.
 *
 * @throws InputError `RECEIPTS_INVALID`
 */
export async function readReceipts(path: string): Promise<Receipt[]> {
  const text = await read(path).catch((error: unknown) => {
    if (error instanceof InputError) throw error
    throw new InputError('RECEIPTS_INVALID', `${path} cannot be read: ${(error as Error).message}`, {
      cause: error
    })
  })
  const lines = text.split('\n')
  // The last one has an end, or was cut off.
  lines.pop()
  return lines.map((line, index) => {
    const receipt = parse(line)
    if (receipt) return receipt
    throw new InputError('RECEIPTS_INVALID', `line ${index + 1} of ${path} is no receipt`)
  })
}

async function read(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size <= FILE_BYTES_MAX) return readFile(path, 'utf8')
  throw new InputError(
    'RECEIPTS_INVALID',
    `${path} has ${size} bytes; a file of receipts has up to ${FILE_BYTES_MAX}`
  )
}

function lineOf({ seq, at, clock, arrived, operation, entry, signature }: Receipt): string {
  const [o, e, s] = [operation, entry, signature].map(toHex)
  return JSON.stringify({ seq, at, clock, arrived, operation: o, entry: e, signature: s })
}

function parse(line: string): Receipt | null {
  try {
    const { seq, at, clock, arrived, ...bytes } = JSON.parse(line) as Record<string, unknown>
    if (!isCount(seq) || !isCount(at) || !isCount(clock)) return null
    if (arrived !== null && !isCount(arrived)) return null
    const of = (name: keyof typeof HEX): Buffer => {
      const text = bytes[name]
      if (typeof text !== 'string' || text.length !== HEX[name] || !/^[0-9a-f]+$/.test(text))
        throw new Error(name)
      return Buffer.from(text, 'hex')
    }
    const [operation, entry, signature] = [of('operation'), of('entry'), of('signature')]
    return { seq, at, clock, arrived, operation, entry, signature }
  } catch {
    return null
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= UINT_MAX
}
