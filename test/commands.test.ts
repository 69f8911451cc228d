import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** What npm runs by itself. */
const BY_ITSELF = /^(pre|post)|^install$/
const documents = ['README.md', 'CONTRIBUTING.md', 'docs/testing.md']

test('every command of package.json is in CONTRIBUTING.md and docs/testing.md', () => {
  const commands = Object.keys(scripts).filter((name) => !BY_ITSELF.test(name) && name !== 'start')
  for (const name of commands) {
    const command = name === 'test' ? 'npm test' : `npm run ${name}`
    for (const document of ['CONTRIBUTING.md', 'docs/testing.md']) {
      // Compiling by itself shows nothing.
      if (name === 'build' && document === 'docs/testing.md') continue
      assert.match(read(document), new RegExp(`${command}\\b`), `${document} lacks ${command}`)
    }
  }
})

test('every command that a document names is one of package.json', () => {
  for (const document of documents) {
    for (const [, name] of read(document).matchAll(/npm run ([a-z:-]+)/g)) {
      assert.ok(scripts[name!] !== undefined, `${document} names npm run ${name}`)
    }
  }
})

test('every command of datdot is in the README or in docs/operating.md', () => {
  const table = /const COMMANDS[^]*?\n}\n/.exec(read('src/cli/commands.ts'))![0]
  const commands = [...table.matchAll(/^ {2}'?([a-z-]+)'?: \{/gm)].map((match) => match[1]!)
  assert.ok(commands.length > 10)
  const text = read('README.md') + read('docs/operating.md')
  for (const name of commands) {
    assert.match(text, new RegExp('(datdot |`)' + name + '\\b'), `no document shows datdot ${name}`)
  }
})

test('CI runs every check', () => {
  const ci = read('.ci/run')
  for (const name of Object.keys(scripts).filter((name) => name.startsWith('check:'))) {
    assert.ok(ci.includes(`npm run ${name}`), `.ci/run lacks ${name}`)
  }
})

test('CHANGELOG.md has the version that package.json says, above all older ones', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const [newest] = [...read('CHANGELOG.md').matchAll(/^## (\d+\.\d+\.\d+)/gm)].map((match) => match[1])
  assert.equal(newest, version)
})
