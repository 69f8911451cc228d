import { dirname, resolve } from 'node:path'
import { InputError } from '../errors.js'
import {
  publicKey,
  size,
  addresses,
  address,
  anyText,
  datdots,
  hypercoreKeys,
  webAddress,
  word,
  words,
  wholeNumber,
  yesNo
} from './setting.js'
import type { Setting } from './setting.js'
import { logLevels } from './log-level.js'
import { readToml, type TomlTable, type TomlValue } from './toml.js'

/** Roles that take part in a network, in the order in which a node starts them. */
export const nodeRoles = ['pinner', 'signer', 'verifier'] as const
export type NodeRole = (typeof nodeRoles)[number]

/** Every setting of a program that runs: by this name as a flag and in a file, as DATDOT_NAME in the environment. */
export const settings = {
  data: anyText('DIR'),
  chain: publicKey,
  bootstrap: addresses,
  host: anyText('ADDRESS'),
  port: wholeNumber(1, 65_535),
  firewalled: yesNo,
  roles: words(nodeRoles),
  invite: anyText('CODE'),
  name: anyText('NAME'),
  capacity: size(1),
  reserve: size(0),
  scrub: wholeNumber(0, 365),
  allow: hypercoreKeys,
  deny: hypercoreKeys,
  connections: wholeNumber(8, 65_536),
  'peer-connections': wholeNumber(1, 1_024),
  deposit: datdots,
  payout: publicKey,
  memory: size(4 << 20),
  http: address,
  'log-level': word(logLevels),
  webhook: webAddress,
  grant: datdots,
  daily: datdots
} satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof settings
export type SettingValue<N extends SettingName> = NonNullable<ReturnType<(typeof settings)[N]['parse']>>

/** What each of them is for, for `--help` and for the files that `init` writes. */
export const purposes: Readonly<Record<SettingName, string>> = {
  data: 'the folder of this operator: one folder for each role in it',
  chain: "the chain's public key",
  bootstrap: 'nodes of a private DHT; without it the public one',
  host: 'address to bind that others reach without a NAT',
  port: 'UDP port, the same at every start; a second pinner takes the next one',
  firewalled: 'whether a NAT or a firewall is in the way; found out if not said',
  roles: 'which of the roles to run; all that the file has a table for if not said',
  invite: 'what datdot invite printed: its tokens become the deposits',
  name: 'tells two of the same role apart, and names the folder',
  capacity: 'most encoded bytes',
  reserve: 'bytes of its disk that a pinner leaves to others, whatever its capacity says',
  scrub: 'days until all that a pinner holds is read and checked again, 7 if not said; 0: never',
  allow: 'hypercores that a pinner takes; all if not said',
  deny: 'hypercores that a pinner does not take: asked for one it says no, for a fee',
  connections: 'connections that a pinner holds, 256 if not said; the least useful give way',
  'peer-connections': 'connections that one peer may have with a pinner, 4 if not said',
  deposit: 'datdots to stand in with',
  payout:
    'key of the account that rewards and deposits go to: kept off this machine, it changes that, and replaces a key of a role',
  memory: 'memory for chunks on their way through the worker pool',
  http: 'where metrics, liveness and readiness are served',
  'log-level': 'least level of the lines in the logs; info if not said',
  webhook: 'where alerts are sent by POST, as JSON',
  grant: 'datdots that a newcomer gets from the faucet',
  daily: 'most datdots that the faucet gives in a day'
}

/** Settings that all roles of a node share. */
const shared = [
  'data',
  'chain',
  'bootstrap',
  'host',
  'port',
  'firewalled',
  'invite',
  'payout',
  'memory',
  'http',
  'log-level',
  'webhook'
] as const

/** Settings of one role: those of its table in a configuration file. */
const ofRole: Readonly<Record<NodeRole, readonly SettingName[]>> = {
  pinner: [
    'name',
    'capacity',
    'reserve',
    'scrub',
    'allow',
    'deny',
    'connections',
    'peer-connections',
    'deposit',
    'payout',
    'memory',
    'port'
  ],
  signer: ['name', 'capacity', 'deposit', 'payout', 'memory'],
  verifier: ['name', 'deposit', 'payout']
}

/** What a command line may say of a node of several roles, and of one role by itself. */
export const nodeSettings: readonly SettingName[] = [...shared, 'roles']
export const settingsOfRole = (role: NodeRole): readonly SettingName[] => [
  ...new Set([...shared, ...ofRole[role]])
]

/** Which settings a table of a configuration file may have. */
const tables: Readonly<Record<string, readonly SettingName[]>> = {
  '': nodeSettings,
  ...ofRole,
  faucet: ['grant', 'daily']
}

export interface SettingSources {
  /** Flags as they were given. */
  flags: Partial<Record<string, string | boolean | undefined>>
  env: NodeJS.ProcessEnv
  /** The configuration file. */
  file: string | undefined
  /** What relative paths of flags and environment start from. */
  cwd: string
}

