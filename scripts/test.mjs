// Runs the compiled tests: all of them, or those whose path contains one of the words given. Ends with how long it took
// and which files took longest, and with exit code 1 if a test failed, or was skipped: nothing is.
import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

/**
 * Files that take longest, by the clock, begin first: one that began last would keep a core idle. Networks, which wait most
 * of their time, and what reckons all the time take turns.
 */
const FIRST = [
  'roles/growth',
  'simulator/simulator',
  'local/processes',
  'crypto/prime-proof',
  'roles/pinner/segment-intake',
  'roles/weak-keys',
  'roles/failover',
  'cli/bad-input',
  'chain/virtual-day',
  'roles/resume',
  'cli/environment',
  'package/examples',
  'engine/loans',
  'local/up',
  'engine/wiped-key',
  'cli/stop',
  'ledger/kill',
  'swarm/retrieval',
  'engine/streams',
  'roles/refusal',
  'audit/refusals',
  'roles/damage',
  'audit/evidence',
  'roles/process',
  'cli/audit',
  'roles/pinner/past-copies'
]
/** Files at a time beyond one a core: more would make deadlines of networks pass. */
const MORE_THAN_CORES = 1
/** What one file may take, on a machine that does much else too. */
const FILE_MS = 600_000
const SLOWEST = 10

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const all = readdirSync(new URL('../dist/test/', import.meta.url), { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .sort()
const first = FIRST.map((name) => `${name}.test.js`)
const gone = first.filter((name) => !all.includes(name))
if (gone.length > 0) fail(`scripts/test.mjs says what begins first, but there is no ${gone.join(', ')}`)
const chosen = [...first, ...all.filter((name) => !first.includes(name))].filter(
  (name) => words.length === 0 || words.some((word) => name.includes(word))
)
if (chosen.length === 0) fail(`No test file matches: ${words.join(' ')}`)

process.chdir(root)
// Nothing that a test starts may leave this machine.
process.env.DATDOT_PRIVATE_ONLY = '1'
const began = performance.now()
const events = run({
  files: chosen.map((name) => fileURLToPath(new URL(`../dist/test/${name}`, import.meta.url))),
  concurrency: availableParallelism() + MORE_THAN_CORES,
  timeout: FILE_MS
})
/** What each file took, ms. */
const took = new Map()
const skipped = []
events.on('test:complete', ({ name, file, nesting, details }) => {
  if (nesting === 0 && file !== undefined && file.endsWith(name)) took.set(file, details.duration_ms)
})
events.on('test:pass', ({ name, skip, todo }) => {
  if (skip !== undefined || todo !== undefined) skipped.push(name)
})
events.on('test:fail', () => (process.exitCode = 1))
events.compose(new spec()).pipe(process.stdout)
process.once('exit', () => {
  const slowest = [...took].sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
  const lines = slowest.map(([file, ms]) => `${seconds(ms)}  ${relative(root, file)}`)
  const total = `${took.size} files in ${seconds(performance.now() - began).trim()}${ofCpu()}; longest, beside others:`
  process.stdout.write(`${[total, ...lines].join('\n')}\n`)
  if (skipped.length === 0) return
  process.stdout.write(`Nothing may be skipped, but these were:\n${skipped.join('\n')}\n`)
  process.exitCode = 1
})

/** Of all processes that have ended, where the system tells: with the time by the clock it says whether cores stood idle. */
function ofCpu() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    // Of the children, in hundredths of a second: what they did themselves, and the kernel for them.
    return `, ${seconds(10 * (Number(fields[13]) + Number(fields[14]))).trim()} of CPU`
  } catch {
    return ''
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`
}

function fail(why) {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}
