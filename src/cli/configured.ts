import { systemClock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { purposes, Settings, settings, type SettingName } from '../daemon/settings.js'
import type { Setting } from '../daemon/setting.js'
import { networkAt, type Network } from '../swarm/dht.js'
import { parseOptions, type CommandIo } from './command.js'

/** What a configured command reads from its line. */
export interface Configured {
  settings: Settings
  positionals: string[]
  json: boolean
  /** Options of this command alone. */
  own: Record<string, string | boolean | undefined>
}

/** What an option of one command alone was given, if it was. */
export function givenText({ own }: Pick<Configured, 'own'>, name: string): string | undefined {
  const value = own[name]
  return typeof value === 'string' ? value : undefined
}

/** An option that one command alone has. */
export interface OwnOption {
  shows?: string
  purpose: string
}

/**
 * Reads a command's settings: flags, then the environment, then the file of `--config`.
 *
 * @param positionals how many arguments the command takes at most
 * @throws InputError OPTION_UNKNOWN, OPTION_VALUE and as `Settings.read` does
 */
export async function configure(
  command: string,
  names: readonly SettingName[],
  {
    args,
    io,
    positionals = 0,
    own = {}
  }: {
    args: string[]
    io: CommandIo
    positionals?: number
    own?: Record<string, OwnOption>
  }
): Promise<Configured> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const parsed = parseOptions(command, {
    args,
    allowPositionals: positionals > 0,
    options: {
      config: text,
      json: flag,
      ...Object.fromEntries(names.map((name) => [name, text])),
      ...Object.fromEntries(
        Object.entries(own).map(([name, { shows }]) => [name, shows === undefined ? flag : text])
      )
    }
  })
  const values = parsed.values as Record<string, string | boolean | undefined>
  if (parsed.positionals.length > positionals) {
    parseOptions(command, { args: parsed.positionals.slice(positionals), options: {} })
  }
  const file = typeof values.config === 'string' ? values.config : process.env.DATDOT_CONFIG
  return {
    settings: await Settings.read({ flags: values, env: process.env, file, cwd: io.cwd }),
    positionals: parsed.positionals,
    json: values.json === true,
    own: values
  }
}

/** The part of a command's help that says what it takes. */
export function optionsHelp(names: readonly SettingName[], own: Record<string, OwnOption> = {}): string {
  const rows: [string, string][] = [
    ['--config FILE', 'settings that neither a flag nor a variable DATDOT_… says'],
    ...names.map((name): [string, string] => [
      `--${name} ${(settings[name] as Setting<unknown>).shows}`,
      purposes[name]
    ]),
    ...Object.entries(own).map(([name, { shows, purpose }]): [string, string] => [
      `--${name}${shows === undefined ? '' : ` ${shows}`}`,
      purpose
    ]),
    ['--json', 'print one JSON object a line'],
    ['--help', 'this text']
  ]
  return rows
    .map(([flag, text]) =>
      flag.length > 20 ? `  ${flag}\n${' '.repeat(24)}${text}\n` : `  ${flag.padEnd(22)}${text}\n`
    )
    .join('')
}

/** Where settings say that a program meets the others. */
export function networkOf(given: Settings): Network {
  return networkAt(given.get('bootstrap') ?? [], {
    host: given.get('host'),
    port: given.get('port'),
    firewalled: given.get('firewalled')
  })
}

/** What every program of an operator lives by. */
export const world = {
  clock: systemClock,
  randomBytes: (length: number): Buffer => randomBytes(length)
}
