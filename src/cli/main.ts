#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { InputError } from '../errors.js'
import { EXIT_OK, explain, type Command, type CommandIo } from './command.js'

/** Each command is loaded when it is asked for: `--help` needs neither RocksDB nor a compiler's output. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  up: async () => (await import('./up.js')).up,
  signer: async () => (await import('./role.js')).roleCommand('signer'),
  pinner: async () => (await import('./role.js')).roleCommand('pinner'),
  verifier: async () => (await import('./role.js')).roleCommand('verifier'),
  audit: async () => (await import('./audit.js')).audit,
  'verify-draw': async () => (await import('./verify-draw.js')).verifyDrawCommand
}

async function main(args: string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(await overview())
    return EXIT_OK
  }
  if (name === '--version') {
    const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
    io.stdout.write((JSON.parse(manifest) as { version: string }).version + '\n')
    return EXIT_OK
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!load) {
    throw new InputError('COMMAND_UNKNOWN', `There is no command ${JSON.stringify(name)}; see datdot --help`)
  }
  const command = await load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(command.help)
    return EXIT_OK
  }
  return command.run(rest, io)
}

async function overview(): Promise<string> {
  const lines = ['Usage: datdot COMMAND [OPTIONS]', '']
  for (const [name, load] of Object.entries(COMMANDS)) {
    lines.push(`  ${name.padEnd(12)} ${(await load()).summary}`)
  }
  lines.push('', 'datdot COMMAND --help says what a command takes.', '')
  return lines.join('\n')
}

/** The first signal asks for a clean end; the second one does not wait for it. */
function interruptible(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new DOMException('stopped by a signal', 'AbortError'))
    })
  }
  return controller.signal
}

// `npm start` runs in the package's folder; paths are meant from where the person stands.
const cwd = process.env.npm_lifecycle_event === 'start' ? process.env.INIT_CWD : undefined
// A reader that closes the pipe early, such as `head`, is no reason to crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interruptible(),
    cwd: cwd ?? process.cwd()
  })
} catch (error) {
  const { line, exitCode } = explain(error)
  process.stderr.write(line + '\n')
  process.exitCode = exitCode
}
