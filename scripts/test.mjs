// Runs the compiled tests: all of them, or those whose path contains one of the words given. Ends with how long it took
// and which files took longest, and with exit code 1 if a test failed, or was skipped: nothing is.
// (What the runner counts at the end comes twice: for networks that wait, and for the rest.)
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { PassThrough } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

/**
 * Networks on the wall clock, which wait most of their time: some of them run beside whatever reckons, so that no core
 * stands idle. Those that take longest, by the clock, begin first.
 */
const WAITING = [
  'roles/holes',
  'roles/growth',
  'local/processes',
  'roles/shapes',
  'roles/failover',
  'roles/forks',
  'roles/weak-keys',
  'roles/resume',
  'package/examples',
  'cli/stop',
  'local/up',
  'roles/openings',
  'roles/refusal',
  'roles/empty',
  'daemon/restart',
  'daemon/operator',
  'daemon/joining',
  'roles/pinner/segment-intake',
  'roles/damage',
  'roles/life-cycle',
  'roles/process',
  'swarm/retrieval',
  'roles/pinner/past-copies'
]
/** Of the others, those that take longest. */
const FIRST = [
  'simulator/simulator',
  'cli/bad-input',
  'crypto/prime-proof',
  'chain/virtual-day',
  'cli/environment',
  'engine/loans',
  'engine/wiped-key',
  'ledger/kill',
  'engine/streams',
  'audit/refusals',
  'audit/evidence',
  'cli/audit'
]
/**
 * Folders whose files share a process when all tests run: they start nothing and change nothing outside themselves, and
 * to load the same modules for each took as long as the tests.
 */
const TOGETHER = [
  ['ledger/apply', 'ledger/rules'],
  ['ledger'],
  ['protocol', 'merkle', 'chunk', 'drive'],
  ['evidence']
]
/** Not so in these: they count what their process keeps, or start others. */
const ALONE = ['ledger/kill', 'evidence/worker', 'evidence/on-workers']
/** Waiting files at a time. More would make deadlines of networks pass. */
const WAITING_AT_A_TIME = 2
/** What one file may take, on a machine that does much else too. */
const FILE_MS = 600_000
const SLOWEST = 10

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = new URL('../dist/test/', import.meta.url)
const words = process.argv.slice(2)
const all = readdirSync(dist, { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .sort()
const chosen = all.filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
if (chosen.length === 0) fail(`No test file matches: ${words.join(' ')}`)
const named = [...WAITING, ...FIRST, ...ALONE].map((name) => `${name}.test.js`)
const gone = named.filter((name) => !all.includes(name))
if (gone.length > 0) fail(`scripts/test.mjs names what is not there: ${gone.join(', ')}`)

process.chdir(root)
// Nothing that a test starts may leave this machine.
process.env.DATDOT_PRIVATE_ONLY = '1'
const began = performance.now()
/** What each file took, ms. */
const took = new Map()
const skipped = []
const events = new PassThrough({ objectMode: true })
events.compose(new spec()).pipe(process.stdout)
const waiting = inOrder(WAITING, (name) => WAITING.includes(nameOf(name)))
const others = inOrder(FIRST, (name) => !WAITING.includes(nameOf(name)))
await Promise.all([
  runInto(events, waiting, WAITING_AT_A_TIME),
  runInto(events, words.length === 0 ? gathered(others) : others, availableParallelism())
])
events.end()

/** Those chosen that `which` takes: first the named ones, in the order of their names. */
function inOrder(names, which) {
  const first = names.map((name) => `${name}.test.js`).filter((name) => chosen.includes(name))
  return [...first, ...chosen.filter((name) => which(name) && !first.includes(name))]
}

function nameOf(file) {
  return file.replace(/\.test\.js$/, '')
}

/** The files with one for each of `TOGETHER` in the place of those that it imports. */
function gathered(files) {
  let left = files
  const made = TOGETHER.map((folders) => {
    const members = left.filter(
      (file) => folders.some((at) => file.startsWith(`${at}/`)) && !named.includes(file)
    )
    left = left.filter((file) => !members.includes(file))
    const name = `together-${folders.join('-').replaceAll('/', '-')}.js`
    writeFileSync(new URL(name, dist), members.map((file) => `import './${file}'\n`).join(''))
    return name
  })
  return [...made, ...left]
}

/** Runs files and hands on what happens. */
async function runInto(into, files, concurrency) {
  if (files.length === 0) return
  const paths = files.map((name) => fileURLToPath(new URL(name, dist)))
  for await (const event of run({ files: paths, concurrency, timeout: FILE_MS })) {
    const { name, file, nesting, details, skip, todo } = event.data
    if (event.type === 'test:complete' && nesting === 0 && file?.endsWith(name))
      took.set(file, details.duration_ms)
    if (event.type === 'test:pass' && (skip !== undefined || todo !== undefined)) skipped.push(name)
    if (event.type === 'test:fail') process.exitCode = 1
    into.write(event)
  }
}

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
