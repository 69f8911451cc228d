/**
 * Runs `datdot up --once --json` on the inputs that the main job must hold for, and prints a line for each.
 *
 *   npm run check:up [-- WORD…]     all cases, or those whose names contain a word
 *   npm run check:up -- --short     the same with a tenth of the bytes and files, and without the project itself
 *
 * Exits 0 if all held, 1 otherwise. The long form takes some minutes and a few gigabytes below the temporary folder.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))

interface Case {
  name: string
  /** Writes the input into a new folder; returns the PATH, or null for the project itself. */
  make: (folder: string) => Promise<string | null>
  /** What the consumer must have read, where that is known. */
  files?: number
  bytes?: number
}

const SHORT = process.argv.includes('--short')
const SINGLE_BYTES = SHORT ? 30_000_000 : 300_000_000
const SMALL_FILES = SHORT ? 300 : 3_000
const NAMES = [
  'with spaces.bin',
  ' leading and trailing ',
  'naïve façade.txt',
  'Übergröße/größer als groß.txt',
  '数据/点点.bin',
  'emoji 😀/👩‍🚀.txt',
  'quotes \' and " and $HOME `x`',
  '-rf',
  'percent %2F #hash ?query'
]

const CASES: Case[] = [
  ...(SHORT ? [] : [{ name: 'the project itself', make: () => Promise.resolve(null) }]),
  {
    name: `a single file of ${SINGLE_BYTES / 1e6} MB`,
    files: 1,
    bytes: SINGLE_BYTES,
    make: async (folder) => {
      const path = join(folder, 'single.bin')
      const file = await open(path, 'wx')
      for (let left = SINGLE_BYTES; left > 0; left -= 1e6) await file.write(randomBytes(Math.min(left, 1e6)))
      await file.close()
      return path
    }
  },
  {
    name: `a folder with ${SMALL_FILES.toLocaleString('en')} small files`,
    files: SMALL_FILES,
    make: (folder) => {
      for (let i = 0; i < SMALL_FILES; i++) {
        const below = join(folder, `folder-${i % 50}`)
        mkdirSync(below, { recursive: true })
        writeFileSync(join(below, `file-${i}`), randomBytes(1 + (i % 4096)))
      }
      return Promise.resolve(folder)
    }
  },
  {
    name: 'names with spaces and other alphabets, an empty file, links',
    files: NAMES.length + 1,
    bytes: NAMES.length * 10_000,
    make: (folder) => {
      for (const name of NAMES) {
        mkdirSync(dirname(join(folder, name)), { recursive: true })
        writeFileSync(join(folder, name), randomBytes(10_000))
      }
      writeFileSync(join(folder, 'empty'), '')
      symlinkSync('with spaces.bin', join(folder, 'a link'))
      return Promise.resolve(folder)
    }
  }
]

CASES.push({
  name: 'only links and empty files',
  files: 1,
  bytes: 0,
  make: (folder) => {
    writeFileSync(join(folder, 'empty'), '')
    symlinkSync('empty', join(folder, 'a link'))
    symlinkSync('\ufeffnowhere', join(folder, '\ufeffa link'))
    return Promise.resolve(folder)
  }
})

interface Result {
  ok: boolean
  consumer: { files: number; bytes: number; identical: boolean; mbPerSecond: number }
}

/** Of the case that is running: what goes with it. */
let root: string | undefined
let child: ChildProcess | undefined
let interrupted = false

/** Ends the program, its own children too, and then removes all of its files: a process that still writes would leave some. */
async function stop(): Promise<void> {
  if (child?.pid !== undefined) {
    const ended = child.exitCode !== null || child.signalCode !== null
    const exit = ended ? undefined : once(child, 'exit')
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nothing of it runs any more.
    }
    await exit
  }
  if (root !== undefined) rmSync(root, { recursive: true, force: true, maxRetries: 5 })
}

async function check({ files, bytes, make }: Case): Promise<{ ok: boolean; line: string }> {
  child = undefined
  root = mkdtempSync(join(tmpdir(), 'datdot-check-'))
  try {
    const input = join(root, 'input')
    mkdirSync(input)
    const path = await make(input)
    const startedAt = performance.now()
    const args = ['up', '--once', '--json', '--data', join(root, 'data'), ...(path === null ? [] : [path])]
    const program = spawn(process.execPath, [MAIN, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    child = program
    let [stdout, stderr] = ['', '']
    program.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
    program.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    await once(program, 'close')
    const seconds = (performance.now() - startedAt) / 1000
    const last = stdout.trimEnd().split('\n').at(-1) ?? ''
    if (!last.startsWith('{')) return { ok: false, line: stderr.trim() || `exit code ${program.exitCode}` }
    const { ok, consumer } = JSON.parse(last) as Result
    const problems: string[] = []
    if (program.exitCode !== 0) problems.push(`exit code ${program.exitCode}`)
    if (!ok || !consumer.identical) problems.push(stderr.trim() || last)
    if (consumer.files === 0 || (consumer.bytes === 0 && bytes !== 0)) problems.push('nothing was read')
    if (files !== undefined && consumer.files !== files) problems.push(`${consumer.files} of ${files} files`)
    if (bytes !== undefined && consumer.bytes !== bytes) problems.push(`${consumer.bytes} of ${bytes} bytes`)
    const figures =
      `${seconds.toFixed(1)} s, ${consumer.files} files, ${(consumer.bytes / 1e6).toFixed(1)} MB, ` +
      `${(consumer.bytes / 1e6 / seconds).toFixed(2)} MB/s over all, ${consumer.mbPerSecond} MB/s read back`
    return { ok: problems.length === 0, line: [figures, ...problems].join('; ') }
  } finally {
    await stop()
  }
}

const words = process.argv.slice(2).filter((word) => word !== '--short')
const chosen = CASES.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
if (chosen.length === 0) {
  process.stderr.write(`No case is called like: ${words.join(' ')}\n`)
  process.exitCode = 1
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true
    void stop().finally(() => process.exit(130))
  })
}
for (const one of chosen) {
  const { ok, line } = await check(one)
  if (interrupted) break
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${one.name}: ${line}\n`)
  if (!ok) process.exitCode = 1
}
