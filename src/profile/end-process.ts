import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../clock.js'
import { DatdotError, errorOf, isErrorCode } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { deadline, settled } from '../wait.js'
import type { EndName, EndOptions } from './port.js'

const MAIN = fileURLToPath(new URL('./ends/main.js', import.meta.url))
/** Longest that an end may take to close by itself. */
const CLOSE_MS = 10_000

/** An end of a measurement, wherever it runs. */
export interface RunningEnd {
  /** What it says of an event, once it does. */
  heard<T>(event: string, timeoutMs: number): Promise<T>
  order(name: string): void
  close(): Promise<void>
}

export interface EndProcessOptions<N extends EndName = EndName> {
  end: N
  options: EndOptions[N]
  clock: Clock
  /** Where V8 is to leave a CPU profile of each of its threads. */
  cpuProfileDir?: string | undefined
  /** Told the bytes so far, a few times a second. */
  onBytes?: ((bytes: number) => void) | undefined
}

/** An end in a process of its own on this machine. */
export class EndProcess<N extends EndName = EndName> extends Resource implements RunningEnd {
  readonly #given: EndProcessOptions<N>
  readonly #said = new Map<string, unknown>()
  readonly #waiting = new Map<string, (value: unknown) => void>()
  #child!: ChildProcess
  #exited!: Promise<void>
  #failure: Error | undefined
  #fail!: (error: Error) => void
  readonly #failed: Promise<never>

  constructor(given: EndProcessOptions<N>) {
    super(2 * CLOSE_MS)
    this.#given = given
    this.#failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.#failed.catch(() => {})
  }

  protected start(): Promise<void> {
    const { end, options, cpuProfileDir } = this.#given
    const execArgv = cpuProfileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileDir}`]
    const child = fork(MAIN, [], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child = child
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-2000)))
    child.on('message', (message) => this.#hear(message as { event: string; value: unknown }))
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#failWith(error)
        resolve()
      })
      child.once('exit', (code, signal) => {
        const why = stderr.trim().split('\n').slice(-3).join(' ')
        this.#failWith(
          new DatdotError('PROFILE_END', `the ${end} ended with ${signal ?? `exit code ${code}`}: ${why}`)
        )
        resolve()
      })
    })
    this.owe('process', () => this.#end())
    child.send({ end, options })
    return Promise.resolve()
  }

  async heard<T>(event: string, timeoutMs: number): Promise<T> {
    if (this.#said.has(event)) return this.#said.get(event) as T
    if (this.#failure) throw this.#failure
    const said = new Promise<T>((resolve) => this.#waiting.set(event, (value) => resolve(value as T)))
    const { clock, end } = this.#given
    const error = (): Error =>
      new DatdotError('PROFILE_END', `the ${end} did not come to "${event}" within ${timeoutMs} ms`)
    return deadline(Promise.race([said, this.#failed]), { clock, ms: timeoutMs, signal: this.signal, error })
  }

  order(name: string): void {
    if (this.#child.connected) this.#child.send({ order: name })
  }

  #hear({ event, value }: { event: string; value: unknown }): void {
    if (event === 'failed') {
      const { code, message } = value as { code: string | null; message: string }
      const known = code !== null && isErrorCode(code)
      const { end } = this.#given
      this.#failWith(
        known ? errorOf(code, message) : new DatdotError('PROFILE_END', `the ${end}: ${message}`)
      )
      return
    }
    if (event === 'bytes') return this.#given.onBytes?.(value as number)
    this.#said.set(event, value)
    this.#waiting.get(event)?.(value)
    this.#waiting.delete(event)
  }

  #failWith(error: Error): void {
    this.#failure ??= error
    this.#fail(this.#failure)
  }

  /** Lets it close what it has; one that hangs is ended. */
  async #end(): Promise<void> {
    this.order('close')
    const { clock } = this.#given
    if (await settled(this.#exited, { clock, ms: CLOSE_MS })) return
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
