import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { liveProgress, quietProgress, type Progress } from '../../src/cli/progress.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { closeAfter } from '../helpers/close-after.js'

/** A terminal of so many columns; `text` is all that was written to it. */
function terminal(
  t: TestContext,
  columns = 80
): { progress: Progress; text: () => string; clock: VirtualClock } {
  const stream = Object.assign(new PassThrough(), { columns })
  const written: string[] = []
  stream.on('data', (part: Buffer) => written.push(part.toString()))
  const clock = new VirtualClock()
  const progress = liveProgress(stream, clock)
  closeAfter(t, () => progress.end(true))
  return { progress, text: () => written.join(''), clock }
}

/** What is left on the screen of lines that were cleared and written again. */
function screen(text: string): string[] {
  return text.split('\n').map((line) => line.slice(line.lastIndexOf('\x1b[2K') + '\x1b[2K'.length))
}

test('each finished step leaves a line with its last detail and the time it took', async (t) => {
  const { progress, text, clock } = terminal(t)
  progress.step('Publishing')
  progress.detail('5 of 5 MB')
  await clock.advance(1_500)
  progress.step('Comparing')
  await clock.advance(500)
  progress.end(true)
  assert.deepEqual(screen(text()), ['✓ Publishing: 5 of 5 MB (1.5 s)', '✓ Comparing (0.5 s)', ''])
})

test('the last step of work that failed is marked so', (t) => {
  const { progress, text } = terminal(t)
  progress.step('Publishing')
  progress.end(false)
  assert.deepEqual(screen(text()), ['✗ Publishing (0.0 s)', ''])
})

test('a note stays, and the step goes on below it', (t) => {
  const { progress, text } = terminal(t)
  progress.step('Publishing')
  progress.note('warning: a socket is left out')
  assert.deepEqual(screen(text()), ['warning: a socket is left out', '⠙ Publishing'])
})

test('a step shows how far it is without being told again, and stops when it ends', async (t) => {
  const { progress, text, clock } = terminal(t)
  progress.step('Publishing')
  progress.detail('1 of 5 MB')
  await clock.advance(100)
  assert.deepEqual(screen(text()), ['⠙ Publishing: 1 of 5 MB'])
  progress.end(true)
  const ended = text()
  await clock.advance(1_000)
  assert.equal(text(), ended)
})

test('a line that is longer than the terminal is cut', (t) => {
  const { progress, text } = terminal(t, 12)
  progress.step('Publishing much')
  assert.deepEqual(screen(text()), ['⠋ Publishi…'])
})

test('a stranger’s name cannot move the cursor', (t) => {
  const { progress, text } = terminal(t)
  progress.note('\x1b[2Jgone\r')
  assert.deepEqual(screen(text()), ['\\u001b[2Jgone\\u000d', ''])
})

test('where nobody watches, notes are all that is written', () => {
  const stream = new PassThrough()
  const progress = quietProgress(stream)
  progress.step('Publishing')
  progress.detail('1 of 5 MB')
  progress.note('warning: a socket is left out')
  progress.end(true)
  assert.equal(String(stream.read()), 'warning: a socket is left out\n')
})
