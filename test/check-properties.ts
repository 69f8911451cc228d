/**
 * Random sequences of operations, valid and hostile, with a fresh seed each time: invariants after every ten steps, and the log of each
 * replayed. Long sequences, and enough of them that every kind is taken and refused a hundred times.
 */
import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { command, emptyTally, playSequence } from './ledger/sequences.js'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string' },
    short: { type: 'boolean', default: false }
  }
})
const runs = values.short ? 100 : whole('runs', values.runs)
const seed = values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed)
const least = values.short ? 1 : 100
const tally = emptyTally()

process.stdout.write(`seed ${seed}, ${runs} sequences\n`)
const found = await fc.check(
  fc.asyncProperty(fc.array(command, { minLength: 60, maxLength: 180 }), (commands) =>
    playSequence(commands, tally)
  ),
  { numRuns: runs, seed, endOnFailure: true }
)
const rows = Object.entries(tally).filter(([kind]) => kind !== 'genesis')
for (const [kind, { accepted, refused }] of rows) {
  process.stdout.write(
    `${kind.padEnd(14)} ${String(accepted).padStart(7)} taken ${String(refused).padStart(7)} refused\n`
  )
}
const seldom = rows.filter(([, { accepted, refused }]) => refused < least || accepted < least)
if (found.failed) {
  const { stack } = (found.errorInstance ?? {}) as Partial<Error>
  process.stdout.write(`${fc.defaultReportMessage(found) ?? 'failed'}\n${stack ?? ''}\n`)
  process.exitCode = 1
} else if (seldom.length > 0) {
  process.stdout.write(
    `taken or refused fewer than ${least} times: ${seldom.map(([kind]) => kind).join(', ')}\n`
  )
  process.exitCode = 1
} else process.stdout.write('all of it held\n')

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  process.stderr.write(`--${name} takes a whole number, not ${JSON.stringify(text)}\n`)
  process.exit(2)
}
