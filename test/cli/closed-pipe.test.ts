import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder } from '../helpers/folder.js'
import { MAIN } from './program.js'
import { closeAfter } from '../helpers/close-after.js'

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

test('a terminal that is closed ends the program like Ctrl-C, and does not crash it', async (t) => {
  const cwd = temporaryFolder(t)
  const role = `signer --data data --chain ${'ab'.repeat(32)} --bootstrap 127.0.0.1:1`
  // As shells do, this one hands on that the terminal is gone; and it says how the program ended.
  const program = `'${process.execPath}' '${MAIN}' ${role} & trap "kill -HUP $!" HUP; wait $!; wait $!`
  const shell = `${program}; echo $? > status.new; mv status.new status`
  const terminal = spawn('script', ['-qc', shell, '/dev/null'], { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  closeAfter(t, () => terminal.kill('SIGKILL'))
  let shown = ''
  for await (const part of terminal.stdout) {
    shown += String(part)
    if (/^signer [a-z0-9]{52}/m.test(shown)) break
  }
  terminal.kill('SIGKILL')
  const status = join(cwd, 'status')
  for (let left = 600; left > 0 && !existsSync(status); left--) await pause(100)
  assert.equal(readFileSync(status, 'utf8'), '0\n')
})
