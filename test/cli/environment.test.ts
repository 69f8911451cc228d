import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/folder.js'
import { MAIN, callProgram } from './program.js'

const { resolve } = createRequire(import.meta.url)
const KEY = 'ab'.repeat(32)

interface Machine {
  /** A module that is loaded before the program. */
  hook?: string
  tmp?: string
  cwd?: string
  /** A command of the shell in whose place the program comes. */
  shell?: string
}

interface Said {
  status: number | null
  stdout: string
  stderr: string
}

/** The real program on a machine that is not as it should be. */
function run(args: string[], { hook, tmp, cwd, shell = '' }: Machine): Said {
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env.npm_lifecycle_event
  if (tmp !== undefined) env.TMPDIR = tmp
  if (hook !== undefined) env.NODE_OPTIONS = `--require ${JSON.stringify(hook)}`
  const program = ['-c', `${shell} exec "$0" "$@"`, process.execPath, MAIN, ...args]
  const { status, stdout, stderr } = spawnSync('sh', program, { cwd, env, encoding: 'utf8', timeout: 60_000 })
  return { status, stdout, stderr }
}

/** Exit code 2, and one line with this code. */
function refuses({ status, stderr }: Said, code: string, says: RegExp): void {
  assert.match(stderr, /^datdot: [^\n]+\n$/)
  assert.ok(stderr.endsWith(` [${code}]\n`), stderr)
  assert.match(stderr, says)
  assert.equal(status, 2)
}

/** Real commands, and what each is asked for here. */
const COMMANDS: Record<string, string[]> = {
  help: ['--help'],
  'help of up': ['up', '--help'],
  up: ['up', '/dev/null', '--once'],
  pinner: ['pinner', '--data', 'data', '--chain', KEY, '--bootstrap', '127.0.0.1:1'],
  audit: ['audit', KEY, '--bootstrap', '127.0.0.1:1', '--timeout', '1'],
  'verify-draw': ['verify-draw', '1', '--ledger', KEY]
}

/**
 * What Node throws for a part that was built for another version of it; `file` is the end of the part's path. The
 * original is not loaded at all.
 */
function brokenPart(t: TestContext, file: string): string {
  const hook = join(temporaryFolder(t), 'hook.cjs')
  writeFileSync(
    hook,
    `const Module = require('node:module')
     const load = Module._extensions['.node']
     Module._extensions['.node'] = (module, filename) => {
       if (!filename.includes(${JSON.stringify(file)})) return load(module, filename)
       throw Object.assign(
         new Error("The module '" + filename + "'\\nwas compiled against a different Node.js version using\\n" +
           'NODE_MODULE_VERSION 93. This version of Node.js requires\\nNODE_MODULE_VERSION 115.'),
         { code: 'ERR_DLOPEN_FAILED' })
     }`
  )
  return hook
}

for (const [part, file, commands] of [
  // All parts are looked at in one place, before any command: one part is tried with each of them.
  ['better-sqlite3', 'better_sqlite3.node', Object.values(COMMANDS)],
  ['sodium-native', 'sodium-native', [COMMANDS.help!]],
  ['rocksdb-native', 'rocksdb-native', [COMMANDS.up!]],
  ['udx-native', 'udx-native', [COMMANDS.pinner!]],
  ['fs-native-extensions', 'fs-native-extensions', [COMMANDS.audit!]]
] as const) {
  test(`${part} of another Node version is named in one line with its remedy, whatever the command`, (t) => {
    const hook = brokenPart(t, file)
    const cwd = temporaryFolder(t)
    for (const args of commands) {
      const said = run(args, { hook, cwd })
      refuses(said, 'NATIVE_NOT_LOADED', new RegExp(`native part of ${part} .*npm rebuild`))
    }
    assert.deepEqual(readdirSync(cwd), [], 'nothing was begun')
  })
}

