import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import {
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_OK,
  integerOption,
  parseOptions,
  type Command,
  type CommandIo
} from '../src/cli/command.js'
import { InputError } from '../src/errors.js'
import { machine } from '../src/profile/machine.js'
import { merged, otherCommit } from './against.js'
import { compareResults, compareText, type Comparing } from './compare.js'
import { BENCH_VERSION, compare, DEFAULT_ROUNDS, table, type BenchResult, type Suite } from './harness.js'
import { benchHtml } from './page.js'

const folder = new URL('./suites/', import.meta.url)
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length))
  .sort()
const WITH_NETWORK = ['serve', 'transfer']
const MAX_ROUNDS = 10_000
const QUICK_ROUNDS = 2
/** Turns that two commits take. */
const TURNS = 3

const help = `Usage: datdot bench [SUITE…] [OPTIONS]

Measures each suite beside its ceiling (what the primitives alone would reach) and its alternatives. All of them run in
turn, round after round; a figure is that of the median round, with p99 and the 95 % confidence of the mean beside it.
Suites with a network in them (serve, transfer) also tell CPU time, beside stock hypercore in the same rounds.

Suites: ${known.join(', ')}; all of them unless some are named

  --rounds N      rounds of every comparison (default ${DEFAULT_ROUNDS}): p99 says little of few; 3 at most where a network is needed
  --quick         the least that says something
  --json FILE     write machine, rows and notes as one JSON object
  --html FILE     write them as one page
  --compare FILE  hold the result against an earlier one, which --json has written
  --against REF   hold this commit against another one, both in turn; needs a checkout
  --help          this text

Exit codes: 0 measured, 1 something became slower than the noise of the runs allows, 2 bad input, 130 stopped by Ctrl-C.
`

interface Options {
  suites: string[]
  rounds: number
  quick: boolean
  json: string | undefined
  html: string | undefined
  before: BenchResult | undefined
  against: string | undefined
}

/** `datdot bench`: what datdot reaches of what the primitives alone would. */
export const bench: Command = {
  help,
  async run(args: string[], io: CommandIo): Promise<number> {
    const options = parse(args, io)
    const print = (line: string): void => void io.stdout.write(`${line}\n`)
    print(Object.values(machine()).join(', '))
    let comparing: Comparing | undefined
    let result: BenchResult
    if (options.against !== undefined) {
      const both = inTurns(options.against, options, print)
      result = both.here
      comparing = compareResults(both.there, both.here)
    } else {
      try {
        result = await measure(options, print, io.signal)
      } catch (error) {
        if (!io.signal.aborted) throw error
        return EXIT_INTERRUPTED
      }
      if (options.before) comparing = compareResults(options.before, result)
    }
    if (comparing) print(`\n${compareText(comparing)}`)
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
    if (options.html !== undefined) writeFileSync(options.html, benchHtml(result, comparing))
    return comparing?.changes.some(({ verdict }) => verdict === 'slower') ? EXIT_FAILED : EXIT_OK
  }
}

async function measure(
  { suites, rounds, quick }: Options,
  print: (line: string) => void,
  signal: AbortSignal
): Promise<BenchResult> {
  const result: BenchResult = {
    version: BENCH_VERSION,
    machine: machine(),
    rounds,
    quick,
    results: [],
    notes: {},
    absent: []
  }
  const { results, notes, absent } = result
  for (const name of suites) {
    const { default: suite } = (await import(new URL(`${name}.js`, folder).href)) as { default: Suite }
    const started = performance.now()
    const first = results.length
    signal.throwIfAborted()
    // What only computes has nothing to close, and cannot hear of it.
    const leave = (): void => process.exit(EXIT_INTERRUPTED)
    if (!WITH_NETWORK.includes(name)) signal.addEventListener('abort', leave)
    await suite({
      signal,
      cores: availableParallelism(),
      rounds,
      quick,
      compare: async (comparison) => void results.push(...(await compare(comparison, rounds))),
      keep: (row) => void results.push(row),
      note: (note, value) => (notes[note] = value),
      absent: (what) => void absent.push(what)
    })
    signal.removeEventListener('abort', leave)
    print(`\n${table(results.slice(first))}`)
    print(`\nsuite ${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
  }
  for (const [name, value] of Object.entries(notes)) print(`${name}: ${value}`)
  if (absent.length > 0) print(`left out: ${absent.join('; ')}`)
  return result
}

/** Runs this commit and another one in turn, each in processes of its own. */
function inTurns(
  ref: string,
  { suites, rounds, quick }: Options,
  print: (line: string) => void
): { here: BenchResult; there: BenchResult } {
  const other = otherCommit(ref)
  try {
    const args = [...suites, '--rounds', String(rounds), ...(quick ? ['--quick'] : [])]
    const runs = { here: [] as BenchResult[], there: [] as BenchResult[] }
    for (let turn = 0; turn < TURNS; turn++) {
      for (const where of turn % 2 === 0 ? (['there', 'here'] as const) : (['here', 'there'] as const)) {
        print(`turn ${turn + 1} of ${TURNS}: ${where === 'here' ? 'this commit' : ref}`)
        runs[where].push(other.run(where, args))
      }
    }
    return { here: merged(runs.here), there: merged(runs.there) }
  } finally {
    other.remove()
  }
}

function parse(args: string[], { cwd }: CommandIo): Options {
  const { values, positionals } = parseOptions('bench', {
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      html: { type: 'string' },
      compare: { type: 'string' },
      against: { type: 'string' }
    }
  })
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new InputError('OPTION_VALUE', `no suite ${unknown.join(', ')}; there are ${known.join(', ')}`)
  }
  const { quick, against } = values
  const rounds = { default: quick ? QUICK_ROUNDS : DEFAULT_ROUNDS, min: 2, max: MAX_ROUNDS }
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(cwd, given)
  return {
    suites: positionals.length > 0 ? positionals : known,
    rounds: integerOption('rounds', values.rounds, rounds),
    quick,
    json: path(values.json),
    html: path(values.html),
    before: values.compare === undefined ? undefined : earlier(resolve(cwd, values.compare)),
    against
  }
}

/** A result that was written before. */
function earlier(path: string): BenchResult {
  let result: BenchResult
  try {
    result = JSON.parse(readFileSync(path, 'utf8')) as BenchResult
  } catch (error) {
    const why = (error as Error).message
    throw new InputError('OPTION_VALUE', `--compare cannot read ${path}: ${why}`, { cause: error })
  }
  if (result.version === BENCH_VERSION && Array.isArray(result.results)) return result
  throw new InputError(
    'OPTION_VALUE',
    `--compare takes a result of version ${BENCH_VERSION}, which ${path} is not; measure it again`
  )
}
