// npm run mutate [-- FOLDER… OPTIONS]: changes the sources of a folder in one place at a time, and sees which changes no
// test notices. FOLDER is one of the table below, or a file in it: `merkle`, `protocol/codec`, `ledger/rules`.
//
//   --break    exit code 1 if less than 85 % are noticed
//   --fresh    forget what earlier runs found
//   --threads N, --list
//
// Stryker puts all changes of a folder into one copy of the project, which is compiled once; the environment says which of
// them is on. Every change is tried on the compiled tests of its folder that reach it. Results are kept in reports/mutate:
// the next run tries what changed, and whatever survived if any test did. A change that makes the tests run for ever is
// counted apart, as neither noticed nor survived.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Which tests pin which folder of src/: those that are quick and say what the folder's rules are. */
const FOLDERS = {
  merkle: ['merkle/*'],
  chunk: ['chunk/*'],
  protocol: ['protocol/*', 'ledger/operations', 'ledger/money-vectors'],
  evidence: ['evidence/*'],
  // Pure functions, by pure tests: a network that runs through them all takes longer for each change than a file does.
  'ledger/rules': [
    'ledger/rules',
    'ledger/absence-rules',
    'ledger/challenge-rules',
    'ledger/delivery-rules',
    'ledger/economics',
    'ledger/fork-rules',
    'ledger/lots',
    'ledger/merging-rules',
    'ledger/money-vectors',
    'ledger/openings',
    'ledger/pause-rules',
    'ledger/time-rules',
    'ledger/weight-rules'
  ],
  'ledger/apply': [
    'ledger/apply/*',
    'ledger/absence',
    'ledger/delivery-rules',
    'ledger/draws',
    'ledger/failures',
    'ledger/forks',
    'ledger/growth',
    'ledger/half-segment',
    'ledger/ledger',
    'ledger/merging',
    'ledger/money-vectors',
    'ledger/openings',
    'ledger/operations',
    'ledger/properties',
    'ledger/refusal-matrix',
    'ledger/refusals',
    'ledger/retirement',
    'ledger/rounds',
    'ledger/slots',
    'ledger/unserved',
    'ledger/verifier-set'
  ],
  audit: ['audit/*', 'cli/audit']
}

const LEAST_PERCENT = 85
/** Beyond what the tests take unchanged: the machine may be busy. */
const TIMEOUT_MS = 5_000
const TIMEOUT_FACTOR = 2

const root = fileURLToPath(new URL('..', import.meta.url))
const reports = join(root, 'reports/mutate')
const require = createRequire(import.meta.url)

function refuse(why) {
  process.stderr.write(`mutate: ${why}; folders are ${Object.keys(FOLDERS).join(', ')}\n`)
  process.exit(2)
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        break: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        threads: { type: 'string', default: String(availableParallelism()) }
      }
    })
  } catch (error) {
    return refuse(error.message)
  }
}

/** The folder of the table that a word names, and the files of it. */
function target(word) {
  const name = word.replace(/^\.?\/?(src\/)?/, '').replace(/\/$|\.ts$/, '')
  const folder = Object.keys(FOLDERS).find((known) => name === known || name.startsWith(`${known}/`))
  if (!folder) return refuse(`no folder ${word}`)
  const file = `src/${name}.ts`
  if (name === folder) return { name, folder, mutate: [`src/${folder}/**/*.ts`] }
  if (!existsSync(join(root, file))) return refuse(`there is no ${file}`)
  return { name, folder, mutate: [file] }
}

/** Files of one folder are tried in one run, so that all is compiled once. */
function together(targets) {
  return Object.keys(FOLDERS).flatMap((folder) => {
    const of = targets.filter((one) => one.folder === folder)
    const whole = of.find(({ name }) => name === folder)
    if (of.length < 2 || whole) return whole ?? of
    const files = of.map(({ name }) => name.slice(folder.length + 1)).sort()
    return { name: `${folder}/${files.join('+')}`, folder, mutate: of.flatMap(({ mutate }) => mutate) }
  })
}

