// Writes docs/errors.md from the compiled catalogue of errors, or with --check says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { documentErrors } from '../dist/src/errors/document.js'

const file = new URL('../docs/errors.md', import.meta.url)
const text = documentErrors()
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/errors.md is not made from the catalogue of today: run npm run docs:errors\n')
  process.exitCode = 1
}
