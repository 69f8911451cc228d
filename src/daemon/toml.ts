import { readFile } from 'node:fs/promises'
import { parseTOML } from 'toml-eslint-parser'
import { InputError } from '../errors.js'

/** A value as a setting reads it, and the line where it stands. A list is joined by commas. */
export interface TomlValue {
  text: string
  line: number
}

/** One table of a file: the settings between its head and the next one. The settings above all heads have the name ''. */
export interface TomlTable {
  name: string
  /** Whether it is one of several of its name: `[[pinner]]`. */
  listed: boolean
  line: number
  values: Map<string, TomlValue>
}

type TopLevel = ReturnType<typeof parseTOML>['body'][0]['body'][number]
type KeyValue = Extract<TopLevel, { type: 'TOMLKeyValue' }>
type Content = KeyValue['value']

/**
 * The tables of a TOML file, with the lines of what is in them.
 *
 * @throws InputError CONFIG_UNREADABLE, CONFIG_SYNTAX
 */
export async function readToml(path: string): Promise<TomlTable[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError('CONFIG_UNREADABLE', `${path} cannot be read: ${error.message}`, { cause: error })
  })
  return parseTables(text, path)
}

/**
 * The tables of a text in TOML.
 *
 * @param path for messages
 * @throws InputError CONFIG_SYNTAX
 */
export function parseTables(text: string, path: string): TomlTable[] {
  const fault = (line: number, what: string, cause?: unknown): InputError =>
    new InputError('CONFIG_SYNTAX', `${path}:${line}: ${what}`, { cause })
  let content: TopLevel[]
  try {
    content = parseTOML(text).body[0].body
  } catch (error) {
    const { lineNumber, message } = error as Error & { lineNumber?: number }
    throw fault(lineNumber ?? 1, message, error)
  }
  const read = ({ key, value }: KeyValue): [string, TomlValue] => {
    const { line } = key.loc.start
    const [name, more] = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value))
    if (name === undefined || more !== undefined)
      throw fault(line, 'write a table with a head, not a dotted key')
    const given = textOf(value)
    if (given === null) throw fault(line, `${name} takes a text, a number, true, false or a list of them`)
    return [name, { text: given, line: value.loc.start.line }]
  }
  const tables: TomlTable[] = [{ name: '', listed: false, line: 1, values: new Map() }]
  for (const part of content) {
    if (part.type === 'TOMLKeyValue') {
      tables[0]!.values.set(...read(part))
      continue
    }
    const [name, more] = part.resolvedKey.filter((step) => typeof step === 'string')
    const { line } = part.loc.start
    if (name === undefined || more !== undefined) throw fault(line, 'tables lie on one level here')
    const values = new Map(part.body.map(read))
    tables.push({ name, listed: part.kind === 'array', line, values })
  }
  return tables
}

function textOf(value: Content): string | null {
  if (value.type === 'TOMLArray') {
    const texts = value.elements.map(textOf)
    return texts.includes(null) ? null : texts.join(',')
  }
  if (value.type !== 'TOMLValue') return null
  switch (value.kind) {
    case 'string':
    case 'boolean':
      return String(value.value)
    case 'integer':
      return value.bigint.toString()
    case 'float':
      return value.number
    default:
      return null
  }
}
