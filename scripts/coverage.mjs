// npm run coverage [-- WORD… --of FOLDER]: which lines and branches of src/ the tests reach, by V8's own counters.
//
//   WORD           tests whose path contains it, as for npm test; all of them if none is given
//   --of FOLDER    report this folder of src/ alone, such as merkle or ledger/rules
//
// Processes and threads that tests start are counted too, unless they are killed. The report as HTML is coverage/index.html.
// Exit code: that of the tests.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const c8 = join(dirname(createRequire(import.meta.url).resolve('c8/package.json')), 'bin/c8.js')

function refuse(why) {
  process.stderr.write(`coverage: ${why}\n`)
  process.exit(2)
}

function options() {
  try {
    return parseArgs({ allowPositionals: true, options: { of: { type: 'string' } } })
  } catch (error) {
    return refuse(error.message)
  }
}

const { values, positionals } = options()
const folder = values.of?.replace(/^\.?\/?(src\/)?/, '').replace(/\/$/, '')
if (folder !== undefined && !existsSync(join(root, 'src', folder))) refuse(`there is no folder src/${folder}`)

rmSync(join(root, 'coverage'), { recursive: true, force: true })
const args = [
  c8,
  '--include',
  folder === undefined ? 'src/**' : `src/${folder}/**`,
  '--exclude-after-remap',
  '--extension',
  '.ts',
  '--reports-dir',
  'coverage',
  '--temp-directory',
  'coverage/tmp',
  '--clean',
  ...['text', 'html', 'lcovonly', 'json-summary'].flatMap((reporter) => ['--reporter', reporter]),
  process.execPath,
  'scripts/test.mjs',
  ...positionals
]
const run = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
rmSync(join(root, 'coverage/tmp'), { recursive: true, force: true })
process.exit(run.status ?? 1)
