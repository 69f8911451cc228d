// Runs the compiled tests: all of them, or those whose path contains one of the words given.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const files = readdirSync(new URL('../dist/test/', import.meta.url), { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort()
  .map((name) => `dist/test/${name}`)

if (files.length === 0) {
  process.stderr.write(`No test file matches: ${words.join(' ')}\n`)
  process.exit(1)
}
const run = spawnSync(process.execPath, ['--test', '--test-timeout=300000', ...files], {
  cwd: root,
  stdio: 'inherit'
})
process.exit(run.status ?? 1)
