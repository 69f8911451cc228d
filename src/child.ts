import { fork, type ChildProcess } from 'node:child_process'
import type { Clock } from './clock.js'
import { DatdotError, errorOf, isErrorCode, type ErrorCode } from './errors.js'
import { Resource } from './lifecycle.js'
import { deadline, settled } from './wait.js'

/** Longest that a child may take to close by itself. */
const CLOSE_MS = 10_000
/** What of its last words is kept. */
const SAID_CHARS = 2_000

export interface ChildOptions {
  /** The compiled file that it runs: `childMain` in it. */
  main: string
  /** Its name in messages, such as `chain`. */
  name: string
  /** Code of the error for one that ends early or is late. */
  code: ErrorCode
  clock: Clock
  execArgv?: string[]
  /** Told each event as it comes, instead of keeping it for `heard`, if it returns true. */
  onEvent?: (event: string, value: unknown) => boolean
}

/** What a child says, and what it is told. */
interface Event {
  event: string
  value: unknown
}

/** A part of this program in a process of its own, which ends with it however either ends. */
export class Child extends Resource {
  readonly #options: ChildOptions
  readonly #said = new Map<string, unknown>()
  readonly #waiting = new Map<string, (value: unknown) => void>()
  readonly #failed: Promise<never>
  #child!: ChildProcess
  #exited!: Promise<void>
  #failure: Error | undefined
  #fail!: (error: Error) => void

  constructor(options: ChildOptions) {
    super(2 * CLOSE_MS)
    this.#options = options
    this.#failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.#failed.catch(() => {})
  }

  protected start(): Promise<void> {
    const { main, name, execArgv = [] } = this.#options
    const child = fork(main, [], {
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc']
    })
    this.#child = child
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-SAID_CHARS)))
    child.on('message', (message) => this.#hear(message as Event))
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#failWith(error)
        resolve()
      })
      child.once('exit', (code, signal) => {
        const why = stderr.trim().split('\n').slice(-3).join(' ')
        this.#failWith(this.#error(`the ${name} ended with ${signal ?? `exit code ${code}`}: ${why}`))
        resolve()
      })
    })
    this.owe('process', () => this.#end())
    return Promise.resolve()
  }

  /** Rejects when it ends before it was told to, or says that it failed. */
  get failed(): Promise<never> {
    return this.#failed
  }

  /** The value of an event, once it says it. @throws why it failed; an error with the code of the options when it is late */
  async heard<T>(event: string, timeoutMs: number): Promise<T> {
    if (this.#said.has(event)) return this.#said.get(event) as T
    if (this.#failure) throw this.#failure
    const said = new Promise<T>((resolve) => this.#waiting.set(event, (value) => resolve(value as T)))
    const { clock, name } = this.#options
    const error = (): Error => this.#error(`the ${name} did not come to "${event}" within ${timeoutMs} ms`)
    return deadline(Promise.race([said, this.#failed]), { clock, ms: timeoutMs, signal: this.signal, error })
  }

  /** Nothing happens once it is gone. */
  send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #hear({ event, value }: Event): void {
    if (event === 'failed') {
      const { code, message } = value as { code: string | null; message: string }
      const { name } = this.#options
      this.#failWith(
        code !== null && isErrorCode(code) ? errorOf(code, message) : this.#error(`the ${name}: ${message}`)
      )
      return
    }
    if (this.#options.onEvent?.(event, value) === true) return
    this.#said.set(event, value)
    this.#waiting.get(event)?.(value)
    this.#waiting.delete(event)
  }

  #error(message: string): DatdotError {
    return new DatdotError(this.#options.code, message)
  }

  #failWith(error: Error): void {
    this.#failure ??= error
    this.#fail(this.#failure)
  }

  /** Lets it close what it has; one that hangs is ended. */
  async #end(): Promise<void> {
    this.send({ order: 'close' })
    const { clock } = this.#options
    if (await settled(this.#exited, { clock, ms: CLOSE_MS })) return
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
