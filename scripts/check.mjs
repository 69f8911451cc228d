// npm run check:NAME [-- --short]: tests that need what `npm test` does not, or that are long, in their long or short form.
//
// They are the files test/**/NAME.check.ts, compiled, run by Node's own runner. Exit code: that of the tests, 2 for bad input.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [name, ...flags] = process.argv.slice(2)
const files = readdirSync(new URL('../dist/test/', import.meta.url), { recursive: true })
  .filter((path) => path.split('/').at(-1) === `${name}.check.js`)
  .map((path) => `dist/test/${path}`)
if (files.length === 0 || flags.some((flag) => flag !== '--short')) {
  process.stderr.write(`Usage: npm run check:${name ?? 'NAME'} [-- --short]\n`)
  process.exit(2)
}
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', '--test-timeout=3600000', ...files],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, DATDOT_PRIVATE_ONLY: '1', DATDOT_CHECK: flags.length > 0 ? 'short' : 'long' },
    stdio: 'inherit'
  }
)
process.exit(status ?? 1)
