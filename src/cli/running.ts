import { systemClock } from '../clock.js'
import { InputError } from '../errors.js'
import type { Resource } from '../lifecycle.js'
import { aborted, settled, unlessAborted } from '../wait.js'
import { EXIT_OK, type CommandIo } from './command.js'

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

/** What contradicts a setting of a program, in one line. @throws InputError CONFIG_CONFLICT */
export function conflict(message: string): never {
  throw new InputError('CONFIG_CONFLICT', message)
}