test('a native part that is not there at all is named with its remedy', (t) => {
  const hook = join(temporaryFolder(t), 'hook.cjs')
  const missing = JSON.stringify(resolve('better-sqlite3').replace(/lib.*$/, ''))
  writeFileSync(
    hook,
    `const Module = require('node:module')
     const find = Module._resolveFilename
     Module._resolveFilename = function (request, ...rest) {
       if (!request.startsWith(${missing}) || !request.endsWith('.node')) return find.call(this, request, ...rest)
       throw Object.assign(new Error("Cannot find module '" + request + "'"), { code: 'MODULE_NOT_FOUND' })
     }`
  )
  refuses(run(['--help'], { hook }), 'NATIVE_NOT_LOADED', /native part of better-sqlite3 .*npm rebuild/)
})

test('the overview is shown although a native part does not load', (t) => {
  const { stdout } = run(['--help'], { hook: brokenPart(t, 'better_sqlite3.node') })
  assert.match(stdout, /^Usage: datdot COMMAND/)
})

for (const [name, args] of Object.entries(COMMANDS)) {
  test(`a working folder that is gone is said in one line: ${name}`, (t) => {
    const folder = join(temporaryFolder(t), 'gone')
    const shell = `mkdir ${folder} && cd ${folder} && rmdir ${folder} &&`
    refuses(run(args, { shell }), 'CWD_GONE', /working folder does not exist any more/)
  })
}

for (const [why, unusable, says] of [
  ['is missing', (folder: string) => join(folder, 'nowhere'), /there is no such folder; set TMPDIR/],
  ['is a file', (folder: string) => join(folder, 'file'), /there is no such folder; set TMPDIR/],
  // Not even root may write there.
  ['cannot be written', () => '/proc', /cannot be written: .*; set TMPDIR/]
] as const) {
  test(`a folder for temporary files that ${why} is said in one line, where it is needed and in the help`, async (t) => {
    const cwd = temporaryFolder(t)
    writeFileSync(join(cwd, 'file'), 'x')
    const tmp = unusable(cwd)
    refuses(run(['up', 'file', '--once'], { cwd, tmp }), 'TMPDIR_UNUSABLE', says)
    for (const args of [['--help'], ['up', '--help'], ['up', 'file', '--once'], COMMANDS.audit!]) {
      const { code, ...said } = await callProgram(t, args, { cwd, tmp })
      refuses({ status: code, ...said }, 'TMPDIR_UNUSABLE', says)
    }
    assert.deepEqual(readdirSync(cwd), ['file'])
  })
}

test('what needs no folder for temporary files runs without one', (t) => {
  const cwd = temporaryFolder(t)
  const { status, stderr } = run(['audit', 'nothing'], { cwd, tmp: join(cwd, 'nowhere') })
  assert.match(stderr, /\[LEDGER_NOT_FOUND\]\n$/)
  assert.equal(status, 2)
  assert.equal(run(['--version'], { cwd, tmp: join(cwd, 'nowhere') }).status, 0)
})

test('an identity that others may read is said in one line', (t) => {
  const cwd = temporaryFolder(t)
  mkdirSync(join(cwd, 'data', 'pinner'), { recursive: true })
  writeFileSync(join(cwd, 'data', 'pinner', 'identity'), '00'.repeat(32), { mode: 0o644 })
  refuses(run(COMMANDS.pinner!, { cwd }), 'SECRET_EXPOSED', /identity can be read by others; run chmod 600/)
})

test('standard output on a full disk is no success and no crash', () => {
  const said = run(['--help'], { shell: 'exec >/dev/full;' })
  refuses(said, 'OUTPUT_FAILED', /standard output cannot be written: ENOSPC/)
})

test('standard error on a full disk leaves no trace but the exit code', () => {
  const { status, stdout } = run(['no-such-command'], { shell: 'exec 2>/dev/full;' })
  assert.equal(status, 2)
  assert.equal(stdout, '')
})

test('streams that are closed from the start keep nothing from running', () => {
  assert.equal(run(['--help'], { shell: 'exec >&- 2>&- <&-;' }).status, 0)
})
