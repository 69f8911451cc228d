import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { MAIN, leftRunning, runProgram, startProgram, until, type Program } from '../cli/program.js'
import { said } from '../daemon/programs.js'
import { temporaryFolder } from '../helpers/folder.js'

/** Processes that a program has started, by their parent. */
function childrenOf({ child }: Program): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return rows.flatMap(([pid, parent]) => (parent === child.pid ? [pid!] : []))
}

interface Start {
  root: string
  source: string
  data: string
  up: (...args: string[]) => Program
}

function place(t: TestContext): Start {
  const root = temporaryFolder(t)
  const [source, data] = [join(root, 'source'), join(root, 'data')]
  mkdirSync(source)
  writeFileSync(join(source, 'file'), randomBytes(300_000))
  symlinkSync('file', join(source, 'link'))
  const up = (...args: string[]): Program => startProgram(t, ['up', '--data', data, '--once', ...args])
  return { root, source, data, up }
}

test('a stranger joins the network of datdot up as it says; a network that came to its end goes on, where it was, with what it kept', async (t) => {
  const { root, source, data, up } = place(t)
  const first = up(source, '--codec', 'wrap', '--epochs', '4')
  await until(first, () => /^join /m.test(first.stdout()))
  const join_ = /^join +datdot pinner --data DIR (.+)$/m.exec(first.stdout())![1]!.split(' ')
  assert.ok(childrenOf(first).length >= 2, 'chain and roles run in processes of their own')
  const stranger = startProgram(t, ['pinner', '--data', join(root, 'stranger'), ...join_, '--json'])
  await until(stranger, () => said(stranger, 'ready'))
  assert.equal(await first.ended, 0, first.stdout() + first.stderr())
  assert.equal(leftRunning(first.child), false)
  stranger.child.kill('SIGTERM')
  assert.equal(await stranger.ended, 0)

  const other = await runProgram(t, ['up', '--data', data, '--once', '--copies', '1'])
  assert.deepEqual([other.code, other.stdout], [2, ''])
  assert.match(other.stderr, /made with --copies 2, not 1.*\[CONFIG_CONFLICT\]/)
  const drive = /^drive +(\S+)$/m.exec(first.stdout())![1]!
  for (let times = 0; times < 2; times++) {
    const again = up()
    assert.equal(await again.ended, 0, again.stdout() + again.stderr())
    assert.match(again.stdout(), new RegExp(`^drive +${drive}$`, 'm'))
    assert.match(again.stdout(), /^consumer +1 files, 300000 bytes.*identical$/m)
    const read = join(data, 'consumer', 'files', 'file')
    assert.ok(readFileSync(read).equals(readFileSync(join(source, 'file'))))
    assert.equal(/--bootstrap (\S+)/.exec(again.stdout())![1], join_.at(-1))
  }
  const audit = spawnSync(process.execPath, [MAIN, 'audit', data], { encoding: 'utf8' })
  assert.equal(audit.status, 0, audit.stdout + audit.stderr)
})

test('a process of the network that is killed ends the run with one line, and the others with it', async (t) => {
  const { source, up } = place(t)
  const program = up(source)
  await until(program, () => /^join /m.test(program.stdout()))
  process.kill(childrenOf(program)[0]!, 'SIGKILL')
  assert.equal(await program.ended, 1)
  assert.match(program.stderr(), /ended with SIGKILL.*\[PART_ENDED\]\n$/)
  assert.equal(leftRunning(program.child), false)
})

test('what is left of a run that was killed ends by itself', async (t) => {
  const { source, up } = place(t)
  const program = up(source)
  await until(program, () => /^join /m.test(program.stdout()))
  program.child.kill('SIGKILL')
  await program.ended
  const began = performance.now()
  while (leftRunning(program.child) && performance.now() - began < 15_000)
    await new Promise((go) => setTimeout(go, 50))
  assert.equal(leftRunning(program.child), false)
})
