import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as idEncoding from 'hypercore-id-encoding'
import { codecNames } from '../chunk/header.js'
import { systemClock } from '../clock.js'
import { word } from '../daemon/setting.js'
import { parseKey } from '../drive/key.js'
import { InputError } from '../errors.js'
import { DEFAULT_CODEC } from '../local/economy.js'
import { runNetwork, type NetworkOptions, type NetworkResult, type MeetingPlace } from '../local/up.js'
import { aborted } from '../wait.js'
import {
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_OK,
  bootstrapOption,
  bytesOption,
  integerOption,
  optionOf,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'
import { liveProgress, quietProgress } from './progress.js'
import { summaryJson, summaryText } from './summary.js'

/** What the default PATH, this project's own folder, is published without. */
const NOT_SOURCE = ['node_modules', '.git', 'dist', 'build']

const help = `Usage: datdot up [PATH | KEY] [OPTIONS]

Publishes a folder or file as a Hyperdrive (or takes a hypercore or hyperdrive by its KEY), runs a whole pinning
network for it on this machine, chain and roles in processes of their own, takes the author off the network,
challenges the pinners, and has a stock client read everything back. PATH defaults to datdot's own folder. Others join it
while it runs: it says how.

  --data DIR          where everything is kept (default: a fresh temporary folder); without PATH, a network that came to its end there
                      goes on as it was made, and is checked again
  --copies N          encoded copies of each hypercore (default 2)
  --codec NAME        ${codecNames.join(' or ')} (default ${DEFAULT_CODEC})
  --memory SIZE       memory for chunks on their way through the worker pool (default 64MiB)
  --epochs N          challenge epochs to run at least (default 3)
  --signers N, --pinners N, --verifiers N
                      how many of each to start (default 3, 4, 3)
  --bootstrap HOST:PORT[,HOST:PORT]
                      a DHT to use instead of a private one on loopback; needed with KEY
  --once              end after the check; the default when standard output is no terminal
  --json              print one JSON object as the last line
  --help              this text

Exit codes: 0 all checks held, 1 one did not or an honest pinner failed, 2 bad input or a machine not fit for it, 130 stopped by Ctrl-C.
`

/** `datdot up`: the whole protocol on one machine. */
export const up: Command = {
  help,
  async run(args: string[], io: CommandIo): Promise<number> {
    const { options, json, once } = parse(args, io)
    const live = io.stderr.isTTY === true && io.stdout.isTTY === true
    const progress = live ? liveProgress(io.stderr, systemClock) : quietProgress(io.stderr)
    let exitCode = EXIT_FAILED
    const onResult = async (result: NetworkResult): Promise<void> => {
      exitCode = result.ok ? EXIT_OK : EXIT_FAILED
      progress.end(result.ok)
      if (!json || live) io.stdout.write(summaryText(result))
      if (!once && !io.signal.aborted) {
        io.stdout.write(`\nRunning until Ctrl-C; the data is in ${result.dataDir}\n`)
        await aborted(io.signal)
      }
    }
    let result: NetworkResult
    try {
      const onPlace = (place: MeetingPlace): void => {
        if (json) return
        if (live) placeLines(place).forEach((line) => progress.note(line))
        else io.stdout.write(placeLines(place).join('\n') + '\n')
      }
      result = await runNetwork(options, {
        progress,
        clock: systemClock,
        signal: io.signal,
        onPlace,
        onResult
      })
    } catch (error) {
      progress.end(false)
      if (!io.signal.aborted) throw error
      io.stderr.write('datdot: stopped before the check was done\n')
      return EXIT_INTERRUPTED
    }
    if (!once) io.stdout.write(`Closed. The data is in ${result.dataDir}\n`)
    if (json) io.stdout.write(summaryJson(result) + '\n')
    return exitCode
  }
}

/** Where the network is met, and how others join it: the faucet of its chain gives them the deposit. */
function placeLines({ chainKey, bootstrap }: MeetingPlace): string[] {
  const key = idEncoding.encode(chainKey)
  const nodes = bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  return [
    `chain      ${key}`,
    `bootstrap  ${nodes}`,
    `join       datdot pinner --data DIR --chain ${key} --bootstrap ${nodes}`
  ]
}

function parse(args: string[], io: CommandIo): { options: NetworkOptions; json: boolean; once: boolean } {
  const { values, positionals } = parseOptions('up', {
    args,
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      copies: { type: 'string' },
      codec: { type: 'string' },
      memory: { type: 'string' },
      epochs: { type: 'string' },
      signers: { type: 'string' },
      pinners: { type: 'string' },
      verifiers: { type: 'string' },
      bootstrap: { type: 'string' },
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    }
  })
  if (positionals.length > 1) {
    throw new InputError(
      'OPTION_VALUE',
      `up takes one PATH or KEY, not ${positionals.length}; see datdot up --help`
    )
  }
  const dataDir = values.data === undefined ? undefined : resolve(io.cwd, values.data)
  const project = fileURLToPath(new URL('../../..', import.meta.url))
  const [given] = positionals
  const options: Omit<NetworkOptions, 'asked'> = {
    source: given === undefined ? project : resolveSource(io.cwd, given),
    excludeNames: given === undefined ? NOT_SOURCE : [],
    resume: given === undefined,
    dataDir,
    copies: integerOption('copies', values.copies, { default: 2, min: 1, max: 100 }),
    codec: optionOf('codec', word(codecNames), values.codec) ?? DEFAULT_CODEC,
    memoryBytes: bytesOption('memory', values.memory, { default: 64 << 20, min: 4 << 20 }),
    epochs: integerOption('epochs', values.epochs, { default: 3, min: 1, max: 1000 }),
    signers: integerOption('signers', values.signers, { default: 3, min: 1, max: 100 }),
    pinners: integerOption('pinners', values.pinners, { default: 4, min: 1, max: 100 }),
    verifiers: integerOption('verifiers', values.verifiers, { default: 3, min: 3, max: 100 }),
    bootstrap: values.bootstrap === undefined ? undefined : bootstrapOption(values.bootstrap)
  }
  requireRoles(options)
  const { copies, codec, signers, pinners, verifiers } = options
  const made = { copies, codec, signers, pinners, verifiers }
  const asked = Object.fromEntries(
    Object.entries(made).filter(([name]) => name in values && values[name as never] !== undefined)
  )
  return { options: { ...options, asked }, json: values.json, once: values.once || io.stdout.isTTY !== true }
}

/** A key stays as it is; everything else is a path from where the person stands. */
function resolveSource(cwd: string, given: string): string {
  return parseKey(given) === null ? resolve(cwd, given) : given
}

/** Every copy of a hypercore has a pinner and a signer of its own, so there must be enough of both. */
function requireRoles({ copies, pinners, signers }: Omit<NetworkOptions, 'asked'>): void {
  for (const [role, count] of [
    ['pinners', pinners],
    ['signers', signers]
  ] as const) {
    if (count >= copies) continue
    throw new InputError(
      'TOO_FEW_ROLES',
      `${copies} copies need ${copies} ${role}, and there are ${count}; lower --copies or raise --${role}`
    )
  }
}
