import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ParticipantRole } from '../../src/roles/participants.js'

const CHILD = fileURLToPath(new URL('./process-child.js', import.meta.url))

/** A line of a role's log. */
export interface LogLine {
  event: string
  draw?: number
  position?: number
  bytes?: number
  chunks?: number
  start?: number
  end?: number
  /** In hex. */
  key?: string
}

export interface RoleProcessOptions {
  dir: string
  bootstrap: { host: string; port: number }[]
  /** In hex. */
  chainKey: string
  runningRootBytes?: number
}

/** A role in a process of its own, whose log is read while it runs. */
export class RoleProcess {
  readonly events = new EventEmitter<{ line: [LogLine] }>()
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', (line) =>
      this.events.emit('line', JSON.parse(line) as LogLine)
    )
  }

  static start(role: ParticipantRole, options: RoleProcessOptions): RoleProcess {
    const args = [CHILD, role, JSON.stringify(options)]
    return new RoleProcess(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  }

  /** Ends it as a power failure would. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** The first line for which this holds, of what is logged from now on. */
export function firstLine(
  events: EventEmitter<{ line: [LogLine] }>,
  holds: (line: LogLine) => boolean
): Promise<LogLine> {
  return new Promise((resolve) => {
    const look = (line: LogLine): void => {
      if (!holds(line)) return
      events.off('line', look)
      resolve(line)
    }
    events.on('line', look)
  })
}