/** Where a value was found: for messages. */
interface Found {
  text: string
  /** Such as `--capacity`, `DATDOT_CAPACITY` or `node.toml:12: capacity`. */
  where: string
  inFile: boolean
}

/** What is set, wherever it was: a flag stands above the environment, that above the file, there a role's table above the rest. */
export class Settings {
  readonly #sources: SettingSources
  readonly #tables: TomlTable[]

  private constructor(sources: SettingSources, tables: TomlTable[]) {
    this.#sources = sources
    this.#tables = tables
  }

  /** @throws InputError CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_UNKNOWN, CONFIG_CONFLICT */
  static async read(sources: SettingSources): Promise<Settings> {
    const { file, cwd } = sources
    const path = file === undefined ? undefined : resolve(cwd, file)
    const given = path === undefined ? [] : await readToml(path)
    if (file !== undefined) checkTables(given, file)
    return new Settings({ ...sources, file: path }, given)
  }

  /** The same settings as they are now, after the file may have changed. @throws as `read` */
  again(): Promise<Settings> {
    return Settings.read(this.#sources)
  }

  /** The value, undefined if it is set nowhere. @throws InputError OPTION_VALUE, CONFIG_VALUE */
  get<N extends SettingName>(name: N, table?: TomlTable): SettingValue<N> | undefined {
    const found = this.#find(name, table)
    if (!found) return undefined
    const { text, where, inFile } = found
    const setting = settings[name] as Setting<SettingValue<N>>
    const value = setting.parse(text)
    if (value === undefined) {
      throw new InputError(
        inFile ? 'CONFIG_VALUE' : 'OPTION_VALUE',
        `${where} takes ${setting.takes}, not ${JSON.stringify(text)}`
      )
    }
    return value
  }

  /** The value of what a command cannot do without. @throws as `get`, and InputError OPTION_MISSING */
  need<N extends SettingName>(name: N, command: string): SettingValue<N> {
    const value = this.get(name)
    if (value === undefined) {
      throw new InputError(
        'OPTION_MISSING',
        `${command} needs --${name}, ${variableOf(name)} or ${name} in a --config file; see datdot ${command} --help`
      )
    }
    return value
  }

  /** A folder or file, from where its source stands; the folder of the file if it has no such setting. */
  path(name: 'data', command: string): string {
    const { cwd, file } = this.#sources
    const found = this.#find(name)
    const home = file === undefined ? cwd : dirname(file)
    if (!found && file !== undefined) return home
    return resolve(found?.inFile ? home : cwd, this.need(name, command))
  }

  /** Where a value that contradicts another stands, to name it. */
  where(name: SettingName, table?: TomlTable): string {
    return this.#find(name, table)?.where ?? `--${name}`
  }

  /** The tables of the file with this name. */
  tables(name: string): TomlTable[] {
    return this.#tables.filter((table) => table.name === name)
  }

  #find(name: SettingName, table?: TomlTable): Found | undefined {
    const { flags, env } = this.#sources
    const flag = flags[name]
    if (typeof flag === 'string') return { text: flag, where: `--${name}`, inFile: false }
    const variable = variableOf(name)
    const set = env[variable]
    if (set !== undefined && set !== '') return { text: set, where: variable, inFile: false }
    return this.#inTable(table, name) ?? this.#inTable(this.#tables[0], name)
  }

  #inTable(table: TomlTable | undefined, name: string): Found | undefined {
    const value: TomlValue | undefined = table?.values.get(name)
    return value && { text: value.text, where: `${this.#sources.file}:${value.line}: ${name}`, inFile: true }
  }
}

function variableOf(name: SettingName): string {
  return `DATDOT_${name.toUpperCase().replace('-', '_')}`
}

/** A file has tables and settings that there are, and each once. */
function checkTables(given: readonly TomlTable[], file: string): void {
  const names = new Set<string>()
  for (const { name, line, values } of given) {
    const known = Object.hasOwn(tables, name) ? tables[name]! : undefined
    if (!known) {
      const all = Object.keys(tables).filter((other) => other !== '')
      throw unknown(`${file}:${line}: there is no table [${name}]; there are ${all.join(', ')}`)
    }
    for (const [key, value] of values) {
      if (known.includes(key as SettingName)) continue
      const of = name === '' ? 'above all tables' : `in [${name}]`
      throw unknown(`${file}:${value.line}: there is no setting ${key} ${of}; there are ${known.join(', ')}`)
    }
    if (name === '' || name === 'faucet') continue
    const own = values.get('name')?.text ?? name
    if (names.has(own)) {
      throw new InputError(
        'CONFIG_CONFLICT',
        `${file}:${line}: there are two roles ${own}; give each [[${name}]] a name of its own`
      )
    }
    names.add(own)
  }
}

function unknown(message: string): InputError {
  return new InputError('CONFIG_UNKNOWN', message)
}
