import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { MAIN } from './program.js'

for (const [pipe, args, exitCode] of [
  ['stdout', ['--help'], 0],
  ['stderr', ['no-such-command'], 2]
] as const) {
  test(`a reader that has closed ${pipe} leaves the exit code as it is`, async () => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    // Before the program has begun, so that all it writes comes too late.
    child[pipe].destroy()
    const other = pipe === 'stdout' ? child.stderr : child.stdout
    let written = ''
    other.setEncoding('utf8').on('data', (part: string) => (written += part))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(written, '')
    assert.equal(code, exitCode)
  })
}
