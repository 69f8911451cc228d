import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Outcome } from '../../src/protocol/operations.js'
import { temporaryFolder } from '../helpers/folder.js'

interface Day {
  epoch: number
  entries: number
  state: string
  storage: Record<Outcome, number>
  retrieval: Record<Outcome, number>
  sum: string
}

const program = fileURLToPath(new URL('virtual-day.js', import.meta.url))

/** Lives through the day in a process of its own; returns what it said, and the files that it wrote. */
async function live(
  t: TestContext,
  ledger: 'here' | 'elsewhere'
): Promise<{ day: Day; log: Buffer; lines: string }> {
  const folder = temporaryFolder(t)
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder, ledger])
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  return { day: JSON.parse(stdout) as Day, log: read('log'), lines: read('lines').toString() }
}

/** Something happened on it, and nothing that should not. */
function busy({ epoch, entries, storage, retrieval, sum }: Day): void {
  assert.ok(epoch >= 23)
  assert.ok(entries > 1_440)
  assert.ok(storage.success >= 30, JSON.stringify(storage))
  assert.ok(storage.offline >= 1, JSON.stringify(storage))
  assert.deepEqual([storage.lie, storage.failure, storage.unknown], [0, 0, 0])
  assert.ok(retrieval.success >= 20, JSON.stringify(retrieval))
  assert.equal(sum, '0')
}

for (const ledger of ['here', 'elsewhere'] as const) {
  test(`a day of a network with its ledger ${ledger} comes out the same twice, byte for byte`, async (t) => {
    const [one, other] = await Promise.all([live(t, ledger), live(t, ledger)])
    assert.equal(other.lines, one.lines)
    assert.ok(one.log.equals(other.log))
    assert.deepEqual(other.day, one.day)
    busy(one.day)
  })
}
