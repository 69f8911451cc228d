import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { brokenIn } from './invariants.js'
import { writeTable } from './document.js'
import { run, type Outcome } from './run.js'
import type { Scenario } from './scenario.js'
import { scenarios } from './scenarios/index.js'
import { Broken } from './simulation.js'
import { excessOf, rowOf, tableOf, type Controls, type Row } from './table.js'
import { actionsOf, shrink, told } from './trace.js'

const USAGE = `Usage: npm run simulate -- [--seed N] [--seeds N] [--days D] [--scenario NAME] [--all] [--long] [--json FILE]

  --seed N         first seed, 1 if not given; the same seed gives the same log, byte for byte
  --seeds N        so many seeds, one after the other
  --days D         virtual days; with --all each strategy has its own
  --scenario NAME  one of: ${scenarios.map(({ name }) => name).join(', ')};
                   or each: every seed takes the next of them
  --all            every strategy beside the same days without it, as the table of docs/security.md; exits 1 if one
                   gains or harms more than it may
  --long           100 seeds of 30 days, each seed with the next strategy, unless it is said otherwise; says how many
                   virtual days a second of the processor went by
  --docs           with --all: writes the table to docs/security.md
  --json FILE      writes what came of it
`

/** What the long form plays. */
const LONG = { seeds: 100, days: 30 }

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    days: { type: 'string' },
    scenario: { type: 'string' },
    all: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}`)
  process.exit(2)
}

function number(name: 'seed' | 'seeds' | 'days'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const value = Number(text)
  if (text === '' || !(value >= 0) || !Number.isFinite(value)) fail(`--${name} is a number, not ${text}`)
  return value
}

const plain = (key: string, value: unknown): unknown => {
  if (key === 'facts' || key === 'conduct') return undefined
  return typeof value === 'bigint' ? String(value) : value
}

function write(what: unknown): void {
  if (values.json) writeFileSync(values.json, JSON.stringify(what, plain, 2) + '\n')
}

function scenarioOf(seed: number): Scenario {
  const name = values.scenario ?? (values.long ? 'each' : 'honest')
  const found =
    name === 'each' ? scenarios[seed % scenarios.length] : scenarios.find((known) => known.name === name)
  return found ?? fail(`there is no scenario ${name}`)
}

/** How fast virtual time went by. */
function rateOf(outcomes: readonly Outcome[]): string {
  const { user, system } = process.cpuUsage()
  const seconds = (user + system) / 1e6
  const days = outcomes.reduce((sum, outcome) => sum + outcome.days, 0)
  return `${days} days in ${seconds.toFixed(0)} s of the processor, ${(days / seconds).toFixed(2)} a second\n`
}

async function one(seed: number): Promise<Outcome> {
  const scenario = scenarioOf(seed)
  const days = number('days') ?? (values.long ? LONG.days : scenario.days)
  const outcome = await run({ seed, scenario, days })
  const { logHash, entries, storage, retrieval } = outcome
  process.stdout.write(
    `seed ${seed}, ${days} days of ${scenario.name}: ${entries} entries, log ${logHash}\n` +
      `  storage ${JSON.stringify(storage)}\n  retrieval ${JSON.stringify(retrieval)}\n`
  )
  return outcome
}

async function all(seeds: readonly number[]): Promise<void> {
  const rows: Row[] = []
  const controls: Controls = new Map()
  const days = number('days')
  for (const scenario of scenarios) {
    if (scenario.name === 'honest') continue
    rows.push(await rowOf(scenario, seeds, { controls, ...(days === undefined ? {} : { days }) }))
    process.stderr.write(`${scenario.name}: done\n`)
  }
  process.stdout.write(tableOf(rows))
  if (values.docs) writeTable(tableOf(rows))
  write(rows)
  for (const row of rows) {
    const excess = excessOf(row)
    if (excess.length === 0) continue
    process.stderr.write(`${row.scenario.name}: more ${excess.join(', ')} than it may\n`)
    process.exitCode = 1
  }
}

try {
  if (values.help) process.stdout.write(USAGE)
  else {
    const first = number('seed')!
    const seeds = Array.from(
      { length: number('seeds') ?? (values.long ? LONG.seeds : 1) },
      (_, i) => first + i
    )
    if (values.all) await all(seeds)
    else {
      const outcomes: Outcome[] = []
      for (const seed of seeds) outcomes.push(await one(seed))
      if (values.long) process.stdout.write(rateOf(outcomes))
      write(outcomes.length === 1 ? outcomes[0] : outcomes)
    }
  }
} catch (error) {
  if (!(error instanceof Broken)) throw error
  const { message, origin, steps, names, seed, scenario } = error
  process.stderr.write(
    `seed ${seed}, scenario ${scenario}: ${message}\nThe shortest way there that was found:\n`
  )
  for (const action of shrink(origin, actionsOf(steps), brokenIn)) {
    process.stderr.write(`  ${told(action, names)}\n`)
  }
  process.exitCode = 1
}
