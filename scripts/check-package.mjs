// npm run check:package [-- --short]: packs datdot, installs the package in an empty folder as a user does, and uses it.
//
// Short: pack, install with --omit=dev, command, library, declarations, a whole network, its audit. The long form also does
// what README.md says to do in a fresh copy of the repository: `npm ci && npm start`, and `npm ci --omit=dev`.
// Needs the npm registry, and a C compiler for the native parts. Exit code 0 if all of it holds, 1 otherwise.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshCopy, plainEnvironment } from './fresh-copy.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const long = !process.argv.includes('--short')
const folder = mkdtempSync(join(tmpdir(), 'datdot-package-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

const env = plainEnvironment()

class Failure extends Error {}

function check(holds, what) {
  if (!holds) throw new Failure(what)
}

/** Runs a command to its end; what it printed. */
function run(command, args, { cwd, expect = 0, timeoutMs = 600_000 }) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 1 << 28
  })
  if (error || status !== expect) {
    throw new Failure(`${command} ${args.join(' ')}: exit code ${status}\n${stdout}${stderr}${error ?? ''}`)
  }
  return { stdout, stderr }
}

let failed = false

function step(title, work) {
  const started = performance.now()
  try {
    const note = work() ?? ''
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stdout.write(`ok      ${title}: ${note}${note ? ', ' : ''}${seconds} s\n`)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    failed = true
    process.stdout.write(`FAILED  ${title}: ${error.message}\n`)
    process.exit(1)
  }
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const empty = join(folder, 'empty')
const installed = join(empty, 'node_modules', 'datdot')
mkdirSync(empty)
let tarball = ''

step('npm pack', () => {
  const { stdout } = run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n')))
  tarball = join(folder, packed.filename)
  const paths = packed.files.map(({ path }) => path)
  for (const path of [
    'dist/src/cli/main.js',
    'dist/workers/slab.js',
    'dist/bench/command.js',
    'native/binding.gyp',
    'native/blake3/c/blake3.c'
  ]) {
    check(paths.includes(path), `${path} is not in the package`)
  }
  const strange = paths.filter((path) => /^(test|bench|scripts|dist\/test)\/|\.map$|\.node$/.test(path))
  check(strange.length === 0, `does not belong in the package: ${strange.join(', ')}`)
  check(!existsSync(join(root, 'native/blake3/c')), 'npm pack left its copy of the BLAKE3 sources behind')
  return `${packed.filename}, ${packed.entryCount} files, ${packed.size} bytes`
})

step('npm install --omit=dev in an empty folder', () => {
  run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', tarball], { cwd: empty })
  for (const name of Object.keys(manifest.devDependencies)) {
    check(!existsSync(join(empty, 'node_modules', name)), `${name} was installed`)
  }
  const addons = readdirSync(join(installed, 'native/build/Release')).filter((name) => name.endsWith('.node'))
  check(addons.length === 3, `of 3 native parts ${addons.length} were built`)
  return `${readdirSync(join(empty, 'node_modules')).length} folders in node_modules, native parts built`
})

step('npx datdot --help', () => {
  const { stdout } = run('npx', ['--no-install', 'datdot', '--help'], { cwd: empty })
  check(stdout.startsWith('Usage: datdot'), stdout)
})

step('the command file', () => {
  const path = join(installed, manifest.bin.datdot)
  check((statSync(path).mode & 0o111) === 0o111, 'it is not executable')
  check(readFileSync(path, 'utf8').startsWith('#!/usr/bin/env node\n'), 'it does not begin with #!')
  run(path, ['--help'], { cwd: empty })
})

const names = Object.keys(manifest.exports)
  .filter((name) => name !== './package.json')
  .map((name) => name.replace('.', 'datdot'))

step('import', () => {
  const code = names.map((name) => `console.log(Object.keys(await import('${name}')).length)`).join('\n')
  const { stdout } = run(process.execPath, ['--input-type=module', '--eval', code], { cwd: empty })
  check(
    stdout
      .trim()
      .split('\n')
      .every((count) => Number(count) > 0),
    `exports nothing: ${stdout}`
  )
  return names.join(', ')
})

step('declarations in strict mode, libraries checked', () => {
  const types = join(empty, 'node_modules/@types')
  mkdirSync(types, { recursive: true })
  for (const name of Object.keys(manifest.peerDependencies)) {
    const to = join(empty, 'node_modules', name)
    if (!existsSync(to)) symlinkSync(join(root, 'node_modules', name), to)
  }
  const program = join(folder, 'empty', 'program.mts')
  const lines = names.map((name, i) => `import * as part${i} from '${name}'`)
  writeFileSync(
    program,
    `${lines.join('\n')}\nexport const all = [${names.map((_, i) => `part${i}`).join(', ')}]\n`
  )
  const flags =
    '--strict --noEmit --target es2023 --lib es2023 --module nodenext --types node --skipLibCheck false'
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags.split(' '), program], {
    cwd: empty
  })
})

