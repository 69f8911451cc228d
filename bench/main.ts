// npm run bench [-- SUITE…] [OPTIONS]: measures the suites of bench/suites, all of them unless some are named.
import { readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { compare, DEFAULT_ROUNDS, machine, table, type Row, type Suite } from './harness.js'

const folder = new URL('./suites/', import.meta.url)
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length))
  .sort()

const print = (line: string) => process.stdout.write(`${line}\n`)

const help = `Usage: npm run bench [-- SUITE… OPTIONS]

Measures each suite beside its ceiling (what the primitives alone would reach) and its alternatives. All of them run in
turn, round after round; a figure is that of the median round, with p99 and the 95 % confidence of the mean beside it.

Suites: ${known.join(', ')}; all of them unless some are named

  --rounds N     rounds of every comparison (default ${DEFAULT_ROUNDS}): p99 says little of few
  --json FILE    write machine, rows and notes as one JSON object
  --help         this text

Exit codes: 0 measured, 2 bad input.
`

const MAX_ROUNDS = 10_000

async function main(): Promise<void> {
  const { positionals, json, rounds } = options()
  if (rounds === undefined) return
  const results: Row[] = []
  const notes: Record<string, number> = {}
  print(Object.values(machine()).join(', '))
  for (const name of positionals.length > 0 ? positionals : known) {
    const { default: suite } = (await import(new URL(`${name}.js`, folder).href)) as { default: Suite }
    const started = performance.now()
    const first = results.length
    await suite({
      cores: availableParallelism(),
      compare: async (comparison) => void results.push(...(await compare(comparison, rounds))),
      keep: (row) => void results.push(row),
      note: (note, value) => (notes[note] = value)
    })
    print(`\n${table(results.slice(first))}`)
    print(`\nsuite ${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
  }
  for (const [name, value] of Object.entries(notes)) print(`${name}: ${value}`)
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ machine: machine(), results, notes }, null, 2)}\n`)
  }
}

interface Options {
  positionals: string[]
  json: string | undefined
  /** Undefined where there is nothing to measure. */
  rounds: number | undefined
}

function options(): Options {
  const nothing = { positionals: [], json: undefined, rounds: undefined }
  const refuse = (why: string): Options => {
    process.stderr.write(`bench: ${why}; see npm run bench -- --help\n`)
    process.exitCode = 2
    return nothing
  }
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, rounds: { type: 'string' }, help: { type: 'boolean' } }
    })
  } catch (error) {
    return refuse((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.help) {
    process.stdout.write(help)
    return nothing
  }
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) return refuse(`no suite ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const rounds = values.rounds === undefined ? DEFAULT_ROUNDS : Number(values.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 2 || rounds > MAX_ROUNDS) {
    return refuse(`--rounds takes a whole number from 2 to ${MAX_ROUNDS}`)
  }
  return { positionals, json: values.json, rounds }
}

await main()
