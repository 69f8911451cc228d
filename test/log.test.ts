import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DatdotError } from '../src/errors.js'
import { FileLog, createLogger, type Logger } from '../src/log.js'
import { opened } from '../src/lifecycle.js'
import { temporaryFolder } from './helpers/folder.js'
import { VirtualClock } from './helpers/virtual-clock.js'

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

function collected(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>)
  return { log: createLogger(write, () => AT), lines }
}

/** A log in a file that is open. */
function fileLog(path: string): Promise<FileLog> {
  return opened(new FileLog(path, new VirtualClock(AT)))
}

test('a line says when and what, with its facts as JSON can hold them', () => {
  const { log, lines } = collected()
  const error = new DatdotError('CLOSED', 'it is closed')
  log('role.failed', { amount: 5n, key: Buffer.from('ab', 'hex'), error, none: null })
  assert.deepEqual(lines, [
    {
      at: '2026-01-02T03:04:05.006Z',
      event: 'role.failed',
      amount: '5',
      key: 'ab',
      error: { name: error.name, message: 'it is closed', code: 'CLOSED' },
      none: null
    }
  ])
})

test('a bound logger adds its facts to every line, and a line may say otherwise', () => {
  const { log, lines } = collected()
  const bound = log.with({ role: 'pinner-1' }).with({ copy: 3 })
  bound('a')
  bound('b', { copy: 4 })
  assert.deepEqual(
    lines.map(({ event, role, copy }) => [event, role, copy]),
    [
      ['a', 'pinner-1', 3],
      ['b', 'pinner-1', 4]
    ]
  )
})

test('a file gets one line a call, also from the run before, and is its owner’s only', async (t) => {
  const path = join(temporaryFolder(t), 'log.ndjson')
  for (const event of ['first', 'second']) {
    const file = await fileLog(path)
    file.log(event)
    await file.close()
    file.log('after the end')
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { event: string }).event),
    ['first', 'second']
  )
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that cannot be written stops the log, not the program', async (t) => {
  const file = await fileLog(join(temporaryFolder(t), 'no', 'such', 'folder'))
  file.log('lost')
  await file.close()
  await file.close()
})

test('what a reader is too slow for is left out and counted', async (t) => {
  const path = join(temporaryFolder(t), 'log.fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const file = await fileLog(path)
  const { log } = file
  const text = 'x'.repeat(1000)
  const LINES = 3000
  for (let n = 0; n < LINES; n++) log('line', { n, text })
  const reader = createReadStream(path, 'utf8')
  let read = ''
  for await (const part of reader as AsyncIterable<string>) {
    read += part
    // The last line is out once the one on what was left out follows it.
    if (read.includes('"log.left-out"')) {
      log('last')
      await file.close()
    }
  }
  const lines = read
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; n?: number; lines?: number })
  const kept = lines.filter(({ event }) => event === 'line')
  const leftOut = lines.filter(({ event }) => event === 'log.left-out')
  assert.deepEqual(
    kept.map(({ n }) => n),
    kept.map((_, n) => n),
    'the first lines are kept, in their order'
  )
  assert.ok(kept.length > 900 && kept.length < 1500, `${kept.length} lines waited`)
  assert.equal(leftOut[0]!.lines, LINES - kept.length)
  assert.equal(lines.at(-1)!.event, 'last')
})

test('what was left out is counted also when the log is closed before its reader has caught up', async (t) => {
  const path = join(temporaryFolder(t), 'log.fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const file = await fileLog(path)
  const { log } = file
  const LINES = 3000
  for (let n = 0; n < LINES; n++) log('line', { n, text: 'x'.repeat(1000) })
  const closing = file.close()
  let read = ''
  for await (const part of createReadStream(path, 'utf8') as AsyncIterable<string>) read += part
  await closing
  const lines = read.trimEnd().split('\n')
  const last = JSON.parse(lines.at(-1)!) as { event: string; lines: number }
  assert.equal(last.event, 'log.left-out')
  assert.equal(last.lines, LINES - (lines.length - 1))
})
