import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atLevel, levelOf, logLevels, type LogLevel } from '../../src/daemon/log-level.js'
import { createLogger } from '../../src/log.js'

/** What a log of this level keeps of one line of each level. */
function kept(level: LogLevel): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const log = atLevel(
    createLogger(
      (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
      () => 0
    ),
    level
  ).with({ role: 'pinner' })
  for (const event of ['pinner.block-lost', 'pinner.evidence-failed', 'pinner.accepted', 'pinner.settled'])
    log(event, { draw: 1 })
  return lines
}

test('a log keeps what matters at least as much as its level, and says how much each line does', () => {
  for (const [n, level] of logLevels.entries()) {
    const lines = kept(level)
    assert.deepEqual(
      lines.map((line) => line.level),
      logLevels.slice(0, n + 1),
      level
    )
    for (const { role, draw } of lines) assert.deepEqual([role, draw], ['pinner', 1])
  }
})

test('what failed is a warning unless it is known to be worse, and what is not known matters', () => {
  assert.equal(levelOf('anything.new-failed'), 'warn')
  assert.equal(levelOf('chain.tick-failed'), 'error')
  assert.equal(levelOf('anything.new'), 'info')
})
