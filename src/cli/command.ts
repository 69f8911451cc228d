import type { EventEmitter } from 'node:events'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { addresses, size, type Setting } from '../daemon/setting.js'
import { problemOf, type SaidProblem } from '../daemon/problems.js'
import { DatdotError, InputError } from '../errors.js'
import { nativeFailure } from './environment.js'
import { printable } from './printable.js'

/** Exit codes of every command. */
export const EXIT_OK = 0
/** The command ran, and what it checked does not hold. */
export const EXIT_FAILED = 1
/** The command could not do what it was asked: bad input, or a machine that is not fit for it. */
export const EXIT_INPUT = 2
/** Stopped by Ctrl-C before the work was done. */
export const EXIT_INTERRUPTED = 130

/** Where a command reads from and writes to, so that tests can stand in for a terminal. */
export interface CommandIo {
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  /** Aborted by the first Ctrl-C or SIGTERM. */
  signal: AbortSignal
  /** The folder that relative paths start from. */
  cwd: string
  /** Tells that settings are to be read again: at SIGHUP, where no terminal was closed. */
  reload?: EventEmitter<{ reload: [] }>
}

/** A command of the `datdot` program: it parses, calls and prints, and returns the exit code. */
export interface Command {
  help: string
  run(args: string[], io: CommandIo): Promise<number>
}

/**
 * Node's `parseArgs`, whose complaints become one line that says where to look.
 *
 * @throws InputError OPTION_UNKNOWN, OPTION_VALUE
 */
export function parseOptions<T extends ParseArgsConfig>(
  command: string,
  config: T
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const kind = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? 'OPTION_UNKNOWN' : 'OPTION_VALUE'
    const sentence = message.split(/\. |\n/)[0]
    throw new InputError(kind, `${sentence}; see datdot ${command} --help`, { cause: error })
  }
}

/** An integer option within bounds. @throws InputError OPTION_VALUE */
export function integerOption(
  name: string,
  text: string | undefined,
  bounds: { default: number; min: number; max: number }
): number {
  if (text === undefined) return bounds.default
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < bounds.min || value > bounds.max) {
    throw new InputError(
      'OPTION_VALUE',
      `--${name} takes a whole number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(text)}`
    )
  }
  return value
}

/** A size such as `64MiB`, `1GiB`, `500kB` or plain bytes. @throws InputError OPTION_VALUE */
export function bytesOption(
  name: string,
  text: string | undefined,
  bounds: { default: number; min: number }
): number {
  return text === undefined ? bounds.default : optionOf(name, size(bounds.min), text)
}

/** `HOST:PORT[,HOST:PORT…]`. @throws InputError OPTION_VALUE */
export function bootstrapOption(text: string): { host: string; port: number }[] {
  return optionOf('bootstrap', addresses, text)
}

/** The value of an option; undefined if it was not given. @throws InputError OPTION_VALUE */
export function optionOf<T>(name: string, setting: Setting<T>, text: string): T
export function optionOf<T>(name: string, setting: Setting<T>, text: string | undefined): T | undefined
export function optionOf<T>(name: string, setting: Setting<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  const value = setting.parse(text)
  if (value !== undefined) return value
  throw new InputError('OPTION_VALUE', `--${name} takes ${setting.takes}, not ${JSON.stringify(text)}`)
}

/**
 * The one line that a failed command leaves on standard error, its exit code, and what `--json` says of it. An error without a code of ours is not
 * explained, only told: with what caused it, as far as it says.
 */
export function explain(thrown: unknown): { line: string; exitCode: number; problem: SaidProblem } {
  const error = nativeFailure(thrown) ?? thrown
  const oneLine = (text: string): string => printable(text.replace(/\s*\n\s*/g, ' '))
  if (error instanceof DatdotError) {
    const exitCode = error instanceof InputError ? EXIT_INPUT : EXIT_FAILED
    return { line: `datdot: ${oneLine(error.message)} [${error.code}]`, exitCode, problem: problemOf(error) }
  }
  const said: string[] = []
  for (let at = error; at instanceof Error && said.length < CAUSES_MAX; at = at.cause) {
    said.push(at.name === 'Error' ? at.message : `${at.name}: ${at.message}`)
  }
  if (said.length === 0) said.push(String(error))
  const line = `datdot: ${oneLine(said.join(', caused by '))}`
  return { line, exitCode: EXIT_FAILED, problem: problemOf(error) }
}

/** Tells of what failed a command in one line, and under `--json` as an object too; returns the exit code. */
export function tellFailure(
  error: unknown,
  {
    args,
    stdout,
    stderr
  }: { args: readonly string[]; stdout: NodeJS.WritableStream | null; stderr: NodeJS.WritableStream }
): number {
  const { line, exitCode, problem } = explain(error)
  if (args.includes('--json')) stdout?.write(JSON.stringify({ ok: false, problems: [problem] }) + '\n')
  stderr.write(line + '\n')
  return exitCode
}

/** Causes that a line tells of. */
const CAUSES_MAX = 4
