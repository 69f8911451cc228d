// npm run test:node -- 24: whether datdot works on another Node, whose binary comes from the npm registry.
//
// In a fresh copy of the project: `npm ci` under that Node (the native parts are built against its own headers), then a
// chosen set of tests. An argument is a major version or a whole one; several are taken one after the other.
// `--keep` leaves the copy there, to look into what failed. Needs the npm registry and a C compiler. Exit code 0 if all of it holds, 1 otherwise, 2 for bad input.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshCopy, plainEnvironment } from './fresh-copy.mjs'

/** Of every part that may depend on Node: threads, native parts, codecs, SQLite, RocksDB, and one run of a network. */
const TESTS = [
  'test/crypto/hash',
  'test/crypto/rsa-native',
  'test/chunk/seal',
  'test/chunk/vectors',
  'test/engine/streams',
  'test/engine/seal',
  'test/engine/loans',
  'test/merkle/tree',
  'test/merkle/proof',
  'test/ledger/ledger',
  'test/ledger/operations',
  'test/storage/ingest',
  'test/storage/serving',
  'test/storage/hypercore-parts',
  'test/local/up'
]

const root = fileURLToPath(new URL('..', import.meta.url))
const keep = process.argv.includes('--keep')
const wanted = process.argv.slice(2).filter((word) => word !== '--keep')
const least = 20
if (
  wanted.length === 0 ||
  wanted.some((word) => !/^\d+(\.\d+\.\d+)?$/.test(word) || parseInt(word) < least)
) {
  process.stderr.write(
    `Usage: npm run test:node -- VERSION… [--keep], such as 22 or 24.1.0, from ${least} on\n`
  )
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'datdot-node-'))
process.on('exit', () => {
  if (keep) process.stdout.write(`kept    ${folder}\n`)
  else rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

function run(command, args, options) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 1_200_000,
    ...options
  })
  if (status === 0) return stdout
  process.stdout.write(
    `FAILED  ${command} ${args.join(' ')}: exit code ${status}\n${stdout}${stderr}${error ?? ''}\n`
  )
  process.exit(1)
}

const say = (line) => process.stdout.write(`${line}\n`)
const seconds = (started) => `${((performance.now() - started) / 1000).toFixed(1)} s`

/** npm's own program, to be run by whichever Node is wanted. */
function npmProgram() {
  const given = process.env.npm_execpath
  if (given?.endsWith('npm-cli.js')) return given
  return join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js')
}

for (const version of wanted) {
  const started = performance.now()
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const env = plainEnvironment()
  const home = join(folder, `node-${version}`)
  mkdirSync(home)
  const spec = version.includes('.') ? version : `^${version}.0.0`
  run(
    'npm',
    ['install', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${spec}`],
    { env }
  )
  const nodedir = join(home, 'node_modules', name)
  const node = join(nodedir, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const exact = run(node, ['--version'], { env }).trim()
  if (!existsSync(join(nodedir, 'include/node/node_api.h'))) {
    say(`FAILED  ${name} ${exact} came without its headers`)
    process.exit(1)
  }
  say(`ok      ${name} ${exact} from the registry, ${seconds(started)}`)

  const copy = join(folder, `datdot-${version}`)
  freshCopy(root, copy)
  const path = [dirname(node), process.env.PATH].join(delimiter)
  const under = { cwd: copy, env: { ...env, PATH: path, npm_config_nodedir: nodedir } }
  const installing = performance.now()
  run(node, [npmProgram(), 'ci', '--no-audit', '--no-fund'], under)
  const built = readdirSync(join(copy, 'native/build/Release')).filter((file) => file.endsWith('.node'))
  if (built.length !== 3) {
    say(`FAILED  of 3 native parts ${built.length} were built under Node ${exact}`)
    process.exit(1)
  }
  say(`ok      npm ci under Node ${exact}, native parts built: ${built.join(', ')}, ${seconds(installing)}`)

  const testing = performance.now()
  const files = TESTS.map((test) => `dist/${test}.test.js`)
  const missing = files.filter((file) => !existsSync(join(copy, file)))
  if (missing.length > 0) {
    say(`FAILED  there is no ${missing.join(', ')}`)
    process.exit(1)
  }
  const output = run(node, ['--test', '--test-reporter=tap', '--test-timeout=300000', ...files], under)
  const [, passed] = /^# pass (\d+)$/m.exec(output) ?? []
  const bad = ['fail', 'cancelled', 'skipped'].filter((word) => !output.includes(`\n# ${word} 0\n`))
  if (!(Number(passed) > 0) || bad.length > 0) {
    say(`FAILED  tests under Node ${exact}: ${bad.join(', ')}\n${output}`)
    process.exit(1)
  }
  say(`ok      ${passed} tests of ${files.length} files passed under Node ${exact}, ${seconds(testing)}`)
  if (!keep) rmSync(copy, { recursive: true })
}
say('All of it held.')
