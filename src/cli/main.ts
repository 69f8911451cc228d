#!/usr/bin/env node
import { EventEmitter } from 'node:events'
import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { systemClock } from '../clock.js'
import { InputError } from '../errors.js'
import { EXIT_INPUT, tellFailure } from './command.js'
import { datdot, startFolder } from './commands.js'

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
const reload = new EventEmitter<{ reload: [] }>()

/**
 * The first signal asks for a clean end; the second one does not wait for it. SIGHUP has a program that knows how read its settings
 * again, unless it says that the terminal is gone.
 */
function interruptible(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new DOMException('stopped by a signal', 'AbortError'))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop)
  process.on('SIGHUP', () => {
    if (terminals.some((descriptor) => !isatty(descriptor)) || !reload.emit('reload')) stop()
  })
  return controller.signal
}

/** How long what is still open may hold the process once its command has ended. */
const LINGER_MS = 2_000

/** A reader that closes the pipe early, such as `head`, or a terminal that is gone is no reason to stop or to crash. */
const GONE = new Set(['EPIPE', 'EIO', 'ENXIO', 'ECONNRESET', 'ENOTCONN', 'ERR_STREAM_DESTROYED'])
/** Whether something that was to be said is lost, as on a full disk. */
let unsaid = false

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.has(error.code ?? '') || unsaid) return
    unsaid = true
    process.exitCode = EXIT_INPUT
    if (stream === process.stdout) {
      const message = `standard output cannot be written: ${error.message}`
      complain(new InputError('OUTPUT_FAILED', message, { cause: error }))
    }
  })
}

const complain = (error: unknown): number =>
  tellFailure(error, { args: process.argv, stderr: process.stderr, stdout: unsaid ? null : process.stdout })

// What nobody awaits ends the command as well, in one line.
process.on('uncaughtException', (error) => process.exit(complain(error)))

// Node resets its terminals when it ends, and aborts where one is gone, unless that is closed.
process.on('exit', () => {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
})

let exitCode: number
try {
  exitCode = await datdot(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interruptible(),
    reload,
    cwd: startFolder
  })
} catch (error) {
  exitCode = complain(error)
}
process.exitCode = unsaid ? EXIT_INPUT : exitCode
// All is closed: what a library left open keeps nobody.
systemClock.after(LINGER_MS, () => process.exit()).unref()
