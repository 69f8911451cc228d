import { systemClock } from '../clock.js'
import { InputError } from '../errors.js'
import type { Resource } from '../lifecycle.js'
import { aborted, settled, unlessAborted } from '../wait.js'
import type { Settings } from '../daemon/settings.js'
import { EXIT_OK, explain, type CommandIo } from './command.js'
import type { Teller } from './telling.js'

/** Longest that a program may take to leave; what it committed is on the disk by then. */
const LEAVE_MS = 9_000

/**
 * Runs a program until Ctrl-C or SIGTERM, and closes it.
 *
 * @param begin is called once it is open, and may take as long as it likes
 */
export async function runUntilStopped(
  program: Resource,
  io: CommandIo,
  begin: () => Promise<void>
): Promise<number> {
  try {
    await program.ready()
    await unlessAborted(begin(), io.signal)
    await aborted(io.signal)
  } catch (error) {
    if (!io.signal.aborted) throw error
  } finally {
    const closing = program.close()
    const inTime = await settled(closing, { clock: systemClock, ms: LEAVE_MS })
    // Peers that do not answer keep nobody: the process ends with this.
    if (!inTime) process.exitCode ??= EXIT_OK
  }
  return EXIT_OK
}

/**
 * Has a program read its settings again whenever it is told to, once it has begun. What is wrong with them is told, and changes nothing.
 *
 * @param change takes them over; returns what of them takes a restart, in words, or null
 */
export function rereading(
  { reload }: CommandIo,
  settings: Settings,
  tell: Teller,
  change: (again: Settings) => string | null
): { begin: () => void; end: () => void } {
  const reread = async (): Promise<void> => {
    try {
      const rest = change(await settings.again())
      const more = rest === null ? '' : `; ${rest} with a restart`
      tell('reread', { restart: rest }, `read the settings again${more}`)
    } catch (error) {
      const { line } = explain(error)
      tell('reread-failed', { error: line }, `goes on with the settings that it had: ${line}`)
    }
  }
  let begin = (): void => {}
  let turn = new Promise<void>((resolve) => (begin = resolve))
  const listener = (): void => void (turn = turn.then(reread))
  // From now on: who is told while it starts must not end.
  reload?.on('reload', listener)
  return { begin, end: () => void reload?.off('reload', listener) }
}

/** What contradicts a setting of a program, in one line. @throws InputError CONFIG_CONFLICT */
export function conflict(message: string): never {
  throw new InputError('CONFIG_CONFLICT', message)
}
