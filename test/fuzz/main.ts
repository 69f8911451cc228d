import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/clock.js'
import { fuzz } from './fuzz.js'
import { targets } from './targets.js'

// npm run fuzz -- [--inputs N] [--seed S] [WORD…]: has everything that reads what others wrote read N inputs each, or those whose
// names have a word. Prints inputs a second and what the heap has grown by; exit code 1, with the input, for a finding.

/** What the heap may grow by from one pass to the next over the same inputs: nothing may be kept of them. */
const GROWTH_BYTES = 8 << 20

const { values, positionals } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
  allowPositionals: true
})
const [inputs, seed] = [Number(values.inputs), Number(values.seed ?? randomInt(2 ** 31))]
if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('Usage: npm run fuzz -- [--inputs N] [--seed S] [WORD…]\n')
  process.exit(2)
}

const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

let failed = 0
process.stdout.write(`seed ${seed}, ${inputs} inputs each\n`)
for (const target of await targets()) {
  if (positionals.length > 0 && !positionals.some((word) => target.name.includes(word))) continue
  const began = systemClock.now()
  const now = (): number => systemClock.now()
  let found = fuzz(target, { inputs: Math.ceil(inputs / 2), seed, now })
  const before = heap()
  found ??= fuzz(target, { inputs: Math.floor(inputs / 2), seed: seed + 1, now })
  const grown = heap() - before
  const perSecond = Math.round(inputs / ((systemClock.now() - began) / 1_000))
  const mebibytes = (grown / 2 ** 20).toFixed(1)
  process.stdout.write(
    `${target.name.padEnd(32)} ${String(perSecond).padStart(8)}/s ${mebibytes.padStart(6)} MiB\n`
  )
  if (found) process.stdout.write(`  FOUND: ${found.why}\n  for test/fuzz/corpus.json: ${found.input}\n`)
  if (grown > GROWTH_BYTES) process.stdout.write(`  GROWN by more than ${GROWTH_BYTES} bytes\n`)
  if (found || grown > GROWTH_BYTES) failed++
}
process.exit(failed > 0 ? 1 : 0)
