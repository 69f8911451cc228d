import { fileURLToPath } from 'node:url'
import { Child } from '../child.js'
import type { Clock } from '../clock.js'
import type { EndName, EndOptions } from './port.js'

const MAIN = fileURLToPath(new URL('./ends/main.js', import.meta.url))

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
export class EndProcess<N extends EndName = EndName> extends Child implements RunningEnd {
  readonly #given: EndProcessOptions<N>

  constructor(given: EndProcessOptions<N>) {
    const { end, clock, cpuProfileDir, onBytes } = given
    super({
      main: MAIN,
      name: end,
      code: 'PROFILE_END',
      clock,
      execArgv: cpuProfileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileDir}`],
      onEvent: (event, value) => {
        if (event !== 'bytes') return false
        onBytes?.(value as number)
        return true
      }
    })
    this.#given = given
  }

  protected override async start(): Promise<void> {
    await super.start()
    const { end, options } = this.#given
    this.send({ end, options })
  }

  order(name: string): void {
    this.send({ order: name })
  }
}
