#!/usr/bin/env node
import { closeSync, readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { systemClock } from '../clock.js'
import { InputError } from '../errors.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { EXIT_INPUT, EXIT_OK, explain, type Command, type CommandIo } from './command.js'
import { checkNative, workingFolder } from './environment.js'

/** What a command does in a few words, and where it is: loaded when it is asked for. */
interface Entry {
  summary: string
  load: () => Promise<Command>
}

const COMMANDS: Record<string, Entry> = {
  up: {
    summary: 'run a whole pinning network on this machine and check it end to end',
    load: async () => (await import('./up.js')).up
  },
  init: {
    summary: 'write configuration and identities of a chain or a node',
    load: async () => (await import('./init.js')).init
  },
  chain: {
    summary: 'run the chain of a network',
    load: async () => (await import('./chain.js')).chain
  },
  node: {
    summary: 'run several roles in one process',
    load: async () => (await import('./node.js')).node
  },
  signer: {
    summary: 'encode hypercores for pinners',
    load: async () => (await import('./node.js')).roleCommand('signer')
  },
  pinner: {
    summary: 'keep encoded copies and serve them',
    load: async () => (await import('./node.js')).roleCommand('pinner')
  },
  verifier: {
    summary: 'measure what pinners serve',
    load: async () => (await import('./node.js')).roleCommand('verifier')
  },
  invite: {
    summary: 'print a code that holds tokens for a newcomer',
    load: async () => (await import('./tokens.js')).invite
  },
  transfer: {
    summary: 'move tokens to another account',
    load: async () => (await import('./tokens.js')).transferCommand
  },
  balance: {
    summary: 'say what an account holds',
    load: async () => (await import('./tokens.js')).balance
  },
  profile: {
    summary: 'find out whether the network or the encryption is the limit here',
    load: async () => (await import('./profile.js')).profile
  },
  bench: {
    summary: 'measure this machine, suite by suite',
    // Not a part of the program, and found where it is compiled.
    load: async () =>
      ((await import(new URL('../../bench/command.js', import.meta.url).href)) as { bench: Command }).bench
  },
  publish: {
    summary: 'publish a folder, have it kept, and say when its author may leave',
    load: async () => (await import('./support.js')).publishCommand
  },
  support: {
    summary: 'have a hypercore or drive kept, and donate to it',
    load: async () => (await import('./support.js')).support
  },
  donate: {
    summary: 'donate to a hypercore that is kept already',
    load: async () => (await import('./support.js')).donateCommand
  },
  list: {
    summary: 'say which hypercores a chain has kept',
    load: async () => (await import('./status.js')).listCommand
  },
  status: {
    summary: 'say how a chain, or one hypercore on it, is doing',
    load: async () => (await import('./status.js')).status
  },
  watch: {
    summary: 'say what becomes of copies, as it happens',
    load: async () => (await import('./watch.js')).watch
  },
  estimate: {
    summary: 'say what a pinner may come to, before it joins',
    load: async () => (await import('./estimate.js')).estimate
  },
  retire: {
    summary: 'have a role take nothing new, and leave',
    load: async () => (await import('./retire.js')).retireCommand
  },
  doctor: {
    summary: 'say whether this machine is fit for a role, and what to mend',
    load: async () => (await import('./doctor.js')).doctor
  },
  completion: {
    summary: 'have a shell complete commands and options',
    load: async () => (await import('./completion.js')).completionOf(COMMANDS)
  },
  get: {
    summary: 'read a hypercore or drive from the swarm like any reader',
    load: async () => (await import('./status.js')).get
  },
  audit: {
    summary: "replay a chain's log and check all of it",
    load: async () => (await import('./audit.js')).audit
  },
  'claim-bounty': {
    summary: 'show that the key of a sealed segment is not gone, and be paid for it',
    load: async () => (await import('./claim-bounty.js')).claimBounty
  },
  'verify-draw': {
    summary: 'make one draw of the log again',
    load: async () => (await import('./verify-draw.js')).verifyDrawCommand
  }
}

async function main(args: string[], io: Omit<CommandIo, 'cwd'>): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(overview())
    await checkEnvironment()
    return EXIT_OK
  }
  if (name === '--version') {
    const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
    io.stdout.write((JSON.parse(manifest) as { version: string }).version + '\n')
    return EXIT_OK
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!entry) {
    throw new InputError('COMMAND_UNKNOWN', `There is no command ${JSON.stringify(name)}; see datdot --help`)
  }
  checkNative()
  const command = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(command.help)
    await checkEnvironment()
    return EXIT_OK
  }
  return command.run(rest, { ...io, cwd: startFolder() })
}

function overview(): string {
  const lines = ['Usage: datdot COMMAND [OPTIONS]', '']
  for (const [name, { summary }] of Object.entries(COMMANDS)) lines.push(`  ${name.padEnd(12)} ${summary}`)
  lines.push('', 'datdot COMMAND --help says what a command takes.', '')
  return lines.join('\n')
}

/** Who asks for help may need it because of what is wrong with the machine: that is told too. */
async function checkEnvironment(): Promise<void> {
  checkNative()
  startFolder()
  const folder = new TemporaryFolder('datdot-help-')
  await folder.ready()
  await folder.close()
}

/** `npm start` runs in the package's folder; paths are meant from where the person stands. */
function startFolder(): string {
  const cwd = process.env.npm_lifecycle_event === 'start' ? process.env.INIT_CWD : undefined
  return cwd ?? workingFolder()
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

/** Tells of an error in one line; returns the exit code. */
function complain(error: unknown): number {
  const { line, exitCode } = explain(error)
  process.stderr.write(line + '\n')
  return exitCode
}

// What nobody awaits ends the command as well, in one line.
process.on('uncaughtException', (error) => process.exit(complain(error)))

// Node resets its terminals when it ends, and aborts where one is gone, unless that is closed.
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
process.on('exit', () => {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
})

let exitCode: number
try {
  exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interruptible()
  })
} catch (error) {
  exitCode = complain(error)
}
process.exitCode = unsaid ? EXIT_INPUT : exitCode
// All is closed: what a library left open keeps nobody.
systemClock.after(LINGER_MS, () => process.exit()).unref()