const data = join(folder, 'network')
step('npx datdot up --once', () => {
  const input = join(folder, 'input.txt')
  writeFileSync(input, 'what is kept\n'.repeat(10_000))
  const { stdout } = run('npx', ['--no-install', 'datdot', 'up', '--once', '--json', '--data', data, input], {
    cwd: empty
  })
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1))
  check(result.ok && result.consumer.identical, stdout)
  return `${result.copies.length} copies, ${result.challenges.storage.passed} challenges passed, read back identical`
})

step('npx datdot audit', () => {
  const { stdout } = run('npx', ['--no-install', 'datdot', 'audit', data, '--json'], { cwd: empty })
  const report = JSON.parse(stdout)
  check(report.ok, stdout)
  return `${report.entries} entries hold`
})

if (long) {
  const clone = join(folder, 'clone')
  step("a fresh copy of the repository, and README's prerequisites", () => {
    freshCopy(root, clone)
    const readme = readFileSync(join(clone, 'README.md'), 'utf8')
    const least = manifest.engines.node.replace('>=', '')
    check(readme.includes(least), `README does not say that Node ${least} is needed`)
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) {
      check(readme.includes(command), `README does not have ${command}`)
    }
    const headers = join(dirname(process.execPath), '../include/node/node_api.h')
    const compiler = spawnSync('cc', ['--version'], { encoding: 'utf8' })
    check(compiler.status === 0, 'there is no C compiler here')
    return `Node ${process.version}, headers ${existsSync(headers) ? 'beside it' : 'from elsewhere'}, ${compiler.stdout.split('\n')[0]}`
  })
  step('npm ci', () => void run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone }))
  step('the command is executable after a build', () => {
    check((statSync(join(clone, manifest.bin.datdot)).mode & 0o111) === 0o111, 'it is not')
  })
  step('npm start', () => {
    const stamp = join(clone, 'dist/.built.json')
    const built = statSync(stamp).mtimeMs
    const { stdout } = run(
      'npm',
      ['start', '--silent', '--', '--once', '--json', '--data', join(folder, 'started')],
      { cwd: clone }
    )
    check(JSON.parse(stdout.trimEnd().split('\n').at(-1)).ok, stdout)
    check(statSync(stamp).mtimeMs === built, 'what was compiled already was compiled again')
    return 'nothing compiled a second time'
  })
  step('npx datdot in that folder', () => {
    const { stdout } = run('npx', ['datdot', '--help'], { cwd: clone })
    check(stdout.startsWith('Usage: datdot'), stdout)
  })
  step('npm ci --omit=dev', () => {
    const { stdout, stderr } = run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: clone })
    check(existsSync(join(clone, 'dist/src/cli/main.js')), `${stdout}${stderr}`)
    run('npx', ['datdot', '--help'], { cwd: clone })
    return 'what was compiled serves'
  })
}
process.stdout.write(failed ? 'It does not hold.\n' : 'All of it held.\n')