function testFiles(folder) {
  const files = FOLDERS[folder].flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [`test/${pattern}.test.ts`]
    const below = `test/${pattern.slice(0, -2)}`
    return readdirSync(join(root, below), { recursive: true })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${below}/${name}`)
  })
  const missing = files.filter((file) => !existsSync(join(root, file)))
  if (missing.length > 0)
    throw new Error(`the table of scripts/mutate.mjs names ${missing.join(', ')}, which is not there`)
  return files.sort()
}

/** Of all that tests consist of, vectors and helpers too. */
function hashOfTests() {
  const sum = createHash('sha256')
  const names = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const name of names.sort()) sum.update(name).update(readFileSync(name))
  return sum.digest('hex')
}

/** Stryker cannot see that a compiled test changed: what survived, or was not reached, is forgotten where one did. */
function forgetSurvivors(path, stampPath, tests) {
  if (!existsSync(path) || (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === tests)) return
  const known = JSON.parse(readFileSync(path, 'utf8'))
  for (const file of Object.values(known.files))
    file.mutants = file.mutants.filter(({ status }) => status === 'Killed')
  writeFileSync(path, JSON.stringify(known))
}

function mutate({ name, folder, mutate }, { fresh, threads }) {
  const id = name.replaceAll('/', '-')
  const files = Object.fromEntries(
    ['incremental', 'result', 'config', 'tests'].map((kind) => [kind, join(reports, `${id}.${kind}.json`)])
  )
  mkdirSync(reports, { recursive: true })
  if (fresh) for (const path of Object.values(files)) rmSync(path, { force: true })
  const tests = hashOfTests()
  forgetSurvivors(files.incremental, files.tests, tests)
  const config = {
    mutate,
    mutator: { excludedMutations: ['StringLiteral'] },
    plugins: [require.resolve('@stryker-mutator/tap-runner')],
    testRunner: 'tap',
    tap: {
      testFiles: testFiles(folder).map((file) => `dist/${file.replace(/\.ts$/, '.js')}`),
      nodeArgs: ['-r', '{{hookFile}}', '--test-reporter=tap', '{{testFile}}'],
      forceBail: true
    },
    buildCommand: `node ${require.resolve('typescript/bin/tsc')} -p . --noEmitOnError false --declaration false`,
    // Mutated code does not have the types that it says; the copy is only to be run.
    disableTypeChecks: '{src,workers,bench,test}/**/*.ts',
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile: files.incremental,
    ignorePatterns: ['dist', 'reports', 'coverage', 'examples'],
    tempDirName: join(root, 'reports/mutate/copies'),
    symlinkNodeModules: true,
    concurrency: threads,
    timeoutMS: TIMEOUT_MS,
    timeoutFactor: TIMEOUT_FACTOR,
    dryRunTimeoutMinutes: 15,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: files.result },
    thresholds: { break: null },
    allowConsoleColors: false
  }
  writeFileSync(files.config, JSON.stringify(config, null, 2))
  rmSync(files.result, { force: true })
  const stryker = join(dirname(require.resolve('@stryker-mutator/core/package.json')), 'bin/stryker.js')
  const { status } = spawnSync(process.execPath, [stryker, 'run', files.config], {
    cwd: root,
    stdio: 'inherit'
  })
  if (!existsSync(files.result)) {
    process.stderr.write(`mutate: Stryker ended with exit code ${status} and no result\n`)
    process.exit(1)
  }
  writeFileSync(files.tests, tests)
  return JSON.parse(readFileSync(files.result, 'utf8'))
}

const STATES = { Killed: 'killed', Survived: 'survived', Timeout: 'timeout', NoCoverage: 'no coverage' }

function count(mutants) {
  const counts = Object.fromEntries(Object.values(STATES).map((state) => [state, 0]))
  for (const { status } of mutants) if (status in STATES) counts[STATES[status]]++
  const missed = counts.survived + counts['no coverage']
  const judged = counts.killed + missed
  return { ...counts, percent: judged === 0 ? 100 : (100 * counts.killed) / judged }
}

function table(rows) {
  const head = ['file', ...Object.values(STATES), '% killed']
  const lines = rows.map(([name, counts]) => [
    name,
    ...Object.values(STATES).map((state) => String(counts[state])),
    counts.percent.toFixed(1)
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)))
  return [head, ...lines]
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
    )
    .join('\n')
}

/** What was there, and what stood there instead, in one line. */
function describe(path, source, { location, replacement, status, mutatorName }) {
  const { start, end } = location
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  const short = (text) => text.replace(/\s+/g, ' ').trim().slice(0, 90)
  return `${path}:${start.line}:${start.column} ${STATES[status]} (${mutatorName}): ${short(lines.join('\n'))} -> ${short(replacement ?? '')}`
}

const { values, positionals } = options()
const threads = Number(values.threads)
if (!Number.isSafeInteger(threads) || threads < 1) refuse('--threads takes a whole number from 1 on')
const targets = together((positionals.length > 0 ? positionals : Object.keys(FOLDERS)).map(target))
if (values.list) {
  for (const { name, folder } of targets) process.stdout.write(`${name}: ${testFiles(folder).join(' ')}\n`)
  process.exit(0)
}
const all = []
const rows = []
for (const one of targets) {
  const started = performance.now()
  const { files } = mutate(one, { fresh: values.fresh, threads })
  const mutants = []
  for (const [path, { source, mutants: found }] of Object.entries(files)) {
    rows.push([path, count(found)])
    mutants.push(...found)
    for (const mutant of found) {
      if (mutant.status === 'Survived' || mutant.status === 'NoCoverage')
        process.stdout.write(`${describe(path, source, mutant)}\n`)
    }
  }
  all.push(...mutants)
  rows.push([`all of ${one.name}`, count(mutants)])
  process.stdout.write(`\n${one.name}: ${((performance.now() - started) / 60_000).toFixed(1)} minutes\n`)
}
if (targets.length > 1) rows.push(['all', count(all)])
process.stdout.write(`\n${table(rows)}\n`)
const { percent } = count(all)
if (values.break && percent < LEAST_PERCENT) {
  process.stdout.write(`\n${percent.toFixed(1)} % are killed, ${LEAST_PERCENT} % are wanted\n`)
  process.exitCode = 1
}
