import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { callProgram, runProgram } from './program.js'

test('datdot --help lists every command, and each says what it takes', async (t) => {
  const overview = await runProgram(t, ['--help'])
  assert.equal(overview.code, 0)
  assert.equal(overview.stderr, '')
  const commands = [...overview.stdout.matchAll(/^ {2}(\S+) +\S/gm)].map(([, name]) => name!)
  const all =
    'up init chain node signer pinner verifier invite transfer balance audit verify-draw profile bench'
  for (const wanted of all.split(' ')) {
    assert.ok(commands.includes(wanted), `${wanted} is not listed`)
  }
  for (const name of commands) {
    const help = await callProgram(t, [name, '--help'])
    assert.equal(help.code, 0, name)
    assert.equal(help.stderr, '', name)
    assert.match(help.stdout, new RegExp(`^Usage: datdot ${name} `))
  }
})

test('the help of up names every option that it takes', async (t) => {
  const { stdout } = await callProgram(t, ['up', '--help'])
  for (const option of ['data', 'copies', 'codec', 'memory', 'epochs', 'bootstrap', 'once', 'json', 'help']) {
    assert.match(stdout, new RegExp(`--${option}\\b`))
  }
})

test('datdot without a command shows the overview', async (t) => {
  const [bare, asked] = await Promise.all([runProgram(t, []), runProgram(t, ['--help'])])
  assert.equal(bare.stdout, asked.stdout)
  assert.equal(bare.code, 0)
})

test('datdot --version is that of the package', async (t) => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal((await runProgram(t, ['--version'])).stdout, manifest.version + '\n')
})
