// npm run bench [-- SUITE…] [--json FILE]: measures the suites of bench/suites, all of them unless some are named.
import { readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { compare, machine, table, type Row, type Suite } from './harness.js'

const folder = new URL('./suites/', import.meta.url)
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length))
  .sort()

const print = (line: string) => process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`no suite ${unknown.join(', ')}; there are ${known.join(', ')}\n`)
    process.exitCode = 2
    return
  }
  const results: Row[] = []
  const notes: Record<string, number> = {}
  print(Object.values(machine()).join(', '))
  for (const name of positionals.length > 0 ? positionals : known) {
    const { default: suite } = (await import(new URL(`${name}.js`, folder).href)) as { default: Suite }
    const started = performance.now()
    const first = results.length
    await suite({
      cores: availableParallelism(),
      compare: async (comparison) => void results.push(...(await compare(comparison))),
      keep: (row) => void results.push(row),
      note: (note, value) => (notes[note] = value)
    })
    print(`\n${table(results.slice(first))}`)
    print(`\nsuite ${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
  }
  for (const [name, value] of Object.entries(notes)) print(`${name}: ${value}`)
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine: machine(), results, notes }, null, 2)}\n`)
  }
}

await main()
