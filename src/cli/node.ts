import { join } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { Funding, redeemRest } from '../daemon/funding.js'
import { HttpServer } from '../daemon/http.js'
import { WALLET } from '../daemon/init.js'
import { NodeProgram, type RoleSettings } from '../daemon/node-program.js'
import {
  nodeRoles,
  nodeSettings,
  settingsOfRole,
  type NodeRole,
  type SettingName,
  type Settings
} from '../daemon/settings.js'
import type { TomlTable } from '../daemon/toml.js'
import { InputError } from '../errors.js'
import { using } from '../lifecycle.js'
import { DATDOT } from '../protocol/parameters.js'
import { loadIdentity } from '../swarm/identity.js'
import { amountText } from './amounts.js'
import type { Command, CommandIo } from './command.js'
import { configure, networkOf, optionsHelp, world } from './configured.js'
import { conflict, rereading, runUntilStopped } from './running.js'
import { tellerOf, toldLog } from './telling.js'

const GIB = 2 ** 30
const CAPACITY_BYTES = 64 * GIB
const MEMORY_BYTES = 64 << 20
const DEPOSIT = 200n * DATDOT
/** What a pinner leaves of its disk: what other programs there need to go on. */
const RESERVE_BYTES = GIB
const SCRUB_DAYS = 7

/** `datdot node`: several roles of one operator in one process. */
export const node: Command = commandFor('node', nodeSettings)

/** `datdot signer`, `datdot pinner` and `datdot verifier`: one role as a process of its own. */
export function roleCommand(role: NodeRole): Command {
  return commandFor(role, settingsOfRole(role), role)
}

function commandFor(command: string, names: readonly SettingName[], role?: NodeRole): Command {
  const what = role ? `Takes part in a network as a ${role}` : 'Takes part in a network in several roles'
  return {
    help: `Usage: datdot ${command} --config FILE, or --data DIR --chain KEY [OPTIONS]

${what} until Ctrl-C: registers with the chain if it is new there, and works.
Who lacks the deposit, or finds no chain, waits, says what for, and goes on when it comes.
At SIGHUP capacity, deposit, allow, deny and connections are read from FILE again.
An identity is made on the first start and printed; it lies in the role's folder below DIR.

${optionsHelp(names)}
Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 it failed, 2 bad input.
`,
    async run(args, io) {
      const { settings, json } = await configure(command, names, { args, io })
      return runNode(command, { settings, role, json }, io)
    }
  }
}

async function runNode(
  command: string,
  { settings, role, json }: { settings: Settings; role: NodeRole | undefined; json: boolean },
  io: CommandIo
): Promise<number> {
  const roles = rolesOf(settings, role)
  const chainKey = settings.need('chain', command)
  const dir = settings.path('data', command)
  const network = networkOf(settings)
  const invite = settings.get('invite')
  const tell = tellerOf(io, json)
  const rest = { network: { ...network, port: undefined }, chainKey, ...world }
  const address = settings.get('http')
  const http = address && new HttpServer(address)
  return using(new Funding({ ...rest, invite }), async (funding) => {
    const program = new NodeProgram({
      dir,
      ...rest,
      network,
      roles,
      fund: (shortage) => funding.meet(shortage),
      hear: (name, log) => toldLog(tell, name, http ? http.counted(name, log) : log),
      http,
      logLevel: settings.get('log-level') ?? 'info',
      watch: { webhook: settings.get('webhook') }
    })
    const changed = (again: Settings): string | null => {
      const restart = program.change(rolesOf(again, role))
      return restart.length === 0 ? null : `what else changed of ${restart.join(', ')}`
    }
    const rereads = rereading(io, settings, tell, changed)
    const code = await runUntilStopped(program, io, async () => {
      rereads.begin()
      for (const { name, role, participant } of program.roles) {
        const key = idEncoding.encode(participant.publicKey)
        tell('opened', { role, name, key }, `${name} ${key}`)
      }
      await program.join()
      for (const { name, role } of program.roles) tell('started', { role, name }, '')
      http?.begun()
      tell('ready', {}, 'all registered and working; Ctrl-C stops it')
      if (invite !== undefined) {
        const { publicKey } = await loadIdentity(join(dir, WALLET), world.randomBytes)
        const amount = await redeemRest({ ...rest, invite }, publicKey)
        if (amount > 0n) {
          const to = idEncoding.encode(publicKey)
          tell('redeemed', { amount, to }, `the invite's other ${amountText(amount)} datdots went to ${to}`)
        }
      }
    })
    rereads.end()
    tell('closed', {}, '')
    return code
  })
}

/** The roles that a command runs: those of the file, or the one that it is for. */
function rolesOf(settings: Settings, role: NodeRole | undefined): RoleSettings[] {
  const wanted = role ? [role] : settings.get('roles')
  const roles = (wanted ?? nodeRoles).flatMap((one) => {
    const tables: (TomlTable | undefined)[] = settings.tables(one)
    // Without a file, or without a table for it, a role has what flags and defaults say.
    return (tables.length === 0 && wanted ? [undefined] : tables).map((table) => roleOf(settings, one, table))
  })
  if (roles.length === 0) {
    throw new InputError(
      'OPTION_MISSING',
      'node needs roles: tables of a --config file, or --roles; see datdot node --help'
    )
  }
  const name = role && settings.get('name')
  const named = name === undefined || roles.length === 1 ? roles : roles.filter((one) => one.name === name)
  if (named.length === 0) conflict(`${settings.where('name')}: the file has no ${role} ${name}`)
  return numbered(named, settings.get('port'))
}

function roleOf(settings: Settings, role: NodeRole, table: TomlTable | undefined): RoleSettings {
  return {
    role,
    name: table?.values.get('name')?.text ?? settings.get('name', table) ?? role,
    registration: {
      capacityBytes: role === 'verifier' ? 0 : (settings.get('capacity', table) ?? CAPACITY_BYTES),
      deposit: settings.get('deposit', table) ?? DEPOSIT,
      payout: settings.get('payout', table)
    },
    ...(role === 'pinner' && pinnerLimits(settings, table)),
    reserveBytes: role === 'pinner' ? (settings.get('reserve', table) ?? RESERVE_BYTES) : undefined,
    memoryBytes: settings.get('memory', table) ?? MEMORY_BYTES,
    port: table?.values.has('port') ? settings.get('port', table) : undefined
  }
}

function pinnerLimits(
  settings: Settings,
  table: TomlTable | undefined
): Pick<RoleSettings, 'choice' | 'connections' | 'scrubEveryMs'> {
  const days = settings.get('scrub', table) ?? SCRUB_DAYS
  return {
    scrubEveryMs: days === 0 ? undefined : days * 86_400_000,
    choice: { allow: settings.get('allow', table) ?? [], deny: settings.get('deny', table) ?? [] },
    connections: {
      all: settings.get('connections', table),
      perPeer: settings.get('peer-connections', table)
    }
  }
}

/** Pinners are reached at ports one after the other, from the first on, unless they have their own. */
function numbered(roles: RoleSettings[], first: number | undefined): RoleSettings[] {
  let next = first
  return roles.map((one) => {
    if (one.role !== 'pinner' || one.port !== undefined || next === undefined) return one
    return { ...one, port: next++ }
  })
}
