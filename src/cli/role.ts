import { join, resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { systemClock } from '../clock.js'
import { DATDOT } from '../protocol/parameters.js'
import { randomBytes } from '../crypto/keys.js'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { FileLog } from '../log.js'
import { RoleFolder } from '../roles/data-folder.js'
import {
  participantOf,
  type Participant,
  type ParticipantOptions,
  type ParticipantRole
} from '../roles/participants.js'
import { isLoopback } from '../swarm/dht.js'
import { aborted, unlessAborted } from '../wait.js'
import {
  EXIT_OK,
  bootstrapOption,
  bytesOption,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'

const GIB = 2 ** 30

/** `datdot signer`, `datdot pinner` and `datdot verifier`: one role as a process of its own. */
export function roleCommand(role: ParticipantRole): Command {
  return {
    help: `Usage: datdot ${role} --data DIR --chain KEY --bootstrap HOST:PORT[,HOST:PORT] [OPTIONS]

Takes part in a network as a ${role} until Ctrl-C: registers with the chain if it is new there, and works.
Its wallet must hold the deposit; the identity in DIR is made on the first start and printed.

  --data DIR        folder of this ${role}: identity${role === 'pinner' ? ' and copies' : ''}
  --chain KEY       the chain's public key
  --bootstrap …     nodes of the DHT on which the chain is reached
  --capacity SIZE   most encoded bytes (default 64GiB)
  --deposit N       tokens to stand in with, in datdots (default 200)
  --memory SIZE     memory for chunks on their way through the worker pool (default 64MiB)
  --json            print one JSON object a line: the start, then the end
  --help            this text

Exit codes: 0 stopped by Ctrl-C, 1 it failed, 2 bad input.
`,
    run: (args, io) => run(role, args, io)
  }
}

async function run(role: ParticipantRole, args: string[], io: CommandIo): Promise<number> {
  const { values } = parseOptions(role, {
    args,
    options: {
      data: { type: 'string' },
      chain: { type: 'string' },
      bootstrap: { type: 'string' },
      capacity: { type: 'string' },
      deposit: { type: 'string', default: '200' },
      memory: { type: 'string' },
      json: { type: 'boolean', default: false }
    }
  })
  const { data, chain, bootstrap: nodes } = values
  if (data === undefined || chain === undefined || nodes === undefined) {
    throw new InputError(
      'OPTION_MISSING',
      `${role} needs --data, --chain and --bootstrap; see datdot ${role} --help`
    )
  }
  if (!idEncoding.isValid(chain)) {
    throw new InputError(
      'OPTION_VALUE',
      `--chain takes a public key in z-base-32 or hex, not ${JSON.stringify(chain)}`
    )
  }
  if (!/^\d{1,12}$/.test(values.deposit)) {
    throw new InputError(
      'OPTION_VALUE',
      `--deposit takes whole datdots, not ${JSON.stringify(values.deposit)}`
    )
  }
  const capacityBytes = bytesOption('capacity', values.capacity, { default: 64 * GIB, min: 1 })
  const memoryBytes = bytesOption('memory', values.memory, { default: 64 << 20, min: 4 << 20 })
  const bootstrap = bootstrapOption(nodes)
  const say = (event: string, facts: object, text: string): void =>
    void io.stdout.write(values.json ? `${JSON.stringify({ event, role, ...facts })}\n` : text)
  const running = new RoleRun(role, {
    dir: resolve(io.cwd, data),
    network: { bootstrap, ...(isLoopback(bootstrap) ? { host: '127.0.0.1' } : {}) },
    chainKey: idEncoding.decode(chain),
    clock: systemClock,
    randomBytes: (length) => randomBytes(length),
    registration: {
      capacityBytes: role === 'verifier' ? 0 : capacityBytes,
      deposit: BigInt(values.deposit) * DATDOT
    },
    memoryBytes,
    threads: 2
  })
  try {
    await running.ready()
    const { participant } = running
    const key = idEncoding.encode(participant.publicKey)
    say('opened', { key }, `${role} ${key}\n`)
    await unlessAborted(participant.join(), io.signal)
    say('started', { key }, 'registered and working; Ctrl-C stops it\n')
    await aborted(io.signal)
  } catch (error) {
    if (!io.signal.aborted) throw error
  } finally {
    await running.close()
    if (values.json) say('closed', {}, '')
  }
  return EXIT_OK
}

/** One role with its folder and its log. */
class RoleRun extends Resource {
  readonly #role: ParticipantRole
  readonly #options: Omit<ParticipantOptions, 'log'>
  participant!: Participant

  constructor(role: ParticipantRole, options: Omit<ParticipantOptions, 'log'>) {
    super()
    this.#role = role
    this.#options = options
  }

  protected async start(): Promise<void> {
    const role = this.#role
    const { dir, clock } = this.#options
    const { path } = await this.acquire('folder', new RoleFolder({ path: dir, role, clock }))
    const { log } = await this.acquire('log', new FileLog(join(path, 'log.ndjson'), clock))
    const options = { ...this.#options, dir: path, log: log.with({ role }) }
    this.participant = await this.acquire(role, participantOf(role, options))
  }
}
