import { readFileSync } from 'node:fs'
import { InputError } from '../errors.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { EXIT_OK, type Command, type CommandIo } from './command.js'
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
  payout: {
    summary: 'change where a role pays out to, or replace its lost key',
    load: async () => (await import('./payout.js')).payoutCommand
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
  sponsor: {
    summary: 'have hypercores kept for apps that ask over HTTP',
    load: async () => (await import('./sponsor.js')).sponsorCommand
  },
  'api-key': {
    summary: 'make, list and revoke the keys of such apps',
    load: async () => (await import('./api-key.js')).apiKeyCommand
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
  pause: {
    summary: 'announce that a pinner will be away for some hours',
    load: async () => (await import('./pause.js')).pauseCommand
  },
  retire: {
    summary: 'have a role take nothing new, and leave',
    load: async () => (await import('./retire.js')).retireCommand
  },
  doctor: {
    summary: 'say whether this machine is fit for a role, and what to mend',
    load: async () => (await import('./doctor.js')).doctor
  },
  backup: {
    summary: 'copy a data folder, so that it can be restored',
    load: async () => (await import('./backup.js')).backup
  },
  scrub: {
    summary: 'read all that a stopped pinner holds, and say what is damaged',
    load: async () => (await import('./scrub.js')).scrub
  },
  restore: {
    summary: 'make a data folder of a backup',
    load: async () => (await import('./backup.js')).restoreCommand
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

/** Where a program runs: as for a command, but the folder that paths start from is asked for when a command needs it. */
export interface ProgramIo extends Omit<CommandIo, 'cwd'> {
  /** @throws InputError CWD_GONE */
  cwd: () => string
}

/** All of `datdot` but what is the process's own: signals, exits, and errors told in one line. Returns the exit code. */
export async function datdot(args: string[], { cwd, ...io }: ProgramIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(overview())
    await checkEnvironment(cwd)
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
    await checkEnvironment(cwd)
    return EXIT_OK
  }
  return command.run(rest, { ...io, cwd: cwd() })
}

function overview(): string {
  const lines = ['Usage: datdot COMMAND [OPTIONS]', '']
  for (const [name, { summary }] of Object.entries(COMMANDS)) lines.push(`  ${name.padEnd(12)} ${summary}`)
  lines.push('', 'datdot COMMAND --help says what a command takes.', '')
  return lines.join('\n')
}

/** Who asks for help may need it because of what is wrong with the machine: that is told too. */
async function checkEnvironment(cwd: () => string): Promise<void> {
  checkNative()
  cwd()
  const folder = new TemporaryFolder('datdot-help-')
  await folder.ready()
  await folder.close()
}

/** `npm start` runs in the package's folder; paths are meant from where the person stands. */
export function startFolder(): string {
  const cwd = process.env.npm_lifecycle_event === 'start' ? process.env.INIT_CWD : undefined
  return cwd ?? workingFolder()
}
