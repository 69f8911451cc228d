import { InputError } from '../errors.js'
import { encode } from '../protocol/codec.js'
import { parameters, parametersType, type Parameters } from '../protocol/parameters.js'
import { datdots, publicKey, wholeNumber, word, anyText, type Setting } from './setting.js'
import { readToml, type TomlTable } from './toml.js'

/** What a new chain starts from. */
export interface GenesisFile {
  name: string
  parameters: Parameters
  allocations: { key: Buffer; amount: bigint }[]
  /** Rounds of the beacon's first onion. */
  beaconLength: number
}

const fields = {
  '': { name: anyText('NAME'), beacon: word(['embedded'] as const), rounds: wholeNumber(1024, 1 << 20) },
  allocation: { key: publicKey, tokens: datdots, for: anyText('TEXT') }
} as const

/**
 * Reads a genesis file: name, beacon, parameters that are other than by default, and who has which tokens at first.
 *
 * @throws InputError CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_UNKNOWN, CONFIG_VALUE, CONFIG_CONFLICT
 */
export async function readGenesis(path: string): Promise<GenesisFile> {
  const tables = await readToml(path)
  const allocations: GenesisFile['allocations'] = []
  const changes: Record<string, number | bigint> = {}
  for (const table of tables) {
    if (table.name === 'allocation') allocations.push(allocationOf(table, path))
    else if (table.name === 'parameters') Object.assign(changes, parametersOf(table, path))
    else if (table.name !== '') {
      throw unknown(
        `${path}:${table.line}: there is no table [${table.name}]; there are parameters and [[allocation]]`
      )
    }
  }
  const [top] = tables as [TomlTable]
  onlyKnown(top, Object.keys(fields['']), path)
  const keys = allocations.map(({ key }) => key.toString('hex'))
  const twice = tables
    .filter(({ name }) => name === 'allocation')
    .find((_, at) => keys.indexOf(keys[at]!) < at)
  if (twice) {
    throw new InputError('CONFIG_CONFLICT', `${path}:${twice.line}: this key has an allocation already`)
  }
  valueOf(top, 'beacon', fields[''].beacon, path)
  return {
    name: valueOf(top, 'name', fields[''].name, path),
    parameters: parameters(changes),
    allocations,
    beaconLength: valueOf(top, 'rounds', fields[''].rounds, path)
  }
}

function allocationOf(table: TomlTable, path: string): { key: Buffer; amount: bigint } {
  onlyKnown(table, Object.keys(fields.allocation), path)
  const { key, tokens } = fields.allocation
  return { key: valueOf(table, 'key', key, path), amount: valueOf(table, 'tokens', tokens, path) }
}

function parametersOf(table: TomlTable, path: string): Record<string, number | bigint> {
  const defaults: Record<string, number | bigint> = parameters()
  onlyKnown(table, Object.keys(defaults), path)
  const changes: Record<string, number | bigint> = {}
  for (const [name, { text, line }] of table.values) {
    const isAmount = typeof defaults[name] === 'bigint'
    const value = /^\d{1,18}$/.test(text) ? (isAmount ? BigInt(text) : Number(text)) : undefined
    try {
      if (value === undefined) throw new RangeError('not a whole number')
      encode(parametersType, parameters({ [name]: value }))
      changes[name] = value
    } catch (error) {
      const unit = isAmount ? 'grains' : 'a whole number within its bounds'
      throw new InputError(
        'CONFIG_VALUE',
        `${path}:${line}: ${name} takes ${unit}, not ${JSON.stringify(text)}`,
        {
          cause: error
        }
      )
    }
  }
  return changes
}

function valueOf<T>(table: TomlTable, name: string, setting: Setting<T>, path: string): T {
  const given = table.values.get(name)
  if (!given) {
    throw new InputError(
      'CONFIG_VALUE',
      `${path}:${table.line}: ${name} is missing; it takes ${setting.takes}`
    )
  }
  const value = setting.parse(given.text)
  if (value !== undefined) return value
  throw new InputError(
    'CONFIG_VALUE',
    `${path}:${given.line}: ${name} takes ${setting.takes}, not ${JSON.stringify(given.text)}`
  )
}

function onlyKnown(table: TomlTable, known: readonly string[], path: string): void {
  for (const [key, { line }] of table.values) {
    if (!known.includes(key))
      throw unknown(`${path}:${line}: there is no ${key}; there are ${known.join(', ')}`)
  }
}

function unknown(message: string): InputError {
  return new InputError('CONFIG_UNKNOWN', message)
}
