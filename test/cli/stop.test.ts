import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/folder.js'
import { leftRunning, startProgram, until, type Program } from './program.js'

function startUp(t: TestContext): { root: string; program: Program } {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'source'))
  writeFileSync(join(root, 'source', 'file'), randomBytes(200_000))
  const args = ['up', 'source', '--data', 'data', '--codec', 'wrap', '--once', '--json']
  return { root, program: startProgram(t, args, { cwd: root }) }
}

/** A run that is stopped at a place says so in one line, ends with 130 and leaves nothing. */
async function stopsAt(t: TestContext, file: string, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const { root, program } = startUp(t)
  await until(program, () => existsSync(join(root, 'data', file)))
  program.child.kill(signal)
  assert.equal(await program.ended, 130, program.stderr())
  assert.equal(program.stderr(), 'datdot: stopped before the check was done\n')
  assert.equal(program.stdout(), '')
  assert.equal(leftRunning(program.child), false, 'a process was left running')
  assert.deepEqual(readdirSync(root), ['source'], 'the data folder was left behind')
}

test('Ctrl-C while the drive is published stops it', (t) => stopsAt(t, 'author', 'SIGINT'))

test('Ctrl-C while roles start stops it', (t) => stopsAt(t, 'signer-2', 'SIGINT'))

test('SIGTERM while copies are kept stops it', (t) => stopsAt(t, 'pinner-4/copies', 'SIGTERM'))

test('Ctrl-C while the consumer reads stops it, the child process too', (t) =>
  stopsAt(t, 'consumer', 'SIGINT'))
